"""The result table of the front page as data: the kernels whose pictures it shows, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.audit.headline import headline
from reportgen.audit.silence import known_times
from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.report import ModelView
from reportgen.reading.views import KernelView


def results_table(model: ModelView, shown: Iterable[KernelView]) -> Table:
    """Return the kernels of the result table with what is said of each, in its order."""
    heads = columns(
        "Layer",
        Column("Name", "code"),
        "Kernel",
        "What it responds to",
        Column("Activation", "number"),
        Column("Multiple of the best reference clip's", "number"),
        Column("Mean speed", "number", "px/frame"),
        Column("PSNR", "number", "dB"),
        Column("Activation kept", "percent"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            model.stage_title(view.id.layer),
            view.id.layer,
            Reference(f"#{view.id.index}", view.uri, view.id.index),
            headline(view.figures, model.limits).claim,
            view.figures.activation,
            known_times(view.figures, model.limits),
            view.figures.mean_speed,
            view.figures.psnr,
            view.figures.activation_kept,
        )
        for view in shown
    ]
    return Table(f"results-{model.addresses.folder}", f"Result table of {model.title}", heads, tuple(told))
