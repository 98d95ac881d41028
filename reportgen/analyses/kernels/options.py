"""The options of activation maximisation, as its callers from Python give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from pydantic import Field

from reportgen.analyses.kernels.objectives import Penalties
from reportgen.analyses.kernels.parameters import AscentParameters, Basis, Compile, Precision
from reportgen.analyses.kernels.parametrization import Constraint
from reportgen.analyses.kernels.robustness import Views
from reportgen.analyses.parameters import Count, Size, Unread
from reportgen.records.objective import Objective


class AscentKeywords(TypedDict, total=False):
    """The fields of AscentOptions as keyword arguments."""

    objective: Objective
    basis: Basis
    constraint: Constraint
    radius: float
    clip_shape: tuple[int, int, int] | None
    steps: int
    seed: int
    facets: int
    diversity: float
    learning_rate: float
    contrast: float
    batch_size: int | None
    total_variation: float
    temporal_smoothness: float
    jitter: tuple[int, int] | None
    scale: tuple[float, float]
    rotation: float
    power: float
    temporal_weight: float
    decorrelated: bool
    early_stop: bool
    grow: bool
    small_first: bool
    cuda_graphs: bool
    precision: Precision
    compile: Compile


class AscentOptions(AscentParameters):
    """How kernels are maximised. Sizes are (T, H, W) in frames and px.

    - `objective`: "channel", the mean of the kernel's map, as published; "firing", the mean of its rectified map;
      "neuron", its centre unit. The mean of a linear map is the clip's mean colour whatever the kernel, so that
      "channel" says nothing about a first convolution; "firing" does. A kernel that noise leaves silent is brought near
      its threshold first, through a network whose rectifiers are smoothed, and from three starts, each of a third of
      the steps, of which the most promising goes on.
    - `basis`: "fft", space-time frequencies with the gain 1 / max(sqrt(fx^2 + fy^2 + (c ft)^2), 1 / max(T, H, W))^d,
      where d is `power` and c `temporal_weight` (0 where the network takes frames for channels, as flow networks do);
      "pixels", as published. `decorrelated` colours for RGB. The gain guides the search while it explores and
      decides no end: it is flat in the cool-down, and in a first layer from the start, which then has plain colours.
    - `constraint`: "box", pixels in [0, 1]; "ball", any pixels of L2 norm `radius` (for networks without a card).
    - `clip_shape`: the clip; None: the card's.
    - `steps`: at most so many; with `early_stop` a kernel whose activation no longer rises cools down sooner. Where the
      clip found, turned or reversed, or a simple pattern drives a kernel of a deeper layer more, another cool-down
      goes on from it, twice at most.
    - `seed`: each kernel and facet draws from its own generator, seeded by it.
    - `facets`: clips per kernel; `diversity` weighs their mutual similarity against the activation.
    - `learning_rate`: in standard deviations of the unbounded pixels; `contrast`: that of the initial noise.
    - `batch_size`: kernels at once; None: as many as memory and the device can use. It does not change results.
    - `total_variation`, `temporal_smoothness`: see Penalties; `scale`, `rotation`: see Views.
    - `jitter`: shift of each view in (frames, px) either way; None: anywhere on the periodic canvas, or, for the
      objective "neuron", up to an eighth of what the unit sees and at most (2, 8).
    - `grow`: explore on clips that just hold what a unit sees, or half of each side where that is less, then tile the
      whole clip with them; cheaper by the ratio of the volumes.
    - `small_first`: of a deeper layer, where a search takes 5e11 multiply-adds a kernel or more, explore and cool down
      on clips of a part of the frame that holds what a unit sees, or half of each side, from as many starts (four at
      most) as cost a quarter of one on whole clips; what drives the kernel most, the best of these or a rival of it,
      then cools down on the whole clip. About half the cost of as many steps on whole clips.
    - `cuda_graphs`: on a GPU, record a step once and replay it; fixed batch sizes, no launch overhead.
    - `precision`: "mixed" explores in bfloat16 and ends in float32; "auto" does so where it is faster.
    - `compile`: whether the layers in front of the target are compiled: "auto" where that is little beside the work.
    """

    objective: Objective = "channel"
    constraint: Constraint = "box"
    radius: float = Field(default=1.0, gt=0)
    clip_shape: Size | None = None
    seed: int = 0
    facets: Count = 1
    diversity: float = Field(default=1.0, ge=0)

    def unread(self) -> Mapping[str, Unread]:
        """Return what one clip a kernel, and pixels in [0, 1], have no use for."""
        found = dict(super().unread())
        if self.constraint == "box":
            found["radius"] = Unread("constraint", 'only the constraint "ball" has a radius')
        if self.facets == 1:
            found["diversity"] = Unread("facets", "one clip a kernel has no other to differ from")
        return found

    def views(
        self, seen: tuple[int, int, int], *, in_time: bool = True, steps: tuple[int, int, int] = (1, 1, 1)
    ) -> Views:
        """Return the random views of clips, shifted by whole `steps`, `in_time` too or not.

        `seen` (T, H, W) is how much of a clip the unit sees whose activation is raised.
        """
        jitter = self.jitter
        if jitter is None and self.objective == "neuron":
            jitter = (min(2, seen[0] // 8), min(8, min(seen[1:]) // 8))
        return Views(jitter, self.scale, self.rotation, in_time, steps)

    @property
    def penalties(self) -> Penalties:
        """The priors on a clip."""
        return Penalties(self.total_variation, self.temporal_smoothness)
