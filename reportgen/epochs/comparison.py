"""Two audits side by side: before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reportgen.audit.side_by_side import beside, matched
from reportgen.audit.verdicts import WORST_FIRST, Verdict
from reportgen.errors import OptionError, one_line
from reportgen.result import ShownResult

Direction = Literal["better", "worse", "same", "changed", "new", "gone"]


class Judged(Protocol):
    """What has verdicts of one network: a row of `reportgen.check`, or what `reportgen.audit` returns."""

    @property
    def model(self) -> str:
        """The network's name."""
        ...

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is judged."""
        ...


@dataclass(frozen=True)
class ComparedVerdict:
    """One check before and after; `change` is after minus before, None where either is not known.

    `direction` is "better" or "worse" where the state changed, "changed" where the figure alone did, "new" or "gone"
    where only one side has the check.
    """

    model: str
    name: str
    before: Verdict | None
    after: Verdict | None
    change: float | None
    direction: Direction


@dataclass(frozen=True, eq=False)
class AuditComparison(ShownResult):
    """Every check of two audits, network by network, the worse ones first.

    `only_before` and `only_after` are networks that the other side has not; they have no rows.
    """

    rows: tuple[ComparedVerdict, ...]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()

    def __repr__(self) -> str:
        told = ", ".join(
            f"{count} {kind}"
            for kind in ("worse", "better", "changed", "same", "new", "gone")
            if (count := sum(row.direction == kind for row in self.rows))
        )
        sides = (("before", self.only_before), ("after", self.only_after))
        lone = "".join(f"; only {when}: {', '.join(names)}" for when, names in sides if names)
        return one_line(f"AuditComparison({len(self.rows)} checks: {told}{lone})")

    @property
    def worse(self) -> tuple[ComparedVerdict, ...]:
        """The checks whose state is worse than before."""
        return tuple(row for row in self.rows if row.direction == "worse")


_ORDER: tuple[Direction, ...] = ("worse", "gone", "new", "better", "changed", "same")


def compared_audits(before: Sequence[Judged], after: Sequence[Judged]) -> AuditComparison:
    """Return the checks of the networks of both sides; two single networks are compared whatever they are called.

    Raises OptionError where the sides have no network in common.
    """
    found = matched(before, after, lambda one: one.model)
    if not found.pairs:
        names = " and ".join(", ".join(one.model for one in side) or "none" for side in (before, after))
        raise OptionError(f"The two sides have no network in common ({names}): compare runs of one name.")
    rows = [
        _compared(other.model, *checks) for one, other in found.pairs for checks in beside(one.verdicts, other.verdicts)
    ]
    ordered = tuple(sorted(rows, key=lambda row: _ORDER.index(row.direction)))
    return AuditComparison(ordered, found.only_first, found.only_second)


def _compared(model: str, name: str, before: Verdict | None, after: Verdict | None) -> ComparedVerdict:
    known = before is not None and after is not None and before.value is not None and after.value is not None
    change = after.value - before.value if known else None  # type: ignore[union-attr, operator]
    return ComparedVerdict(model, name, before, after, change, _direction(before, after))


def _direction(before: Verdict | None, after: Verdict | None) -> Direction:
    if before is None or after is None:
        return "new" if before is None else "gone"
    if before.state == after.state:
        return "same" if (before.value, before.figure) == (after.value, after.figure) else "changed"
    return "better" if WORST_FIRST.index(after.state) > WORST_FIRST.index(before.state) else "worse"
