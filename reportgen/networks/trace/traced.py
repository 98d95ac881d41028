"""What a trace knows of a tensor, element by element, whatever it follows: kernels, or places of the clip.

An operation that moves elements, repeats them or joins them does the same to both, so one rule serves both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

NOT_READ = np.iinfo(np.int64).min
"""Stands in `Windows.reads` for a position that does not exist."""

Filling = Literal["zeros", "copies"]
"""What a padding consists of: a constant, or elements of the tensor."""


@dataclass(frozen=True, eq=False)
class Windows:
    """What an operation reads along one axis: `reads` (out, taps) are input positions, also outside of the input.

    `stride` is how far the windows of neighbouring outputs are apart, in input positions.
    """

    reads: NDArray[np.int64]
    stride: float = 1.0


class Traced(ABC):
    """What is known of every element of a tensor of `shape`."""

    shape: tuple[int, ...]

    @property
    @abstractmethod
    def sourceless(self) -> bool:
        """Whether nothing that is followed can change any element."""

    @property
    def crowded(self) -> bool:
        """Whether an element comes from more sources than are worth telling apart."""
        return False

    @abstractmethod
    def varies(self, axis: int) -> bool:
        """Whether the elements differ along this axis."""

    @abstractmethod
    def reshaped(self, shape: Sequence[int]) -> Self:
        """Return the same elements in the same order under another shape."""

    @abstractmethod
    def permuted(self, order: Sequence[int]) -> Self:
        """Return the elements with axis i where axis `order[i]` was."""

    @abstractmethod
    def sliced(self, axis: int, start: int, length: int, step: int = 1) -> Self:
        """Return `length` positions of an axis from `start` on, `step` apart."""

    @abstractmethod
    def overwritten(self, axis: int, start: int, step: int, part: Self) -> Self:
        """Return the elements after `part` was written over a slice along an axis."""

    @abstractmethod
    def flipped(self, axes: Sequence[int]) -> Self:
        """Return the elements with axes turned round."""

    @abstractmethod
    def rolled(self, axis: int, shift: int) -> Self:
        """Return the elements shifted along an axis, in a circle."""

    @abstractmethod
    def taken(self, axis: int, positions: NDArray[np.int64]) -> Self:
        """Return the elements at these positions of an axis."""

    @abstractmethod
    def broadcast(self, shape: Sequence[int]) -> Self:
        """Return the elements repeated along axes of one position and along new ones in front."""

    @abstractmethod
    def padded(self, axis: int, before: int, after: int, filling: Filling) -> Self | None:
        """Return the elements with more of them at the ends of an axis; None where that cannot be followed."""

    @abstractmethod
    def windowed(self, axis: int, windows: Windows) -> Self:
        """Return, for each window along an axis, the union of what it reads."""

    @abstractmethod
    def merged(self, axes: Sequence[int], *, fixed: bool = False) -> Self:
        """Return the union of all elements along these axes, which become 1.

        `fixed` says that weights set the number of the elements, so that it does not follow the clip's size.
        """

    @classmethod
    @abstractmethod
    def nothing(cls, shape: Sequence[int]) -> Self:
        """Return what is known of a constant."""

    @classmethod
    @abstractmethod
    def union(cls, parts: Sequence[Self], shape: Sequence[int]) -> Self:
        """Return what an element-wise function of several tensors comes from, broadcast as torch does."""

    @classmethod
    @abstractmethod
    def concatenated(cls, parts: Sequence[Self], axis: int, shape: Sequence[int]) -> Self:
        """Return the parts one behind the other along an axis."""


D = TypeVar("D", bound=Traced)
"""What a trace follows: each domain is a `Traced` of its own."""
