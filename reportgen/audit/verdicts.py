"""Pass, warn, fail or not tested: each with its figure, its threshold and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reportgen.audit.limits import Limit
from reportgen.reading.format import percent, told_apart

State = Literal["pass", "warn", "fail", "untested"]


WORST_FIRST: tuple[State, ...] = ("fail", "warn", "untested", "pass")
"""The order in which verdicts are told: what was not tested stands with what is in doubt, not with what is not."""


@dataclass(frozen=True)
class Verdict:
    """How far a figure may be believed.

    `value` is the number that was judged and `figure` that number as it is printed; None where it is not known, or
    where a fact is judged and no number. `link` leads to the evidence (a site address), where there is a page of it.
    """

    state: State
    name: str
    value: float | None
    figure: str
    threshold: str
    meaning: str
    link: str = ""

    @property
    def word(self) -> str:
        """The state as a reader sees it."""
        return "not tested" if self.state == "untested" else self.state


def graded(value: float | None, good: float, fair: float) -> State:
    """Return pass from `good` up, warn from `fair` up, else fail; falling scales have `good` under `fair`."""
    if value is None:
        return "untested"
    if good < fair:
        value, good, fair = -value, -good, -fair
    return "pass" if value >= good else "warn" if value >= fair else "fail"


def judged(
    value: float | None, *limits: float, tell: Callable[[float | None, int], str] = percent, digits: int = 0
) -> str:
    """Return a figure as it stands beside the limits by which it was judged, which it must not read like."""
    return told_apart(tell, digits, value, *limits)[0]


def at_least(limit: Limit) -> str:
    """Return a rising limit in words."""
    passes = percent(limit[0]) if limit[0] >= 1 else f"at least {percent(limit[0])}"
    return f"{passes} (warn {f'from {percent(limit[1])}' if limit[1] > 0 else 'below that'})"


def at_most(limit: Limit, digits: int = 0) -> str:
    """Return a falling limit in words."""
    return f"at most {percent(limit[0], digits)} (warn to {percent(limit[1])})"
