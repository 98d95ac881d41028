"""Two audits or reports side by side: which of their networks go together, and which of their checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reportgen.audit.verdicts import Verdict

_T = TypeVar("_T")


@dataclass(frozen=True)
class Matched(Generic[_T]):
    """What of two sides goes together, and the names of what only one of them has."""

    pairs: tuple[tuple[_T, _T], ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def matched(first: Sequence[_T], second: Sequence[_T], name: Callable[[_T], str]) -> Matched[_T]:
    """Return the networks of two sides that have one name; where there is one on each side, these two."""
    if len(first) == len(second) == 1:
        return Matched(((first[0], second[0]),), (), ())
    own, others = ({name(one): one for one in side} for side in (first, second))
    return Matched(
        tuple((one, others[key]) for key, one in own.items() if key in others),
        tuple(key for key in own if key not in others),
        tuple(key for key in others if key not in own),
    )


def beside(first: Iterable[Verdict], second: Iterable[Verdict]) -> Iterator[tuple[str, Verdict | None, Verdict | None]]:
    """Yield the name of each check that either side has, with the verdicts of both; None where it was not asked."""
    before, after = ({verdict.name: verdict for verdict in side} for side in (first, second))
    for name in dict.fromkeys((*before, *after)):
        yield name, before.get(name), after.get(name)
