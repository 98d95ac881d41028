"""Which labels drive a kernel, in the labels' own words: where labels are pairs of words, each word on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.ranking import ranks


@dataclass(frozen=True)
class Word:
    """A part of labels: which clips have it, and the words that the other part takes (none for whole labels)."""

    text: str
    clips: tuple[bool, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Driven:
    """The word that tells best which clips drive a kernel: AUROC 0.5 is chance, 1 that all clips with it lead.

    `other` is the largest AUROC of the words that the other part takes: near 0.5, the kernel does not mind them.
    """

    text: str
    auroc: float
    others: tuple[str, ...]
    other: float | None


def factors(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the two parts of which every label is a pair, or None where labels are no product of two parts.

    ``dots static, dots moving up, rings static, rings moving up`` is (dots, rings) times (static, moving up).
    """
    words = [label.split() for label in dict.fromkeys(labels)]
    longest = max((len(one) for one in words), default=0)
    for cut in range(1, longest):
        heads = dict.fromkeys(" ".join(one[:cut]) for one in words)
        tails = dict.fromkeys(" ".join(one[cut:]) for one in words)
        if len(heads) > 1 and len(tails) > 1 and "" not in tails and len(heads) * len(tails) == len(words):
            return tuple(heads), tuple(tails)
    return None


def label_words(labels: Sequence[str]) -> tuple[Word, ...]:
    """Return the words of the clips' labels (of each part where they factor), those that some clips lack."""
    parts = factors(labels)
    if parts is None:
        whole = [Word(text, tuple(label == text for label in labels)) for text in dict.fromkeys(labels)]
    else:
        heads, tails = parts
        whole = [Word(text, tuple(one.startswith(f"{text} ") for one in labels), tails) for text in heads]
        whole += [Word(text, tuple(one.endswith(f" {text}") for one in labels), heads) for text in tails]
    return tuple(word for word in whole if 0 < sum(word.clips) < len(labels))


def auroc(responses: Tensor, chosen: Tensor) -> Tensor:
    """Return for responses `N K` how often a chosen clip (`N` bool) drives each kernel more than another one does."""
    inside = int(chosen.sum())
    outside = len(chosen) - inside
    ranked = torch.stack([ranks(column) for column in responses.T], dim=1)
    return (ranked[chosen].sum(dim=0) - inside * (inside + 1) / 2) / (inside * outside)


def driving_words(responses: Tensor, words: Sequence[Word]) -> list[Driven]:
    """Return for each kernel of responses `N K` the word that drives it most; empty without words."""
    if not words:
        return []
    ranked = torch.stack([auroc(responses, torch.tensor(word.clips)) for word in words])
    places = {word.text: place for place, word in enumerate(words)}
    found = []
    for kernel, best in enumerate(ranked.argmax(dim=0).tolist()):
        word = words[best]
        others = [float(ranked[places[text], kernel]) for text in word.others if text in places]
        found.append(Driven(word.text, float(ranked[best, kernel]), word.others, max(others, default=None)))
    return found
