"""Growing on networks that are awkward: too deep for small sizes, of one size, in time; and values that are wrong."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_over_scales
from reportgen.analyses.common import quickened as quickening
from reportgen.analyses.common.quickened import quickened
from reportgen.analyses.multiscale import growing
from reportgen.analyses.multiscale.canvas import box_blurred, enlarged
from reportgen.analyses.multiscale.growing import Grower
from reportgen.analyses.multiscale.maximize import MultiscaleMaximization
from reportgen.analyses.multiscale.options import GrowthOptions
from reportgen.errors import NetworkError, OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.speed.library import can_freeze
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.objective import Objective


def still_network(module: nn.Module, side: int = 24, channel_order: str = "RGB") -> Network:
    spec = ClipSpec(frames=1, height=side, width=side, mean=(0.5,) * 3, std=(0.25,) * 3, channel_order=channel_order)
    return Network(
        module.eval().requires_grad_(False),
        ModelCard(name="small", title="Small", clip=spec, adapter=Adapter(input="frame")),
    )


class FixedSize(nn.Module):
    """Convolutions before a classifier that takes clips of 24 px alone."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
        self.classifier = nn.Linear(5 * 20 * 20, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def test_a_classifier_of_one_size_is_never_reached() -> None:
    found = maximize_over_scales(still_network(FixedSize()), "features.2", [0, 4], start=10, sizes=6, steps=2)
    assert [shape[1] for shape in found.pictures[0].shapes] == [10, 12, 14, 16, 19, 22]
    assert found.native_clips.shape == (2, 3, 1, 24, 24), "enlarged to the network's own size"
    assert {one.measured_on for one in found.pictures} == {"enlarged"}
    assert not found.notes


def test_a_layer_that_small_sizes_do_not_reach_begins_at_the_least_that_does() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 7), nn.MaxPool2d(2), nn.Conv2d(4, 4, 5))
    found = maximize_over_scales(still_network(module), "2", [1], start=11, sizes=6, steps=1)
    assert [shape[1] for shape in found.pictures[0].shapes] == [16, 18, 21, 25]
    assert found.notes == ("Begins at 16 px, not at 11: the layer cannot be reached on less.",)


def test_a_kernel_that_there_is_not_is_told_with_how_many_there_are() -> None:
    with pytest.raises(UnknownNameError, match="no kernel 5: choose from 0 to 4"):
        maximize_over_scales(still_network(FixedSize()), "features.2", [5])


@pytest.mark.parametrize("wrong", [{"blur": 4}, {"growth": 1.0}, {"sizes": 65}, {"steps": 0}])
def test_values_that_make_no_growth_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        maximize_over_scales(still_network(FixedSize()), "features.2", [0], **wrong)


def test_a_network_that_takes_nothing_of_the_kind_is_an_error() -> None:
    class Refuses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(3, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("no input is good enough")

    with pytest.raises(NetworkError):
        maximize_over_scales(still_network(Refuses()), "layer", [0])


def test_colours_come_to_the_network_in_its_own_order() -> None:
    layer = nn.Conv2d(3, 1, 1, bias=False)
    layer.weight.data = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)  # of BGR: blue, and not red
    found = maximize_over_scales(still_network(nn.Sequential(layer), channel_order="BGR"), "0", [0], start=8, sizes=2)
    red, _, blue = found.clips[0].flatten(1).mean(1)
    assert float(red) < 0.01
    assert float(blue) > 0.99


def test_what_is_cut_to_the_centre_units_field_is_what_the_whole_gives() -> None:
    torch.manual_seed(0)
    network = still_network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)).double(), side=20)
    options = GrowthOptions(objective="neuron", start=20, sizes=1, steps=5, weight_decay=0.0)
    grower = Grower(network, "2", [0], options)
    whole = Grower(network, "2", [0], options)
    whole.field = None
    noise = torch.rand(1, 3, 1, 20, 20, dtype=torch.float64)
    cut, curve = grower.climb(noise, [0], (1, 20, 20))
    full, other = whole.climb(noise, [0], (1, 20, 20))
    assert torch.allclose(cut, full, atol=1e-12)
    assert torch.allclose(curve, other)
    assert bool((cut != noise).any())


