"""The options of a growth through many sizes, as its callers from Python give them."""

from __future__ import annotations

from typing import TypedDict

from pydantic import Field

from reportgen.analyses.kernels.parameters import Precision
from reportgen.analyses.multiscale.parameters import GrowthParameters
from reportgen.analyses.multiscale.schedule import FIRST_SIZE, MOST_SIZES, SIZES
from reportgen.analyses.parameters import Count, Size
from reportgen.records.objective import Objective


class GrowthKeywords(TypedDict, total=False):
    """The fields of GrowthOptions as keyword arguments."""

    objective: Objective
    clip_shape: tuple[int, int, int] | None
    start: int
    sizes: int
    growth: float
    steps: int
    learning_rate: float
    weight_decay: float
    blur: int
    bounded: bool
    precision: Precision
    seed: int
    batch_size: int | None


class GrowthOptions(GrowthParameters):
    """How pictures grow; the defaults are the published schedule, 12 sizes from 56 to 408 px.

    - `objective`: "channel", the mean of the kernel's map, as published; "firing", the mean of its rectified map;
      "neuron", its centre unit, whose receptive field alone is optimised.
    - `clip_shape`: (T, H, W) of the network's own clip, on which the result is measured; None: the card's.
    - `start`, `sizes`, `growth`: the shorter side at first in px, how many sizes, and the factor between them.
    - `steps`, `learning_rate`, `weight_decay`: of Adam, begun anew at each size, on pixels from 0 to 1 as the article
      is written. Its code normalises them by ImageNet's statistics first: a `learning_rate` of 0.0225 takes its steps.
    - `blur`: side in px of the box filter after each enlargement; 0: none.
    - `bounded`: whether pixels are kept in [0, 1] at every step, or cut off at the end as published.
    - `precision`: "mixed" takes the steps in bfloat16, "auto" where that is faster and, in each convolution of the way,
      agrees with float32. What is reported is measured in float32.
    - `seed`: each kernel draws its own noise from it.
    - `batch_size`: kernels at once; None: as many as memory holds. It does not change results.
    """

    objective: Objective = "channel"
    clip_shape: Size | None = None
    start: Count = FIRST_SIZE
    sizes: int = Field(default=SIZES, ge=1, le=MOST_SIZES)
    seed: int = 0
