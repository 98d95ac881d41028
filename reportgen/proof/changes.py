"""What differs between two reports, as data: what `reportgen.proof.difference` returns."""

from __future__ import annotations

from reportgen.errors import DifferenceError
from reportgen.reading.format import plural
from reportgen.records.base import Frozen


class OtherSetting(Frozen):
    """Something that two runs were made with otherwise: no change of the network, but it may make some."""

    name: str
    first: str
    second: str


class ChangedVerdict(Frozen):
    """A check of the audit whose verdict is another one, with its figures as they are printed."""

    name: str
    first: str
    second: str
    first_figure: str
    second_figure: str


class ChangedKernel(Frozen):
    """A kernel that answers otherwise, beside the one of the second report that answers most like it."""

    first: int
    second: int
    correlation: float | None
    difference: float
    first_says: str
    second_says: str
    first_reliance: float | None
    second_reliance: float | None


class LayerDifference(Frozen):
    """A layer: `kernels` that were matched, of which `moved` are the same at another index; see `LayerMatch`."""

    layer: str
    kernels: int
    moved: int
    changed: tuple[ChangedKernel, ...]
    noise: float
    steady: float
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]


class ChangedMotion(Frozen):
    """A reliance on motion that changed by more than the 95% intervals of both allow."""

    what: str
    first: float
    second: float
    noise: float


class ChangedPathway(Frozen):
    """A class on a clip whose pathways share few kernels: `shared` of those that either has."""

    clip: str
    target: str
    shared: float


class NetworkDifference(Frozen):
    """One network in both reports; `unmatched` says why its kernels were not compared, and what to do.

    `settings` are versions and options that the two runs do not share.
    """

    first: str
    second: str
    same_weights: bool
    clips: int
    unmatched: str
    settings: tuple[OtherSetting, ...]
    layers: tuple[LayerDifference, ...]
    verdicts: tuple[ChangedVerdict, ...]
    motion: tuple[ChangedMotion, ...]
    pathways: tuple[ChangedPathway, ...]

    @property
    def changed_kernels(self) -> int:
        """How many kernels changed or have no counterpart."""
        return sum(len(one.changed) + len(one.only_first) + len(one.only_second) for one in self.layers)

    @property
    def first_changed_layer(self) -> str | None:
        """The first layer, in the network's order, in which kernels changed: what follows may change by that alone."""
        return next((one.layer for one in self.layers if one.changed), None)

    @property
    def changed(self) -> bool:
        """Whether anything differs by more than noise."""
        return bool(self.changed_kernels or self.verdicts or self.motion or self.pathways)

    @property
    def in_doubt(self) -> bool:
        """Whether its kernels may have changed: they were not compared, and no digest says that the weights are one."""
        return bool(self.unmatched) and not self.same_weights


class ReportDifference(Frozen):
    """Two reports; `only_first` and `only_second` are networks that the other has not."""

    first: str
    second: str
    networks: tuple[NetworkDifference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs by more than noise."""
        return bool(self.only_first or self.only_second or any(one.changed for one in self.networks))

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """The networks of which it is not known whether their kernels changed."""
        return tuple(one.second for one in self.networks if one.in_doubt)

    @property
    def sentence(self) -> str:
        """What differs, in a sentence."""
        if not self.changed and self.in_doubt:
            return (
                f"Whether the reports differ is not known: the kernels of {', '.join(self.in_doubt)} were not compared."
            )
        if not self.changed:
            return "Nothing differs by more than noise."
        parts = [f"{name} is in one of them only" for name in (*self.only_first, *self.only_second)]
        parts += [f"{one.second}: {_counts(one)}" for one in self.networks if one.changed]
        return f"The reports differ. {'; '.join(parts)}."

    def require_same(self) -> None:
        """Raise DifferenceError when anything differs by more than noise, or when that is not known."""
        if self.changed or self.in_doubt:
            raise DifferenceError(self.sentence)


def _counts(network: NetworkDifference) -> str:
    kinds = {
        "kernel": network.changed_kernels,
        "verdict": len(network.verdicts),
        "motion figure": len(network.motion),
        "class pathway": len(network.pathways),
    }
    words = [plural(count, kind) for kind, count in kinds.items() if count]
    where = f" (the first in {network.first_changed_layer})" if network.first_changed_layer else ""
    return f"{', '.join(words)} changed{where}"
