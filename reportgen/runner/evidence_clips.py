"""Which reference clips need a picture: those that stand beside the shown kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reportgen.records.answers.evidence import EvidenceAnswer
from reportgen.records.jobs import Done, Record

EVIDENCE = "evidence"


def clips_to_show(record: Record, kernels: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the names of the clips that stand beside the shown kernels, by the record of the evidence."""
    if not isinstance(record.outcome, Done):
        return []
    answer = record.outcome.read(EvidenceAnswer)
    return list(dict.fromkeys(answer.names[place] for place in _places(answer, kernels)))


def _places(answer: EvidenceAnswer, kernels: Mapping[str, Sequence[int]]) -> Iterator[int]:
    for name, chosen in kernels.items():
        layer = answer.layers.get(name)
        for kind in (layer.most, layer.least, layer.drawn) if layer else ():
            for kernel in chosen:
                yield from (example[0] for example in kind[kernel])
