"""What a worker does with the chunks that it gets: compute, and say what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import TypeVar

from reportgen.errors import StoreError
from reportgen.runner.claims.claims import Claim, Claims
from reportgen.runner.claims.queue import ChunkQueue

Recorded = TypeVar("Recorded")


class ChunkLeftError(Exception):
    """A worker stops working at a chunk, and nothing of the chunk is recorded by it any more."""


class LostClaimError(ChunkLeftError):
    """The chunk is another worker's by now: this one was silent for a lease, and stops working at it."""


class TryElsewhereError(ChunkLeftError):
    """The chunk failed in a way that may lie in this worker or its machine: another one should try."""


def work_through(
    queue: ChunkQueue,
    claims: Claims,
    *,
    compute: Callable[[Claim], Iterator[Recorded]],
    beating: Callable[[Claim], AbstractContextManager[None]],
    is_whole: Callable[[Claim], bool] = lambda _claim: True,
) -> Iterator[Recorded]:
    """Yield what is kept of every chunk that this worker gets, until all chunks are done.

    `compute` keeps the jobs of a chunk one after the other. It raises LostClaimError as soon as the chunk is another
    worker's, TryElsewhereError where another one should try. Within `beating` others are told that this worker lives.
    A chunk that is not `is_whole` after that is free for those who want more of it. Whatever else ends the work, a
    signal among it, lets the chunk go first.
    """
    while (claim := queue.next()) is not None:
        try:
            with beating(claim):
                yield from compute(claim)
        except LostClaimError:
            continue
        except TryElsewhereError as error:
            claims.give_up(claim, str(error))
            continue
        except BaseException:
            with suppress(StoreError):  # where the disk is full, that is what it raises already
                claims.let_go(claim)
            raise
        claims.end(claim, whole=is_whole(claim))
        queue.finished(claim)
