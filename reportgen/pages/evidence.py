"""How real clips drive a model's kernels: one table of mean responses, asked per kernel."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN = 3
"""Clips per strip."""


@dataclass(frozen=True)
class Driven:
    """A clip and the mean response of one kernel to it."""

    clip: str
    value: float


@dataclass(frozen=True)
class Strips:
    """The clips that drive a kernel most, least, and some drawn at random, `SHOWN` each."""

    most: tuple[Driven, ...]
    least: tuple[Driven, ...]
    random: tuple[Driven, ...]


@dataclass(frozen=True)
class Evidence:
    """Mean responses: for each layer, clip by kernel, in the order of `clips`."""

    clips: tuple[str, ...] = ()
    layers: Mapping[str, list[list[float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Evidence:
        """Return the evidence that an evidence document holds."""
        layers = {layer: facts["values"] for layer, facts in document["layers"].items()}
        return cls(clips=tuple(document["clips"]), layers=layers)

    def responses(self, layer: str, kernel: int) -> list[Driven]:
        """Return each clip's response, the strongest first; empty when the layer was not measured."""
        rows = self.layers.get(layer, [])
        found = (
            [
                Driven(clip, float(row[kernel]))
                for clip, row in zip(self.clips, rows, strict=True)
                if kernel < len(row) and math.isfinite(float(row[kernel]))
            ]
            if rows
            else []
        )
        return sorted(found, key=lambda driven: -driven.value)

    def percentile(self, layer: str, kernel: int, activation: float) -> float | None:
        """Return the share of clips that drive the kernel less than `activation`."""
        found = self.responses(layer, kernel)
        return sum(driven.value < activation for driven in found) / len(found) if found else None

    def strips(self, layer: str, kernel: int) -> Strips | None:
        """Return the clips to show beside a kernel; the random ones are the same on every rendering."""
        found = self.responses(layer, kernel)
        if not found:
            return None
        drawn = random.Random(f"{layer}/{kernel}").sample(found, min(SHOWN, len(found)))
        return Strips(tuple(found[:SHOWN]), tuple(found[::-1][:SHOWN]), tuple(drawn))
