"""The responses of every kernel of some layers to some clips, with what tells clips that are there twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from reportgen.analyses.base import tensor
from reportgen.analyses.common.readable import clip_batches
from reportgen.analyses.common.responses import Meter, measure_responses
from reportgen.analyses.common.running import ResponseTable
from reportgen.clips import Clip
from reportgen.progress import SILENT, Progress


@dataclass
class ClipResponses:
    """What a pass over clips leaves: a row of responses a clip, in memory or in a temporary file; a context manager.

    `digests` are those of the pixels, `still` says of each clip whether nothing moves in it, and `largest` is the
    largest magnitude of each layer's responses. `places` are the layers' first and last columns.
    """

    meter: Meter
    names: list[str] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    still: list[bool] = field(default_factory=list)
    largest: dict[str, float] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(init=False)
    table: ResponseTable = field(init=False)

    def __post_init__(self) -> None:
        self.places, width = {}, 0
        for layer, target in self.meter.targets.items():
            self.places[layer] = (width, width + target.kernels)
            width += target.kernels
        self.table = ResponseTable(width)

    def __enter__(self) -> Self:
        self.table.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.table.__exit__(None, None, None)

    def run(self, clips: Iterable[Clip], total: int, what: str, progress: Progress = SILENT) -> Self:
        """Measure clips as they come, as many at a time as the device takes; `total` is for the progress alone."""
        with progress.task(what, total) as task:
            for batch in clip_batches(clips, self.meter.network.device):
                self._add(batch)
                task.advance(len(batch))
                del batch  # before the next one is read
        return self

    def _add(self, clips: Sequence[Clip]) -> None:
        self.names += [clip.name for clip in clips]
        self.labels += [clip.label for clip in clips]
        self.digests += [clip.pixel_digest for clip in clips]
        self.still += [clip.stands_still for clip in clips]
        measured = measure_responses(self.meter, torch.cat([tensor(clip) for clip in clips]))
        for layer, found in measured.items():
            self.largest[layer] = max(self.largest.get(layer, 0.0), float(found.values.nan_to_num().abs().amax()))
        self.table.add(torch.cat([measured[layer].values for layer in self.places], dim=1))

    def rows(self, without: Collection[str] = ()) -> list[int]:
        """Return the first row of each picture or clip, those whose digests are `without` left out."""
        seen = set(without)
        found = []
        for row, digest in enumerate(self.digests):
            if digest not in seen:
                found.append(row)
                seen.add(digest)
        return found

    def columns(self, layer: str, first: int, last: int, rows: Sequence[int]) -> Tensor:
        """Return the responses of the layer's kernels from `first` up to `last` to the clips of `rows`, float64."""
        start = self.places[layer][0]
        return self.table.columns(start + first, start + last)[list(rows)].double()

    def of_kernels(self, kernels: Sequence[tuple[str, int]], rows: Sequence[int]) -> Tensor:
        """Return the responses of some kernels of any layers to the clips of `rows`, `len(rows) len(kernels)`."""
        return self.table.picked([self.places[layer][0] + index for layer, index in kernels])[list(rows)]
