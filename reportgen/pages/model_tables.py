"""The tables of a model's page: its clips, its layers, and the published figures of its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.outputs.model import Cell, Column, Reference, References, Table, columns
from reportgen.pages.report import ModelView
from reportgen.reading.format import count, percent, plain, shape
from reportgen.records.manifest import ClipFacts

PUBLISHED = {
    "joint_accuracy": "Clips whose texture and motion it both names",
    "texture_accuracy": "Clips whose texture it names",
    "motion_accuracy": "Clips whose motion it names",
    "frozen_called_static": "Frozen clips that it calls static",
    "reversed_called_opposite": "Clips played backwards of which it names the opposite motion",
    "clips": "Clips that these shares are of",
    "clips_seed": "Seed of these clips",
    "kinetics400_top1": "Kinetics-400, top 1, per cent",
    "kinetics400_top5": "Kinetics-400, top 5, per cent",
    "kinetics400_mean_of_top1_and_top5": "Kinetics-400, mean of top 1 and top 5, per cent",
    "imagenet_top1": "ImageNet, top 1, per cent",
    "imagenet_top5": "ImageNet, top 5, per cent",
    "flying_chairs_endpoint_error_px": "Flying Chairs, endpoint error, px",
}
"""What the figures of the cards are called on a page."""


@dataclass(frozen=True)
class ClipRow:
    """A clip that the report is about, with the links to what was found on it."""

    facts: ClipFacts
    uri: str
    label: str
    top: str
    pyramids: tuple[Reference, ...]


def published_row(name: str, value: float) -> tuple[str, str]:
    """Return a figure of a card in words, and its value: a share as a percentage, if its name says that it is one."""
    words = PUBLISHED.get(name, name.replace("_", " ").capitalize())
    is_share = words.startswith(("Clips whose", "Frozen clips", "Clips played"))
    if is_share:
        return words, percent(value, 1)
    return words, count(int(value)) if float(value).is_integer() else plain(value)


def published_table(model: ModelView) -> Table:
    """Return what was published of the weights."""
    told = tuple(published_row(name, value) for name, value in model.run.card.figures.items())
    return Table("published", "Published figures", columns("Published figure of these weights", "Value"), told)


def clip_rows(model: ModelView) -> list[ClipRow]:
    """Return the clips of the report."""
    rows = []
    for clip in model.subjects:
        asked = model.on_clip("pyramid", clip.name)
        links = tuple(
            Reference(model.question(view.target), model.addresses.pyramid(view.clip, view.target)) for view in asked
        )
        label = "" if clip.label is None else model.label(clip.label)
        top = ", ".join(model.label(index) for index, _ in model.taken_for(clip))
        rows.append(ClipRow(clip, model.addresses.clip(clip.name), label, top, links))
    return rows


def report_clips_table(model: ModelView, clips: Sequence[ClipRow]) -> Table:
    """Return the clips that the report is about, with the classes of a network that has some."""
    classes = bool(model.run.card.classes)
    heads = columns(
        "Clip",
        *(("True class", "Predicted") if classes else ()),
        Column("Frames", "count"),
        Column("Size", "count", "px", parts=("width", "height"), joined="×"),
        f"{model.words.pyramid.capitalize()}s",
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(row.facts.title, row.uri),
            *((row.label or "–", row.top or "–") if classes else ()),
            row.facts.frames,
            (row.facts.width, row.facts.height),
            References(row.pyramids),
        )
        for row in clips
    ]
    return Table("clips", "Clips", heads, tuple(told))


def network_layers_table(model: ModelView) -> Table:
    """Return every convolution and linear layer of the network."""
    heads = columns(
        "Layer",
        "Kind",
        Column("Kernels", "count"),
        Column("Inputs", "count"),
        "Size",
        "Stride",
        Column("Groups", "count"),
        "Output",
        Column("Receptive field", unit="frames×px×px"),
        Column("Parameters", "count"),
        Column("Multiply-adds", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(layer.name, model.addresses.layer(layer.name), layer.order),
            layer.kind,
            layer.kernels,
            layer.inputs,
            shape(layer.kernel_size),
            shape(layer.stride),
            layer.groups,
            shape(layer.output),
            shape(layer.receptive_field),
            layer.parameters,
            layer.multiply_adds,
        )
        for layer in model.run.layers
    ]
    return Table("network-layers", "Convolution and linear layers", heads, tuple(told))


def model_tables(model: ModelView) -> Iterator[Table]:
    """Yield the tables of a model's page that have rows."""
    if model.run.card.figures and model.run.weights.published:
        yield published_table(model)
    if clips := clip_rows(model):
        yield report_clips_table(model, clips)
    if model.run.layers:
        yield network_layers_table(model)
