"""The motion probes of one kernel, looked up among those of its layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.records.answers.motion import ModelProbes

PROBE_TITLES: dict[str, str] = {
    "frozen": "frozen",
    "dissolved": "dissolved",
    "reversed": "backwards",
    "shuffled": "shuffled",
    "half_speed": "half speed",
    "double_speed": "double speed",
    "scrambled": "scrambled",
}
"""The probes in the order of the tables, and what their columns are called."""


@dataclass(frozen=True)
class KernelProbes:
    """A kernel under the probes: its response to the clip that drives it most, and the share that each probe leaves.

    The shares are over the few clips that drive it most; None where none drives it above zero. `response_of_median` is
    the response as a multiple of the layer's median.
    """

    clip: str
    response: float | None
    response_of_median: float | None
    shares: Mapping[str, float | None]

    def kept(self, probe: str) -> float | None:
        """Return the share of the response that a probe leaves."""
        return self.shares.get(probe)

    @property
    def motion_reliance(self) -> float | None:
        """The share that is gone in the best frozen frame."""
        return self._lost("frozen")

    @property
    def dissolved_loss(self) -> float | None:
        """The share that is gone where the first frame dissolves into the last: it changes, and does not move."""
        return self._lost("dissolved")

    def _lost(self, probe: str) -> float | None:
        left = self.kept(probe)
        return None if left is None else 1 - left


def kernel_probes(probes: ModelProbes, layer: str, index: int) -> KernelProbes | None:
    """Return what the probes leave of a kernel; None when its layer was not probed."""
    found = probes.layers.get(layer)
    if found is None or index >= len(found.clip):
        return None
    shares = {probe: values[index] for probe, values in found.kept.items()}
    return KernelProbes(probes.names[found.clip[index]], found.response[index], found.of_median[index], shares)
