"""Gradients of filters as volumes to turn: what the page of weight gradients gives its script."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.errors import StoreError
from reportgen.pages.page import FiltersScript, FilterVolumes
from reportgen.pages.report import ModelView
from reportgen.reading.format import short_kernel_name
from reportgen.records.answers.weight_gradients import ClipGradients, LayerGradient
from reportgen.records.jobs import Done, Record

MOST_SHOWN_VALUES = 500_000
"""Values that a page holds at most: as text they are two thirds of a megabyte."""


@dataclass(frozen=True)
class GradientVolumes:
    """The page's script, what can be chosen in it, and how many layers were left out because it would be too large."""

    script: FiltersScript
    clips: tuple[str, ...]
    left_out: int


def gradient_volumes(model: ModelView) -> GradientVolumes | None:
    """Return the drawn filters of every shown clip and target; None where no convolution was drawn.

    Raises StoreError for filters and channels that the layer does not have.
    """
    volumes: list[FilterVolumes] = []
    left_out = values = 0
    for record, shown in model.clip_gradients:
        for layer, gradient in shown.layers.items():
            own = _volumes(model, record, shown, layer, gradient)
            if own is None:
                continue
            if values + own.values > MOST_SHOWN_VALUES:
                left_out += 1
                continue
            values += own.values
            volumes.append(own)
    if not volumes:
        return None
    uri = model.addresses.weights.removesuffix(".md") + "-volumes.js"
    clips = tuple(dict.fromkeys(str(one.data["clip"]) for one in volumes))
    return GradientVolumes(FiltersScript(uri, "weights", tuple(volumes)), clips, left_out)


def _volumes(
    model: ModelView, record: Record, shown: ClipGradients, layer: str, gradient: LayerGradient
) -> FilterVolumes | None:
    """Return a layer's drawn filters, None where none were drawn."""
    artifact = record.outcome.artifact("gradients", "data") if isinstance(record.outcome, Done) else None
    if artifact is None or not gradient.drawn or not gradient.channels or not gradient.scale:
        return None
    filters, channels, *taps = (*gradient.shape, 0, 0)[: max(len(gradient.shape), 2)]
    indices = ((gradient.drawn, filters), (gradient.channels, channels))
    if not 1 <= len(taps) <= 3 or any(not 0 <= index < size for own, size in indices for index in own):
        raise StoreError(f"{model.store.folder} is damaged (the record {record.key}): compute this run again.")
    return FilterVolumes(
        source=model.store.path(artifact),
        layer=layer,
        shape=(len(gradient.drawn), channels, *taps),
        channels=gradient.channels,
        scale=gradient.scale,
        data={
            "clip": f"{model.clip_title(shown.clip, shown.target)}: {shown.target_title}",
            "layer": model.stage_title(layer),
            "filters": [short_kernel_name(layer, index) for index in gradient.drawn],
            "scale": gradient.scale,
        },
    )
