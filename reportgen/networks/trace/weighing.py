"""Which maps of a pass are weights of other maps: gates, attention maps, and the places at which others are sampled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

_Node = Any
Uses = dict[_Node, list[tuple[_Node, int]]]
"""The steps that read a step of a pass, each with the place of what it reads there."""

_PRODUCTS = (
    *("Mul", "Div", "Bmm", "Mm", "Addmm", "Baddbmm", "Addcmul", "Dot", "Mv", "Convolution", "GridSampler"),
    *("ScaledDotProduct", "DeformConv"),
)
_SQUASHED = ("Softmax", "SafeSoftmax", "Sigmoid", "Tanh", "Hardsigmoid", "LogSoftmax")
_ATTENTION = "ScaledDotProduct"


def weighs(uses: Uses, end: _Node, weight: _Node, weighed: _Node) -> bool:
    """Return whether what becomes of one step of a pass, on its way to the `end`, are weights of another one.

    `uses` are those behind the end. The `weighed` step leads to the `weight`, and beside it: an attention map that a
    convolution makes of the maps which it pools, and not the branch of a sum. Where the other way is the squashed one
    (a sigmoid, a softmax), that is the gate. Shares that a softmax makes may also be summed up by themselves.
    """
    beside = set(_onwards(uses, weighed, around=(weight,)))
    open_ones = set(_onwards(uses, weighed, around=(weight,), squashed=False))
    waiting, met, multiplied = [(weight, False)], {(weight, False)}, False
    while waiting:
        node, squashed = waiting.pop()
        if node is end and not squashed:
            return False
        for use, place in uses[node]:
            others = [
                (other, at) for at, (other, _) in enumerate(use.next_functions) if at != place and other in beside
            ]
            if not others:
                following = (use, squashed or _is(use, _SQUASHED))
                if following not in met:
                    met.add(following)
                    waiting.append(following)
            elif _is(use, _PRODUCTS):
                own = squashed or (_is(use, (_ATTENTION,)) and place < 2)
                if not own and not any(_open(use, at, other in open_ones) for other, at in others):
                    return False
                multiplied = True
            elif not squashed:
                return False
    return multiplied


def _open(use: _Node, place: int, unsquashed: bool) -> bool:
    """Return whether a product is given values at a place, and not weights."""
    return unsquashed and not (_is(use, (_ATTENTION,)) and place < 2)


def _is(node: _Node, kinds: Sequence[str]) -> bool:
    return bool(node.name().lstrip("_").startswith(tuple(kinds)))


def uses_behind(end: _Node) -> Uses:
    """Return the uses of each step behind the end of a pass."""
    uses: Uses = defaultdict(list)
    waiting, met = [end], {end}
    while waiting:
        node = waiting.pop()
        for place, (read, _) in enumerate(node.next_functions):
            if read is not None:
                uses[read].append((node, place))
                if read not in met:
                    met.add(read)
                    waiting.append(read)
    return uses


def _onwards(uses: Uses, start: _Node, *, around: Sequence[_Node], squashed: bool = True) -> Iterator[_Node]:
    """Yield a step and all that come of it but for those `around` which it goes, and behind them.

    Without `squashed` ones: the ways end before what squashes.
    """
    waiting, met = [start], {start, *around}
    while waiting:
        node = waiting.pop()
        yield node
        for use, _ in uses[node]:
            if use not in met and (squashed or not _is(use, _SQUASHED)):
                met.add(use)
                waiting.append(use)
