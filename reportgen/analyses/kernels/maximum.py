"""What a search finds for one kernel."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reportgen.result import ShownResult


@dataclass(frozen=True, eq=False)
class Maximum(ShownResult):
    """The clip that drives one kernel most.

    `clip` is `C T H W` float32 on the CPU, in [0, 1] RGB (or in the ball). `activation` is the kernel's objective
    (pre-activation, batch norm included) of that clip, and `start` of the noise it began with, both on the full
    native clip without transforms. `curve` is the objective per step, under that step's random view; `seconds` is
    this kernel's share of the time of its batches. `region` is what the kernel's unit sees, (first, end) along T, H
    and W: the whole clip but for the objective "neuron". `even_activation` is the objective of the best clip of one
    even colour about this one: where it is nearly as high, the kernel needs no pattern. `passed_on` says whether a ReLU
    of the kernel's map is all that others are given. `notes` say what was done otherwise than asked for.
    """

    kernel: int
    facet: int
    clip: Tensor
    activation: float
    start: float
    curve: tuple[float, ...]
    steps: int
    seconds: float
    region: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    even_activation: float | None = None
    passed_on: bool = False
    notes: tuple[str, ...] = ()
