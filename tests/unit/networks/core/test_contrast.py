"""A contrast is a network with one class: the difference of two of its own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.saliency.attribution import METHODS, attribute
from reportgen.clips import Clip
from reportgen.config.options import BuildOptions
from reportgen.errors import NetworkError, OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import contrast
from reportgen.records.targets import Target
from reportgen.runner.targets import select_targets
from tests.options import options_of

CLIP = torch.rand((2, 3, 4, 8, 8), generator=torch.Generator().manual_seed(0))
LABELS = ("walk", "run", "jump")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv3d(3, 6, 3, padding=1)
        self.classifier = nn.Linear(6, 3)

    def forward(self, clips: Tensor) -> Tensor:
        return self.classifier(torch.relu(self.conv(clips)).mean((2, 3, 4)))


def small() -> Network:
    return Network(Small().eval().requires_grad_(False), labels=LABELS)


def test_its_logit_is_the_difference_of_two() -> None:
    network = small()
    with torch.no_grad():
        logits = network.logits(CLIP)
        torch.testing.assert_close(contrast(network, 2, 0).logits(CLIP), (logits[:, 2] - logits[:, 0])[:, None])


@pytest.mark.parametrize("method", ["gradients", "input_x_gradient", "smoothgrad", "integrated_gradients", "occlusion"])
def test_what_is_linear_in_the_logit_is_the_difference_of_two_maps(method: str) -> None:
    network = small()
    options = {"steps": 8, "samples": 2}
    one, other = (
        attribute(network, CLIP[:1], index, method, **options_of(method, **options)).attribution for index in (1, 2)
    )  # type: ignore[arg-type]
    found = attribute(contrast(network, 1, 2), CLIP[:1], 0, method, **options_of(method, **options))  # type: ignore[arg-type]
    torch.testing.assert_close(found.attribution, one - other, rtol=1e-4, atol=1e-6)


def test_every_method_answers() -> None:
    for method in METHODS:
        found = attribute(contrast(small(), 1, 2), CLIP[:1], 0, method, **options_of(method, steps=4, samples=2))
        assert found.attribution.shape == CLIP[:1].shape


def test_the_other_way_round_is_the_negative() -> None:
    there, back = (attribute(contrast(small(), a, b), CLIP[:1], 0, "gradients") for a, b in ((0, 1), (1, 0)))
    torch.testing.assert_close(there.attribution, -back.attribution)


def test_two_classes_that_there_are() -> None:
    with pytest.raises(NetworkError, match="two classes"):
        contrast(small(), 1, 1)
    with pytest.raises(UnknownNameError, match="0 to 2"):
        contrast(small(), 1, 7).logits(CLIP)


def test_pairs_are_given_by_name_or_number() -> None:
    network = small()

    def contrasts(*pairs: tuple[str, str]) -> list[Target]:
        clip = Clip("clip", CLIP[:1].numpy())
        with torch.no_grad():
            logits = {"clip": network.logits(CLIP[:1])[0]}
        found = select_targets(network, [clip], logits, BuildOptions(contrasts=pairs))["clip"]
        return [target for target in found if target.kind == "contrast"]

    assert contrasts(("run", "0"), ("1", "walk"), ("JUMP", "run")) == [Target.of(1, 0), Target.of(2, 1)]
    with pytest.raises(UnknownNameError):
        contrasts(("run", "fly"))
    with pytest.raises(OptionError, match="the same"):
        contrasts(("run", "1"))
