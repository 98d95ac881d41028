"""How reference clips drive a model's kernels: the document of the pass over the reference clips, asked per kernel."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reportgen.reading.format import fixed
from reportgen.records.answers.evidence import EvidenceAnswer, Example, LabelWord, LayerEvidence
from reportgen.records.answers.relative import of_median


@dataclass(frozen=True)
class DrivingClip:
    """A clip, the response of one kernel to it, and the place (frame, y, x) where it is driven most, where known."""

    clip: str
    value: float
    place: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Strips:
    """The clips that drive a kernel most, least, and some drawn at random; `field` is what one unit sees (t, h, w)."""

    most: tuple[DrivingClip, ...]
    least: tuple[DrivingClip, ...]
    random: tuple[DrivingClip, ...]
    field: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Redundancy:
    """Kernels of a layer that answer alike to every clip, and pairs that answer as each other does, among `kernels`.

    `comparable` of them are driven by clips enough to tell whether they repeat another.
    """

    kernels: int
    dead: tuple[int, ...]
    duplicates: tuple[tuple[int, int, float], ...]
    comparable: int = 0

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
    """What `clips` reference clips say of each layer's kernels; `unreadable` more could not be read.

    `connected` are the layers that the stored connections of kernels count into.
    """

    clips: int = 0
    labelled: int = 0
    unreadable: int = 0
    reason: str = ""
    names: tuple[str, ...] = ()
    change: tuple[float | None, ...] = ()
    connected: tuple[str, ...] = ()
    layers: Mapping[str, LayerEvidence] = field(default_factory=dict)
    redundancy: Mapping[str, Redundancy] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: EvidenceAnswer) -> Evidence:
        """Return the evidence that an answer holds."""
        return cls(
            clips=answer.clips,
            labelled=answer.labelled,
            unreadable=answer.unreadable,
            reason=next(iter(answer.reasons.values()), ""),
            names=answer.names,
            change=answer.change,
            connected=answer.connected,
            layers=answer.layers,
            redundancy={
                layer: Redundancy(
                    found.kernels,
                    found.dead,
                    found.duplicates,
                    found.kernels - len(found.dead) if found.comparable is None else found.comparable,
                )
                for layer, found in answer.layers.items()
                if found.dead is not None
            },
        )

    def word(self, layer: str, kernel: int) -> LabelWord | None:
        """Return the label word that drives a kernel most; None where clips have no labels that tell them apart."""
        words = self.layers[layer].words if layer in self.layers else ()
        if kernel >= len(words):
            return None
        return words[kernel]

    def doubts(self, layer: str, kernel: int) -> list[str]:
        """Return what makes a kernel's own page say less: that it is dead, or that others answer as it does."""
        found = self.redundancy.get(layer)
        if found is None:
            return []
        if kernel in found.dead:
            return [f"Dead on the reference clips: it answers alike to all {self.clips} of them."]
        twins = [f"#{other} (correlation {fixed(r)})" for other, r in found.twins(kernel)]
        return [f"Answers the reference clips as {', '.join(twins)} of its layer does."] if twins else []

    def best(self, layer: str, kernel: int) -> DrivingClip | None:
        """Return the clip that drives a kernel most; None when the kernel was not measured."""
        strips = self.strips(layer, kernel)
        return strips.most[0] if strips else None

    def changes(self, layer: str, kernel: int) -> tuple[float, ...]:
        """Return how much the clips that drive a kernel most change from frame to frame; none where not measured.

        The mean change of a pixel as a share of the clip's spread, 0 where it stands still.
        """
        found = self.layers.get(layer)
        if found is None or kernel >= found.kernels or len(self.change) < len(self.names):
            return ()
        changes = (self.change[example[0]] for example in found.most[kernel])
        return tuple(change for change in changes if change is not None)

    def best_of_median(self, layer: str, kernel: int) -> float | None:
        """Return a kernel's largest response as a multiple of its layer's median; None where no clip drives it."""
        values = self._of_median.get(layer, ())
        return values[kernel] if kernel < len(values) else None

    @cached_property
    def _of_median(self) -> dict[str, tuple[float | None, ...]]:
        return {
            layer: of_median([examples[0][1] if examples else None for examples in found.most])
            for layer, found in self.layers.items()
        }

    def percentile(self, layer: str, kernel: int, activation: float) -> float | None:
        """Return the share of clips that drive the kernel less than `activation`.

        Exact while all responses are kept, else within a hundredth.
        """
        found = self.layers[layer].statistics(kernel) if layer in self.layers else []
        return bisect_left(found, activation) / len(found) if found else None

    def strips(self, layer: str, kernel: int) -> Strips | None:
        """Return the clips to show beside a kernel; None when it was not measured."""
        found = self.layers.get(layer)
        if found is None or kernel >= found.kernels or not found.most[kernel]:
            return None
        most, least, drawn = (
            tuple(self._driven(example) for example in kind[kernel]) for kind in (found.most, found.least, found.drawn)
        )
        return Strips(most, least, drawn, found.field)

    def _driven(self, example: Example) -> DrivingClip:
        clip, value, *place = example
        where = (place[0], place[1], place[2]) if len(place) == 3 else None
        return DrivingClip(self.names[clip], float("nan") if value is None else value, where)
