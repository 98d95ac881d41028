"""What turns back again and again is told as that: neither as standing still nor as going one way."""

from __future__ import annotations

import math
import re
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from reportgen.analyses.decomposition import course
from reportgen.analyses.decomposition.decompose import Decomposition, decompose
from reportgen.audit.headline import synthetic_claim
from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture
from reportgen.reading.figures import KernelFigures
from tests.truth.moving_textures import FRAMES, texture

SIZE = 48


def placed(steps: list[tuple[float, float]], *, fine: bool = False) -> Tensor:
    """Return a texture C T H W that lies at these places (x, y) in the frames."""
    look = texture(2, lowest=0.05, highest=0.3) if fine else texture(1)
    y, x = torch.meshgrid(*[torch.arange(SIZE, dtype=torch.float64)] * 2, indexing="ij")
    return torch.stack([look(x - dx, y - dy) for dx, dy in steps], 1).float().clamp(0, 1)


def figures(found: Decomposition) -> KernelFigures:
    """Return what a report knows of one clip that was taken apart."""
    return KernelFigures(
        explained_variance=found.explained_variance.item(),
        still_variance=found.still_variance.item(),
        motion_explains=None if math.isnan(found.motion_explains.item()) else found.motion_explains.item(),
        mean_speed=found.mean_speed.item(),
        direction=found.direction.item(),
        coherence=found.coherence.item(),
        evidence_share=found.evidence.float().mean().item(),
        **{one.name: getattr(found.course, one.name).item() for one in fields(found.course)},
    )


def said(clip: Tensor) -> str:
    return synthetic_claim(figures(decompose(clip[None])), Limits())


@pytest.mark.parametrize("fine", [False, True], ids=["smooth", "fine"])
@pytest.mark.parametrize(
    "jump", [(1, 0), (2, 2), *(pytest.param(one, marks=pytest.mark.long) for one in ((2, 0), (0, 3)))]
)
def test_a_texture_that_jumps_every_frame_goes_back_and_forth(jump: tuple[int, int], fine: bool) -> None:
    clip = placed([jump if t % 2 else (0, 0) for t in range(FRAMES)], fine=fine)
    sentence = said(clip)
    assert sentence.startswith("Responds most to a texture going back and forth")
    step = float(sentence.split("by ")[1].split(" px")[0])
    assert step == pytest.approx(math.hypot(*jump), abs=0.1)


