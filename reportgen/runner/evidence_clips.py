"""Which reference clips need a picture: those beside the shown kernels, and small ones those beside any other."""

from __future__ import annotations

from collections import Counter
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


MOST_PREVIEWED = 200
"""Clips that have a small picture because they stand beside a kernel that is not shown, about 20 kB each."""


def clips_to_preview(record: Record, kernels: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the names of the clips that stand beside other kernels alone, those of the most kernels first."""
    if not isinstance(record.outcome, Done):
        return []
    answer = record.outcome.read(EvidenceAnswer)
    shown = set(_places(answer, kernels))
    every = {name: range(layer.kernels) for name, layer in answer.layers.items()}
    found = Counter(place for place in _places(answer, every) if place not in shown)
    return [answer.names[place] for place, _ in found.most_common(MOST_PREVIEWED)]


def _places(answer: EvidenceAnswer, kernels: Mapping[str, Sequence[int]]) -> Iterator[int]:
    for name, chosen in kernels.items():
        layer = answer.layers.get(name)
        for kind in (layer.most, layer.least, layer.drawn) if layer else ():
            for kernel in chosen:
                yield from (example[0] for example in kind[kernel])
