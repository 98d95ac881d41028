"""Which label words are said to drive a kernel, and what is said of them."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import fixed, plural
from reportgen.records.answers.evidence import LabelWord

MOST_WORDS = 6
"""Words listed in a sentence."""


def word_is_said(word: LabelWord, limits: Limits) -> bool:
    """Whether a label word is said to drive a kernel.

    Not under the limit, nor where labels given to the clips at random have a word that leads as far too often: the
    best of some words is never at chance.
    """
    return word.auroc >= limits.label_word and (word.q is None or word.q <= limits.label_q)


def label_word(word: LabelWord, limits: Limits, *, held_out: bool = False) -> str:
    """Return what may be said of the label word that drives a kernel most.

    `held_out` says that its figures are of clips that had no part in choosing the kernel.
    """
    figures = _word_figures(word) + (", on clips that had no part in choosing this kernel" if held_out else "")
    if not word_is_said(word, limits):
        return f"No label of the reference clips drives it clearly (best: “{word.text}”, {figures})."
    if not word.others:
        return f"Responds to clips of “{word.text}” ({figures})."
    others = Excerpt.of(word.others, MOST_WORDS)
    names = ", ".join(others) + (f" and {others.left_out} more" if others.left_out else "")
    if word.other is not None and word.other < limits.indifferent:
        if word.strongest and word.most > limits.mixed * word.strongest:
            return f"Responds to “{word.text}” ({figures}), most with {word.most_other}: {_strongest(word)}."
        return f"Responds to “{word.text}” ({figures}), whichever of {names} it comes with."
    return f"Responds to “{word.text}” ({figures}), more with some of {names} than with others."


def _strongest(word: LabelWord) -> str:
    return f"{word.most} of its {word.strongest} strongest clips"


def _word_figures(word: LabelWord) -> str:
    """Return a word's AUROC with all that is known of how far to believe it."""
    parts = [f"AUROC {fixed(word.auroc)}"]
    if word.low is not None and word.high is not None:
        parts.append(f"95% {fixed(word.low)} to {fixed(word.high)}")
    if word.clips is not None:
        parts.append(plural(word.clips, "clip"))
    if word.q is not None:
        parts.append(f"q {fixed(word.q, 3)}" if word.q >= 0.001 else "q < 0.001")
    return ", ".join(parts)
