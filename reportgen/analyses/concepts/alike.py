"""Which reference clips belong to a concept, by their labels: what is compared is the concept and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.analyses.evidence.label_words import factors
from reportgen.records.identities import spelled


def labelled_like(concept: str, labels: Sequence[str | None]) -> frozenset[int]:
    """Return the places of the clips whose label is the concept's name, or has it as one of the two parts of labels.

    Names are compared whatever their case, and with `_` or `-` for spaces, as sub-folders of reference clips are.
    """
    wanted = spelled(concept)
    known = [label for label in labels if label is not None]
    heads, tails = factors(list(dict.fromkeys(known))) or ((), ())
    alike = {label for label in known if spelled(label) == wanted}
    alike |= {label for head in heads if spelled(head) == wanted for label in known if label.startswith(f"{head} ")}
    alike |= {label for tail in tails if spelled(tail) == wanted for label in known if label.endswith(f" {tail}")}
    return frozenset(place for place, label in enumerate(labels) if label in alike)
