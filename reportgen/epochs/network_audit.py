"""What a quick audit of a network in memory finds: verdicts, and the numbers behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.audit.verdicts import Verdict
from reportgen.errors import one_line
from reportgen.result import ShownResult


@dataclass(frozen=True, eq=False)
class NetworkAudit(ShownResult):
    """The verdicts of one network on some clips, as the audit page judges, with fewer clips and draws.

    `figures` are the numbers by name, None where one is not known: what to plot over epochs. `model` is the network's
    name, `clips` how many it was asked about, `seconds` what it took.
    """

    model: str
    clips: int
    verdicts: tuple[Verdict, ...]
    figures: Mapping[str, float | None]
    seconds: float

    def __repr__(self) -> str:
        states = Counter(verdict.word for verdict in self.verdicts)
        told = ", ".join(f"{count} {word}" for word, count in states.items())
        clips = "1 clip" if self.clips == 1 else f"{self.clips} clips"
        return one_line(f"NetworkAudit({self.model}, {clips}, {told}, {self.seconds:.1f} s)")

    def __getitem__(self, name: str) -> float | None:
        return self.figures[name]

    @property
    def failures(self) -> list[str]:
        """A clause for each verdict that fails, as `reportgen.require` takes it."""
        return [
            f"{self.model}, {one.name}: {one.figure}, asked for is {one.threshold}"
            for one in self.verdicts
            if one.state == "fail"
        ]

    @property
    def untested(self) -> list[str]:
        """A clause for each verdict whose figure is not known."""
        return [f"{self.model}, {one.name}: not tested" for one in self.verdicts if one.state == "untested"]
