"""Tables for the terminal, as text: aligned columns, units in the header, nothing wider than it need be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.box import Box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reportgen.bidi import without_bidi
from reportgen.commands.layers import LayerRow
from reportgen.commands.methods import MethodRow
from reportgen.commands.models import ModelRow
from reportgen.commands.status import RunStatus
from reportgen.reading.format import bytes_size, duration
from reportgen.records.manifest import LayerFacts
from reportgen.runner.summary import Summary
from reportgen.zoo.fetch import Offer

if TYPE_CHECKING:  # pages are not needed to list models and layers
    from reportgen.commands.check import CheckedModel
    from reportgen.runner.costs.forecast import PlanForecast

#: A name is not shortened below this.
LEAST_NAME = 12

#: A list of values that is longer is told by its length.
LONGEST_LIST = 24


#: Columns are told apart by two spaces, the header by a line of dashes; nothing else is drawn.
_PLAIN = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)

#: As wide as a table can need to be where nobody says how wide the terminal is.
_UNBOUNDED = 10_000


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), width: int | None = None
) -> str:
    """Return aligned text; the columns `right` are numbers.

    Where the lines are longer than `width`, the last column, a remark, is cut first, then the names in the first are
    shortened in the middle; numbers are never.
    """
    cells = [[without_bidi(cell) for cell in row] for row in (header, *rows)]
    widths = [max(cell_len(row[column]) for row in cells) for column in range(len(header))]
    excess = sum(widths) + 2 * (len(widths) - 1) - width if width is not None else 0
    for column, shorten in ((-1, _cut_end), (0, _cut_middle)):
        if excess > 0:
            least = max(LEAST_NAME, len(header[column]))
            kept = max(widths[column] - excess, min(least, widths[column]))
            excess -= widths[column] - kept
            for row in cells:
                row[column] = shorten(row[column], kept)
    drawn = Table(box=_PLAIN, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, name in enumerate(cells[0]):
        drawn.add_column(Text(name), justify="right" if column in right else "left", no_wrap=True)
    for row in cells[1:]:
        drawn.add_row(*map(Text, row))
    console = Console(width=_UNBOUNDED, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cut_end(text: str, length: int) -> str:
    return text if cell_len(text) <= length else f"{set_cell_size(text, length - 1).rstrip()}…"


def _cut_middle(text: str, length: int) -> str:
    """Shorten a name: both its ends tell layers apart, and the last part most."""
    if cell_len(text) <= length:
        return text
    first = (length - 1) // 3
    return f"{text[:first]}…{text[len(text) - (length - 1 - first) :]}"


def status_table(rows: Sequence[RunStatus], width: int | None = None) -> str:
    """Return how far runs are, and when each is likely to end."""
    header = ("run", "analysis", "jobs", "done", "failed", "skipped", "left", "hours of work")
    cells = []
    for row in rows:
        counts = (f"{count:,}" for count in (row.jobs, row.done, row.failed, row.skipped, row.left))
        cells.append((row.run, row.analysis, *counts, f"{row.seconds / 3600:.2f}"))
    lines = [table(header, cells, right=range(2, 8), width=width)]
    for row in rows:
        if row.fault is not None:
            lines.append(f"{row.run}: {row.fault}")
        elif row.held is not None:
            rate = f"{row.per_hour:,.0f} jobs an hour" if row.per_hour else "too few jobs for a rate"
            left = f", {row.hours_left:.1f} hours left at that" if row.hours_left and row.left else ""
            lines.append(f"{row.run}: {row.held} chunk{'s' * (row.held != 1)} held, {rate}{left}")
    return "\n".join(lines)


def plan_table(rows: Sequence[PlanForecast], width: int | None = None) -> str:
    """Return what runs will cost and when they will be done."""
    return "\n\n".join(_forecast(row, width) for row in rows)


def _forecast(one: PlanForecast, width: int | None) -> str:
    unit = one.costs[-1].unit
    header = ("analysis", "jobs", "done", "left", unit, "error", "9 in 10", "on disk", "hours from")
    others = dict.fromkeys(row.basis for row in one.costs[:-1] if row.left and row.basis != "records")
    numbers = {basis: f"({number})" for number, basis in enumerate(others, start=1)}
    cells = []
    for row in one.costs:
        counts = (f"{count:,}" for count in (row.jobs, row.done, row.left))
        errors = (_percent(row.error_median), _percent(row.error_ninety))
        size = "not known" if row.bytes is None else bytes_size(row.bytes)
        basis = numbers.get(row.basis, "records" if row.basis == "records" else "")
        cells.append((row.analysis, *counts, _hours(row.hours), *errors, size, basis))
    lines = [f"{one.run} on {one.machine}:", table(header, cells, right=range(1, 8), width=width)]
    for end in one.ends:
        when = f"{duration(end.hours * 3600)}, done at {end.end}" if end.hours is not None else "the end is not known"
        lines.append(f"{end.executor}, {end.workers} worker{'s' * (end.workers != 1)}: {when}")
    return "\n".join([*lines, *(f"{number} {basis}" for basis, number in numbers.items()), *one.notes])


def _hours(hours: float | None) -> str:
    if hours is None:
        return "not known"
    if hours < 0.001:
        return "< 0.001" if hours else "0"
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}" if hours < 1 else f"{hours:.3g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def models_table(rows: Sequence[ModelRow], width: int | None = None) -> str:
    """Return the models of the zoo as a table, for a terminal of `width` columns."""
    header = ["model", "clip T H W", "classes", "parameters", "weights", "what it is"]
    cells = [
        [
            row.name + (f" ({', '.join(row.aliases)})" if row.aliases else ""),
            " ".join(map(str, row.clip)),
            str(row.classes or "-"),
            f"{row.parameters / 1e6:.2f} M" if row.parameters else "-",
            row.weights,
            row.title,
        ]
        for row in rows
    ]
    return table(header, cells, right=(2, 3), width=width)


def layers_table(rows: Sequence[LayerRow], width: int | None = None) -> str:
    """Return the layers of a network as a table, for a terminal of `width` columns.

    Sizes are T x H x W; `sees` is the receptive field in frames and px; the last numbers are shares of the whole.
    """
    header = [
        "layer", "type", "kernel", "stride", "groups", "channels", "output", "sees",
        "params", "mult-adds", "stage",
    ]  # fmt: skip
    cells = [
        [
            row.facts.name,
            row.facts.kind,
            _size(row.facts.kernel_size),
            _size(row.facts.stride),
            str(row.facts.groups),
            f"{row.facts.inputs}>{row.facts.kernels}",
            _size(row.facts.output or ()),
            _sees(row.facts),
            f"{row.parameter_share:.1%}",
            f"{row.multiply_add_share:.1%}" if row.multiply_add_share is not None else "-",
            row.stage or "",
        ]
        for row in rows
    ]
    return table(header, cells, right=(4, 8, 9), width=width)


def methods_table(rows: Sequence[MethodRow], width: int | None = None) -> str:
    """Return each method with its parameters as a table, for a terminal of `width` columns."""
    return "\n\n".join(_method_text(row, width) for row in rows)


def _method_text(row: MethodRow, width: int | None) -> str:
    off = f" Off in {' and '.join(row.off_in)} unless named by --analyses." if row.off_in else ""
    head = [f"{row.name}: {row.title}", row.summary + off]
    if not row.parameters:
        return "\n".join([*head, "It has no parameters."])
    presets = list(row.parameters[0].presets)
    cells = [
        [
            one.name,
            *(_value(one.presets[preset]) for preset in presets),
            one.values,
            f"{one.meaning} As in {one.follows} unless given." if one.follows else one.meaning,
        ]
        for one in row.parameters
    ]
    return "\n".join([*head, "", table(["parameter", *presets, "values", "meaning"], cells, width=width)])


def _value(value: JsonValue) -> str:
    """Return a default: `-` for one that is left out, long lists by their length."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list():
            shown = ", ".join(map(_value, value))
            return f"[{shown}]" if len(shown) <= LONGEST_LIST else f"{len(value)} of them"
        case dict():
            return "{}" if not value else f"{len(value)} of them"
        case _:
            return str(value)


