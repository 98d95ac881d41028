"""Motion or appearance in a summary: the sentence, the reliance of classes and stages, and the table of layers."""

from __future__ import annotations

from dataclasses import replace

from reportgen.outputs.model import DocumentBlock, Prose, Section, Table
from reportgen.pages.motion_audit import motion_sentence, reliance_figures, strongest_first
from reportgen.pages.motion_rows import ProbedLayerRow, layer_rows
from reportgen.pages.motion_tables import probed_layers_table
from reportgen.pages.report import ModelView
from reportgen.reading.format import fixed
from reportgen.summary.shares import Shares, spread


def motion_part(model: ModelView, share: Shares) -> Section | None:
    """Return what the motion probes found; None where they left no figures."""
    found = model.motion_probes
    if found is None:
        return None
    classes, layers = strongest_first(found), layer_rows(model, found)
    blocks: list[DocumentBlock] = [Prose(motion_sentence(model, found, classes))]
    if share.classes:
        blocks += [chart for chart in reliance_figures(model, classes, layers, share.classes) if chart]
    if layers and share.layers:
        blocks.append(_table(model, layers, share.layers))
    return Section(model.addresses.motion, "Motion or appearance", tuple(blocks))


def _table(model: ModelView, layers: list[ProbedLayerRow], most: int) -> Table:
    """Return the table of layers: all of them where they are few, else stages, else those evenly between."""
    stages = [row for row in layers if row.stage] or layers
    shown = layers if len(layers) <= most else spread(stages, most)
    caption = (
        "Motion reliance: the share of a response that is gone when every frame of the clip is the same one, the best "
        "of all frames. Quartiles over a layer's kernels; beside them that of all their responses to all clips, with "
        "its interval over clips; the last columns: the median share of their response that the other probes leave. A "
        f"kernel counts as relying on motion from a reliance of {fixed(model.limits.motion_reliance)}, frozen and "
        "dissolved."
    )
    table = probed_layers_table(shown)
    return replace(table, caption=caption, left_out=len(layers) - len(shown), left_where="on the site's page of motion")
