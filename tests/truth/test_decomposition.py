"""Clips that are texture plus a known motion come apart into just these, and others are not forced to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from reportgen.analyses.decomposition.adam_pyramid import displacement_by_adam
from reportgen.analyses.decomposition.decompose import Decomposition, decompose
from reportgen.analyses.decomposition.forward_motion import forward_motion
from reportgen.audit.limits import Limits
from reportgen.motion_colour import motion_to_rgb
from tests.truth.moving_textures import (
    MovingClip,
    end_point_error,
    noise,
    rotating,
    stripes,
    texture,
    translating,
    two_objects,
    zooming,
)

CLIPS = {
    "static": translating(texture(1), (0, 0)),
    "translation": translating(texture(1), (1, -0.5)),
    "fine texture": translating(texture(2, lowest=0.05, highest=0.3), (1, -0.5)),
    "fast translation": translating(texture(1), (2.5, 1.5)),
    "rotation": rotating(texture(3), 2.0),
    "zoom": zooming(texture(4), 0.015),
    "two objects": two_objects((0.6, 0.0), (-0.3, 0.4)),
    "two objects over a moving texture": two_objects((0.6, 0.0), (-0.3, 0.4), background=(-0.4, 0.0)),
}
LARGEST_ERROR = {
    "static": 0.01,
    "translation": 0.05,
    "fine texture": 0.05,
    "fast translation": 0.05,
    "rotation": 0.10,
    "zoom": 0.10,
    "two objects": 0.15,
    "two objects over a moving texture": 0.15,
}
HIDES_WHAT_IT_PASSES = "two objects over a moving texture"


@pytest.fixture(scope="module")
def found() -> dict[str, Decomposition]:
    return {name: decompose(clip.pixels[None]) for name, clip in CLIPS.items()}


@pytest.mark.parametrize("case", CLIPS)
def test_motion_is_found(found: dict[str, Decomposition], case: str) -> None:
    assert end_point_error(found[case].motion[0], CLIPS[case]) <= LARGEST_ERROR[case]


@pytest.mark.parametrize("case", CLIPS)
def test_the_whole_clip_is_reconstructed(found: dict[str, Decomposition], case: str) -> None:
    assert found[case].psnr.item() >= (35 if case == HIDES_WHAT_IT_PASSES else 40)
    assert found[case].explained_variance.item() > 0.98
    assert (found[case].explained_variance >= Limits().explained_variance).all()


def test_psnr_is_that_of_the_reconstruction(found: dict[str, Decomposition]) -> None:
    error = (found["rotation"].reconstruction[0] - CLIPS["rotation"].pixels).square().mean()
    assert found["rotation"].psnr.item() == pytest.approx(-10 * math.log10(error.item()), abs=1e-3)


def test_displacement_looks_back_to_where_content_came_from(found: dict[str, Decomposition]) -> None:
    middle = found["translation"].displacement[0, :, :, 32, 32]
    steps = torch.arange(16) - 8
    assert found["translation"].reference_frame == 8
    torch.testing.assert_close(middle, -steps[:, None] * torch.tensor([1.0, -0.5]), atol=0.05, rtol=0)
    assert (found["translation"].displacement[0, 8] == 0).all()


@pytest.mark.parametrize(
    ("velocity", "channel_order"),
    [((1.0, 0.0), "red"), ((0.0, 1.0), "yellow"), ((-1.0, 0.0), "cyan"), ((0.0, -1.0), "blue")],
)
def test_direction_has_its_colour(velocity: tuple[float, float], channel_order: str) -> None:
    clip = translating(texture(5), velocity, frames=6, size=32)
    colour = motion_to_rgb(decompose(clip.pixels[None]).motion.numpy(), 1.0)[0, :, 8:-8, 8:-8].reshape(-1, 3)
    red, green, blue = (int(level) for level in colour.mean(0))
    assert {
        "red": red > 220 and max(green, blue) < 40,
        "yellow": min(red, green) > 200 and blue < 40,
        "cyan": min(green, blue) > 180 and red < 40,
        "blue": blue > 220 and green < 40 and red < 150,
    }[channel_order]


def test_no_motion_is_white(found: dict[str, Decomposition]) -> None:
    assert (motion_to_rgb(found["static"].motion.numpy(), 1.0) >= 250).all()


def test_numbers_tell_speed_and_direction(found: dict[str, Decomposition]) -> None:
    moved = found["translation"]
    assert moved.mean_speed.item() == pytest.approx(math.hypot(1, 0.5), abs=0.02)
    assert moved.direction.item() == pytest.approx(math.degrees(math.atan2(-0.5, 1)) % 360, abs=1)
    assert moved.coherence.item() > 0.99
    assert found["rotation"].coherence.item() < 0.05
    assert found["zoom"].coherence.item() < 0.05
    assert found["static"].mean_speed.item() < 0.01
    assert math.isnan(found["static"].direction.item())


def test_random_velocities_are_found() -> None:
    generator = torch.Generator().manual_seed(0)
    velocities = ((torch.rand(6, 2, generator=generator) * 2 - 1) * 2.5).tolist()
    clips = [translating(texture(20 + i), (vx, vy), frames=8, size=48) for i, (vx, vy) in enumerate(velocities)]
    motion = decompose(torch.stack([clip.pixels for clip in clips])).motion
    assert max(end_point_error(motion[i], clip) for i, clip in enumerate(clips)) <= 0.05


@pytest.mark.parametrize("frequency", [0.05, 0.1, 0.2])
def test_stripes_show_normal_flow_only(frequency: float) -> None:
    angle, speed = 0.6, 1.0
    clip = translating(stripes(frequency, angle), (speed, 0.0), size=48)
    motion = decompose(clip.pixels[None]).motion[0]
    across = motion[:, 0] * math.cos(angle) + motion[:, 1] * math.sin(angle)
    along = motion[:, 1] * math.cos(angle) - motion[:, 0] * math.sin(angle)
    assert (across - speed * math.cos(angle)).abs().mean().item() < 0.02
    assert along.abs().mean().item() < 0.05


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize(
    ("period", "speed"),
    [(4, 1), (8, 3), (20, 7), *(pytest.param(*one, marks=pytest.mark.long) for one in ((8, 2), (16, 4), (16, 6)))],
)
def test_gratings_may_move_by_less_than_half_of_their_period(period: int, speed: int, sharp: bool) -> None:
    # They have no long waves that a pyramid could follow, and leave the picture within a few frames.
    clip = grating(period, speed, sharp=sharp)
    apart = decompose(torch.stack([clip, clip.flip(-1)]))
    middle = apart.motion[..., 16:-16]
    assert (middle[0, :, 0] - speed).abs().mean().item() < 0.05
    assert (middle[1, :, 0] + speed).abs().mean().item() < 0.05
    assert middle[:, :, 1].abs().mean().item() < 0.05


def test_a_flicker_has_no_direction() -> None:
    # Half of a period to the right, half of one to the left, and black turned to white are one and the same clip.
    apart = decompose(grating(8, 4)[None])
    assert not (apart.explained_variance >= Limits().explained_variance).any()
    assert apart.mean_speed.item() < 0.1


def grating(period: int, speed: int, *, sharp: bool = False) -> torch.Tensor:
    """Return a clip C T H W of stripes `period` px apart that move right."""
    wave = torch.cos(2 * math.pi * (torch.arange(64) - speed * torch.arange(8)[:, None] + 0.5) / period)
    return (0.5 + 0.4 * (wave.sign() if sharp else wave))[:, None].expand(3, 8, 64, 64)


def test_flat_areas_give_no_evidence(found: dict[str, Decomposition]) -> None:
    evidence = found["two objects"].evidence[0]
    discs = CLIPS["two objects"].known
    assert evidence.dtype == torch.bool
    assert evidence[discs].float().mean() > 0.98
    assert not evidence[..., :8, :].any()
    assert not decompose(torch.full((1, 3, 4, 16, 16), 0.3)).evidence.any()


def test_a_clip_without_contrast_is_explained_by_its_colour() -> None:
    plain = decompose(torch.full((1, 3, 4, 16, 16), 0.3))
    assert plain.explained_variance.item() == 1
    assert plain.mean_speed.item() == 0
    assert (plain.motion == 0).all()


@pytest.mark.parametrize("blur", [0.7, 1.5, 3.0])
def test_noise_is_not_texture_plus_motion(blur: float) -> None:
    apart = decompose(noise(1, blur, size=48)[None])
    assert not (apart.explained_variance >= Limits().explained_variance).any()
    assert apart.explained_variance.item() < apart.still_variance.item() + 0.15
    assert apart.mean_speed.item() < 0.5
    assert apart.motion.abs().max().item() < 5
    assert apart.coherence.item() < 0.3


def test_motion_is_found_under_noise() -> None:
    clip = translating(texture(1), (1, -0.5))
    generator = torch.Generator().manual_seed(0)
    grainy = (clip.pixels + 0.1 * torch.randn(clip.pixels.shape, generator=generator)).clamp(0, 1)
    assert end_point_error(decompose(grainy[None]).motion[0], clip) <= 0.15


def test_contrast_does_not_change_motion() -> None:
    clip = rotating(texture(3), 2.0, frames=8, size=48)
    strong, faint = (decompose((0.5 + share * (clip.pixels - 0.5))[None]).motion for share in (1.0, 0.1))
    assert (strong - faint).abs().max().item() < 0.02


@pytest.mark.parametrize("reference", [0, 3, 7])
def test_any_frame_can_be_the_reference(reference: int) -> None:
    clip = translating(texture(6), (1, -0.5), frames=8, size=48)
    apart = decompose(clip.pixels[None], reference_frame=reference)
    assert (apart.displacement[0, reference] == 0).all()
    assert end_point_error(apart.motion[0], clip) <= 0.05
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(apart.texture[0][inner], clip.pixels[:, reference][inner], atol=0.03, rtol=0)


def test_a_clips_result_does_not_depend_on_its_batch() -> None:
    one = rotating(texture(3), 2.0, frames=8, size=32).pixels
    fast = translating(texture(7), (2.5, 1.5), frames=8, size=32).pixels
    batch = torch.stack([noise(2, 1.0, frames=8, size=32), one, fast, torch.zeros_like(one)])
    alone, together, split = decompose(one[None]), decompose(batch), decompose(batch, clips_per_batch=3)
    for apart in (together, split):
        for name in ("texture", "displacement", "motion", "reconstruction", "psnr", "mean_speed"):
            expected, actual = getattr(alone, name)[0], getattr(apart, name)[1]
            torch.testing.assert_close(actual, expected, atol=1e-3, rtol=1e-4, msg=lambda text, n=name: f"{n}: {text}")


def test_the_reference_solver_agrees() -> None:
    clip = rotating(texture(8, highest=0.08), 2.0, frames=4, size=32)
    displacement, steps = displacement_by_adam(clip.pixels[None], 2, steps_per_level=40)
    by_adam = forward_motion(displacement)[0]
    assert steps == 200
    assert end_point_error(by_adam, clip) <= 0.10
    assert end_point_error(decompose(clip.pixels[None]).motion[0], replace(clip, motion=by_adam)) <= 0.10


def test_the_truth_of_these_tests_moves_as_it_says() -> None:
    clip: MovingClip = translating(texture(1), (1.0, 0.0))
    torch.testing.assert_close(clip.pixels[:, 5, :, 1:], clip.pixels[:, 4, :, :-1], atol=1e-5, rtol=0)
