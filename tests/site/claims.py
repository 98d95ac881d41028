"""Reads the claims of kernel pages and works each out again from the arrays of the run.

Nothing of the package is used: pages are read as a reader has them, arrays as NumPy reads them, and every figure is
computed in another way than the one that the sentence was made of.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PROBES = ("clip", "frozen", "dissolved", "reversed")
"""The first rows of the stored responses to probed clips."""

DIRECTIONS = {
    "right": 0, "down and right": 45, "down": 90, "down and left": 135, "left": 180, "up and left": 225, "up": 270,
    "up and right": 315,
}  # fmt: skip
ORIENTATIONS = {"horizontal": 0, "falling diagonal": 45, "vertical": 90, "rising diagonal": 135}


@dataclass(frozen=True)
class Claim:
    """Something that a page says of a kernel, and what the arrays say."""

    kernel: str
    words: str
    stated: float
    found: float
    holds: bool


class Arrays:
    """The arrays of one run, by analysis and unit."""

    def __init__(self, run: Path) -> None:
        self._run = run
        records = [json.loads(path.read_text()) for path in sorted((run / "records").rglob("*.json"))]
        self._records = {(each["job"]["analysis"], each["job"]["unit"]): each for each in records}

    def of(self, analysis: str, unit: str, role: str) -> dict[str, Any] | None:
        """Return the arrays that an analysis stored of a unit under a role; None where there are none."""
        record = self._records.get((analysis, unit))
        for artifact in record["outcome"].get("artifacts", ()) if record else ():
            if artifact["role"] == role and artifact["path"].endswith(".npz"):
                with np.load(self._run / artifact["path"]) as found:
                    return dict(found)
        return None

    def answer(self, analysis: str, unit: str) -> dict[str, Any]:
        """Return the recorded figures of a unit."""
        found: dict[str, Any] = self._records[analysis, unit]["outcome"]["answer"]
        return found


def sentences(page: str) -> tuple[str, str]:
    """Return the name of the kernel that a page is about and its headline; two empty texts for another page."""
    name = re.search(r'<code class="rg-layer">([^<]+)</code>', page)
    said = re.findall(r'<p class="rg-(?:sentence|support|but)">(.*?)</p>', page, re.S)
    if not name or not said:
        return "", ""
    bare = (re.sub("<span.*?</span>|<[^>]+>", "", each, flags=re.S) for each in said)
    return html.unescape(name[1]), " ".join(" ".join(html.unescape(each).split()) for each in bare)


def claims(arrays: Arrays, model: str, kernel: str, said: str) -> Iterator[Claim]:
    """Yield every claim of a headline that arrays can tell."""
    layer, index = kernel.removeprefix(f"{model}/").rsplit("/", 1)
    clip = (arrays.of("kernels", kernel, "stage1_data") or {}).get("clip")
    if clip is not None:
        yield from _of_pattern(kernel, said, clip.astype(np.float64))
        yield from _of_motion(kernel, said, clip.astype(np.float64))
    probed = (arrays.of("motion", model, "kernel_responses") or {}).get(layer)
    if probed is not None:
        yield from _of_probes(kernel, said, probed[:, :, int(index)].astype(np.float64))
    responses = (arrays.of("evidence", model, "responses") or {}).get(layer)
    if responses is not None:
        names = arrays.answer("evidence", model)["sample"]
        yield from _of_clips(kernel, said, responses[:, int(index)].astype(np.float64), names)


def _close(kernel: str, words: str, stated: float, found: float, tolerance: float) -> Claim:
    return Claim(kernel, words, stated, found, abs(stated - found) <= tolerance)


def _grey(clip: Floats) -> Floats:
    """Return the frames along the colour in which they differ most, each about its mean."""
    about = clip - clip.mean(axis=(1, 2), keepdims=True)
    rows = about.reshape(-1, clip.shape[-1])
    return about @ np.linalg.svd(rows.T @ rows)[0][:, 0]


def _strongest(frames: Floats) -> tuple[float, float]:
    """Return the frequency (cycles/px) and direction (degrees) of the strongest wave, on a grid four times as fine."""
    sides = frames.shape[1:]
    window = np.blackman(sides[0])[:, None] * np.blackman(sides[1])
    power = sum(np.abs(np.fft.fft2(frame * window, [4 * side for side in sides])) ** 2 for frame in frames)
    down, right = np.meshgrid(*(np.fft.fftfreq(4 * side) for side in sides), indexing="ij")
    power = np.where(np.hypot(down, right) < 1.2 / min(sides), 0, power)
    top = np.unravel_index(int(np.argmax(power)), power.shape)
    return math.hypot(down[top], right[top]), math.degrees(math.atan2(down[top], right[top])) % 180


def _of_pattern(kernel: str, said: str, clip: Floats) -> Iterator[Claim]:
    if "A plain clip" in said:
        yield _close(kernel, "a plain clip", 0, float(clip.std(axis=(0, 1, 2)).max()), 0.021)
    frequency, direction = _strongest(_grey(clip))
    if found := re.search(r"(\w+ diagonal|horizontal|vertical) stripes ([\d.]+) px apart", said):
        yield _close(kernel, found[0], float(found[2]), 1 / frequency, 0.15 / frequency)
        apart = abs((direction + 90 - ORIENTATIONS[found[1]] + 90) % 180 - 90)
        yield _close(kernel, found[0], 0, apart, 35)
    if found := re.search(r"checks ([\d.]+) px wide", said):
        side = 1 / (math.sqrt(2) * frequency)
        yield _close(kernel, found[0], float(found[1]), side, 0.25 * side)
    if re.search(r"Responds most to (\w+ and \w+ )?(dots|blobs|noise|checks)", said):
        alignment = _alignment(_grey(clip))
        yield Claim(kernel, "no one orientation", 0.6, alignment, alignment <= 0.6)


def _alignment(frames: Floats) -> float:
    """Return how far the gradients of frames lie along one line: 0 not at all, 1 all."""
    down, right = np.gradient(frames, axis=(1, 2))
    yy, xx, xy = (float((a * b).sum()) for a, b in ((down, down), (right, right), (down, right)))
    return math.hypot(yy - xx, 2 * xy) / (yy + xx)


def velocity(frames: Floats) -> tuple[float, float]:
    """Return the one velocity (x, y) in px/frame that shifts frames onto the next ones best: all whole shifts tried.

    The smallest of the best is refined to a fraction by a parabola through its neighbours.
    """
    reach = 5
    errors = np.full((2 * reach + 1, 2 * reach + 1), np.inf)
    inner = (slice(None), slice(reach, -reach), slice(reach, -reach))
    later = frames[1:][inner]
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            errors[y + reach, x + reach] = ((np.roll(frames[:-1], (y, x), (1, 2))[inner] - later) ** 2).mean()
    least = errors.min() + 0.02 * float(((frames - frames.mean()) ** 2).mean())
    near = np.argwhere(errors <= least).tolist()  # a shift by a period fits stripes as well
    y, x = min(near, key=lambda place: math.hypot(place[0] - reach, place[1] - reach))
    return _refined(errors[y], x) - reach, _refined(errors[:, x], y) - reach


def _refined(values: Floats, best: int) -> float:
    if not 0 < best < len(values) - 1:
        return float(best)
    before, at, after = values[best - 1 : best + 2]
    bend = before - 2 * at + after
    return best + (0.5 * float(before - after) / float(bend) if bend > 0 else 0.0)


def _seen_velocity(said: str, frames: Floats) -> tuple[float, float]:
    """Return the velocity (x, y) that can be seen: of stripes only the way across themselves, the shorter of those.

    They look the same a period on. Of bare "stripes", which move along themselves, all that differs from them tells.
    """
    x, y = velocity(frames)
    if not re.search(r"stripes [\d.]+ px apart", said):
        return x, y
    frequency, direction = _strongest(frames)
    across = math.radians(direction)
    way = x * math.cos(across) + y * math.sin(across)
    way -= round(way * frequency) / frequency
    return way * math.cos(across), way * math.sin(across)


def _of_motion(kernel: str, said: str, clip: Floats) -> Iterator[Claim]:
    frames = _grey(clip)
    moving = re.search(r"moving ([a-z ]+?) at ([\d.]+)", said)
    if moving and moving[1] in DIRECTIONS:
        x, y = _seen_velocity(said, frames)
        angle = math.radians(DIRECTIONS[moving[1]])
        speed = math.hypot(x, y)
        stated, found = float(moving[2]), re.search(r"which on such stripes looks like ([\d.]+|standing)(.*)", said)
        if found:
            stated = 0.0 if found[1] == "standing" else float(found[1])
            angle += math.pi if "the other way" in found[2].split(".", 1)[0] else 0
        yield _close(kernel, moving[0], stated, speed, max(0.35 * speed, 0.15))
        if stated:
            ahead = x * math.cos(angle) + y * math.sin(angle)
            yield Claim(kernel, moving[0], 1.0, math.cos(math.atan2(y, x) - angle), ahead > 0)
    if still := re.search(r"standing still \(([\d.]+)", said):
        yield _close(kernel, still[0], float(still[1]), math.hypot(*_seen_velocity(said, frames)), 0.3)


def _of_probes(kernel: str, said: str, responses: Floats) -> Iterator[Claim]:
    """`responses` are those of the clips that drive the kernel most, by probe."""
    driving = responses[responses[:, 0] > 0]
    whole = float(driving[:, 0].sum())
    for pattern, probe in (
        (r"rozen, (?:those|the reference clips) that drive it most keep (?:all \()?(>?\d+)%", "frozen"),
        (r"rozen, [^;.]*?, but (?:all \()?(>?\d+)% where the first frame dissolves", "dissolved"),
        (r"played backwards, they keep (?:all \()?(>?\d+)%", "reversed"),
    ):
        if found := re.search(pattern, said):
            share = float(driving[:, PROBES.index(probe)].sum()) / whole
            yield _close_share(kernel, found[0], found[1], max(100 * share, 0))


def _close_share(kernel: str, words: str, stated: str, found: float) -> Claim:
    """Return whether a share in per cent is what is stated: rounded to it, or between ">99" and 100.

    Records keep four digits of a share, of more than everything a tenth of a per cent.
    """
    least = float(stated.removeprefix(">"))
    holds = least < found < 100 if stated.startswith(">") else abs(least - found) <= 0.6
    return Claim(kernel, words, least, found, holds)


def _of_clips(kernel: str, said: str, responses: Floats, names: list[str]) -> Iterator[Claim]:
    """`names` of generated clips end with the words of their label."""
    if found := re.search(r"lips of “([^”]+)” drive it most \(AUROC ([\d.]+)\)", said):
        words = [f"-{word.replace(' ', '-')}-" for word in found[1].split(" or ")]
        own = np.array([any(word in f"{name}-" for word in words) for name in names])
        wins = responses[own][:, None] - responses[~own][None]
        yield _close(kernel, found[0], float(found[2]), float((wins > 0).mean() + 0.5 * (wins == 0).mean()), 0.08)
    if found := re.search(r"the (\d) that drive it most stand still", said):
        best = [names[place] for place in np.argsort(-responses, kind="stable")[: int(found[1])]]
        still = sum("static" in name for name in best)
        yield _close(kernel, found[0], float(found[1]), still, 0)
