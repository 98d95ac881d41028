"""Convolutions of 3x3x3 by fewer multiplications (Winograd 1980; Lavin and Gray 2016, arXiv 1509.09308).

F(2x2, 3x3) in space: frames are cut into tiles of 4 by 4 px that overlap by two, tiles and weights are transformed, and
each of the 16 values of a tile is multiplied by its own weights: 16 multiplications for four answers, which take 36
otherwise. The taps in time are summed as they are, by the vendor library, to which the 16 values are groups of
channels. In float32 the answers differ from a direct convolution's by some 1e-6 of the largest.

Times as fast as the library's direct convolution there and back, on one core with vectors of 256 bits
(``python -m benchmarks.cubes``): 128 channels of 8x28x28 1.3 and 1.3, 256 of 8x28x28 1.7 and 1.7, 512 of 4x14x14 1.8
and 1.9. Of 64 channels it is 0.9, since the transforms take as long as for many, and of maps of 7 px 1.1, since much of
their tiles lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from reportgen.networks.speed.library import PackedConvolution

_LEAST_CHANNELS = 112
_LEAST_SIDE = 9  # px; of smaller maps too much of the tiles lies outside
_CACHE = 1 << 23  # bytes of transformed tiles at once
_POINTS = 4  # along a tile's side
_WEIGHTS = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


def by_winograd(
    maps: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> bool:
    """Return whether a convolution of maps is quicker by this transform, as far as it was measured.

    For processors without vectors of 256 bits, or with longer ones, it was not.
    """
    return (
        tuple(weight.shape[2:]) == (3, 3, 3)
        and set(stride) == set(dilation) == {1}
        and max(padding[1:]) <= 2
        and min(weight.shape[:2]) >= _LEAST_CHANNELS
        and min(maps.shape[3:]) >= _LEAST_SIDE
        and maps.dtype == torch.float32
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )


class WinogradConvolution:
    """A convolution of maps `N C T H W` like `PackedConvolution`, its stride 1 and its padding in space 2 at most."""

    mirrors = True

    def __init__(self, weight: Tensor, bias: Tensor | None, padding: Sequence[int]) -> None:
        self.weight, self.bias = weight.detach(), None if bias is None else bias.detach()
        self.padding = list(padding)
        self.there = _Transformed(self.weight, self.padding)

    @cached_property
    def back(self) -> _Transformed:
        """The convolution that leads a gradient back, by mirrored weights."""
        margin = [size - 1 - pad for size, pad in zip(self.weight.shape[2:], self.padding, strict=True)]
        return _Transformed(self.weight.flip((2, 3, 4)).transpose(0, 1), margin)

    def forward(self, maps: Tensor, *, onto: Tensor | None = None, rectified: bool = False) -> Tensor:
        """Return the convolution of maps in channels-last order, `rectified` where asked for.

        It is added to, and written over, `onto`, which is channels-last too.
        """
        found = self.there(maps)
        if self.bias is not None:
            found += self.bias.view(-1, 1, 1, 1)
        found = found if onto is None else onto.add_(found)
        return found.relu_() if rectified else found

    def backward(self, gradient: Tensor, _maps: Tensor | None = None, *, onto: Tensor | None = None) -> Tensor:
        """Return the gradient with respect to the maps; it is added to, and may be written over, `onto`."""
        found = self.back(gradient)
        return found if onto is None else onto.add_(found)


class _Transformed:
    """A convolution by transformed weights, one way and without bias."""

    def __init__(self, weight: Tensor, padding: Sequence[int]) -> None:
        edges = weight.new_tensor(_WEIGHTS)
        points = torch.einsum("ai,bj,kctij->abkct", edges, edges, weight)
        self.weight = points.reshape(-1, *weight.shape[1:3], 1)
        self.kernels = len(weight)
        self.padding = list(padding)
        self._packed: dict[tuple[int, int], PackedConvolution] = {}

    def __call__(self, maps: Tensor) -> Tensor:
        """Return the convolution of maps `N C T H W`, in channels-last order."""
        time, down, across = self.padding
        count, channels, steps, height, width = maps.shape
        high, wide = height + 2 * down - 2, width + 2 * across - 2
        rows, columns = -(-high // 2), -(-wide // 2)
        answer = maps.new_empty(count, steps + 2 * time - 2, 2 * rows, 2 * columns, self.kernels)
        padded = maps.new_zeros(count, steps, 2 * rows + 2, 2 * columns + 2, channels)
        padded[:, :, down : down + height, across : across + width] = maps.movedim(1, -1)
        row_bytes = 4 * _POINTS**2 * steps * columns * max(channels, self.kernels)
        clips_at_once, rows_at_once = max(1, _CACHE // (row_bytes * rows)), max(1, _CACHE // row_bytes)
        for first in range(0, count, clips_at_once):
            clips = slice(first, first + clips_at_once)
            for top in range(0, rows, rows_at_once):
                bottom = min(rows, top + rows_at_once)
                products = self._products(_tiles(padded[clips, :, 2 * top : 2 * bottom + 2]))
                _join(products, answer[clips, :, 2 * top : 2 * bottom])
        return answer[:, :, :high, :wide].contiguous().movedim(-1, 1)

    def _products(self, tiles: Tensor) -> Tensor:
        """Return transformed tiles `N T Y X 4 4 C` times the transformed weights, summed over time, `N T Y X 4 4 K`."""
        pictures = tiles.flatten(4).flatten(2, 3).permute(0, 3, 1, 2)
        key = (pictures.shape[2], pictures.shape[3])
        if key not in self._packed:
            padding = (self.padding[0], 0)
            self._packed[key] = PackedConvolution(
                pictures, self.weight, None, (1, 1), padding, (1, 1), packs=True, groups=_POINTS**2
            )
        found = self._packed[key].forward(pictures).permute(0, 2, 3, 1)
        products: Tensor = found.unflatten(3, (_POINTS, _POINTS, -1)).unflatten(2, tiles.shape[2:4])
        return products


def _tiles(padded: Tensor) -> Tensor:
    """Return the transformed tiles `N T Y X 4 4 C` of padded clips `N T H W C`, first of each column, then of rows."""
    count, steps, height, width, channels = padded.shape
    rows, columns = height // 2 - 1, width // 2 - 1
    across = padded.new_empty(count, steps, height, columns, _POINTS, channels)
    _transform([padded[:, :, :, at : at + 2 * columns - 1 : 2] for at in range(_POINTS)], across.unbind(4))
    tiles = padded.new_empty(count, steps, rows, columns, _POINTS, _POINTS, channels)
    _transform([across[:, :, at : at + 2 * rows - 1 : 2] for at in range(_POINTS)], tiles.unbind(4))
    return tiles


def _transform(points: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Write the transform of the four points along a tile's side."""
    first, second, third, fourth = points
    torch.sub(first, third, out=out[0])
    torch.add(second, third, out=out[1])
    torch.sub(third, second, out=out[2])
    torch.sub(second, fourth, out=out[3])


def _join(products: Tensor, answer: Tensor) -> None:
    """Write the part `N T H W K` of an answer that the products `N T Y X 4 4 K` of its tiles stand for."""
    count, steps, rows, columns, *_, kernels = products.shape
    down = products.new_empty(count, steps, rows, 2, columns, _POINTS, kernels)
    _transform_back(products.unbind(4), down.unbind(3))
    _transform_back(down.unbind(5), answer.view(count, steps, rows, 2, columns, 2, kernels).unbind(5))


def _transform_back(points: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Write the two answers along a tile's side that four products stand for."""
    first, second, third, fourth = points
    torch.add(second, third, out=out[0]).add_(first)
    torch.sub(second, third, out=out[1]).sub_(fourth)
