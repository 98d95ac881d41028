"""How many jobs are computed together: as many as take some minutes, so that a lost worker or the end costs no more.

A batch rounds by who is in it, so the length of a chunk must not depend on the machine or on what earlier runs took: it
is told from the figures that come with reportgen, and the same plan has the same chunks everywhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TypeVar

from reportgen.records.jobs import Job
from reportgen.runner.costs.model import CostModel, cost_model
from reportgen.runner.costs.observed import shipped
from reportgen.runner.costs.work import Layers, cost_kind, work_of

SECONDS = 300.0
"""A chunk's, on the machine of the figures."""

LEAST_CHUNK = {"cpu": 8, "cuda": 256}
"""Kernels that are searched for at once: shorter chunks lose by it (`python -m benchmarks.chunks`)."""

GPU_TIMES = 20.0
"""A GPU is taken for so many times as fast as the machine of the figures; only the length of chunks depends on it.

In I3D's standard report an H200 took a 17th of the time of two cores of an EPYC for kernels, an 18th for paths, a 55th
for checks of maps, and a quarter for multi-scale pictures and decompositions, three kernels of a layer at once.
"""

_Item = TypeVar("_Item")


def chunk_count(jobs: Sequence[Job], layers: Layers, device: str, most: int) -> int:
    """Return in how many chunks a group's jobs are computed on a device of this type, at most `most`.

    It is one where nothing tells what the jobs cost.
    """
    seconds = expected_seconds(jobs, layers)
    if not seconds:
        return 1
    wanted = math.ceil(seconds / (GPU_TIMES if device == "cuda" else 1.0) / SECONDS)
    return max(1, min(wanted, most, len(jobs) // LEAST_CHUNK.get(device, LEAST_CHUNK["cpu"])))


def expected_seconds(jobs: Sequence[Job], layers: Layers) -> float:
    """Return what jobs take on the machine of the figures; those of which nothing tells it count nothing."""
    kinds: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        kinds[cost_kind(job)].append(job)
    work = {kind: sum(work_of(job, layers, 0) for job in own) for kind, own in kinds.items()}
    return sum(_figures().estimate(kind, len(own), work[kind]).seconds or 0.0 for kind, own in kinds.items())


def in_parts(items: Sequence[_Item], count: int) -> list[Sequence[_Item]]:
    """Return items in order in so many parts of about one length."""
    bounds = [len(items) * part // count for part in range(count + 1)]
    return [items[start:end] for start, end in pairwise(bounds)]


@cache
def _figures() -> CostModel:
    return cost_model("", [], shipped(), is_here=True)
