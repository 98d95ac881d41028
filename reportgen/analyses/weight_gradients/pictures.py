"""What is drawn and kept of gradients: some filters of each shown layer, and one tile for each filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.weight_gradients.gradients import FilterGradients, Volumes
from reportgen.records.answers.weight_gradients import ClassImportance
from reportgen.records.figures import Figure, FiltersFigure, NrrdFigure, TableFigure, TilesFigure

CHANNELS_DRAWN = 16
"""Input channels of a filter that are drawn, those of the largest gradient; all are kept."""

COLOUR_PERCENTILE = 99.0
"""The colours of a picture end at this percentile of the magnitudes that it shows."""


@dataclass(frozen=True, eq=False)
class DrawnFilters:
    """Some `filters` of a layer and the input `channels` that are drawn of them; `volumes` F C T H W are whole."""

    filters: tuple[int, ...]
    channels: tuple[int, ...]
    volumes: Volumes

    @property
    def shown(self) -> Volumes:
        """The channels that are drawn."""
        return self.volumes[:, list(self.channels)]


def drawn_filters(found: FilterGradients, most: int) -> DrawnFilters:
    """Return the filters of the largest gradient, in their own order."""
    return these_filters(found, sorted(np.argsort(-found.norms, kind="stable")[:most].tolist()))


def these_filters(
    found: FilterGradients, filters: Sequence[int], channels: Sequence[int] | None = None
) -> DrawnFilters:
    """Return those filters, with the channels of their largest gradients or those that are named."""
    volumes = as_volumes(found.gradients[list(filters)])
    if channels is None:
        strength = np.square(volumes, dtype=np.float64).sum((0, 2, 3, 4))
        channels = sorted(np.argsort(-strength, kind="stable")[:CHANNELS_DRAWN].tolist())
    return DrawnFilters(tuple(filters), tuple(channels), volumes)


def as_volumes(values: Volumes) -> Volumes:
    """Return filters `F C taps` as `F C T H W`; taps of fewer axes are those of the last ones."""
    taps = values.shape[2:]
    return values.reshape(*values.shape[:2], *(1,) * (3 - len(taps)), *taps)


def volume_file(volumes: Volumes, caption: str) -> NrrdFigure:
    """Return filters `F C T H W` as a sequence of volumes for other programs.

    A kernel in time is one volume for each filter and input channel, a flat one a stack of its input channels.
    """
    values = np.ascontiguousarray(volumes, np.float32)
    if values.shape[2] == 1:
        return NrrdFigure(values[:, :, 0], ("x", "y", "input channel", "filter"), 1, caption)
    flat = values.reshape(-1, *values.shape[2:])
    return NrrdFigure(flat, ("x", "y", "tap in time", "filter and input channel"), 1, caption)


def colour_scale(*shown: NDArray[np.floating]) -> float:
    """Return the magnitude at which the colours of volumes end; 1 where all are zero."""
    sizes = np.concatenate([np.abs(one).reshape(-1) for one in shown])
    return float(np.percentile(sizes, COLOUR_PERCENTILE)) or float(sizes.max()) or 1.0


def case_sheets(
    gradients: Sequence[Mapping[str, FilterGradients]], layers: Sequence[str], most: int
) -> dict[str, Figure]:
    """Return for each layer a picture of the filters that are most important on the first clip, on all clips.

    Filter after filter, each on clip after clip, in colours of one scale.
    """
    found: dict[str, Figure] = {}
    for name in layers:
        first = drawn_filters(gradients[0][name], most)
        shown = [these_filters(own[name], first.filters, first.channels).shown for own in gradients]
        side_by_side = np.stack(shown, axis=1).reshape(-1, *shown[0].shape[1:])
        filters = " and ".join(f"#{index}" for index in first.filters)
        found[name] = FiltersFigure(side_by_side, colour_scale(*shown), f"Filters {filters} of {name}, clip after clip")
    return found


def tile_figures(classes: Sequence[ClassImportance], layers: Sequence[str]) -> dict[str, Figure]:
    """Return the pictures of tiles of each class's importance, by role."""
    found: dict[str, Figure] = {}
    for place, one in enumerate(classes):
        for name in layers:
            scores = {"published": one.layers[name].published, "first_order": one.layers[name].first_order}
            for score, values in scores.items():
                caption = f"Importance ({score}) of the filters of {name} for {one.title}"
                found[f"tiles.{place}.{score}.{name}"] = TilesFigure(np.array(values), caption)
    return found


def importance_table(
    classes: Sequence[ClassImportance], weight_norms: Mapping[str, NDArray[np.float64]], caption: str
) -> TableFigure:
    """Return a row for each filter of every convolution: its own norm, then both scores for each class."""
    head = ["layer", "filter", "weight_norm"]
    for one in classes:
        head += [f"{one.target}:gradient_norm", f"{one.target}:first_order"]
    return TableFigure(head, list(_importance_rows(classes, weight_norms)), caption)


def _importance_rows(
    classes: Sequence[ClassImportance], weight_norms: Mapping[str, NDArray[np.float64]]
) -> Iterator[list[object]]:
    for name, norms in weight_norms.items():
        for index, norm in enumerate(norms):
            row: list[object] = [name, index, f"{norm:.4g}"]
            for one in classes:
                row += [f"{one.layers[name].published[index]:.4g}", f"{one.layers[name].first_order[index]:.4g}"]
            yield row
