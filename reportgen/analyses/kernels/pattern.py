"""What a clip looks like in each of its frames, in words: stripes, checks, dots, blobs, noise or one plain colour.

The words come from the power spectrum of the frames, added up over the frames, which motion does not change, and from
the distribution of the pixels: stripes have one orientation, checks two at a right angle, dots and blobs one size and
no orientation, noise neither. What lies between two of them gets no word, and neither do stripes of two directions, be
they in two colours. The rules were set on one family of drawn
textures and measured on another (`tests/truth/test_pattern_words.py` logs the confusion table).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reportgen.records.answers.pattern import Colour, PatternAnswer, PatternKind

_Floats = npt.NDArray[np.float64]

EVEN = 0.02
"""Standard deviation of a frame's pixels, of a range of 1, under which it is plain."""

LOWEST_CYCLES = 1.5
"""Cycles over the frame's shorter side under which light and shade, and no pattern, are seen."""

PEAK_BINS = 2.2
"""Frequency bins around a peak that are counted to it: the window spreads a sine over so many."""

STRIPES = 0.65
"""Share of the power that must lie along one direction (length of the mean doubled angle) for stripes."""

SURE_STRIPES = 0.8
"""The same where fewer than `FEW_CYCLES` fit into the frame: some blobs lie along a line by chance."""

FEW_CYCLES = 3.0
"""Cycles over the frame's shorter side under which nothing is called blobs: there are too few of them."""

NO_ORIENTATION = 0.4
"""That share, at most, of what has no orientation of its own."""

CHECKS_POWER, CHECKS_BALANCE, CHECKS_ANGLE = 0.6, 0.5, 65.0
"""Checks: power in two peaks, of which the weaker has this share of the stronger, at least so many degrees apart."""

CHECKS_CROSS, NO_CROSS = 0.35, 0.25
"""Share of the power that lies along two directions at a right angle (length of the mean fourfold angle), at least in
checks, and at most in blobs."""

DOTS_SKEW, DOTS_KURTOSIS = 0.8, 2.6
"""Skewness and kurtosis of the pixels from which what stands out is sparse: dots on a ground, and not rings or light
against dark."""

NARROW, ONE_SIZE, MANY_SIZES = 0.38, 0.58, 0.65
"""Standard deviation of the logarithm of the frequency: of one size however fine, of one size, and of many sizes."""

FINE = 0.25
"""Frequency in cycles/px from which power is grain."""

LITTLE_GRAIN, MUCH_GRAIN = 0.12, 0.25
"""Share of the power that is grain, at most in blobs, and from which it is noise."""

STRONGEST, NO_PEAKS = 0.005, 0.5
"""Noise: the strongest of its frequencies, this share of all, hold at most this share of the power."""

SHARP, BROAD = 0.012, 0.03
"""That share, at least, in dots, whose edges are sharp, and in noise of many sizes."""


SECOND_PEAK, SECOND_COLOUR = 0.35, 0.35
"""Share of the first peak's power, and of the first colour's standard deviation, from which there is a second one."""

OTHER_WAY, FAR_WAY = 20.0, 30.0
"""Degrees between the directions of stripes from which they are two: over each other, and side by side."""

MOST_PARTS = 2
"""Quarters of the frame that hold stripes alone, from which there are no checks."""


def pattern(clip: npt.NDArray[np.floating]) -> PatternAnswer:
    """Return what the frames of `clip` `T H W C`, pixels in [0, 1], look like."""
    pixels = np.asarray(clip, dtype=np.float64)
    about_mean = pixels - pixels.mean(axis=(1, 2), keepdims=True)
    (axis, spread), (other, less) = _principal_axes(about_mean)
    ends = _ends(pixels, axis, spread)
    if spread < EVEN:
        return PatternAnswer(kind="plain", ends=ends)
    spectrum = _Spectrum.of(about_mean @ axis)
    kind, size = _kind(spectrum, *_skewness_and_kurtosis(about_mean @ axis))
    if kind in {"stripes", "checks"} and _is_several(
        kind, spectrum, about_mean @ axis, about_mean @ other, less / spread
    ):
        kind, size = None, None
    orientation = (math.degrees(spectrum.first.angle) + 90) % 180 if kind == "stripes" else None
    return PatternAnswer(kind=kind, orientation=orientation, size=size, ends=ends)


