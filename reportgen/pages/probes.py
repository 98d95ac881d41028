"""The documents of the motion probes as pages read them: only what they show, whatever else is in them."""

from __future__ import annotations

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


class KernelProbes(_Read):
    """A kernel's response to the clip that drives it most, and under each probe."""

    clip: str
    responses: dict[str, float]
    motion_reliance: float | None
    order_sensitivity: float | None

    def kept(self, probe: str) -> float | None:
        """Return the share of the response that a probe leaves; None where the response is not positive."""
        whole = self.responses.get("clip", 0.0)
        return self.responses[probe] / whole if whole > 0 and probe in self.responses else None


class ModelProbes(_Read):
    """The probes over all labelled clips."""

    clips: int
    classes: tuple[ClassProbes, ...]
    kernels: dict[str, KernelProbes]
