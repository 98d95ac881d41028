"""Arguments over a card's: those that its factory never looks at would change nothing, without a word."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch

from reportgen.errors import OptionError, near_names
from reportgen.records.card import ModelCard


class _Watched(dict[str, Any]):
    """Arguments that note which of them are read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return one, and note it."""
        self.read.add(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """Take one out, and note it."""
        self.read.add(name)
        return super().pop(name, *default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        """Return all, and note them: what unpacks a dictionary asks for its keys."""
        self.read.update(super().keys())
        return super().keys()

    def items(self) -> Any:
        """Return all, and note them."""
        self.read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        """Return all, and note them."""
        self.read.update(super().keys())
        return super().values()


def require_read(factory: Callable[[ModelCard], object], card: ModelCard, given: Iterable[str]) -> None:
    """Raise OptionError when the factory of a card does not read one of the `given` arguments.

    It is seen by building the network without memory. A factory that fails is left to whoever builds it.
    """
    watched = _Watched(card.architecture.arguments)
    asked = card.model_copy(update={"architecture": card.architecture.model_copy(update={"arguments": watched})})
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        try:
            factory(asked)
        except Exception:  # the user's code: whatever it raises is told where it is built
            return
    unread = [name for name in given if name not in watched.read]
    if unread:
        near = near_names(unread[0], watched.read)
        advice = (
            f"did you mean {' or '.join(near)}?" if near else f"it reads {', '.join(sorted(watched.read)) or 'none'}."
        )
        raise OptionError(f"The architecture of {card.name} reads no argument {unread[0]!r}: {advice}")


def taken_unnamed(factory: Callable[..., object], given: Iterable[str]) -> list[str]:
    """Return which of the arguments a function takes by `**` alone: whether it reads them is not known."""
    with suppress(TypeError, ValueError):
        return [name for name in given if name not in inspect.signature(factory).parameters]
    return []
