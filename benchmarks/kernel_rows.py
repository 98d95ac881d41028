"""A stage's race against the published loop: what was measured, and what follows from it by arithmetic alone.

Both sides are charged for one and the same activation, the highest that the published loop was seen to reach:

- the published loop for its steps up to the first time at which it was seen to have reached that, times the seconds
  of one of its steps. It is looked at now and then only, so that this is at most too much;
- ours for its start and steps up to the first time at which it was seen to have reached as much, of the call, of 4, 8,
  16 ... steps, that does so first (see `benchmarks.arrival`), divided by the kernels that it raises together;
- beside that, ours for a whole call: of the smallest of these numbers of steps whose finished clip reaches as much,
  with all that holds the clip against others and measures it.

The end of the published loop's 1500 steps is compared only where all of them were run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.published_kernels import STEPS
from reportgen.errors import OptionError

DERIVED = (
    "charged_steps",
    "charged_seconds",
    "ratio",
    "ratio_of_a_call",
    "ratio_to_the_end",
    "kernels_per_hour",
    "share_of_peak",
    "least_seconds",
    "most_ratio",
)


@dataclass(frozen=True)
class Work:
    """What some steps of ours ask of the machine for one kernel, and what it can do in their precision.

    `multiply_adds` and `gigabytes`, read and written by their operations, are in 1e9; `peak` and `bandwidth` in 1e9 a
    second, of all threads that compute.
    """

    multiply_adds: float
    gigabytes: float
    peak: float
    bandwidth: float

    @property
    def least_seconds(self) -> float:
        """The roofline: the arithmetic at the peak or the traffic at the bandwidth, whichever takes longer."""
        return max(self.multiply_adds / self.peak, self.gigabytes / self.bandwidth)


@dataclass(frozen=True)
class Row:
    """One stage of one network, as measured.

    Seconds are per kernel, memory in GiB. `published_course` holds the steps after which the published loop was looked
    at, and its activation then. `our_steps`, `our_activation` and `our_seconds` are those of a whole call,
    `steps_asked`, `arrival_activation` and `arrival_seconds` those of the call that arrives first, as it does; None in
    rows of earlier versions. `rate` and `peak` are 1e9 multiply-adds per second of a step of exploration and of the
    device, both in `precision`. `work` is that of our steps up to the arrival, level by level.
    """

    model: str
    layer: str
    published_seconds_per_step: float
    published_course: tuple[tuple[int, float], ...]
    our_steps: int
    our_activation: float
    our_seconds: float
    our_learning_rate: float
    our_kernels: int
    precision: str
    rate: float
    peak: float
    peak_memory: float
    work: tuple[Work, ...] = ()
    steps_asked: int | None = None
    arrival_activation: float | None = None
    arrival_seconds: float | None = None

    @property
    def least_seconds(self) -> float | None:
        """The least time that our steps take on this machine by the roofline, without start and evaluation."""
        return sum(one.least_seconds for one in self.work) if self.work else None

    @property
    def most_ratio(self) -> float | None:
        """The ratio that would be reached if there were nothing but our steps, and these at the roofline."""
        least = self.least_seconds
        return self.charged_seconds / least if self.ratio and least else None

    @property
    def goal(self) -> float:
        """The activation compared: the highest that the published loop was seen to reach."""
        return max(activation for _, activation in self.published_course)

    @property
    def reached(self) -> bool:
        """Whether a whole call of ours reached the activation compared; where not, there is nothing to compare."""
        return self.our_activation >= self.goal

    @property
    def published_steps(self) -> int:
        """How many steps of the published loop were run."""
        return self.published_course[-1][0]

    @property
    def charged_steps(self) -> int:
        """The published loop's steps up to the activation compared."""
        return next(steps for steps, activation in self.published_course if activation >= self.goal)

    @property
    def charged_seconds(self) -> float:
        """The published loop's seconds up to the activation compared."""
        return self.charged_steps * self.published_seconds_per_step

    @property
    def ratio(self) -> float | None:
        """How many times sooner we reach the activation compared, both charged up to it; of old rows, a whole call."""
        if self.arrival_seconds is None:
            return self.ratio_of_a_call
        return self.charged_seconds / self.arrival_seconds

    @property
    def ratio_of_a_call(self) -> float | None:
        """How many times sooner a whole call of ours ends that has reached the activation compared."""
        return self.charged_seconds / self.our_seconds if self.reached else None

    @property
    def ratio_to_the_end(self) -> float | None:
        """How many times sooner a call ends with what all 1500 steps of the published loop end with, where all ran."""
        steps, activation = self.published_course[-1]
        if steps < STEPS or self.our_activation < activation:
            return None
        return STEPS * self.published_seconds_per_step / self.our_seconds

    @property
    def kernels_per_hour(self) -> float:
        """Kernels that whole calls of ours find in an hour."""
        return 3600 / self.our_seconds

    @property
    def share_of_peak(self) -> float:
        """The share of what the device can do at most in the precision that was used."""
        return self.rate / self.peak


