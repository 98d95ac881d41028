"""The way back through a pass, over the steps that autograd kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def reached(starts: Sequence[Any], goals: Iterable[Any], *, through: bool = False) -> list[Any]:
    """Return the goals that a way back through the pass meets first behind the starts; all of them when `through`."""
    wanted, found = set(goals), []
    waiting = [following for start in starts for following, _ in (start.next_functions if start is not None else ())]
    visited = set(waiting)
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if node in wanted:
            found.append(node)
            if not through:
                continue
        fresh = {following for following, _ in node.next_functions} - visited
        visited |= fresh
        waiting.extend(fresh)
    return found
