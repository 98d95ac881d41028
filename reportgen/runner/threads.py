"""The threads that a run is computed with: those of its plan, for a sum of floats rounds by how it is shared out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from reportgen.errors import StoreError
from reportgen.progress import Progress
from reportgen.records.store import Store
from reportgen.wording import option, worded


@contextmanager
def planned_threads(store: Store, asked: int | None, progress: Progress, *, sharers: int = 1) -> Iterator[None]:
    """Compute with `asked` threads within the context, else with those of the run's plan, else with the machine's.

    Of the machine's each of `sharers` processes has its share, and one at least: two of two threads each on two
    processors wait for one another.

    What NumPy asks of its linear algebra is small, and always has one thread. Says so where the plan's threads are
    not the machine's: the run is then computed with as many, and comes out the same.
    """
    before = torch.get_num_threads()
    planned = _planned(store) if asked is None else None
    count = asked or planned or max(1, before // sharers)
    if planned is not None and planned != before:
        here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        few = f" and this machine has {here} processor{'s' * (here != 1)}: it will be slower" if here < planned else ""
        progress.note(
            worded(
                f"{store.folder.name}: planned with {planned} thread{'s' * (planned != 1)}, and computed with as "
                f"many so that results are the same{few} ({option('--threads', before)} plans it anew)."
            )
        )
    torch.set_num_threads(count)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _planned(store: Store) -> int | None:
    try:
        return store.read_plan().threads
    except StoreError:  # there is none, or it is damaged: it is made anew
        return None
