"""One pass over any number of reference clips: what drives every kernel of some layers most, least and at random.

Clips are loaded a batch at a time and forgotten; everything kept is of fixed size, but for the table of responses,
which goes to a temporary file (see `reportgen.analyses.common.running`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from reportgen.analyses.base import tensor
from reportgen.analyses.common.readable import clip_batches
from reportgen.analyses.common.responses import LayerResponses, Meter, measure_responses, selectivity
from reportgen.analyses.common.running import Best, Moments, ResponseTable
from reportgen.analyses.evidence.halves import halves, held_out_words
from reportgen.analyses.evidence.label_words import DrivingWord, driving_words, label_words
from reportgen.clips import Clip
from reportgen.progress import SILENT, Progress

EXAMPLE_CLIPS = 3
"""Clips of each kind (most, least, at random) that are kept per kernel."""

QUANTILES = 101
"""Order statistics that are kept per kernel: all responses up to so many clips, then every hundredth part of them."""

SAMPLE = 512
"""Clips whose responses are kept one by one, drawn at random from a larger number."""


@dataclass
class LayerPass:
    """What is known of one layer's kernels after some clips; `first` is its first column in the table."""

    first: int
    most: Best
    least: Best
    drawn: Best
    moments: Moments

    @classmethod
    def of(cls, first: int, kernels: int) -> Self:
        """Return a layer before its first clip."""
        return cls(
            first,
            Best(kernels, EXAMPLE_CLIPS),
            Best(kernels, EXAMPLE_CLIPS),
            Best(kernels, EXAMPLE_CLIPS),
            Moments(kernels),
        )

    @property
    def kernels(self) -> int:
        """Number of kernels of the layer."""
        return len(self.moments.mean)

    def add(self, clips: Tensor, measured: LayerResponses, keys: Tensor) -> None:
        """Take in clips by their numbers `N`; `keys` `N K` are random, and the largest ones are drawn."""
        places = clips.unsqueeze(1).expand_as(measured.values)
        self.most.add(measured.values, measured.values, places, measured.peaks)
        self.least.add(-measured.values, measured.values, places, measured.peaks)
        self.drawn.add(keys, measured.values, places, measured.peaks)
        self.moments.add(measured.values)


def change(clip: Tensor) -> float:
    """Return how much a pixel of `clip` `1 C T H W` changes from frame to frame, as a share of the clip's spread.

    The mean of the absolute change over the standard deviation of all pixels: 0 where nothing moves or changes.
    """
    spread = float(clip.std(correction=0))
    return float(clip.diff(dim=2).abs().mean()) / spread if spread > 0 and clip.shape[2] > 1 else 0.0


class ReferencePass:
    """The state of a pass; a context manager, for its table of responses may be a temporary file."""

    def __init__(self, meter: Meter, *, seed: int = 0, table: Callable[[int], ResponseTable] = ResponseTable) -> None:
        self.meter = meter
        self.names: list[str] = []
        self.labels: list[int | None] = []
        self.change: list[float] = []
        self.layers: dict[str, LayerPass] = {}
        width = 0
        for layer, target in meter.targets.items():
            self.layers[layer] = LayerPass.of(width, target.kernels)
            width += target.kernels
        self.table = table(width)
        self._generator = torch.Generator().manual_seed(seed)
        self._seed = seed

    def __enter__(self) -> Self:
        self.table.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.table.__exit__(None, None, None)

    def run(self, clips: Iterable[Clip], total: int, progress: Progress = SILENT) -> None:
        """Measure clips as they come, as many at a time as the device takes; `total` is for the progress alone."""
        with progress.task("responses to the reference clips", total) as task:
            for batch in clip_batches(clips, self.meter.network.device):
                self.add(batch)
                task.advance(len(batch))
                del batch  # before the next one is read

    def add(self, clips: Sequence[Clip]) -> None:
        """Measure some clips and take them in."""
        numbers = torch.arange(len(self.names), len(self.names) + len(clips))
        self.names += [clip.name for clip in clips]
        self.labels += [clip.label for clip in clips]
        pixels = [tensor(clip) for clip in clips]
        self.change += [change(clip) for clip in pixels]
        measured = measure_responses(self.meter, torch.cat(pixels))
        # The same clips are drawn for all kernels, so that few need pictures; and clip by clip, so that the draw does
        # not depend on how many come at once.
        keys = torch.stack([torch.rand(1, generator=self._generator) for _ in clips]).expand(-1, self.table.width)
        for layer, state in self.layers.items():
            state.add(numbers, measured[layer], keys[:, state.first : state.first + state.kernels])
        self.table.add(torch.cat([measured[layer].values for layer in self.layers], dim=1))

    def sample(self) -> tuple[list[int], dict[str, Tensor]]:
        """Return the numbers of at most SAMPLE clips, drawn at random, and each layer's responses `n K` to them."""
        count = len(self.names)
        chosen = sorted(random.Random(self._seed).sample(range(count), min(count, SAMPLE)))
        rows = self.table.chosen(chosen)
        return chosen, {
            layer: rows[:, state.first : state.first + state.kernels] for layer, state in self.layers.items()
        }

    def distribution(self, layer: str, label_of: Callable[[int], str]) -> Distribution:
        """Return what takes all responses of a layer's kernels at once, some kernels at a time."""
        state = self.layers[layer]
        known = [place for place, label in enumerate(self.labels) if label is not None]
        texts = [label_of(label) for label in self.labels if label is not None]
        words = label_words(texts)
        split = halves(self.labels, seed=self._seed)
        ranks = _kept_ranks(len(self.names))
        every = [label_of(label) if label is not None else "" for label in self.labels]
        choosing = split[0] if split else list(range(len(self.labels)))
        found = Distribution(halved=split is not None)
        for _first, columns in self.table.pieces(state.first, state.first + state.kernels):
            found.quantiles += columns.sort(dim=0).values[ranks].T.tolist()
            found.words += driving_words(columns[known], texts, words, seed=self._seed)
            found.selectivity += selectivity(columns[choosing], [self.labels[i] for i in choosing]).tolist()
            found.held += held_out_words(columns, every, words, split) if split else []
        return found


@dataclass
class Distribution:
    """Per kernel of a layer: its kept order statistics, the label word that drives it most, its selectivity.

    Where the labelled clips could be `halved`, selectivity is that on one half, and `held` has the word that leads
    there with its figures on the other half.
    """

    halved: bool = False
    quantiles: list[list[float]] = field(default_factory=list)
    words: list[DrivingWord] = field(default_factory=list)
    held: list[DrivingWord] = field(default_factory=list)
    selectivity: list[float] = field(default_factory=list)


def _kept_ranks(clips: int) -> Tensor:
    """Return which of the sorted responses to `clips` clips are kept."""
    return torch.linspace(0, clips - 1, min(clips, QUANTILES), dtype=torch.float64).round().long()
