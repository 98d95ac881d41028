"""What is compared: each picture once, the reference without the concept's own clips, responses as everywhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen import concept_tests
from reportgen.analyses.common.responses import Meter, kernel_responses
from reportgen.analyses.concepts.compare import against_reference
from reportgen.analyses.concepts.passes import ClipResponses
from reportgen.clips import Clip
from reportgen.errors import ClipError, NetworkError
from reportgen.networks.core.network import as_network


class Small(nn.Module):
    """Two layers, of whose kernels one responds alike to every clip, and a layer that no clip reaches."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first, self.second, self.unused = nn.Conv3d(3, 6, 3), nn.Conv3d(6, 4, 2), nn.Conv3d(3, 2, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 4)
            self.first.weight[2] = 0.0

    def forward(self, clips: Tensor) -> Tensor:
        return self.second(self.first(clips).relu()).mean((2, 3, 4))


@pytest.fixture(scope="module")
def network() -> Small:
    return Small().eval()


def clips(count: int, seed: int) -> Tensor:
    return torch.rand(count, 3, 4, 6, 6, generator=torch.Generator().manual_seed(seed))


def test_responses_are_those_of_every_other_method(network: Small) -> None:
    concept, reference = clips(7, 1), clips(9, 2)
    found = concept_tests(network, {"one": concept}, reference)["one"]
    assert list(found.layers) == ["first", "second"]  # what no clip reaches has nothing to test
    for layer, tests in found.layers.items():
        own = kernel_responses(network, concept, [layer])[layer].double().numpy()
        others = kernel_responses(network, reference, [layer])[layer].double().numpy()
        assert tests.mean == pytest.approx(own.mean(0), rel=1e-6)
        told = np.isfinite(tests.score)
        own, others = own[:, told], others[:, told]
        assert tests.score[told] == pytest.approx((own.mean(0) - others.mean(0)) / others.std(0), rel=1e-5, abs=1e-6)
        ahead = np.sign(own[:, None] - others[None]).mean((0, 1)) / 2 + 0.5
        assert tests.auroc[told] == pytest.approx(ahead)


def test_a_kernel_that_responds_alike_to_every_clip_is_not_tested_and_not_in_the_family(network: Small) -> None:
    found = concept_tests(network, {"one": clips(7, 1)}, clips(9, 2))["one"]
    first = found.layers["first"]
    assert math.isnan(first.p[2])
    assert math.isnan(first.q[2])
    assert math.isnan(first.score[2])
    assert found.tested == 9
    p = np.concatenate([tests.p for tests in found.layers.values()])
    q = np.concatenate([tests.q for tests in found.layers.values()])
    smallest = np.nanargmin(p)
    assert q[smallest] <= p[smallest] * 9


def test_a_clip_that_is_there_twice_counts_once_and_the_reference_goes_without_the_concept_s(network: Small) -> None:
    concept, reference = clips(6, 1), clips(8, 2)
    plain = concept_tests(network, {"one": concept}, reference)["one"]
    mixed = concept_tests(
        network, {"one": torch.cat([concept, concept[:2]])}, torch.cat([concept[3:5], reference, reference[:1]])
    )["one"]
    assert (len(mixed.clips), len(mixed.reference), mixed.shared) == (6, 8, 2)
    assert (plain.shared, mixed.labelled) == (0, 0)
    for layer, tests in plain.layers.items():
        np.testing.assert_allclose(mixed.layers[layer].p, tests.p)


def test_reference_clips_of_the_concept_s_label_are_left_out(network: Small) -> None:
    meter = Meter(as_network(network), ["first"], (4, 6, 6), 3, "firing")

    def measured(pixels: Tensor) -> ClipResponses:
        made = [Clip(f"c{number}", one[None].numpy()) for number, one in enumerate(pixels)]
        return ClipResponses(meter).run(made, len(made), "clips")

    with measured(clips(5, 1)) as own, measured(clips(9, 2)) as reference:
        found = against_reference(own, reference, alike={0, 8})
        assert (found.reference, found.labelled) == (tuple(range(1, 8)), 2)
        none = against_reference(own, reference, alike=set(range(9)))
        assert (none.reference, none.layers) == ((), {})


def test_few_clips_have_scores_and_no_p(network: Small) -> None:
    found = concept_tests(network, {"one": clips(1, 1)}, clips(9, 2))["one"]
    assert found.tested == 0
    assert np.isfinite(found.layers["second"].score).all()
    assert np.isnan(found.layers["second"].low).all()


def test_what_cannot_be_compared_is_refused(network: Small) -> None:
    with pytest.raises(ClipError, match=r"none: The clip of shape .* holds no values"):
        concept_tests(network, {"none": clips(1, 1)[:0]}, clips(9, 2))
    with pytest.raises(NetworkError, match="unused did not run"):
        concept_tests(network, {"one": clips(5, 1)}, clips(9, 2), layers=["unused"])
