"""What modules note of a pass for themselves (a counter, the last features, a mask): kept as it was before.

Some answer by it: a buffer of the last frames that streams a video, a recurrent layer's state. Every pass begins as the
first one did, so that what a network answers to a clip does not depend on what it was asked before.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import MemberDescriptorType, SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from reportgen.networks.core.taps import Reached

_OF_TORCH = frozenset(vars(nn.Module()))
"""What every module keeps of itself: parameters, hooks and the like."""

_HELD = ("_parameters", "_buffers", "_modules")
"""Of that, what a pass may exchange: a buffer that is set anew is another tensor in the place of the old one."""

_DEEPEST = 8
"""Levels of objects in objects that a module's settings are looked for in."""

_PLAIN = (bool, int, float, str, bytes)

_CONTAINERS = (dict, list, set, deque, tuple, frozenset)

_NO_MEMORY = sys.stdlib_module_names | {"reportgen"}
"""Packages whose objects are no network's memory: loggers, locks and files; packed weights in the place of layers."""

_LEFT: WeakKeyDictionary[nn.Module, dict[str, bool]] = WeakKeyDictionary()
"""Whether a pass of a module left something behind, by where it stopped (nowhere: "")."""


@contextmanager
def begun_anew(module: nn.Module, until: str = "") -> Iterator[None]:
    """Take away what a pass leaves in the attributes and buffers of a module, so that the next one begins as it did.

    The pass may stop on its way, `until` somewhere. Where the first one to get there leaves nothing, the next ones are
    not looked at.
    """
    left = _LEFT.setdefault(module, {})
    if left.get("", left.get(until)) is False:
        yield
        return
    before = state_of(module)
    with attributes_kept(module):
        there = False
        try:
            yield
            there = True
        except Reached:
            there = until != ""
            raise
        finally:
            if there:
                left[until] = left.get(until, False) or state_of(module) != before


def look_again(module: nn.Module) -> None:
    """Look at the next pass of a module as at its first: its settings may be others now."""
    _LEFT.pop(module, None)


def leaves_something(module: nn.Module) -> bool:
    """Return whether a pass of a module so far left something in its attributes or buffers."""
    return any(_LEFT.get(module, {}).values())


def state_of(module: nn.Module) -> tuple[Any, ...]:
    """Return what tells a module as it is from a changed one: its parts, all that they hold, and their hooks."""
    seen: set[int] = set()
    return tuple((id(part), type(part), _told(vars(part), seen)) for part in module.modules())


def _told(value: Any, seen: set[int], depth: int = 0) -> Any:
    """Return what tells a setting from a changed one: plain values, and others by what they hold or which they are."""
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, _CONTAINERS) and not value:  # as most of what torch keeps of a module is
        return ()
    if isinstance(value, Tensor):
        return id(value), None if value.is_inference() else value._version
    held = _held(value)
    if held is None or depth == _DEEPEST or id(value) in seen:
        return id(value)
    seen.add(id(value))
    parts = [_told(one, seen, depth + 1) for one in _parts(held)]
    return (*parts,) if held is value else (id(value), *parts)


def _held(value: Any) -> Any | None:
    """Return the container of what a setting holds, itself or its attributes; None for what is not looked into.

    Attributes are copied. Modules have their own turn.
    """
    if isinstance(value, _CONTAINERS):
        return value
    kind = type(value)
    foreign = kind is SimpleNamespace or kind.__module__.split(".")[0] not in _NO_MEMORY
    if issubclass(kind, nn.Module | type) or not foreign:
        return None
    attributes, slots = _in_dict(value), _in_slots(value)
    return {**attributes, **slots} if attributes is not None else slots or None


def _in_dict(value: object) -> dict[str, Any] | None:
    """Return the dict in which an object keeps its attributes; None for one that has none."""
    attributes = getattr(value, "__dict__", None)
    return attributes if isinstance(attributes, dict) else None


def _in_slots(value: object) -> dict[MemberDescriptorType, Any]:
    """Return what an object keeps in slots, as far as they are set, by the slot."""
    found = {}
    for slot in _slots_of(type(value)):
        with suppress(AttributeError):
            found[slot] = slot.__get__(value)
    return found


def _slots_of(kind: type) -> Iterator[MemberDescriptorType]:
    """Yield the slots of a class's instances, also those that an attribute of a class further down hides."""
    for one in kind.__mro__:
        if "__slots__" in vars(one):
            yield from (slot for slot in vars(one).values() if isinstance(slot, MemberDescriptorType))


@contextmanager
def attributes_kept(module: nn.Module) -> Iterator[None]:
    """Give every part of a module back what its attributes held: the same objects, and in them the same.

    Tensors and buffers get their values back; lists, dicts, sets, deques and objects of a network's own classes get
    their members back, and so does what these hold.
    """
    seen: set[int] = set()
    with _unseen():
        undo = [_undo(part, seen) for part in module.modules()]
    try:
        yield
    finally:
        with _unseen():
            for one in undo:
                one()


def _undo(part: nn.Module, seen: set[int]) -> Callable[[], None]:
    """Return what gives a part back what it holds now, but for what was `seen` in others."""
    own = {name: vars(part)[name] for name in vars(part).keys() - _OF_TORCH}
    held = [part.__dict__[name] for name in _HELD]
    within = [_members(value) for value in held]
    within += [undo for value in (*held[1].values(), *own.values()) for undo in _undone(value, seen)]

    def again() -> None:
        for name in vars(part).keys() - _OF_TORCH - own.keys():
            del part.__dict__[name]
        part.__dict__.update(own)
        for one in within:
            one()

    return again


def _undone(value: Any, seen: set[int], depth: int = 0) -> Iterator[Callable[[], None]]:
    """Yield what gives a setting, and what it holds, back what these hold now."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        if undo := _values(value):
            yield undo
        return
    held = _held(value)
    if held is None or depth == _DEEPEST:
        return
    mutable = held if held is value else _in_dict(value)
    if mutable is not None and not isinstance(mutable, tuple | frozenset):
        yield _members(mutable)
    if held is not value and (slots := _in_slots(value)):
        yield _slots(value, slots)
    for one in tuple(_parts(held)):
        yield from _undone(one, seen, depth + 1)


def _members(value: Any) -> Callable[[], None]:
    """Return what gives a container its members back."""
    before = value.copy()

    def again() -> None:
        if len(value) == len(before) and all(map(_is, _parts(value), _parts(before))):
            return
        value.clear()
        (value.update if isinstance(value, dict | set) else value.extend)(before)

    return again


def _slots(value: object, before: dict[MemberDescriptorType, Any]) -> Callable[[], None]:
    """Return what gives an object back what its slots held `before`."""

    def again() -> None:
        after = _in_slots(value)
        for slot in after.keys() - before.keys():
            slot.__delete__(value)
        for slot, one in before.items():
            if slot not in after or after[slot] is not one:
                slot.__set__(value, one)

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
            value.copy_(before)

    return again


@contextmanager
def _unseen() -> Iterator[None]:
    """Hide operations from whoever watches a pass: they are none of the network's."""
    with _disable_current_modes(), torch._C.DisableTorchFunction(), torch.no_grad():
        yield