@pytest.mark.parametrize("period", [2, 3])
def test_two_frames_here_and_two_there_is_back_and_forth(period: int) -> None:
    assert "going back and forth, by 2.0 px" in said(placed([(2 * (t // period % 2), 0) for t in range(FRAMES)]))


def test_a_slow_swing_is_back_and_forth() -> None:
    assert "going back and forth" in said(placed([(4 * math.sin(t * math.pi / 4), 0) for t in range(FRAMES)]))


def turned(clip: Tensor, course: list[float]) -> Tensor:
    return (0.5 + (clip - 0.5) * torch.tensor(course).view(1, -1, 1, 1)).clamp(0, 1)


@pytest.mark.parametrize("kind", ["contrast every frame", "contrast slowly", "brightness every frame", "brightness"])
def test_what_turns_bright_and_dark_flickers(kind: str) -> None:
    still = placed([(0, 0)] * FRAMES)
    quick, slow = [(-1.0) ** t for t in range(FRAMES)], [math.sin(t * math.pi / 4 + 0.4) for t in range(FRAMES)]
    if "contrast" in kind:
        clip = turned(still, quick if "every" in kind else slow)
    else:
        brightness = torch.tensor(quick if "every" in kind else slow).view(1, -1, 1, 1)
        clip = still * 0.5 + 0.25 + 0.2 * brightness
    assert said(clip.clamp(0, 1)).startswith("Responds most to a texture flickering")


def one_over_f(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Return noise 3 x shape whose amplitude falls with the frequency, along all of its axes."""
    axes = range(1, len(shape) + 1)
    noise = torch.randn(3, *shape, generator=torch.Generator().manual_seed(seed))
    squares = [
        torch.fft.fftfreq(size).view([-1 if i == place else 1 for i in range(len(shape))]) ** 2
        for place, size in enumerate(shape)
    ]
    radius = sum(squares, torch.zeros(())).sqrt().clamp_min(1 / max(shape))
    shaped = torch.fft.ifftn(torch.fft.fftn(noise, dim=tuple(axes)) / radius, dim=tuple(axes)).real
    return (0.5 + 0.15 * shaped / shaped.std()).clamp(0, 1)


@pytest.mark.parametrize("side", [16, 32, pytest.param(64, marks=pytest.mark.long)])
@pytest.mark.parametrize("together", [False, True], ids=["two noises", "noise along time too"])
def test_two_frames_of_noise_are_not_texture_plus_motion(side: int, together: bool) -> None:
    for seed in range(4):
        own = torch.stack([one_over_f(10 * seed + frame, (side, side)) for frame in range(2)], 1)
        found = figures(decompose((one_over_f(seed, (2, side, side)) if together else own)[None]))
        assert moving_texture(found, Limits()) is False
        assert synthetic_claim(found, Limits()).startswith("Not texture plus motion")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(t, 0.0) for t in range(FRAMES)], "moving right at 1.00 px/frame"),
        ([(0.0, -0.5 * t) for t in range(FRAMES)], "moving up at 0.50 px/frame"),
        ([(0.0, 0.0)] * FRAMES, "standing still"),
    ],
)
def test_what_goes_one_way_or_stands_is_told_as_before(steps: list[tuple[float, float]], expected: str) -> None:
    assert expected in said(placed(steps))


def test_frames_without_order_have_no_direction() -> None:
    generator = torch.Generator().manual_seed(0)
    places = (torch.rand(FRAMES, 2, generator=generator) * 6 - 3).round().tolist()
    sentence = said(placed([(x, y) for x, y in places], fine=True))
    assert not re.search("moving (right|left|up|down)|still|flicker|back and forth", sentence)
    smooth = said(placed([(x, y) for x, y in places]))
    assert not re.search("moving (right|left|up|down)|standing still|flicker|back and forth", smooth)


def changed(turns: list[float], growth: list[float]) -> Tensor:
    """Return a texture C T H W that is turned about its middle (degrees) and enlarged by so much."""
    look = texture(1)
    y, x = torch.meshgrid(*[torch.arange(SIZE, dtype=torch.float64) - SIZE / 2] * 2, indexing="ij")
    frames = []
    for degrees, factor in zip(turns, growth, strict=True):
        c, s = math.cos(math.radians(degrees)) / factor, math.sin(math.radians(degrees)) / factor
        frames.append(look(c * x + s * y + SIZE / 2, c * y - s * x + SIZE / 2))
    return torch.stack(frames, 1).float().clamp(0, 1)


@pytest.mark.parametrize("kind", ["turns", "grows"])
@pytest.mark.parametrize("period", [2, 8])
def test_what_turns_or_grows_and_back_again_goes_back_and_forth(kind: str, period: int) -> None:
    swing = [math.sin(2 * math.pi * (t + 0.5) / period) for t in range(FRAMES)]
    turns = [3.0 * one if kind == "turns" else 0.0 for one in swing]
    growth = [1 + 0.05 * one if kind == "grows" else 1.0 for one in swing]
    assert "going back and forth" in said(changed(turns, growth))


@pytest.mark.parametrize("period", [4, 8])
def test_what_goes_round_in_a_circle_is_not_back_and_forth(period: int) -> None:
    ways = [2 * math.pi * t / period for t in range(FRAMES)]
    sentence = said(placed([(2.5 * math.cos(one), 2.5 * math.sin(one)) for one in ways]))
    assert not re.search("moving (right|left|up|down)|standing still|flicker|back and forth", sentence)


def test_a_wave_that_stays_and_turns_flickers_and_is_not_two_that_move() -> None:
    wave = torch.cos(2 * math.pi / 8 * torch.arange(SIZE, dtype=torch.float64)).expand(3, 1, SIZE, SIZE)
    course = [math.cos(2 * math.pi * t / 8) for t in range(FRAMES)]
    clip = (0.5 + 0.4 * wave * torch.tensor(course).view(1, -1, 1, 1)).float()
    assert said(clip).endswith("flickering: its brightness or contrast rises and falls, and nothing moves.")


def test_what_moves_and_flickers_is_not_said_to_stand() -> None:
    lights = torch.tensor([0.3 * (t % 2) for t in range(FRAMES)]).view(1, -1, 1, 1)
    assert "nothing moves" not in said(0.6 * placed([(t, 0.0) for t in range(FRAMES)]) + lights)


@pytest.mark.parametrize("there", [1.0096, 1.0089, 1.0077, 0.9925])
def test_steps_that_repeat_to_the_last_digit_are_told(there: float) -> None:
    motion = torch.zeros(63, 2, 1, 1)
    motion[1::4, 0], motion[3::4, 0] = 1.0, -there
    (step, _, coherence, reversals, drift), steps = course._steps(motion, torch.ones(63, 1, 1, dtype=torch.bool), 1.0)
    assert (step, coherence, reversals) == (pytest.approx(1, abs=0.01), pytest.approx(1), 30)
    assert drift < 0.04
    assert len(steps) == 31