def _sees(facts: LayerFacts) -> str:
    if facts.output is None:
        return "-"  # it did not run
    if facts.receptive_field is None:
        return "not known"
    if not any(facts.receptive_field):
        return "all"
    return "x".join("all" if size is None else str(size) for size in facts.receptive_field)


def summary_table(summary: Summary) -> str:
    """Return what a build did, as a table with one line per model and analysis, and the reasons below it."""
    rows: list[list[str]] = []
    messages: list[str] = []
    for model in summary.models:
        for analysis, tally in model.analyses.items():
            counts = [str(count) for count in (tally.computed, tally.reused, tally.skipped, tally.failed)]
            rows.append([model.model, analysis, *counts, f"{tally.seconds:.1f}"])
            told = [*tally.messages, *tally.notes]
            messages.extend(f"{model.model} {analysis}: {message}" for message in told)
    header = ["model", "analysis", "computed", "there already", "skipped", "failed", "seconds"]
    parts = [table(header, rows, right=(2, 3, 4, 5, 6)), *messages]
    parts += [f"runs: {model.folder}" for model in summary.models]
    parts.append(f"{summary.seconds:.1f} s in all")
    return "\n".join(parts)


def offer_text(offer: Offer) -> str:
    """Return what is about to be downloaded, line by line."""
    size = f"{offer.size / 1e6:.1f} MB" if offer.size is not None else "size unknown"
    if offer.resumed_from:
        size += f", of which {offer.resumed_from / 1e6:.1f} MB are here already"
    return "\n".join(
        [
            f"{offer.model}: {offer.file}, {size}",
            f"from    {offer.address}",
            f"to      {offer.destination}",
            f"licence {offer.licence or 'not stated: ask its authors before you publish results'}",
        ]
    )


def _size(size: Sequence[int]) -> str:
    return "x".join(map(str, size)) or "-"


def audit_lines(audits: Sequence[CheckedModel]) -> str:
    """Return one line for each figure of the audit: the verdict first, so that `grep ^fail` finds what misses."""
    return "\n".join(
        f"{verdict.word:10}  {audit.model}  {verdict.name}: {verdict.figure}"
        for audit in audits
        for verdict in audit.verdicts
    )
