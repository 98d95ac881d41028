"""The motion probes on networks whose use of motion is known by construction."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common.responses import Meter
from reportgen.analyses.known_answers.classes import Appearance, FirstToLast, Rightward
from reportgen.analyses.motion.kernel_motion import VARIANTS, probe_clip
from reportgen.analyses.motion.motion_audit import PROBE_MEANINGS, class_audit, frozen_frames, motion_audit, probe_clips
from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.errors import NetworkError
from reportgen.networks.core.network import as_network
from reportgen.records.objective import Objective


def drifting(frames: int = 8, size: int = 16) -> Tensor:
    """A clip 1 1 T H W of smooth noise that moves one px/frame to the right."""
    still = torch.rand((1, 1, size, size), generator=torch.Generator().manual_seed(1))
    return torch.stack([torch.roll(still, frame, dims=-1) for frame in range(frames)], dim=2)


class Change(nn.Module):
    """Class 0: the mean squared difference of neighbouring frames; it sees no still picture."""

    def forward(self, clips: Tensor) -> Tensor:
        change = clips.diff(dim=2).square().flatten(1).mean(1)
        return torch.stack([change, -change], dim=1)


def test_appearance_relies_on_no_motion() -> None:
    audit = motion_audit(Appearance(), drifting(), 0)
    assert audit.motion_reliance == pytest.approx(0.0, abs=1e-5)
    assert audit.order_sensitivity == pytest.approx(0.0, abs=1e-5)
    for name in PROBE_MEANINGS:
        assert torch.allclose(audit.logits[name], torch.tensor(audit.logit), atol=1e-5), name


def test_change_relies_on_motion_wholly_and_not_on_its_direction() -> None:
    audit = motion_audit(Change(), drifting(), 0)
    assert audit.motion_reliance == pytest.approx(1.0, abs=1e-6)
    assert float(audit.logits["reversed"][0]) == pytest.approx(audit.logit, rel=1e-5)


def test_what_needs_change_of_appearance_loses_all_frozen_and_nothing_dissolved() -> None:
    audit = motion_audit(FirstToLast(), drifting(), 0)
    assert audit.motion_reliance == pytest.approx(1.0, abs=1e-6)
    assert audit.dissolved_loss == pytest.approx(0.0, abs=1e-6)
    assert not relies_on_motion(audit.motion_reliance, audit.dissolved_loss, Limits())
    moving = motion_audit(Rightward(), drifting(), 0)
    assert moving.dissolved_loss is not None
    assert moving.dissolved_loss > 0.9
    assert relies_on_motion(moving.motion_reliance, moving.dissolved_loss, Limits())


def test_direction_is_reversed_with_the_clip() -> None:
    audit = motion_audit(Rightward(), drifting(), 0)
    assert float(audit.logits["reversed"][0]) == pytest.approx(-audit.logit, rel=1e-4)
    assert (audit.rank, int(audit.ranks["reversed"][0]), int(audit.predicted["reversed"][0])) == (0, 1, 1)
    assert audit.motion_reliance == pytest.approx(1.0, abs=1e-4)


def test_the_best_frame_counts_and_not_the_middle_one() -> None:
    clip = torch.full((1, 1, 6, 8, 8), 0.2)
    clip[:, :, 5] = 0.9
    audit = motion_audit(Appearance(), clip, 0)
    assert audit.best_frame == 5
    assert audit.motion_reliance is not None
    assert audit.motion_reliance < 0, "the clip's best frame alone shows the class better than the clip"


def test_a_logit_that_is_not_positive_has_no_share() -> None:
    audit = motion_audit(Appearance(), drifting(), 1)
    assert audit.motion_reliance is None
    assert audit.order_sensitivity is None


def test_probes_keep_the_pixels_that_they_say() -> None:
    clip = drifting()
    probes = probe_clips(clip, draws=3, seed=4)
    assert list(probes) == list(PROBE_MEANINGS)
    assert torch.equal(probes["reversed"].flip(2), clip)
    for frame, variant in enumerate(probes["frozen"]):
        assert (variant == clip[0, :, frame : frame + 1]).all()
    for variant in probes["shuffled"]:
        assert not torch.equal(variant, clip[0])
        assert torch.equal(variant.mean((0, 2, 3)).sort().values, clip[0].mean((0, 2, 3)).sort().values)
    for variant in probes["scrambled"]:
        assert torch.equal(variant.flatten().sort().values, clip.flatten().sort().values)
    assert torch.equal(probes["double_speed"][0, :, :4], clip[0, :, ::2])
    assert torch.equal(probes["double_speed"][0, :, 4:], clip[0, :, ::2])
    dissolved = probes["dissolved"][0]
    assert torch.equal(dissolved[:, 0], clip[0, :, 0])
    assert torch.allclose(dissolved[:, -1], clip[0, :, -1])
    step = (clip[0, :, -1:] - clip[0, :, :1]) / 7
    assert torch.allclose(dissolved.diff(dim=1), step.expand(-1, 7, -1, -1), atol=1e-6), "it moves nowhere"


def test_a_single_frame_has_no_motion_to_probe() -> None:
    with pytest.raises(NetworkError, match="two frames"):
        probe_clips(torch.zeros(1, 3, 1, 8, 8))


def test_kernels_are_told_apart_by_what_freezing_leaves() -> None:
    layer = nn.Conv3d(1, 2, (2, 1, 1), bias=False)
    with torch.no_grad():
        layer.weight[0] = 0.5
        layer.weight[1] = torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    ramp = torch.linspace(0, 1, 8).view(1, 1, 8, 1, 1).expand(1, 1, 8, 4, 4)

    def probed(objective: Objective) -> dict[str, Tensor]:
        meter = Meter(as_network(nn.Sequential(layer)), ["0"], (8, 4, 4), 1, objective)
        return dict(zip(VARIANTS, probe_clip(meter, ramp).responses["0"], strict=True))

    found = probed("channel")
    assert float(found["clip"][1]) == pytest.approx(1 / 7, abs=1e-6)
    assert float(found["frozen"][1]) == pytest.approx(0.0, abs=1e-6)
    assert float(found["reversed"][1]) == pytest.approx(-1 / 7, abs=1e-6)
    assert float(found["frozen"][0]) == pytest.approx(1.0, abs=1e-6)
    fired = probed("firing")
    assert float(fired["reversed"][1]) == 0.0, "a rectified response has no negative part"


def test_frozen_frames_are_all_or_the_middles_of_equal_parts() -> None:
    assert frozen_frames(4) == [0, 1, 2, 3]
    assert frozen_frames(4, 9) == [0, 1, 2, 3]
    assert frozen_frames(64, 4) == [8, 24, 40, 56]


def test_the_best_of_some_frames_is_named_by_its_place_in_the_clip() -> None:
    clip = torch.zeros(1, 3, 8, 8, 8)
    clip[:, :, 5] = 1
    variants = {"clip": clip, **probe_clips(clip, frozen=4)}
    assert len(variants["frozen"]) == 4
    logits = {name: some.mean((1, 2, 3, 4)).unsqueeze(1) for name, some in variants.items()}
    assert class_audit(logits, 0, frozen_frames(8, 4)).best_frame == 5