def _kind(spectrum: _Spectrum, skewness: float, kurtosis: float) -> tuple[PatternKind | None, float | None]:
    """Return the kind of pattern and its size in px."""
    if spectrum.one_direction >= (SURE_STRIPES if spectrum.cycles < FEW_CYCLES else STRIPES):
        return "stripes", 1 / spectrum.first.frequency
    if spectrum.one_direction > NO_ORIENTATION:
        return None, None
    if skewness >= DOTS_SKEW:
        sparse = kurtosis >= DOTS_KURTOSIS and spectrum.grain >= SHARP and spectrum.spread <= MANY_SIZES
        return ("dots" if sparse else None), None
    if _crossed(spectrum):
        return "checks", 1 / math.hypot(spectrum.first.frequency, spectrum.second.frequency)
    return _unoriented(spectrum)


def _unoriented(spectrum: _Spectrum) -> tuple[PatternKind | None, float | None]:
    """Return blobs, which have one size, noise, which has many, or neither."""
    if spectrum.spread <= NARROW or (spectrum.spread <= ONE_SIZE and spectrum.grain <= LITTLE_GRAIN):
        sure = spectrum.cycles >= FEW_CYCLES and spectrum.two_directions <= NO_CROSS
        return ("blobs", 1 / (2 * spectrum.mean)) if sure else (None, None)
    noisy = spectrum.grain >= MUCH_GRAIN or (spectrum.spread >= MANY_SIZES and spectrum.grain >= BROAD)
    return ("noise" if noisy and spectrum.peaked <= NO_PEAKS else None), None


def _crossed(spectrum: _Spectrum) -> bool:
    """Whether most power lies in two peaks of like strength at a right angle."""
    first, second = spectrum.first, spectrum.second
    apart = _apart(first, second) >= CHECKS_ANGLE
    balanced = second.power >= CHECKS_BALANCE * first.power and first.power + second.power >= CHECKS_POWER
    return apart and balanced and spectrum.two_directions >= CHECKS_CROSS


@dataclass(frozen=True)
class _Peak:
    """A peak of a spectrum: share of the power, frequency in cycles/px, its direction in radians."""

    power: float
    frequency: float
    angle: float


@dataclass(frozen=True)
class _Spectrum:
    """A power spectrum in a few numbers.

    `one_direction` is the length of the mean doubled angle (1: all power along one direction), `two_directions` that
    of the mean fourfold angle (1: along two at a right angle), `mean` the geometric mean of the frequency in cycles/px,
    `spread` the standard deviation of its logarithm, `cycles` how many fit into the frame, `grain` the share of power
    at `FINE` and above, `peaked` that of the strongest frequencies.
    """

    one_direction: float
    two_directions: float
    mean: float
    spread: float
    cycles: float
    grain: float
    peaked: float
    first: _Peak
    second: _Peak

    @classmethod
    def of(cls, frames: _Floats) -> _Spectrum:
        """Return the spectrum of frames `T H W`, added up."""
        height, width = frames.shape[1:]
        window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
        means = (frames * window).sum(axis=(1, 2), keepdims=True) / window.sum()
        power = (np.abs(np.fft.fft2((frames - means) * window)) ** 2).sum(axis=0)
        down, right = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
        frequency, angle = np.hypot(down, right), np.arctan2(down, right)
        bin_width = 1 / min(height, width)
        power = np.where(frequency >= LOWEST_CYCLES * bin_width, power, 0.0)
        power /= power.sum() + np.finfo(float).tiny
        logarithm = np.log(np.where(power > 0, frequency, 1.0))
        mean = float((power * logarithm).sum())
        first, rest = _peak(power, down, right, bin_width)
        return cls(
            one_direction=float(np.abs((power * np.exp(2j * angle)).sum())),
            two_directions=float(np.abs((power * np.exp(4j * angle)).sum())),
            mean=math.exp(mean),
            spread=math.sqrt(float((power * (logarithm - mean) ** 2).sum())),
            cycles=math.exp(mean) * min(height, width),
            grain=float(power[frequency >= FINE].sum()),
            peaked=float(np.sort(power, axis=None)[-max(1, round(STRONGEST * power.size)) :].sum()),
            first=first,
            second=_peak(rest, down, right, bin_width)[0],
        )


