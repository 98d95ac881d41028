"""How real clips drive a model's kernels: one table of mean responses, asked per kernel."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reportgen.pages.format import fixed

TELLING = 0.9
"""AUROC from which a label word is said to drive a kernel."""

INDIFFERENT = 0.75
"""Largest AUROC of the labels' other words under which a kernel is said not to mind them."""

MOST_WORDS = 6
"""Words listed in a sentence."""

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
class DrivingWord:
    """The word of the clips' labels that drives a kernel most; `others` is what the labels' other part may be."""

    text: str
    auroc: float
    others: tuple[str, ...]
    other: float | None

    @property
    def sentence(self) -> str:
        """What may be said of it: nothing under TELLING, for the best of some words is never at chance."""
        if self.auroc < TELLING:
            return f"No label of the real clips drives it clearly (best: “{self.text}”, AUROC {fixed(self.auroc)})."
        if not self.others:
            return f"Responds to clips of “{self.text}” (AUROC {fixed(self.auroc)})."
        names = ", ".join(self.others[:MOST_WORDS]) + (" …" if len(self.others) > MOST_WORDS else "")
        if self.other is not None and self.other < INDIFFERENT:
            return f"Responds to “{self.text}” (AUROC {fixed(self.auroc)}), whichever of {names} it comes with."
        return f"Responds to “{self.text}” (AUROC {fixed(self.auroc)}), more with some of {names} than with others."


@dataclass(frozen=True)
class Redundancy:
    """Kernels of a layer that answer alike to every clip, and pairs that answer as each other does, among `kernels`."""

    kernels: int
    dead: tuple[int, ...]
    duplicates: tuple[tuple[int, int, float], ...]

    @property
    def share(self) -> float:
        """Share of the layer's kernels that are dead or repeat an earlier one."""
        return len({*self.dead, *(second for _, second, _ in self.duplicates)}) / self.kernels if self.kernels else 0.0

    def twins(self, kernel: int) -> list[tuple[int, float]]:
        """Return the kernels that answer as `kernel` does, with their correlation."""
        pairs = [(a, b, r) for a, b, r in self.duplicates if kernel in (a, b)]
        return [(b if a == kernel else a, r) for a, b, r in pairs]


@dataclass(frozen=True)
class Evidence:
    """Mean responses: for each layer, clip by kernel, in the order of `clips`."""

    clips: tuple[str, ...] = ()
    layers: Mapping[str, list[list[float]]] = field(default_factory=dict)
    words: Mapping[str, list[DrivingWord]] = field(default_factory=dict)
    redundancy: Mapping[str, Redundancy] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Evidence:
        """Return the evidence that an evidence document holds."""
        layers = {layer: facts["values"] for layer, facts in document["layers"].items()}
        found = {layer: facts for layer, facts in document["layers"].items() if "dead" in facts}
        words = {
            layer: [
                DrivingWord(str(word["text"]), float(word["auroc"]), tuple(word["others"]), word["other"])
                for word in facts["words"]
            ]
            for layer, facts in found.items()
        }
        redundancy = {
            layer: Redundancy(
                kernels=len(facts["values"][0]) if facts["values"] else 0,
                dead=tuple(facts["dead"]),
                duplicates=tuple((int(a), int(b), float(r)) for a, b, r in facts["duplicates"]),
            )
            for layer, facts in found.items()
        }
        return cls(tuple(document["clips"]), layers, words, redundancy)

    def word(self, layer: str, kernel: int) -> DrivingWord | None:
        """Return the label word that drives a kernel most; None where clips have no labels that tell them apart."""
        words = self.words.get(layer, [])
        return words[kernel] if kernel < len(words) else None

    def doubts(self, layer: str, kernel: int) -> list[str]:
        """Return what makes a kernel's own page say less: that it is dead, or that others answer as it does."""
        found = self.redundancy.get(layer)
        if found is None:
            return []
        if kernel in found.dead:
            return [f"Dead on the reference clips: it answers alike to all {len(self.clips)} of them."]
        twins = [f"#{other} (correlation {fixed(r)})" for other, r in found.twins(kernel)]
        return [f"Answers the reference clips as {', '.join(twins)} of its layer does."] if twins else []

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
