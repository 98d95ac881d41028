"""What concepts drive, asked by kernel: the answers of the hypothesis tests as pages and audit read them."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.records.answers.concepts import ConceptAnswer, ConceptLayer
from reportgen.records.jobs import Record


@dataclass(frozen=True)
class DrivenKernel:
    """One kernel beside one concept: see `reportgen.records.answers.concepts.ConceptLayer`."""

    concept: str
    layer: str
    index: int
    rank: int
    score: float | None
    auroc: float | None
    low: float | None
    high: float | None
    p: float | None
    q: float | None
    clips: int
    reference: int


@dataclass(frozen=True)
class ConceptView:
    """A concept with its record and the address of its page."""

    record: Record
    answer: ConceptAnswer
    uri: str

    @property
    def name(self) -> str:
        """Its name, as it was given."""
        return self.answer.concept

    @property
    def was_tested(self) -> bool:
        """Whether there were clips enough for a test."""
        return self.answer.tested > 0

    def kernel(self, layer: str, index: int) -> DrivenKernel | None:
        """Return a kernel's figures; None for one that was not measured."""
        found = self.answer.layers.get(layer)
        return self._driven(layer, found, index) if found and index < len(found.rank) else None

    def kernels(self) -> list[DrivenKernel]:
        """Return every kernel of every layer, the one of the largest AUROC first."""
        every = (
            self._driven(layer, found, index)
            for layer, found in self.answer.layers.items()
            for index in range(len(found.rank))
        )
        return sorted(every, key=lambda kernel: kernel.rank)

    def _driven(self, layer: str, found: ConceptLayer, index: int) -> DrivenKernel:
        return DrivenKernel(
            concept=self.name,
            layer=layer,
            index=index,
            rank=found.rank[index],
            score=found.score[index],
            auroc=found.auroc[index],
            low=found.low[index],
            high=found.high[index],
            p=found.p[index],
            q=found.q[index],
            clips=self.answer.clips,
            reference=self.answer.reference,
        )
