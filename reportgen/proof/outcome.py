"""What a verification says: three answers that are kept apart, for each of them proves something else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reportgen.errors import VerificationError
from reportgen.records.base import Frozen

Truth = Literal["yes", "no", "not known"]

MOST_NAMED = 5
"""Files or records that a sentence names; the details have all."""


class Proof(Frozen):
    """One of the three answers: whether it holds, in a sentence, and what speaks against it one by one."""

    holds: Truth
    sentence: str
    details: tuple[str, ...] = ()


class MissedForgeries(Frozen):
    """The chance that none of `forged` false records was among those that were computed again."""

    forged: int = Field(ge=1)
    probability: float = Field(ge=0, le=1)


class Recomputation(Proof):
    """The third answer: `compared` of `candidates` records, drawn by `seed`, were computed again."""

    candidates: int = 0
    compared: int = 0
    seed: int = 0
    tolerance: float = 0.0
    missed: tuple[MissedForgeries, ...] = ()


class Verification(Frozen):
    """What is known of a report; `root_digest` is that of its files as they are."""

    report: str
    root_digest: str
    unchanged: Proof
    consistent: Proof
    recomputed: Recomputation

    @property
    def answers(self) -> dict[str, Proof]:
        """The three answers by name."""
        return {"unchanged": self.unchanged, "consistent": self.consistent, "recomputed": self.recomputed}

    def require(self, *, strict: bool = False) -> None:
        """Raise VerificationError when an answer is no; with `strict` also when one that was asked is not known."""
        against = [f"{name}: {proof.sentence}" for name, proof in self.answers.items() if proof.holds == "no"]
        if strict:
            against += [
                f"{name}: {proof.sentence}" for name, proof in self.answers.items() if proof.holds == "not known"
            ]
        if against:
            raise VerificationError(f"The report does not hold. {' '.join(against)}")


def first_names(names: list[str] | tuple[str, ...]) -> str:
    """Return the first of some names, and how many more there are."""
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown
