"""What the terminal shows of a verification, and of two reports compared."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.cli.tables import table
from reportgen.errors import one_line
from reportgen.proof.changes import ChangedKernel, LayerDifference, NetworkDifference, ReportDifference
from reportgen.proof.outcome import Verification
from reportgen.reading.format import fixed, percent

_MOST_DETAILS = 20
_MOST_KERNELS = 4
_LONGEST = 60


def verification_lines(found: Verification) -> str:
    """Return the three answers, each with what speaks against it."""
    lines = [f"Root digest of these files: {found.root_digest}"]
    for name, proof in found.answers.items():
        lines.append(f"{name:<12} {proof.holds:<9}  {one_line(proof.sentence)}")
        lines += [f"  - {one_line(detail)}" for detail in proof.details[:_MOST_DETAILS]]
        if len(proof.details) > _MOST_DETAILS:
            lines.append(f"  - and {len(proof.details) - _MOST_DETAILS} more (--json lists all)")
    return "\n".join(lines)


def difference_lines(found: ReportDifference) -> str:
    """Return what differs between two reports, network by network."""
    return "\n".join([found.sentence, *(line for one in found.networks for line in _network_lines(one))])


def _network_lines(one: NetworkDifference) -> Iterator[str]:
    yield ""
    yield one_line(one.second if one.first == one.second else f"{one.first} and {one.second}")
    if one.unmatched:
        yield one_line(f"Kernels were not compared. {one.unmatched}")
    for other in one.settings:
        yield one_line(f"How they were made: {other.name} was {_short(other.first)} and is {_short(other.second)}")
    if one.layers:
        found = [_layer_cells(layer) for layer in one.layers]
        header = ("Layer", "Kernels", "Changed", "At another index", "Noise", "Which, difference (correlation)")
        yield table(header, found, right=(1, 2, 3, 4))
    for verdict in one.verdicts:
        figures = f"{verdict.first_figure} before, {verdict.second_figure} after"
        yield one_line(f"{verdict.name}: {verdict.first} before, {verdict.second} after ({figures})")
    for motion in one.motion:
        change = f"{percent(motion.first)} before, {percent(motion.second)} after (noise {percent(motion.noise)})"
        yield one_line(f"Reliance on motion of {motion.what}: {change}")
    for pathway in one.pathways:
        yield one_line(
            f"Pathway of {pathway.target} on {pathway.clip}: {percent(pathway.shared)} of its kernels shared"
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _layer_cells(layer: LayerDifference) -> tuple[str, ...]:
    changed = [
        f"{_moved(kernel)} {percent(kernel.difference)} ({fixed(kernel.correlation)})"
        for kernel in layer.changed[:_MOST_KERNELS]
    ]
    changed += [f"#{index} has no counterpart" for index in (*layer.only_first, *layer.only_second)[:_MOST_KERNELS]]
    more = [f"and {len(layer.changed) - _MOST_KERNELS} more"] if len(layer.changed) > _MOST_KERNELS else []
    counts = (layer.kernels, len(layer.changed), layer.moved)
    return (layer.layer, *map(str, counts), percent(layer.noise, 1), ", ".join([*changed, *more]))


def _moved(kernel: ChangedKernel) -> str:
    return f"#{kernel.first} now #{kernel.second}" if kernel.first != kernel.second else f"#{kernel.first}"
