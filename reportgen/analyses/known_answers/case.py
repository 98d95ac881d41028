"""What a known answer is: a method, what was planted for it, and how the figures come about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reportgen.records.answers.known_answers import KnownFigure


@dataclass(frozen=True)
class Case:
    """A planted case of a method; `find` computes its figures on the CPU in a fraction of a second."""

    method: str
    planted: str
    find: Callable[[], tuple[KnownFigure, ...]]
