"""What reads each kernel of a pass, one operation behind the other, and what becomes of the kernel by them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reportgen.networks.kernels.reader_contexts import STATISTICS
from reportgen.networks.kernels.reader_operations import POOLS
from reportgen.networks.trace.kernels import CONVOLUTIONS, PRODUCTS
from reportgen.networks.trace.labels import NONE, Labels

ALONE, BESIDE = "relu", "relu beside others"
_RECTIFIED = frozenset({ALONE, BESIDE})
"""How a ReLU reads kernels: maps of one layer alone, or others beside them."""
SMOOTHED, UNEVENLY = "smoothing", "scaled unevenly"
AGAINST = "set against others"
_KEPT_APART = POOLS | {SMOOTHED, UNEVENLY, AGAINST}
"""What reads kernels without mixing them, and passes on more where there is more."""
_MIXING = CONVOLUTIONS | frozenset(PRODUCTS) | {"linear"}
"""What reads kernels as the next layer does."""


@dataclass(frozen=True)
class Affine:
    """What a layer's kernels are times `gain` plus `offset` (`K` each; None where nothing changes them).

    `passed_on`: whether a ReLU then reads all of them, and nothing else reads them before or there.
    """

    gain: Tensor | None = None
    offset: Tensor | None = None
    passed_on: bool = False


@dataclass(eq=False)
class ReaderStep:
    """An operation that scales and shifts what lies along an axis, a `norm` or not, or pools it.

    `values` are gain and offset for each place there, when they are asked for. They are `rough` where they are means
    over positions: then they count no further than to a norm behind it. `against`: it sets what lies along the axis
    against others' values, and the gain is a sign. `summed`: it adds others' values, behind which nothing but signs
    counts; what has none that is known is not a number.
    """

    norm: bool
    axis: int
    values: Callable[[], tuple[Tensor, Tensor]]
    pools: bool = False
    rough: bool = False
    against: bool = False
    summed: bool = False


class KernelReaders:
    """How operations read kernels, each with a number and a layer; what a step makes of one has a number of its own."""

    def __init__(self) -> None:
        self._layer_of: list[str] = []
        self._others: dict[int, set[str]] = {}
        self._steps: dict[int, dict[Hashable, tuple[ReaderStep, int, int]]] = {}
        self._before: dict[int, tuple[ReaderStep, int, int]] = {}

    def fresh(self, layers: Sequence[str]) -> int:
        """Return the first of so many numbers of kernels that are new, each with the layer that it belongs to."""
        self._layer_of += layers
        return len(self._layer_of) - len(layers)

    def layers(self, known: Labels) -> set[str]:
        """Return the layers of the kernels in a tensor."""
        return {self._layer_of[number] for number in known.sources().tolist()}

    def read(self, known: Labels, how: str) -> None:
        """Note how an operation reads the kernels in a tensor."""
        for number in known.sources().tolist():
            self._others.setdefault(number, set()).add(how)

    def stepped(self, known: Labels, step: ReaderStep, operation: Hashable) -> Labels:
        """Return the numbers of what an operation makes of kernels: one for each, however often the same one is run.

        Several kernels may lie in a channel, at positions of their own or in a sum, and one kernel in several channels.
        """
        before = np.moveaxis(known.expanded([step.axis]), step.axis + 1, 0)
        after = np.full(before.shape, NONE, np.int32)
        for channel, own in enumerate(before):
            for number in np.unique(own[own != NONE]).tolist():
                steps = self._steps.setdefault(number, {})
                key = (operation, channel)
                if key not in steps:
                    steps[key] = (step, channel, self.fresh([self._layer_of[number]]))
                    self._before[steps[key][2]] = (step, channel, number)
                after[channel, own == number] = steps[key][2]
        return known.like(np.moveaxis(after, 0, step.axis + 1), known.shape)

    def unnormed(self, known: Labels, how: str) -> Labels:
        """Return the numbers of the kernels in a tensor that no norm has read yet; note how the others are read."""
        normed = np.isin(known.cells, [number for number in known.sources().tolist() if self._normed(number)])
        self.read(known.like(np.where(normed, known.cells, NONE), known.shape), how)
        return known.like(np.where(normed, NONE, known.cells), known.shape)

    def _normed(self, number: int) -> bool:
        return any(
            step.norm or (step.against and not step.summed) for step, _, _ in self._steps.get(number, {}).values()
        )

    def first(self, number: int) -> int:
        """Return the number of the kernel that another number was made of."""
        while number in self._before:
            number = self._before[number][2]
        return number

    def summed(self, known: Labels) -> bool:
        """Return whether all kernels in a tensor are terms of a sum already."""
        return all(number in self._before and self._before[number][0].summed for number in known.sources().tolist())

    def pooled(self, number: int) -> bool:
        """Return whether a number is that of a kernel that was pooled."""
        while number in self._before and not self._before[number][0].pools:
            number = self._before[number][2]
        return number in self._before

    def gain(self, number: int) -> Tensor:
        """Return by what a kernel was multiplied on its way to a number."""
        gain = torch.ones((), dtype=torch.float64)
        while number in self._before:
            step, channel, number = self._before[number]
            scale = step.values()[0][channel]
            gain = gain.to(scale) * scale
        return gain

    def affine(self, first: int, size: int) -> Affine:
        """Return what became of the `size` kernels of a layer, from its `first` number on."""
        gain, offset, passed = torch.ones(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64), True
        known: dict[ReaderStep, tuple[Tensor, Tensor]] = {}
        for kernel in range(size):
            number, alone, exact, summed = first + kernel, True, None, False
            while (found := self._next(number)) is not None:
                step, channel, following = found
                if step.norm:
                    exact = None
                elif step.rough and exact is None:
                    exact = float(gain[kernel]), float(offset[kernel])
                alone = alone and len(self._steps[number]) == 1 and not self._others.get(number)
                scales, shifts = known[step] if step in known else known.setdefault(step, step.values())
                number = following
                if scales.device.type == "meta":  # a network without values: only that there is a gain is known
                    gain, offset = gain.to("meta"), offset.to("meta")
                    continue
                summed = summed or step.summed
                if summed:
                    if bool(scales[channel].isnan()):
                        break
                    sign = -1.0 if scales[channel] < 0 else 1.0
                    gain[kernel], offset[kernel] = gain[kernel] * sign, offset[kernel] * sign
                    continue
                gain[kernel] *= scales[channel]
                offset[kernel] = offset[kernel] * scales[channel] + shifts[channel]
            if exact is not None:
                gain[kernel], offset[kernel] = exact
            passed = passed and alone and not self._steps.get(number) and self._others.get(number) == {ALONE}
        if gain.device.type != "meta" and bool((gain == 1).all()) and not bool(offset.any()):
            return Affine(passed_on=passed)
        return Affine(gain, offset, passed)

    def _next(self, number: int) -> tuple[ReaderStep, int, int] | None:
        """Return the norm that reads a kernel, or else the one operation that does where it only scales and shifts."""
        steps = list(self._steps.get(number, {}).values())
        norms = [step for step in steps if step[0].norm]
        others = self._others.get(number, set())
        if norms:
            beside = [step[2] for step in steps if not (step[0].norm or step[0].pools or step[0].summed)]
            alone = len(norms) == 1 and not others & _RECTIFIED and not any(map(self._read_on, beside))
            return norms[0] if alone else None
        against = [step for step in steps if step[0].against]
        if against and len(against) == sum(not step[0].pools for step in steps):
            allowed = _KEPT_APART | STATISTICS | (_MIXING if against[0][0].summed else set())
            return against[0] if len(against) == 1 and others <= allowed else None
        if len(steps) != 1:
            return None
        kept = others <= _KEPT_APART or (others <= _KEPT_APART | _MIXING and self._added(steps[0][2]))
        return steps[0] if kept else None

    def _added(self, number: int) -> bool:
        """Whether what operations make of a kernel is a term of a sum, by one way alone."""
        steps = [step for step in self._steps.get(number, {}).values() if not step[0].pools]
        return len(steps) == 1 and (steps[0][0].summed or self._added(steps[0][2]))

    def _read_on(self, number: int) -> bool:
        """Whether a norm or a ReLU reads what operations make of a kernel, without pooling it."""
        steps = [step for step in self._steps.get(number, {}).values() if not (step[0].pools or step[0].summed)]
        read = bool(self._others.get(number, set()) & _RECTIFIED) or any(step[0].norm for step in steps)
        return read or any(self._read_on(step[2]) for step in steps)
