"""What one page is about: a kernel, a target on a clip, a class pyramid, and what is missing there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import short_kernel_name
from reportgen.reading.graphs import Graph, Node
from reportgen.records.documents import DAMAGED
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done, Failed, Outcome, Record, Skipped
from reportgen.records.targets import Target


@dataclass(frozen=True)
class Trouble:
    """Something that a page would show and cannot, and why."""

    state: str
    what: str
    why: str


def trouble(what: str, outcome: Outcome | None) -> Trouble | None:
    """Return why an answer is missing, or None when it is there."""
    if outcome is None:
        return Trouble("missing", what, "Not computed in this run.")
    if isinstance(outcome, Skipped):
        return Trouble("skipped", what, f"Skipped: {outcome.reason}")
    if isinstance(outcome, Failed) and outcome.error == DAMAGED:
        return Trouble("failed", what, f"Damaged: {outcome.message}")
    if isinstance(outcome, Failed):
        return Trouble("failed", what, f"Failed: {outcome.message}")
    return None


def notes_told(records: Iterable[Record]) -> list[str]:
    """Return what the answers say of themselves, each sentence once."""
    return list(
        dict.fromkeys(note for record in records if isinstance(record.outcome, Done) for note in record.outcome.notes)
    )


@dataclass(frozen=True)
class KernelView:
    """One kernel with what was asked about it."""

    id: KernelId
    stage: str
    uri: str
    stage1: Record | None
    decomposition: Record | None
    figures: KernelFigures

    @property
    def name(self) -> str:
        """The name that fits on a card."""
        return short_kernel_name(self.id.layer, self.id.index)

    def answer(self, analysis: str) -> Done | None:
        """Return the answer of ``kernels`` or ``decomposition``, or None."""
        record = self.stage1 if analysis == "kernels" else self.decomposition
        return record.outcome if record and isinstance(record.outcome, Done) else None

    @property
    def troubles(self) -> list[Trouble]:
        """Return what is missing on this kernel's page."""
        asked = {"Activation maximisation": self.stage1, "Texture and motion": self.decomposition}
        found = (trouble(what, record.outcome if record else None) for what, record in asked.items())
        return [item for item in found if item]

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of the records behind this kernel."""
        return tuple(record.key for record in (self.stage1, self.decomposition) if record)


@dataclass(frozen=True)
class ClassView:
    """What is explained on a clip: a pyramid's or a saliency map's subject."""

    clip: str
    target: Target
    record: Record

    @property
    def answer(self) -> Done | None:
        """The answer, or None when it was skipped or failed."""
        return self.record.outcome if isinstance(self.record.outcome, Done) else None


@dataclass(frozen=True)
class Pyramid:
    """A class pyramid that was computed, with its graph."""

    view: ClassView
    uri: str
    label: str
    clip_title: str
    graph: Graph

    def node_name(self, node: Node) -> str:
        """Return a kernel's short name, or the class's name."""
        return short_kernel_name(node.layer, node.index) if node.depth else self.label
