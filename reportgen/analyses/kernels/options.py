"""The options of activation maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from reportgen.analyses.kernels.objectives import Penalties
from reportgen.analyses.kernels.parametrization import Basis, Constraint
from reportgen.analyses.kernels.robustness import Views
from reportgen.errors import OptionError
from reportgen.networks.kernels.preactivation import Objective

Precision = Literal["auto", "float32", "mixed"]
Compile = Literal["auto", "always", "never"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "objective": get_args(Objective),
    "basis": get_args(Basis),
    "constraint": get_args(Constraint),
    "precision": get_args(Precision),
    "compile": get_args(Compile),
}


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
    cuda_graphs: bool
    precision: Precision
    compile: Compile


@dataclass(frozen=True)
class AscentOptions:
    """How kernels are maximised. Sizes are (T, H, W) in frames and px.

    - `objective`: "channel", the mean of the kernel's map, as published; "firing", the mean of its rectified map;
      "neuron", its centre unit. The mean of a linear map is the clip's mean colour whatever the kernel, so that
      "channel" says nothing about a first convolution; "firing" does.
    - `basis`: "fft", space-time frequencies with the gain 1 / max(sqrt(fx^2 + fy^2 + (c ft)^2), 1 / max(T, H, W))^d,
      where d is `power` and c `temporal_weight` (0 where the network takes frames for channels, as flow networks do);
      "pixels", as published. `decorrelated` colours for RGB.
    - `constraint`: "box", pixels in [0, 1]; "ball", any pixels of L2 norm `radius` (for networks without a card).
    - `clip_shape`: the clip; None: the card's.
    - `steps`: at most so many; with `early_stop` a kernel whose activation no longer rises cools down sooner.
    - `seed`: each kernel and facet draws from its own generator, seeded by it.
    - `facets`: clips per kernel; `diversity` weighs their mutual similarity against the activation.
    - `learning_rate`: in standard deviations of the unbounded pixels; `contrast`: that of the initial noise.
    - `batch_size`: kernels at once; None: as many as memory and the device can use. It does not change results.
    - `total_variation`, `temporal_smoothness`: see Penalties; `scale`, `rotation`: see Views.
    - `jitter`: shift of each view in (frames, px) either way; None: anywhere on the periodic canvas, or, for the
      objective "neuron", up to an eighth of what the unit sees and at most (2, 8).
    - `grow`: explore on clips that just hold what a unit sees, or half of each side where that is less, then tile the
      whole clip with them; cheaper by the ratio of the volumes.
    - `cuda_graphs`: on a GPU, record a step once and replay it; fixed batch sizes, no launch overhead.
    - `precision`: "mixed" explores in bfloat16 and cools down in float32; "auto" does so where it is faster.
    - `compile`: whether the layers in front of the target are compiled: "auto" where that is little beside the work.
    """

    objective: Objective = "channel"
    basis: Basis = "fft"
    constraint: Constraint = "box"
    radius: float = 1.0
    clip_shape: tuple[int, int, int] | None = None
    steps: int = 128
    seed: int = 0
    facets: int = 1
    diversity: float = 1.0
    learning_rate: float = 0.05
    contrast: float = 0.5
    batch_size: int | None = None
    total_variation: float = 0.0
    temporal_smoothness: float = 0.0
    jitter: tuple[int, int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0
    power: float = 1.0
    temporal_weight: float = 1.0
    decorrelated: bool = True
    early_stop: bool = True
    grow: bool = False
    cuda_graphs: bool = False
    precision: Precision = "auto"
    compile: Compile = "auto"

    def __post_init__(self) -> None:
        for name in ("clip_shape", "jitter", "scale"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, tuple(value))  # a list, when it comes from a file
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise OptionError(f"{name} is {getattr(self, name)!r}: choose {' or '.join(known)}.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in ("steps", "facets", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} is {value}: it must be at least 1.")
        for name in ("radius", "learning_rate", "contrast"):
            if getattr(self, name) <= 0:
                raise OptionError(f"{name} is {getattr(self, name)}: it must be greater than 0.")
        for name in ("diversity", "total_variation", "temporal_smoothness", "rotation", "power", "temporal_weight"):
            if getattr(self, name) < 0:
                raise OptionError(f"{name} is {getattr(self, name)}: it must not be negative.")
        if self.clip_shape is not None and (len(self.clip_shape) != 3 or min(self.clip_shape) < 1):
            raise OptionError(f"clip_shape is {self.clip_shape}: give frames, height and width.")
        if self.jitter is not None and (len(self.jitter) != 2 or min(self.jitter) < 0):
            raise OptionError(f"jitter is {self.jitter}: give frames and pixels, neither negative.")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise OptionError(f"scale is {self.scale}: give the smallest and the largest magnification.")

    def views(self, shape: tuple[int, int, int], *, in_time: bool = True) -> Views:
        """Return the random views of clips of `shape` (T, H, W), shifted `in_time` too or in space alone."""
        jitter = self.jitter
        if jitter is None and self.objective == "neuron":
            jitter = (min(2, shape[0] // 8), min(8, min(shape[1:]) // 8))
        return Views(jitter, self.scale, self.rotation, in_time)

    @property
    def penalties(self) -> Penalties:
        """The priors on a clip."""
        return Penalties(self.total_variation, self.temporal_smoothness)
