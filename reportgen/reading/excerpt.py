"""What a page shows of a list and how many it leaves out: every cap of a page is one of these, and none is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Excerpt(Generic[T]):
    """The items that a page shows, of `total` that there are; ``rg.left_out`` writes how many more there are."""

    shown: tuple[T, ...] = ()
    total: int = 0

    @classmethod
    def of(cls, items: Iterable[T], most: int, total: int | None = None) -> Excerpt[T]:
        """Show the first `most` items; `total` says how many there are, where counting them would compute them."""
        if total is None:
            items = tuple(items)
            total = len(items)
        return cls(tuple(islice(items, most)), total)

    def map(self, of: Callable[[T], U]) -> Excerpt[U]:
        """Return what `of` makes of each item shown; nothing is made of those left out."""
        return Excerpt(tuple(map(of, self.shown)), self.total)

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)

    def __iter__(self) -> Iterator[T]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)
