"""Words for what frames look like, measured on drawn textures that had no part in setting the rules."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from reportgen.analyses.kernels.pattern import pattern
from reportgen.audit.limits import Limits
from reportgen.audit.pattern_words import colours, hue_word, pattern_words
from reportgen.records.answers.pattern import PatternAnswer

Floats = npt.NDArray[np.float64]
Random = np.random.Generator
EACH = 40


def places(size: int, angle: float) -> tuple[Floats, Floats]:
    """Return the coordinates of pixels along and across an axis, in px."""
    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    return x * math.cos(angle) + y * math.sin(angle), -x * math.sin(angle) + y * math.cos(angle)


def stripes(draw: Random, size: int) -> Floats:
    """Bars of uneven width that sway, or a bundle of gratings of nearly one direction."""
    angle, period = draw.uniform(0, math.pi), draw.uniform(4, size / 4)
    if draw.random() < 0.5:
        along, across = places(size, angle)
        swayed = along + 0.15 * period * ndimage.gaussian_filter(draw.standard_normal((size, size)), 4) * 10
        return np.where((swayed / period) % 1 < draw.uniform(0.35, 0.65), 1.0, 0.0) + 0 * across
    waves = []
    for _ in range(12):
        along, _ = places(size, angle + draw.normal() * 0.1)
        waves.append(np.cos(2 * math.pi * along / period / draw.normal(1, 0.05) + draw.uniform(0, 7)))
    return np.sum(waves, axis=0)


def checks(draw: Random, size: int) -> Floats:
    """A board of squares, turned, with soft edges."""
    side = draw.uniform(3, size / 8)
    along, across = places(size, draw.uniform(0, math.pi))
    board = (np.floor(along / side + draw.random()) + np.floor(across / side + draw.random())) % 2
    return ndimage.gaussian_filter(board, draw.uniform(0, 0.2 * side), mode="nearest")


def dots(draw: Random, size: int) -> Floats:
    """Discs at random places that do not touch, on an even ground."""
    radius, ground = draw.uniform(1.2, 3.5), np.zeros((size, size))
    centres: list[Floats] = []
    for _ in range(2000):
        centre = draw.uniform(0, size, 2)
        if all(np.hypot(*(centre - other)) > 3.2 * radius for other in centres):
            centres.append(centre)
        if len(centres) * math.pi * radius**2 > 0.12 * size**2:
            break
    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    for centre in centres:
        ground = np.maximum(ground, np.clip(radius + 0.5 - np.hypot(y - centre[0], x - centre[1]), 0, 1))
    return ground * draw.choice([-1.0, 1.0])


def blobs(draw: Random, size: int) -> Floats:
    """White noise between two blurs, as a difference of Gaussians passes it, with soft or hard edges."""
    blur, noise = draw.uniform(1.2, size / 24), draw.standard_normal((size, size))
    found = ndimage.gaussian_filter(noise, blur, mode="wrap") - ndimage.gaussian_filter(noise, 1.6 * blur, mode="wrap")
    return np.tanh(found / found.std() * draw.uniform(0.2, 2))


def noise(draw: Random, size: int) -> Floats:
    """Grain: evenly distributed, or octaves of random values."""
    if draw.random() < 0.5:
        return draw.random((size, size))
    octaves = [ndimage.zoom(draw.random((size // step, size // step)), step, order=0) for step in (1, 2, 4, 8)]
    return np.sum([each[:size, :size] for each in octaves], axis=0)


def plain(draw: Random, size: int) -> Floats:
    """Nothing but a faint slope."""
    along, _ = places(size, draw.uniform(0, math.pi))
    return 0.02 * along / size


DRAWN: dict[str, Callable[[Random, int], Floats]] = {
    "stripes": stripes, "checks": checks, "dots": dots, "blobs": blobs, "noise": noise, "plain": plain,
}  # fmt: skip


def clip(kind: str, seed: int) -> Floats:
    """Return a drawn clip T H W C that moves, in two colours, with some noise over it."""
    draw = np.random.default_rng(10_000 + seed)
    size = int(draw.choice([48, 64, 80, 112]))
    look = DRAWN[kind](draw, size)
    if kind != "plain":
        look = (look - look.mean()) / look.std() + 0.15 * draw.standard_normal(look.shape)
    step = draw.integers(-3, 4, 2)
    frames = np.stack([np.roll(look, tuple(step * t), (0, 1)) for t in range(3)])
    ends = draw.uniform(-1, 1, 3) if draw.random() < 0.5 else np.ones(3)
    return np.clip(0.5 + draw.uniform(0.1, 0.25) * frames[..., None] * ends, 0, 1)


def confusion() -> dict[str, Counter[str | None]]:
    """Return for each kind which words its clips get."""
    return {kind: Counter(pattern(clip(kind, seed)).kind for seed in range(EACH)) for kind in DRAWN}


def test_nine_in_ten_clips_get_the_right_word_and_hardly_any_a_wrong_one() -> None:
    found = confusion()
    logging.getLogger(__name__).info("words by kind: %s", {kind: dict(words) for kind, words in found.items()})
    right = sum(words[kind] for kind, words in found.items())
    wrong = sum(n for kind, words in found.items() for word, n in words.items() if word not in (kind, None))
    assert right >= 0.9 * EACH * len(DRAWN), found
    assert wrong <= 0.04 * (right + wrong), found
    assert all(words[kind] >= 0.75 * EACH for kind, words in found.items()), found


@pytest.mark.parametrize(
    "of", [["stripes", "noise"], ["checks", "stripes"], ["dots", "noise"], ["blobs", "stripes"]], ids="+".join
)
def test_what_lies_between_two_kinds_gets_a_word_of_one_of_them_or_none(of: list[str]) -> None:
    for seed in range(10):
        draw = np.random.default_rng(seed)
        looks = [DRAWN[kind](draw, 64) for kind in of]
        mixed = np.sum([(look - look.mean()) / look.std() for look in looks], axis=0)
        assert pattern(np.clip(0.5 + 0.12 * mixed, 0, 1)[None, :, :, None]).kind in {*of, None}


def two_directions(kind: str, apart: float, seed: int) -> Floats:
    """Return a frame 1 H W C of stripes of two directions: in two colours, over each other, or side by side."""
    draw = np.random.default_rng(20_000 + seed)
    size, angle = int(draw.choice([48, 64, 80, 112])), draw.uniform(0, math.pi)
    waves = [
        np.cos(2 * math.pi * places(size, way)[0] / draw.uniform(4, size / 6) + draw.uniform(0, 6))
        for way in (angle, angle + math.radians(apart))
    ]
    share = draw.uniform(0.7, 1)
    if kind == "two colours":
        first, second = np.linalg.qr(draw.normal(size=(3, 3)))[0][:2]
        look = np.sign(waves[0])[..., None] * first + share * np.sign(waves[1])[..., None] * second
    elif kind == "over each other":
        look = np.repeat((waves[0] + share * waves[1])[..., None], 3, 2)
    else:
        across = places(size, draw.uniform(0, math.pi))[0]
        look = np.repeat(np.where(across > across.mean(), *waves)[..., None], 3, 2)
    return np.clip(0.5 + 0.2 * look / look.std() + 0.02 * draw.standard_normal(look.shape), 0, 1)[None]


@pytest.mark.parametrize(
    ("kind", "apart"),
    [("two colours", 90), ("two colours", 40), ("over each other", 30), ("side by side", 90), ("side by side", 45)],
)
def test_stripes_of_two_directions_are_told_as_no_single_pattern(kind: str, apart: float) -> None:
    told = Counter(pattern(two_directions(kind, apart, seed)).kind for seed in range(EACH))
    assert told[None] >= 0.95 * EACH, told


@pytest.mark.parametrize(
    ("degrees", "word"),
    [
        (0, "horizontal"), (20, "nearly horizontal"), (45, "falling diagonal"), (70, "nearly vertical"),
        (90, "vertical"), (118, "rising diagonal"), (135, "rising diagonal"), (170, "nearly horizontal"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("period", [4.0, 6.5, 13.0])
def test_stripes_are_told_with_their_orientation_and_period(degrees: float, word: str, period: float) -> None:
    _, across = places(64, math.radians(degrees))
    drawn = 0.5 + 0.3 * np.sin(2 * math.pi * across / period)
    found = pattern(np.repeat(drawn[None, :, :, None], 3, axis=3))
    assert found.kind == "stripes"
    assert found.orientation is not None
    assert abs((found.orientation - degrees + 90) % 180 - 90) < 2
    assert found.size == pytest.approx(period, rel=0.03)
    assert pattern_words(found, Limits()).startswith(f"{word} stripes")


@pytest.mark.parametrize("side", [4.0, 5.0, 7.0])
def test_checks_are_told_with_their_side_and_blobs_with_their_width(side: float) -> None:
    along, across = places(80, 0.3)
    board = (np.floor(along / side) + np.floor(across / side)) % 2
    assert pattern(board[None, :, :, None]).size == pytest.approx(side, rel=0.05)
    draw = np.random.default_rng(3)
    spectrum = np.fft.fft2(draw.standard_normal((128, 128)))
    radius = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.fftfreq(128)[None])
    ring = np.fft.ifft2(spectrum * np.exp(-(((radius - 0.5 / side) / 0.015) ** 2))).real
    found = pattern(np.clip(0.5 + 0.2 * ring / ring.std(), 0, 1)[None, :, :, None])
    assert (found.kind, found.size) == ("blobs", pytest.approx(side, rel=0.1))


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ((1.0, 0.0, 0.0), "red"), ((1.0, 0.5, 0.0), "orange"), ((1.0, 1.0, 0.0), "yellow"), ((0.0, 0.8, 0.1), "green"),
        ((0.0, 0.9, 0.9), "cyan"), ((0.1, 0.2, 0.9), "blue"), ((0.5, 0.1, 0.9), "purple"), ((1.0, 0.0, 1.0), "magenta"),
        ((1.0, 0.0, 0.1), "red"), ((0.5, 0.5, 0.5), "grey"), ((0.02, 0.0, 0.1), "black"), ((1.0, 0.95, 0.9), "white"),
    ],
)  # fmt: skip
def test_colours_have_the_names_that_people_give_them(colour: tuple[float, float, float], word: str) -> None:
    assert hue_word(colour, Limits()) == word


def test_the_two_colours_of_a_pattern_are_named_where_one_has_a_hue() -> None:
    across = places(64, 0.0)[1]
    wave = (0.5 + 0.5 * np.sign(np.sin(2 * math.pi * across / 8)))[None, :, :, None]
    blue, yellow = np.array([0.1, 0.2, 0.8]), np.array([0.9, 0.9, 0.1])
    found = pattern(blue + wave * (yellow - blue))
    assert pattern_words(found, Limits()) == "blue and yellow horizontal stripes 8.0 px apart"
    assert colours(pattern(np.repeat(wave, 3, axis=3)), Limits()) == ""


def test_channels_that_are_no_colours_have_no_ends_and_a_plain_clip_no_pattern() -> None:
    flow = np.repeat(0.5 + 0.3 * np.sin(places(32, 0.0)[0])[None, :, :, None], 2, axis=3)
    assert (pattern(flow).kind, pattern(flow).ends) == ("stripes", None)
    even = pattern(np.full((2, 32, 32, 3), 0.4))
    assert even == PatternAnswer(kind="plain", ends=((0.4, 0.4, 0.4), (0.4, 0.4, 0.4)))
