"""Statistics of ever more clips in the memory of a few: each is the same whether clips come one by one or at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor

#: A table up to this size stays in memory; a larger one goes on in a temporary file.
_IN_MEMORY = 64 * 2**20

#: Values that are read back from a table at once.
_AT_ONCE = 2**22


class Best:
    """For each of K kernels the `most` clips of the highest score, with the response there and its place.

    Of equal scores the earlier clip stays; a score that is not a number is the lowest. After `n` clips all fields
    are `min(n, most) K`, the highest score first.
    """

    def __init__(self, kernels: int, most: int) -> None:
        self.most = most
        self.scores = torch.empty((0, kernels), dtype=torch.float64)
        self.values = torch.empty((0, kernels))
        self.clips = torch.empty((0, kernels), dtype=torch.int64)
        self.peaks = torch.empty((0, kernels), dtype=torch.int64)

    def add(self, scores: Tensor, values: Tensor, clips: Tensor, peaks: Tensor) -> None:
        """Take in clips: all are `N K`; `clips` are their places in the order in which they came."""
        scores = scores.double().nan_to_num(-torch.inf, torch.inf, -torch.inf)
        together = torch.cat([self.scores, scores])
        chosen = together.argsort(dim=0, descending=True, stable=True)[: self.most]
        self.scores = together.gather(0, chosen)
        self.values = torch.cat([self.values, values]).gather(0, chosen)
        self.clips = torch.cat([self.clips, clips]).gather(0, chosen)
        self.peaks = torch.cat([self.peaks, peaks]).gather(0, chosen)


class Moments:
    """Mean and scatter matrix of K kernels' responses in float64, batch by batch (Chan, Golub & LeVeque 1979).

    `driving` `K K` counts the clips that drive both kernels of a pair above zero.
    """

    def __init__(self, kernels: int) -> None:
        self.count = 0
        self.largest = torch.zeros((), dtype=torch.float64)
        self.mean = torch.zeros(kernels, dtype=torch.float64)
        self.scatter = torch.zeros((kernels, kernels), dtype=torch.float64)
        self.driving = torch.zeros((kernels, kernels))

    def add(self, values: Tensor) -> None:
        """Take in responses `N K`."""
        values = values.double()
        mean = values.mean(0)
        centred = values - mean
        total = self.count + len(values)
        apart = mean - self.mean
        self.scatter += centred.T @ centred + torch.outer(apart, apart) * (self.count * len(values) / total)
        self.mean += apart * (len(values) / total)
        driven = (values > 0).float()
        self.driving += driven.T @ driven
        self.count = total
        self.largest = torch.maximum(self.largest, values.abs().amax())

    @property
    def spread(self) -> Tensor:
        """The standard deviation of each kernel over the clips, `K`, without Bessel's correction."""
        return (self.scatter.diagonal() / max(self.count, 1)).clamp_min(0).sqrt()

    def dead(self) -> tuple[int, ...]:
        """Return the kernels that answer alike to every clip (std at most 1e-6 of the layer's largest response).

        Of a single clip all do: whoever asks sees to it that there are clips enough.
        """
        return tuple(torch.nonzero(self.spread <= 1e-6 * self.largest).flatten().tolist())

    def duplicates(self, threshold: float, least_clips: int) -> tuple[tuple[int, int, float], ...]:
        """Return the pairs of living kernels whose responses correlate (Pearson) by `threshold` at least.

        Where fewer than `least_clips` clips drive both, a correlation says too little: two kernels that fire for the
        same single clip correlate fully, whatever they are for.
        """
        dead = set(self.dead())
        alive = torch.tensor([kernel for kernel in range(len(self.mean)) if kernel not in dead], dtype=torch.int64)
        if len(alive) < 2 or self.count < least_clips:
            return ()
        scatter = self.scatter[alive][:, alive]
        norm = scatter.diagonal().sqrt()
        correlation = scatter / norm / norm.unsqueeze(1)
        enough = self.driving[alive][:, alive] >= least_clips
        first, second = torch.nonzero(((correlation >= threshold) & enough).triu(diagonal=1), as_tuple=True)
        values = correlation[first, second].clamp(-1, 1).tolist()
        return tuple(zip(alive[first].tolist(), alive[second].tolist(), values, strict=True))


class ResponseTable:
    """The responses of all clips, one row of `width` float32 each: in memory while small, else in a temporary file.

    A context manager: the file goes with it. Columns are read back few enough at a time that the memory they take
    does not depend on the number of rows.
    """

    def __init__(self, width: int, *, in_memory: int = _IN_MEMORY) -> None:
        self.width = width
        self.rows = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Tensor) -> None:
        """Write rows `N width`."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(rows.float().numpy()).tobytes())
        self.rows += len(rows)

    def columns(self, start: int, stop: int) -> Tensor:
        """Return the columns from `start` up to `stop`, `rows (stop - start)`."""
        return self._read(slice(start, stop), stop - start)

    def picked(self, columns: Sequence[int]) -> Tensor:
        """Return some columns, `rows len(columns)`, wherever they are."""
        return self._read(list(columns), len(columns))

    def _read(self, columns: slice | list[int], width: int) -> Tensor:
        found = np.empty((self.rows, width), np.float32)
        block = max(1, _AT_ONCE // self.width)
        self._file.seek(0)
        for first in range(0, self.rows, block):
            count = min(block, self.rows - first)
            read = np.frombuffer(self._file.read(4 * count * self.width), np.float32).reshape(count, self.width)
            found[first : first + count] = read[:, columns]
        return torch.from_numpy(found)

    def pieces(self, start: int, stop: int, *, at_once: int = _AT_ONCE) -> Iterator[tuple[int, Tensor]]:
        """Yield the columns from `start` up to `stop` piece by piece, each with its first column's number."""
        step = max(1, at_once // max(self.rows, 1))
        for first in range(start, stop, step):
            yield first, self.columns(first, min(first + step, stop))

    def chosen(self, rows: Sequence[int]) -> Tensor:
        """Return some rows, `len(rows) width`."""
        found = np.empty((len(rows), self.width), np.float32)
        for place, row in enumerate(rows):
            self._file.seek(4 * row * self.width)
            found[place] = np.frombuffer(self._file.read(4 * self.width), np.float32)
        return torch.from_numpy(found)
