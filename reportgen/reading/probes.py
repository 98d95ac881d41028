"""The documents of the motion probes as pages read them: only what they show, whatever else is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

PROBES: dict[str, str] = {
    "frozen": "frozen",
    "reversed": "backwards",
    "shuffled": "shuffled",
    "half_speed": "half speed",
    "double_speed": "double speed",
    "scrambled": "scrambled",
}
"""The probes in the order of the tables, and what their columns are called."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Probe(_Read):
    """What one probe does to a class on a clip: the logit and the predicted class of each of its variants."""

    logits: tuple[float, ...]
    predicted: tuple[str, ...]

    @property
    def best(self) -> int:
        """The variant that keeps most of the logit."""
        return max(range(len(self.logits)), key=self.logits.__getitem__)


class ClipProbes(_Read):
    """The probes of one class on one clip."""

    clip: str
    class_index: int
    logit: float
    motion_reliance: float | None
    order_sensitivity: float | None
    probes: dict[str, Probe]


class ClassProbes(_Read):
    """A class's means over its clips with 95% intervals; `kept` is the share of clips still recognised."""

    class_index: int
    clips: int
    motion_reliance: float | None
    motion_reliance_low: float | None = None
    motion_reliance_high: float | None = None
    order_sensitivity: float | None = None
    kept: dict[str, float]


@dataclass(frozen=True)
class KernelProbes:
    """A kernel under the probes: its response to the clip that drives it most, and the share that each probe leaves.

    The shares are over the few clips that drive it most; None where none drives it above zero.
    """

    clip: str
    response: float | None
    shares: Mapping[str, float | None]

    def kept(self, probe: str) -> float | None:
        """Return the share of the response that a probe leaves."""
        return self.shares.get(probe)

    @property
    def motion_reliance(self) -> float | None:
        """The share that is gone in the best frozen frame."""
        left = self.kept("frozen")
        return None if left is None else 1 - left


class Left(_Read):
    """The share that a probe leaves of the response of a layer's kernels: mean over them with its 95% interval."""

    mean: float | None
    mean_low: float | None = None
    mean_high: float | None = None


class LayerProbes(_Read):
    """A layer under the probes; `kept`, `clip` and `response` are lists by kernel.

    `relying` of its `measured` kernels have a motion reliance of `threshold` at least.
    """

    left: dict[str, Left]
    quartiles: tuple[float, float, float] | None
    relying: int
    measured: int
    threshold: float
    clip: tuple[int, ...]
    response: tuple[float | None, ...]
    kept: dict[str, tuple[float | None, ...]]

    @property
    def reliance(self) -> tuple[float | None, ...]:
        """Every kernel's motion reliance."""
        return tuple(None if left is None else 1 - left for left in self.kept["frozen"])


class ModelProbes(_Read):
    """The probes over the reference clips: `clips` of so many (`of`) were probed, `labelled` of them with a label."""

    clips: int
    of: int
    labelled: int
    names: tuple[str, ...]
    classes: tuple[ClassProbes, ...]
    layers: dict[str, LayerProbes]

    def kernel(self, layer: str, index: int) -> KernelProbes | None:
        """Return what the probes leave of a kernel; None when its layer was not probed."""
        found = self.layers.get(layer)
        if found is None or index >= len(found.clip):
            return None
        shares = {probe: values[index] for probe, values in found.kept.items()}
        return KernelProbes(self.names[found.clip[index]], found.response[index], shares)

    def reliance(self, layer: str, index: int) -> float | None:
        """Return a kernel's motion reliance; None where it is not known."""
        found = self.kernel(layer, index)
        return found.motion_reliance if found else None
