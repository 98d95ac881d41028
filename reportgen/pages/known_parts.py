"""Parts of data that an earlier render made from the same, taken again in place of being made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

_Found = TypeVar("_Found")


class KnownParts:
    """Plain data by the digest of what it is made from: `before` by an earlier render, `now` of this one."""

    def __init__(self, before: Mapping[str, Any] | None = None) -> None:
        self._before = before or {}
        self.now: dict[str, Any] = {}
        self._once: dict[Hashable, Any] = {}

    def part(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what is made from what `key` is the digest of; without one it is made, and not kept."""
        if not key:
            return make()
        found = self._before[key] if key in self._before else make()
        self.now[key] = found
        return found

    def once(self, name: Hashable, make: Callable[[], _Found]) -> _Found:
        """Return what is made once for all pages of this render, and not kept for the next."""
        if name not in self._once:
            self._once[name] = make()
        return cast(_Found, self._once[name])