def _peak(power: _Floats, down: _Floats, right: _Floats, bin_width: float) -> tuple[_Peak, _Floats]:
    """Return the strongest peak, with its mirror image, and the power without it."""
    top = np.unravel_index(int(power.argmax()), power.shape)
    near = np.hypot(_around(down - down[top]), _around(right - right[top])) <= PEAK_BINS * bin_width
    mirrored = np.hypot(_around(down + down[top]), _around(right + right[top])) <= PEAK_BINS * bin_width
    own = np.where(near, power, 0.0)
    total = own.sum() + np.finfo(float).tiny
    y = float((own * (down[top] + _around(down - down[top]))).sum() / total)
    x = float((own * (right[top] + _around(right - right[top]))).sum() / total)
    both = near | mirrored
    return _Peak(float(power[both].sum()), math.hypot(y, x), math.atan2(y, x)), np.where(both, 0.0, power)


def _around(frequency: _Floats) -> _Floats:
    """Return frequencies in cycles/px as the nearest of those that a sampled picture cannot tell apart."""
    return (frequency + 0.5) % 1 - 0.5


def _is_several(kind: PatternKind | None, whole: _Spectrum, frames: _Floats, other: _Floats, share: float) -> bool:
    """Whether frames `T H W` hold stripes of several directions, over each other, side by side, or in two colours.

    `other` are the frames in their second colour, which stand out from the ground by that `share` of the first.
    """
    if kind not in {"stripes", "checks"}:
        return False
    if kind == "stripes":
        if whole.second.power >= SECOND_PEAK * whole.first.power and _apart(whole.first, whole.second) >= OTHER_WAY:
            return True
        if share >= SECOND_COLOUR:
            second = _Spectrum.of(other)
            if second.one_direction >= STRIPES and _apart(whole.first, second.first) >= OTHER_WAY:
                return True
    height, width = (size // 2 for size in frames.shape[1:])
    parts = [_Spectrum.of(frames[:, y : y + height, x : x + width]) for y in (0, height) for x in (0, width)]
    striped = [part for part in parts if part.one_direction >= SURE_STRIPES]
    if kind == "checks":
        return len(striped) >= MOST_PARTS
    return any(_apart(one.first, two.first) >= FAR_WAY for one in striped for two in striped)


def _apart(one: _Peak, other: _Peak) -> float:
    """Return the angle between the directions of two peaks, 0 to 90 degrees."""
    return abs((math.degrees(one.angle - other.angle) + 90) % 180 - 90)


def _principal_axes(about_mean: _Floats) -> list[tuple[_Floats, float]]:
    """Return the two directions in colour along which pixels differ most, towards light, and how far they do."""
    flat = about_mean.reshape(-1, about_mean.shape[-1])
    values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    found = []
    for place in (-1, -min(2, len(values))):
        axis = vectors[:, place] * (1.0 if vectors[:, place].sum() >= 0 else -1.0)
        found.append((axis, math.sqrt(max(float(values[place]), 0.0))))
    return found


def _skewness_and_kurtosis(values: _Floats) -> tuple[float, float]:
    spread = math.sqrt(float((values**2).mean()))
    return abs(float((values**3).mean())) / spread**3, float((values**4).mean()) / spread**4


def _ends(pixels: _Floats, axis: _Floats, spread: float) -> tuple[Colour, Colour] | None:
    """Return the colours 1.5 standard deviations to either side of the mean; None for channels that are no colours."""
    if pixels.shape[-1] not in (1, 3):
        return None
    mean = pixels.mean(axis=(0, 1, 2))
    low, high = (np.clip(mean + side * 1.5 * spread * axis, 0.0, 1.0) for side in (-1, 1))
    return _colour(low), _colour(high)


def _colour(values: _Floats) -> Colour:
    red, green, blue = (round(float(value), 3) for value in np.broadcast_to(values, 3))
    return red, green, blue
