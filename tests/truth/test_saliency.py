"""Attributions whose right answer is known (methods.md, section 8: saliency)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.common.baselines import make_baseline
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import attribute, attribute_converged
from reportgen.errors import NetworkError
from tests.truth.bundled import bundled_clips, bundled_network

CLIP = torch.rand((1, 3, 4, 6, 6), generator=torch.Generator().manual_seed(0))


class Linear(nn.Module):
    """Two classes, each a weighted sum of all pixels, and a bias."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn((2, 3, 4, 6, 6), generator=generator))
        self.bias = nn.Parameter(torch.tensor([3.0, -2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("ncthw,kcthw->nk", x, self.weight) + self.bias


class TestLinearNetworks:
    weights = Linear().weight.detach()

    @pytest.mark.parametrize("index", [0, 1])
    def test_gradients_are_the_weights(self, index: int) -> None:
        for method in ("gradients", "smoothgrad"):
            found = attribute(Linear(), CLIP, index, method)
            torch.testing.assert_close(found.attribution[0], self.weights[index], rtol=1e-6, atol=1e-6)

    def test_input_x_gradient_is_weight_times_pixel(self) -> None:
        found = attribute(Linear(), CLIP, 1, "input_x_gradient")
        torch.testing.assert_close(found.attribution, self.weights[1] * CLIP)

    @pytest.mark.parametrize("baseline", ["black", "mean_frame", "blur"])
    def test_integrated_gradients_is_weight_times_difference_and_complete(self, baseline: str) -> None:
        found = attribute(Linear(), CLIP, 1, "integrated_gradients", baseline=baseline, steps=8)
        expected = self.weights[1] * (CLIP - make_baseline(baseline, CLIP))
        torch.testing.assert_close(found.attribution, expected, rtol=1e-4, atol=1e-5)
        assert found.completeness_error is not None
        assert found.completeness_error < 1e-4

    def test_occlusion_is_a_box_s_share(self) -> None:
        found = attribute(Linear(), CLIP, 0, "occlusion", baseline="black", window=(2, 3, 3))
        shares = (self.weights[0] * CLIP[0]).reshape(3, 2, 2, 2, 3, 2, 3).sum(dim=(0, 2, 4, 6)) / (3 * 2 * 3 * 3)
        expected = shares.repeat_interleave(2, 0).repeat_interleave(3, 1).repeat_interleave(3, 2)
        torch.testing.assert_close(found.attribution[0], expected.expand(3, 4, 6, 6), rtol=1e-4, atol=1e-5)


class TestCompleteness:
    @pytest.mark.parametrize(
        "baseline", ["blur", *(pytest.param(one, marks=pytest.mark.long) for one in ("mean_frame", "black"))]
    )
    def test_integrated_gradients_of_the_bundled_network_at_64_steps(self, baseline: str) -> None:
        clip, label = bundled_clips(1, motion="moving right")[0]
        clip = clip[:, :, 4:12, :48, :48]  # less than the native clip, for the test's time
        found = attribute(bundled_network(), clip, label, "integrated_gradients", steps=64, baseline=baseline)
        assert found.completeness_error is not None
        assert found.completeness_error <= 0.01

    def test_deeplift_is_complete_where_every_nonlinearity_has_its_rule(self) -> None:
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv3d(3, 5, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(5, 4, (1, 2, 2)),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(8, 3),
        )
        found = attribute(network, CLIP, 2, "deeplift", baseline="black")
        assert found.completeness_error is not None
        assert found.completeness_error < 1e-4


#: Two layers, a ReLU behind each, and two classes, on two pixels.
FIRST = torch.tensor([[1.0, -2.0], [3.0, 1.0], [-1.0, 1.0]])
SECOND = torch.tensor([[2.0, 1.0, -1.0], [-3.0, 1.0, 2.0]])
LAST = torch.tensor([[1.0, -1.0], [2.0, 1.0]])
PIXELS = torch.tensor([0.5, 0.2])

# Forward: first 0.1, 1.7, -0.3, so that its third unit is silent; second 1.9 and 1.4, both active.
# Back from class 0: (1, -1), of which (1, 0) passes the second ReLU; then (2, 1, -1), of which (2, 1, 0) passes the
# first; then 2 (1, -2) + 1 (3, 1).
# Back from class 1: (2, 1) passes whole; then (1, 3, 0); then 1 (1, -2) + 3 (3, 1).
BY_HAND = {0: (5.0, -3.0), 1: (10.0, 1.0)}
GRADIENT = {0: (5.0, -10.0), 1: (10.0, 1.0)}


class Written(nn.Module):
    """The network by hand, its two rectifications by `first` and `second`."""

    def __init__(self, first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.weights = nn.ParameterList([FIRST.clone(), SECOND.clone(), LAST.clone()])
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x.flatten(1) @ self.weights[0].T)
        logits: Tensor = self.second(hidden @ self.weights[1].T) @ self.weights[2].T
        return logits


def statement(x: Tensor) -> Tensor:
    """An in-place call whose result is not used."""
    x.relu_()
    return x


REUSED = nn.ReLU()
REUSED_IN_PLACE = nn.ReLU(inplace=True)

SPELLINGS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "modules": (nn.ReLU(), nn.ReLU()),
    "in place": (nn.ReLU(inplace=True), nn.ReLU(inplace=True)),
    "reused": (REUSED, REUSED),
    "reused in place": (REUSED_IN_PLACE, REUSED_IN_PLACE),
    "functional": (F.relu, lambda x: F.relu(x, inplace=True)),
    "torch": (torch.relu, torch.relu_),
    "methods": (Tensor.relu, Tensor.relu_),
    "statement": (statement, nn.ReLU()),
}


class TestGuidedBackprop:
    @pytest.mark.parametrize("index", [0, 1])
    def test_the_plain_gradient_is_another(self, index: int) -> None:
        found = attribute(Written(F.relu, F.relu), PIXELS.view(1, 1, 1, 1, 2), index, "gradients")
        assert found.attribution.flatten().tolist() == pytest.approx(GRADIENT[index], abs=1e-6)

    @pytest.mark.parametrize("spelling", SPELLINGS)
    @pytest.mark.parametrize("index", [0, 1])
    def test_equals_the_hand_computed_answer(self, spelling: str, index: int) -> None:
        network = Written(*SPELLINGS[spelling])
        found = attribute(network, PIXELS.view(1, 1, 1, 1, 2), index, "guided_backprop")
        assert found.attribution.flatten().tolist() == pytest.approx(BY_HAND[index], abs=1e-6)

    def test_a_tensor_that_others_read_too_is_rectified_on_one_way_only(self) -> None:
        """y = sum of relu(x) - 3 x: the skip's negative signal must not be clamped with the ReLU's."""

        class Skip(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                z = 2 * x.flatten(1)
                return (F.relu(z) - 3 * z).sum(dim=1, keepdim=True)

        found = attribute(Skip(), CLIP, 0, "guided_backprop")
        torch.testing.assert_close(found.attribution, torch.full_like(CLIP, -4.0))


def test_grad_cam_of_a_planted_map() -> None:
    """One convolution map marks a bright corner, the other the rest; the class reads the first with weight 2."""

    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 2, 1)
            self.relu = nn.ReLU(inplace=True)
            with torch.no_grad():
                self.conv.weight[0], self.conv.weight[1] = 1.0, -1.0
                self.conv.bias = nn.Parameter(torch.tensor([0.0, 3.0]))

        def forward(self, x: Tensor) -> Tensor:
            maps = self.relu(self.conv(x))
            weighted: Tensor = maps * torch.tensor([2.0, -1.0]).view(1, 2, 1, 1, 1)
            return weighted.mean(dim=(2, 3, 4)).sum(1, keepdim=True)

    clip = torch.zeros(1, 3, 4, 6, 6)
    clip[:, :, 2:, :3, :3] = 1.0
    found = attribute(Planted(), clip, 0, "grad_cam")
    count = 4 * 6 * 6
    expected = ((2 * 3.0 - 0.0) / count) * clip[:, 0]
    torch.testing.assert_close(found.heat, expected, rtol=1e-5, atol=1e-7)
    assert found.layers == ("relu",)
    on_convolution = attribute(Planted(), clip, 0, "grad_cam", layer="conv")
    first_weight = 2 * (18 / count) / count  # its gradient is 2 / count where the map is positive: 18 places
    torch.testing.assert_close(on_convolution.heat, 3 * first_weight * clip[:, 0], rtol=1e-5, atol=1e-7)


def test_integrated_gradients_take_as_many_steps_as_their_sum_needs() -> None:
    """A linear network needs no more than the first ones; an error that stays is followed to the limit."""

    class Steep(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            return torch.sigmoid(40 * (clips.flatten(1).mean(1, keepdim=True) - 0.3))

    linear = nn.Sequential(nn.Flatten(), nn.Linear(24, 1))
    clip = torch.full((1, 1, 2, 3, 4), 0.6)
    found, used = attribute_converged(linear, clip, 0, baseline="black", first=4, steps=64)
    assert used == 4
    assert found.completeness_error is not None
    assert found.completeness_error <= 0.01
    _, most = attribute_converged(Steep(), clip, 0, baseline="black", first=1, steps=4, tolerance=0.0)
    assert most == 4


def test_a_large_error_takes_the_steps_that_it_needs_at_once() -> None:
    """Four steps miss a hinge's way by 18 per cent; doubling would answer for 8, 16 and 32 steps before 64."""
    asked = []

    class Hinge(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            asked.append(len(clips))
            return F.relu(clips.flatten(1).mean(1, keepdim=True) - 0.3)

    clip = torch.ones((1, 1, 2, 3, 4))
    found, used = attribute_converged(Hinge(), clip, 0, baseline="black", first=4, steps=64, tolerance=0.001)
    assert found.completeness_error is not None
    assert used == 64 or found.completeness_error <= 0.001
    tries = [steps for steps in asked if steps > 2]  # two: whether clips may share a call
    assert tries[0] == 4
    assert tries[1] >= 32


class Own(nn.Module):
    """A convolution, a norm and a classifier, and the `way` from the clip to the norm's input."""

    def __init__(self, way: Callable[[Own, Tensor], Tensor], norm: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm, self.head = nn.Conv3d(3, 4, 3, padding=1), norm or nn.BatchNorm3d(4), nn.Linear(4, 3)
        self.way = way

    def forward(self, clip: Tensor) -> Tensor:
        scores: Tensor = self.head(self.norm(self.way(self, clip)).relu().mean((2, 3, 4)))
        return scores


def test_a_network_that_writes_into_its_clip_is_explained_as_it_answers() -> None:
    clip = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    before = clip.clone()
    network = Own(lambda own, clip: own.stem(clip.sub_(0.45).div_(0.2))).eval()
    same = Own(lambda own, clip: own.stem((clip - 0.45) / 0.2)).eval()
    for method in ("gradients", "integrated_gradients"):
        found, wanted = (attribute(one, clip, 1, method) for one in (network, same))
        torch.testing.assert_close(found.attribution, wanted.attribution)
    assert class_pyramid(network, clip, 1).logit == pytest.approx(same(clip)[0, 1].item(), abs=1e-5)
    assert torch.equal(clip, before)


def test_passes_that_share_a_call_do_not_share_the_statistics_of_a_norm() -> None:
    clip = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    network = Own(lambda own, clip: own.stem(clip), nn.BatchNorm3d(4, track_running_stats=False)).eval()
    alone = attribute(network, clip, 1, "integrated_gradients", steps=8, batch_size=1)
    together = attribute(network, clip, 1, "integrated_gradients", steps=8)
    torch.testing.assert_close(together.attribution, alone.attribution)
    clips = torch.cat([clip, clip.flip(2) ** 2])
    each = torch.cat([kernel_responses(network, one[None], ["head"])["head"] for one in clips])
    torch.testing.assert_close(kernel_responses(network, clips, ["head"])["head"], each)


def test_values_that_are_overwritten_before_their_gradient_is_made_are_told_of() -> None:
    def way(own: Own, clip: Tensor) -> Tensor:
        maps: Tensor = own.stem(clip).sigmoid()
        maps[:, :2].mul_(0.5)
        return maps

    with pytest.raises(NetworkError, match="overwrites values in place that its own gradient needs"):
        attribute(Own(way).eval(), torch.rand(1, 3, 4, 8, 8), 1, "gradients")


def test_a_comparison_is_no_response_of_a_kernel() -> None:
    gate = nn.Conv3d(3, 4, 1)

    def way(own: Own, clip: Tensor) -> Tensor:
        on = own.gate(clip) > 0
        return own.stem(clip) * on * torch.where(on, 1.0, 0.5)

    network = Own(way).eval()
    network.gate = gate
    clip = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    pyramid = class_pyramid(network, clip, 1)
    assert pyramid.logit == pytest.approx(network(clip)[0, 1].item(), abs=1e-5)


@dataclass
class Answer:
    """What some libraries return: the first tensor with channels is what is explained."""

    loss: Tensor | None
    logits: Tensor


def test_scores_in_the_fields_of_a_dataclass_are_found() -> None:
    class Told(Linear):
        def forward(self, x: Tensor) -> Tensor:
            return (Answer(None, super().forward(x)),)  # type: ignore[return-value]

    found = attribute(Told(), CLIP, 1, "gradients")
    torch.testing.assert_close(found.attribution[0], Linear().weight.detach()[1])


@dataclass
class Keyed(dict[str, Any]):
    """A dictionary of another class, which torch does not open: as libraries return whose answers have both forms."""

    name: str


def test_scores_in_a_dictionary_that_is_a_dataclass_are_found() -> None:
    class Told(Linear):
        def forward(self, x: Tensor) -> Tensor:
            answer = Keyed("of a library")
            answer["logits"] = super().forward(x)
            return answer  # type: ignore[return-value]

    found = attribute(Told(), CLIP, 1, "gradients")
    torch.testing.assert_close(found.attribution[0], Linear().weight.detach()[1])


def test_a_dictionary_without_scores_is_said_to_have_none() -> None:
    class Told(Linear):
        def forward(self, x: Tensor) -> Tensor:
            return Keyed("of a library")  # type: ignore[return-value]

    with pytest.raises(NetworkError, match="returns no tensor"):
        attribute(Told(), CLIP, 1, "gradients")