def test_a_clip_is_enlarged_in_time_as_well_and_keeps_what_does_not_change() -> None:
    flat = torch.full((2, 3, 4, 8, 8), 0.3)
    assert torch.allclose(enlarged(flat, (5, 10, 10), 3), torch.full((2, 3, 5, 10, 10), 0.3))
    ramp = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(1, 1, 4, 6, 6)
    times = enlarged(ramp, (8, 6, 6))[0, 0, :, 0, 0]
    assert torch.all(times.diff() >= 0)
    assert times[-1] == 3.0


def test_a_box_blur_is_the_mean_of_the_box_in_each_frame() -> None:
    clips = torch.rand(1, 2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    blurred = box_blurred(clips, 5)
    assert torch.allclose(blurred[0, 1, 2, 4, 4], clips[0, 1, 2, 2:7, 2:7].mean())


def mixed_growth() -> MultiscaleMaximization:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 4, 3))
    return maximize_over_scales(still_network(module), "2", [0, 3], start=12, sizes=4, steps=8, precision="mixed")


def test_steps_in_bfloat16_end_where_those_in_float32_do(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = mixed_growth()
    monkeypatch.setattr("reportgen.networks.speed.precision.bfloat16_fault", lambda _call: "it may not be used")
    exact = mixed_growth()
    assert mixed.activations.tolist() == pytest.approx(exact.activations.tolist(), rel=0.02)
    assert not torch.equal(mixed.clips, exact.clips), "the steps were rounded"
    assert mixed.clips.dtype == torch.float32
    assert mixed.notes == ()
    assert exact.notes == ("Grown in float32, not in bfloat16, from 12 px on: it may not be used.",)


def in_time() -> nn.Sequential:
    torch.manual_seed(3)
    layers: list[nn.Module] = [nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2)), nn.BatchNorm3d(8), nn.ReLU()]
    layers += [nn.Conv3d(8, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.Conv3d(8, 6, (1, 3, 3))]
    return nn.Sequential(*layers).eval().requires_grad_(False)


@pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")
@pytest.mark.parametrize("objective", ["firing", "neuron"])
def test_steps_that_ask_a_quick_copy_grow_what_the_network_itself_does(
    monkeypatch: pytest.MonkeyPatch, objective: Objective
) -> None:
    def grown() -> MultiscaleMaximization:
        return maximize_over_scales(
            in_time(),
            "6",
            [1, 5],
            clip_shape=(4, 24, 24),
            start=16,
            sizes=3,
            steps=6,
            precision="float32",
            objective=objective,
        )

    own = grown()
    monkeypatch.setattr(growing, "LEAST_WORK", 0.0)
    asked = []
    monkeypatch.setattr(growing, "quickened", lambda *given, **named: asked.append(given) or quickened(*given, **named))
    quick = grown()
    assert len(asked) == 1
    torch.testing.assert_close(quick.activations, own.activations, rtol=0.01, atol=0)
    torch.testing.assert_close(quick.clips, own.clips, rtol=0, atol=0.02)


@pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")
def test_steps_are_taken_in_float32_where_the_quick_copy_differs_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "LEAST_WORK", 0.0)
    monkeypatch.setattr(quickening, "likeness_reduced", lambda *_: 0.5)
    found = maximize_over_scales(
        in_time(), "6", [1], clip_shape=(4, 24, 24), start=16, sizes=2, steps=1, precision="mixed"
    )
    assert found.notes[-1] == (
        "Grown in float32, not in bfloat16: its gradient has a cosine of 0.50 with that in float32."
    )
