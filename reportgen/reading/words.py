"""What pages call that which is explained: classes and logits, or targets and values of a network without classes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Singular, plural, and what its scalar is called."""

    one: str
    many: str
    value: str

    @property
    def its_value(self) -> str:
        """Its scalar, named with it: the class logit, the target's value."""
        return "class logit" if self.value == "logit" else f"{self.one}'s {self.value}"

    @property
    def pyramid(self) -> str:
        """A pyramid of it."""
        return "class pyramid" if self.value == "logit" else "pyramid"


CLASSES = Words("class", "classes", "logit")
TARGETS = Words("target", "targets", "value")
