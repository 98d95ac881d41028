"""Numbered names: which of them make one series, and in which order their numbers put them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

Key = tuple[tuple[int, int, str, str], ...]

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_WHOLE = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LONGEST_COUNT = 18
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")


def natural_key(text: str) -> Key:
    """Return a sort key that puts frame_2 before frame_10."""
    return _key(text, _WHOLE)


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names of one series in the order of their numbers.

    Numbers with a point are read as decimals (t0.04, t0.2, t1) where they count nothing as parts of a version do
    (shot1.9, shot1.10).
    """
    listed = list(names)
    number = _DECIMAL if _are_decimals(listed) else _WHOLE
    return sorted(listed, key=lambda name: (_key(_stem(name), number), name))


def split_series(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the series among the names, each in order, by what a person would call them: `img_*.jpg`.

    Names of one series differ in one number, or in several that are no combination of each with each. Where most names
    have a form of their own, all are one series.
    """
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(_NUMBER.sub("\0", _stem(name)).casefold(), []).append(name)
    if 2 * len(forms) > len(names):
        return {"*": in_order(names)} if names else {}
    series: dict[str, list[str]] = {}
    for members in forms.values():
        for suffix, alike in _by_suffix(members).items():
            series |= _by_other_numbers(alike, suffix)
    return dict(sorted(series.items(), key=lambda item: natural_key(item[0])))


def _key(text: str, number: re.Pattern[str]) -> Key:
    """Compare numbers by their length and digits: as numbers, however long they are."""
    parts: list[tuple[int, int, str, str]] = []
    end = 0
    for match in number.finditer(text):
        if match.start() > end:
            parts.append((1, 0, text[end : match.start()].casefold(), ""))
        whole, _, fraction = match.group().partition(".")
        digits = whole.lstrip("0")
        parts.append((0, len(digits), digits, fraction.rstrip("0")))
        end = match.end()
    if end < len(text):
        parts.append((1, 0, text[end:].casefold(), ""))
    return tuple(parts)


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name)


def _are_decimals(names: list[str]) -> bool:
    """Return whether what stands behind points counts nothing: 04 beside 2, or 5 and 75 without what lies between."""
    numbers = [number for name in names for number in _NUMBER.findall(_stem(name))]
    if any(number.count(".") > 1 for number in numbers):
        return False  # a version or a date
    behind: dict[str, set[str]] = {}
    for number in numbers:
        whole, point, fraction = number.partition(".")
        if point:
            behind.setdefault(whole, set()).add(fraction)
    fractions = set().union(*behind.values())
    if len({len(fraction) for fraction in fractions}) < 2:
        return True  # of equal length they are in the same order either way
    if any(fraction.startswith("0") and fraction != "0" for fraction in fractions):
        return True
    if max(map(len, fractions)) > _LONGEST_COUNT:
        return True
    counted = (sorted(map(int, group)) for group in behind.values())
    return any(after != before + 1 for group in counted for before, after in pairwise(group))


def _by_suffix(names: list[str]) -> dict[str, list[str]]:
    """Return the names by suffix where a number comes with several suffixes, else all under the one suffix or none."""
    suffixes: dict[str, list[str]] = {}
    for name in names:
        suffixes.setdefault(name[len(_stem(name)) :].casefold(), []).append(name)
    stems = [_stem(name).casefold() for name in names]
    if len(suffixes) == 1 or len(set(stems)) < len(stems):
        return suffixes
    return {"": names}


def _by_other_numbers(names: list[str], suffix: str) -> dict[str, list[str]]:
    """Split names of one form by the numbers that do not count frames, where each comes with the same frames."""
    fields = {name: _NUMBER.findall(_stem(name)) for name in names}
    columns = list(zip(*fields.values(), strict=True))
    counts = [len(set(column)) for column in columns]
    if not counts:
        return {_stem(names[0]) + suffix: in_order(names)}
    frame = max(range(len(counts)), key=lambda place: (counts[place], place))
    series: dict[str, list[str]] = {}
    for name in names:
        series.setdefault(_label(name, fields[name], frame) + suffix, []).append(name)
    numbered = [{fields[name][frame] for name in members} for members in series.values()]
    if len(series) > 1 and (len(numbered[0]) < 2 or any(numbers != numbered[0] for numbers in numbered)):
        return {_NUMBER.sub("*", _stem(names[0])) + suffix: in_order(names)}
    return {label: in_order(members) for label, members in series.items()}


def _label(name: str, numbers: list[str], frame: int) -> str:
    """Return a name without its suffix, with `*` for the number of its frame."""
    shown = iter(["*" if place == frame else number for place, number in enumerate(numbers)])
    return _NUMBER.sub(lambda _: next(shown), _stem(name))
