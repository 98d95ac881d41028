"""What is explained: one scalar of a network's answer, named. Saliency, pyramids, probes and pages share it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from reportgen.records.base import Frozen

_PRINTED = re.compile(
    r"class-(?P<index>[0-9]{1,9})(-vs-(?P<against>[0-9]{1,9})|-at-(?P<time>[0-9]{1,9}))?"
    r"|target-(?P<whole>mean|peak)(-(?P<channel>[0-9]{1,9}))?"
    r"|target-unit(?P<place>(-[0-9]{1,9}){1,6})"
)
_AXES = {"T": "time", "C": "channel", "H": "row", "W": "column"}


class Target(Frozen):
    """One scalar of a network's answer.

    class: the logit of class `index`, or at `time` where classes are told at each time. contrast: that logit less the
    logit of class `against`. Of a network without classes, mean and peak: the mean and the largest value of what it
    answers, of channel `index` where one is given; unit: its value at `place`, an index for each axis beside N.
    """

    kind: Literal["class", "contrast", "mean", "peak", "unit"]
    index: int | None = Field(None, ge=0)
    against: int | None = Field(None, ge=0)
    time: int | None = Field(None, ge=0)
    place: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _fields(self) -> Target:
        needs_class = self.kind in {"class", "contrast"}
        if needs_class and self.index is None:
            raise ValueError(f"a {self.kind} needs the index of a class")
        if (self.kind == "contrast") != (self.against is not None) or (self.kind == "unit") != bool(self.place):
            raise ValueError(f"a {self.kind} has no such fields")
        if self.time is not None and self.kind != "class":
            raise ValueError("only a class has a time")
        return self

    @classmethod
    def of(cls, index: int, against: int | None = None) -> Target:
        """Return a class, or one class rather than another."""
        return cls(kind="class" if against is None else "contrast", index=index, against=against)

    @property
    def of_class(self) -> bool:
        """Whether it is the logit of a class of the whole clip, which can be compared with the other classes'."""
        return self.kind == "class" and self.time is None

    def __str__(self) -> str:
        if self.kind in {"mean", "peak"}:
            return f"target-{self.kind}" + ("" if self.index is None else f"-{self.index:04d}")
        if self.kind == "unit":
            return "-".join(["target-unit", *map(str, self.place)])
        rather = "" if self.against is None else f"-vs-{self.against:04d}"
        when = "" if self.time is None else f"-at-{self.time:04d}"
        return f"class-{self.index:04d}{rather}{when}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """Return the target of that printed form; raises ValueError."""
        found = _PRINTED.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no target: one is printed as class-0002, target-mean or target-unit-5")
        index, against, time, channel = (
            None if found[name] is None else int(found[name]) for name in ("index", "against", "time", "channel")
        )
        if found["whole"]:
            return cls(kind="mean" if found["whole"] == "mean" else "peak", index=channel)
        if found["place"]:
            return cls(kind="unit", place=tuple(map(int, found["place"].removeprefix("-").split("-"))))
        return cls(kind="class" if against is None else "contrast", index=index, against=against, time=time)

    def title(self, labels: Sequence[str], answer: str | None = None) -> str:
        """Return in words what is explained; a class by its label, or its number where there are no labels.

        `answer` are the axes of the network's answer (`N T`), by which a unit's place is told.
        """
        letters = axes_of_answer(answer or "")
        if self.kind in {"mean", "peak"} and answer is not None and not letters:
            return "answer"
        if self.kind in {"mean", "peak"}:
            return f"{self.kind} of the answer" + ("" if self.index is None else f"'s channel {self.index}")
        if self.kind == "unit":
            names = [_AXES.get(letter, "") for letter in letters] if len(letters) == len(self.place) else []
            told = [
                f"{name} {at}".strip() for name, at in zip(names or [""] * len(self.place), self.place, strict=True)
            ]
            return f"answer at {', '.join(told)}"
        name = class_name(labels, self.index or 0)
        if self.against is not None:
            return f"{name} rather than {class_name(labels, self.against)}"
        return name if self.time is None else f"{name} at time {self.time}"


def axes_of_answer(answer: str) -> list[str]:
    """Return the axes beside N of an answer (`N T 1`) that have several positions: none of a single number."""
    return [letter for letter in answer.split()[1:] if letter != "1"]


def class_name(labels: Sequence[str], index: int) -> str:
    """Return a class's label, or its number where the network has no labels."""
    return labels[index] if 0 <= index < len(labels) else f"class {index}"