def read_rows(path: Path | None) -> dict[tuple[str, str], Row]:
    """Return the rows of a JSON by model and layer; none where there is no such file."""
    if path is None or not path.exists():
        return {}
    names = {field.name for field in fields(Row)}
    rows = []
    for given in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        measured = {name: value for name, value in given.items() if name in names}
        course = tuple((steps, activation) for steps, activation in measured.pop("published_course"))
        work = tuple(Work(**one) for one in measured.pop("work", ()))
        rows.append(Row(published_course=course, work=work, **measured))
    return {(row.model, row.layer): row for row in rows}


def check_machine(path: Path | None, machine: dict[str, Any]) -> None:
    """Raise OptionError where a JSON holds rows of another machine: each row must be of the machine that is named."""
    if path is None or not path.exists():
        return
    kept = json.loads(path.read_text(encoding="utf-8"))["machine"]
    told, here = ((one["device"], one["threads"]) for one in (kept, machine))
    if told != here:
        raise OptionError(f"{path} holds rows of {told}, and this is {here}: name another file with --json.")


def write_rows(path: Path, machine: dict[str, Any], rows: Iterable[Row]) -> None:
    """Write what was measured, and beside it what follows."""
    content = {
        "machine": machine,
        "rows": [{**asdict(row), **{name: getattr(row, name) for name in DERIVED}} for row in rows],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as the Markdown table of the README.

    Where the work of some was counted, a column says what the roofline allows.
    """
    rows = list(rows)
    counted = any(row.work for row in rows)
    lines = [
        "| network, layer | activation compared | published loop: steps, time | ours up to it: of steps, time | faster"
        f" |{' by the roofline |' if counted else ''} a whole call: steps, time | faster | than its 1500 steps"
        " | kernels/h | of peak |",
        "| --- |" + " ---: |" * (9 + counted),
    ]
    for row in rows:
        cells = [
            f"{row.model} `{row.layer}`",
            f"{row.goal:.3g}",
            f"{row.charged_steps}, {_time(row.charged_seconds)}",
            "not looked at" if row.arrival_seconds is None else f"{row.steps_asked}, {_time(row.arrival_seconds)}",
            _times(row.ratio if row.arrival_seconds else None, "not reached"),
            *([_times(row.most_ratio, "not counted" if row.ratio else "not reached")] if counted else []),
            f"{row.our_steps}, {_time(row.our_seconds)}",
            _times(row.ratio_of_a_call, "not reached"),
            _times(row.ratio_to_the_end, "not run" if row.published_steps < STEPS else "not reached"),
            f"{row.kernels_per_hour:,.0f}",
            f"{row.share_of_peak:.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _times(ratio: float | None, otherwise: str) -> str:
    return otherwise if ratio is None else f"{ratio:,.0f}x"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min"
