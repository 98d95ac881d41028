"""What modules note of a pass for themselves (a counter, the last features, a mask): kept as it was before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_OF_TORCH = frozenset(vars(nn.Module()))
"""What every module keeps of itself: parameters, hooks and the like."""

_HELD = ("_parameters", "_buffers", "_modules")
"""Of that, what a pass may exchange: a buffer that is set anew is another tensor in the place of the old one."""


@contextmanager
def attributes_kept(module: nn.Module) -> Iterator[None]:
    """Give every part of a module back what its attributes held: the same objects, and in them the same.

    Tensors and buffers get their values back, lists, dicts, sets and deques their members. What lies deeper, in objects
    of other types, is not looked into.
    """
    undo = [_undo(part) for part in module.modules()]
    try:
        yield
    finally:
        for one in undo:
            one()


def _undo(part: nn.Module) -> Callable[[], None]:
    """Return what gives a part back what it holds now."""
    own = {name: value for name, value in vars(part).items() if name not in _OF_TORCH}
    held = [part.__dict__[name] for name in _HELD]
    within = [undo for value in (*own.values(), *held) if (undo := _members(value))]
    within += [undo for value in (*own.values(), *held[1].values()) if (undo := _values(value))]

    def again() -> None:
        for name in [name for name in vars(part) if name not in _OF_TORCH and name not in own]:
            del part.__dict__[name]
        part.__dict__.update(own)
        for one in within:
            one()

    return again


def _members(value: Any) -> Callable[[], None] | None:
    """Return what gives a container its members back; None for what is none."""
    if not isinstance(value, dict | list | set | deque):
        return None
    before = value.copy()

    def again() -> None:
        if len(value) == len(before) and all(map(_is, _parts(value), _parts(before))):
            return
        value.clear()
        (value.update if isinstance(value, dict | set) else value.extend)(before)

    return again


def _parts(value: Any) -> Any:
    return (part for pair in value.items() for part in pair) if isinstance(value, dict) else iter(value)


def _is(one: object, other: object) -> bool:
    return one is other


def _values(value: Any) -> Callable[[], None] | None:
    """Return what gives a tensor its values back; None for what is none, and for one without values."""
    if not isinstance(value, Tensor) or value.is_meta or value.layout != torch.strided or value.is_quantized:
        return None
    before = value.detach().clone()

    def again() -> None:
        if not torch.equal(value, before):  # for whoever goes backwards through it later, a copy is a change
            with torch.no_grad():
                value.copy_(before)

    return again
