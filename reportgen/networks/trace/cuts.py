"""A place where a network lets no gradient through, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """A place where the gradient ends: the `operation`, the `module` that it runs in, the layer that ran before it.

    A `choice` (a comparison, an argmax, a rounding) has no slope; others cut a gradient off that there would be.
    """

    operation: str
    module: str
    after: str
    choice: bool = False

    def __str__(self) -> str:
        where = f" in {self.module}" if self.module else f" after {self.after}" if self.after else " at the input"
        return f"{self.operation}{where}"


def cut_sentences(cuts: Sequence[Cut]) -> tuple[str, ...]:
    """Return the sentence that says that evidence stops at cuts; none where there are none."""
    if not cuts:
        return ()
    named = named_cuts(cuts, "or")
    return (f"No gradient comes through {named}: what it passes on counts as a constant, and evidence stops there.",)


def named_cuts(cuts: Sequence[Cut], between: str) -> str:
    """Return the places of cuts in words, the first three by name, with a word `between` them."""
    listed = list(dict.fromkeys(map(str, cuts)))
    others = [f"{len(listed) - 3} other places"] if len(listed) > 3 else []
    return f" {between} ".join([*listed[:3], *others])
