"""Kernels whose use of motion is known: a temporal derivative relies on it wholly, a spatial kernel not at all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common.responses import Meter
from reportgen.analyses.motion.kernel_motion import JUDGED_CLIPS, VARIANTS, KernelMotion, probe_clip
from reportgen.networks.core.network import Network, as_network
from tests.truth.bundled import bundled_clips, bundled_network
from tests.truth.moving_textures import texture, translating

SPATIAL, DERIVATIVE, DARK = 0, 1, 2


def planted() -> Network:
    """A spatial Laplacian, a difference of neighbouring frames, and a kernel that nothing drives."""
    layer = nn.Conv3d(1, 3, 3, bias=True)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
        layer.weight[SPATIAL, 0, 1] = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])
        layer.weight[DERIVATIVE, 0, 0, 1, 1], layer.weight[DERIVATIVE, 0, 2, 1, 1] = -1.0, 1.0
        layer.bias[DARK] = -1.0
    return as_network(nn.Sequential(layer, nn.ReLU()))


def audited(network: Network, layers: list[str], clips: list[Tensor], draws: int = 2) -> KernelMotion:
    meter = Meter(network, layers, tuple(clips[0].shape[2:]), clips[0].shape[1], "firing")  # type: ignore[arg-type]
    found = KernelMotion(meter)
    for place, clip in enumerate(clips):
        found.add(f"clip{place}", probe_clip(meter, clip, draws=draws))
    return found


@pytest.fixture(scope="module")
def moving() -> list[Tensor]:
    """Textures that drift by 1.5 px/frame, dark ones among them: 1 1 T H W."""
    clips = [translating(texture(seed), (1.5, 0.5), frames=8, size=32).pixels for seed in range(6)]
    return [clip.float().mean(0, keepdim=True).unsqueeze(0) * (0.4 + 0.1 * place) for place, clip in enumerate(clips)]


def test_a_temporal_derivative_relies_on_motion_and_a_spatial_kernel_does_not(moving: list[Tensor]) -> None:
    layer = audited(planted(), ["0"], moving).layers["0"]
    assert float(layer.motion_reliance[DERIVATIVE]) == pytest.approx(1.0, abs=1e-6)
    assert float(layer.motion_reliance[SPATIAL]) == pytest.approx(0.0, abs=0.08), "its best frame is above the mean"
    assert float(layer.order_sensitivity[SPATIAL]) == pytest.approx(0.0, abs=0.05)
    kept = dict(zip(VARIANTS, layer.kept, strict=True))
    assert float(kept["reversed"][DERIVATIVE]) == pytest.approx(1.0, rel=0.05), "its rectified map is as large"
    assert float(kept["half_speed"][DERIVATIVE]) < 0.8 < 1.2 < float(kept["double_speed"][DERIVATIVE])
    assert torch.isnan(layer.motion_reliance[DARK]), "nothing drives it: nothing can be lost"
    assert layer.measured == 2


def test_a_clip_that_stands_still_loses_nothing() -> None:
    clips = [translating(texture(seed), (0.0, 0.0), frames=8, size=32).pixels for seed in (1, 2)]
    still = [clip.float().mean(0, keepdim=True).unsqueeze(0) for clip in clips]
    layer = audited(planted(), ["0"], still).layers["0"]
    assert float(layer.motion_reliance[SPATIAL]) == pytest.approx(0.0, abs=1e-6)
    assert torch.isnan(layer.motion_reliance[DERIVATIVE])


def test_only_the_clips_that_drive_a_kernel_are_kept(moving: list[Tensor]) -> None:
    found = audited(planted(), ["0"], moving)
    layer = found.layers["0"]
    whole = torch.stack([probe_clip(found.meter, clip, draws=2).responses["0"] for clip in moving])
    assert layer.responses.shape == (JUDGED_CLIPS, len(VARIANTS), 3)
    best = whole[:, 0].argsort(dim=0, descending=True, stable=True)[:JUDGED_CLIPS]
    assert torch.equal(layer.clips, best)
    chosen = whole[best[:, DERIVATIVE], :, DERIVATIVE].sum(0)
    assert torch.allclose(layer.kept[:, DERIVATIVE].float(), chosen / chosen[0])


def test_a_layer_s_share_is_of_all_its_responses_to_all_clips(moving: list[Tensor]) -> None:
    found = audited(planted(), ["0"], moving)
    whole = torch.stack([probe_clip(found.meter, clip, draws=2).responses["0"] for clip in moving])
    driven = whole * (whole[:, :1] > 0)
    frozen = VARIANTS.index("frozen")
    estimate = found.layers["0"].whole_kept()["frozen"]
    assert estimate is not None
    assert estimate.value == pytest.approx(float(driven[:, frozen].sum() / driven[:, 0].sum()), rel=1e-5)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.value < estimate.high


@pytest.mark.slow
def test_on_the_bundled_network_the_kernels_of_motion_classes_rely_on_motion_and_static_ones_do_not() -> None:
    network = bundled_network()
    pairs = [*bundled_clips(4, motion="static"), *bundled_clips(4, motion="moving right")]
    found = audited(network, ["classifier"], [clip for clip, _ in pairs], draws=1)
    reliance = found.layers["classifier"].motion_reliance
    for _, label in pairs:
        name = network.labels[label]
        if name.endswith("static"):
            assert float(reliance[label]) < 0.1, f"{name}: a still picture drives it as much, or more"
        else:
            assert float(reliance[label]) > 0.5, name
