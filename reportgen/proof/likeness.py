"""Whether two answers to one question are the same, as far as rounding lets them be.

Numbers are compared within a share of the larger one, those of a list within that share of the list's largest; whole
numbers, words and lengths must be equal; pictures may differ by a few of their 256 levels, on the whole and in each
block of 8 by 8 pixels.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import StoreError
from reportgen.media import read_data
from reportgen.media.encode import frames_of
from reportgen.records.jobs import Artifact, Done
from reportgen.records.packed import content_at
from reportgen.records.store import Store

DEFAULT_TOLERANCE = 0.01

_LEAST = 1e-6
"""Numbers nearer than this are equal: shares and probabilities are rounded to more than that."""

_LEVELS, _BLOCK_LEVELS = 4.0, 24.0
_BLOCK = 8
_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
_PICTURES = ("image/avif", "image/webp", "image/png")


@dataclass(frozen=True)
class Deviation:
    """A place where two answers differ, by how many times what is allowed, and in words."""

    place: str
    times: float
    words: str


def deviations(theirs: tuple[Store, Done], ours: tuple[Store, Done], tolerance: float) -> list[Deviation]:
    """Return where an answer of a report differs from the one that was computed; files that it lacks are left out.

    Raises StoreError when a file of either is damaged.
    """
    found = list(_values("", theirs[1].answer, ours[1].answer, tolerance))
    here = {_identity(artifact): artifact for artifact in ours[1].artifacts}
    for artifact in theirs[1].artifacts:
        other = here.pop(_identity(artifact), None)
        if other is None:
            found.append(Deviation(artifact.role, math.inf, f"{artifact.role} is no file of this answer"))
        elif artifact.sha256 != other.sha256:
            found += _files(artifact, theirs[0].path(artifact), other, ours[0].path(other), tolerance)
    found += [Deviation(role, math.inf, f"{role} is not there") for role, *_ in here]
    return found


def _identity(artifact: Artifact) -> tuple[str, str, str]:
    return artifact.role, artifact.kind, Path(artifact.path).name


def _values(place: str, theirs: Any, ours: Any, tolerance: float) -> Iterator[Deviation]:
    """Yield where two values of JSON differ."""
    match theirs, ours:
        case dict(), dict():
            for name in sorted(theirs.keys() | ours.keys()):
                yield from _values(f"{place}.{name}".lstrip("."), theirs.get(name), ours.get(name), tolerance)
        case list(), list():
            if len(theirs) != len(ours):
                yield Deviation(place, math.inf, f"{place} has {len(theirs)} entries and not {len(ours)}")
            elif any(isinstance(one, float) for one in (*theirs, *ours)) and _plain(theirs) and _plain(ours):
                yield from _numbers(place, theirs, ours, tolerance)
            else:
                for number, (a, b) in enumerate(zip(theirs, ours, strict=True)):
                    yield from _values(f"{place}[{number}]", a, b, tolerance)
        case (float(), float() | int()) | (int(), float()) if not isinstance(ours, bool) and not isinstance(
            theirs, bool
        ):
            yield from _numbers(place, [theirs], [ours], tolerance)
        case _:
            if theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
                yield Deviation(place, math.inf, f"{place} is {_short(theirs)} and not {_short(ours)}")


def _plain(values: list[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _numbers(place: str, theirs: list[Any], ours: list[Any], tolerance: float) -> Iterator[Deviation]:
    """Yield the number of a list that differs most, where it does by more than rounding; None is no number."""
    a, b = (np.array([np.nan if value is None else value for value in values], float) for values in (theirs, ours))
    if found := _worst(a, b, tolerance):
        worst, times = found
        where = f"{place}[{worst}]" if len(theirs) > 1 else place
        yield Deviation(where, times, f"{where} is {_short(theirs[worst])} and not {_short(ours[worst])}")


def _worst(a: NDArray[Any], b: NDArray[Any], tolerance: float) -> tuple[int, float] | None:
    """Return where two flat arrays differ most, and by how many times what is allowed; None where they do not."""
    finite = np.isfinite(a) & np.isfinite(b)
    same = finite | (np.isnan(a) & np.isnan(b)) | (a == b)
    if not same.all():
        return int(np.argmin(same)), math.inf
    if not finite.any():
        return None
    scale = max(float(np.abs(a[finite]).max()), float(np.abs(b[finite]).max()))
    times = np.where(finite, np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)), 0) / (tolerance * scale + _LEAST)
    worst = int(np.argmax(times))
    return (worst, float(times[worst])) if times[worst] > 1 else None


def _files(artifact: Artifact, theirs: Path, other: Artifact, ours: Path, tolerance: float) -> Iterator[Deviation]:
    """Yield how one file differs from another; none where a site left the first in its run."""
    if not theirs.exists():
        return
    role = artifact.role
    try:
        if artifact.media_type in _PICTURES and artifact.height and artifact.width:
            yield from _pictures(artifact, theirs, other, ours)
        elif theirs.suffix == ".npz":
            yield from _arrays(role, read_data(theirs), read_data(ours), tolerance)
        elif artifact.path.endswith(".json"):
            a, b = (json.loads(content_at(*one)) for one in ((theirs, artifact), (ours, other)))
            yield from _values(role, a, b, tolerance)
        elif artifact.path.endswith((".csv", ".txt", ".graphml")):
            first, second = (content_at(*one).decode() for one in ((theirs, artifact), (ours, other)))
            yield from _texts(role, first, second, tolerance)
        else:
            yield Deviation(role, math.inf, f"{role} has other bytes")
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{role} cannot be compared ({error}).") from error


def _pictures(artifact: Artifact, theirs: Path, other: Artifact, ours: Path) -> Iterator[Deviation]:
    shapes = [(one.frames or 1, one.height or 1, one.width or 1) for one in (artifact, other)]
    if shapes[0] != shapes[1]:
        yield Deviation(artifact.role, math.inf, f"{artifact.role} has another size")
        return
    a, b = (frames_of(path, *shapes[0]).astype(np.float32) for path in (theirs, ours))
    difference = np.abs(a - b).mean(axis=(0, 3))
    times = max(float(difference.mean()) / _LEVELS, float(_blocks(difference).max()) / _BLOCK_LEVELS)
    if times > 1:
        words = (
            f"{artifact.role} differs by {difference.mean():.1f} of 256 levels, {_blocks(difference).max():.0f} at most"
        )
        yield Deviation(artifact.role, times, words)


def _blocks(picture: NDArray[Any]) -> NDArray[Any]:
    """Return the means of a picture H W over blocks; what is left at its sides is part of the last ones."""
    height, width = picture.shape
    rows = np.add.reduceat(picture, range(0, height, _BLOCK), axis=0)
    sums = np.add.reduceat(rows, range(0, width, _BLOCK), axis=1)
    sizes = [np.diff([*range(0, side, _BLOCK), side]) for side in (height, width)]
    return np.asarray(sums / np.outer(*sizes))


def _arrays(
    role: str, theirs: dict[str, NDArray[Any]], ours: dict[str, NDArray[Any]], tolerance: float
) -> Iterator[Deviation]:
    for name in sorted(theirs.keys() | ours.keys()):
        a, b = theirs.get(name), ours.get(name)
        place = f"{role}.{name}"
        if a is None or b is None or a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            yield Deviation(place, math.inf, f"{place} has another shape")
        elif a.dtype.kind != "f":
            if not np.array_equal(a, b):
                yield Deviation(place, math.inf, f"{place} has other values")
        elif found := _worst(a.astype(float).ravel(), b.astype(float).ravel(), tolerance):
            yield Deviation(place, found[1], f"{place} has other values")


def _texts(role: str, theirs: str, ours: str, tolerance: float) -> Iterator[Deviation]:
    if _NUMBER.sub("0", theirs) != _NUMBER.sub("0", ours):
        yield Deviation(role, math.inf, f"{role} has other words")
        return
    pairs = zip(_NUMBER.findall(theirs), _NUMBER.findall(ours), strict=True)
    found = [one for a, b in pairs if a != b for one in _numbers(role, [float(a)], [float(b)], tolerance)]
    if found:
        yield max(found, key=lambda one: one.times)


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
