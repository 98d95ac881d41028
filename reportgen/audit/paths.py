"""Whether a synthetic clip takes a natural path and other seeds find it again: one rule for badges and checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import State, Verdict, judged
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, plural
from reportgen.records.answers.path import PathAnswer, Rank

UNMEASURED = "This run did not measure it."


def path_state(path: PathAnswer | None, limits: Limits) -> State:
    """Return whether the clip is nearer to the drivers than clips that do not drive the kernel, and than others'.

    Not tested where there are too few of these, or where the drivers themselves are no nearer to each other. Where
    other kernels' clips are too few to give a p, none of them may be as near.
    """
    if path is None or _too_few(path.path_natural, limits) or not _told(path, limits):
        return "untested"
    if path.path_natural is None or path.path_natural.p > limits.rank_p:
        return "fail"
    others = path.path_kernels
    return "pass" if others is None or is_first(others, limits) else "warn"


def seeds_state(path: PathAnswer | None, limits: Limits) -> State:
    """Return whether another seed's clip is more like the kernel's than the clips of other kernels are.

    It must be more like it than reference clips that do not drive the kernel, too, where there are enough of them.
    """
    if path is None or _too_few(path.seed_kernels, limits):
        return "untested"
    nulls = [each for each in (path.seed_kernels, path.seed_natural) if each and not _too_few(each, limits)]
    return "pass" if all(each.p <= limits.rank_p for each in nulls) else "fail"


def path_verdicts(figures: KernelFigures, limits: Limits) -> list[Verdict]:
    """Return the badges of a kernel's natural path and of its other seeds."""
    path = figures.path
    natural = path.path_natural if path else None
    same = path.seed_kernels if path else None
    return [
        Verdict(
            path_state(path, limits),
            "natural path",
            natural.p if natural else None,
            f"{_p(natural, limits)}{_beside(path.path_kernels)}" if path and natural else "–",
            f"p at most {fixed(limits.rank_p)} among reference clips that do not drive the kernel, and as near as no "
            "other kernel's clip",
            "Does the synthetic clip activate the layers before this kernel the way reference clips that drive it do?"
            + _why_untested(path, limits),
        ),
        Verdict(
            seeds_state(path, limits),
            "seeds agree",
            same.p if same else None,
            f"{_p(same, limits)} (rank correlation {fixed(path.seed_similarity)})" if path and same else "–",
            f"p at most {fixed(limits.rank_p)} among the likenesses to other kernels' clips",
            "Do other random starts lead to a clip that the network sees as more alike than those of other kernels?"
            + _why_no_seeds(path, limits),
        ),
    ]


def _p(found: Rank, limits: Limits) -> str:
    return f"p {judged(found.p, limits.rank_p, tell=fixed, digits=3)} of {found.of}"


def _too_few(found: Rank | None, limits: Limits) -> bool:
    return found is None or found.least > limits.rank_p


def _told(path: PathAnswer, limits: Limits) -> bool:
    return path.path_told is not None and path.path_told.p <= limits.rank_p


def is_first(found: Rank, limits: Limits) -> bool:
    """Whether a place is among the first by p, or the very first where there are too few for a p."""
    return found.p <= max(limits.rank_p, found.least)


def chance_of_first(found: Rank, limits: Limits) -> float:
    """Return how often chance gives such a place."""
    places = found.of + 1
    return max(int(limits.rank_p * places + 1e-9), 1) / places


def at_least_by_chance(count: int, chances: Sequence[float]) -> float:
    """Return the probability of at least `count` successes where each has its own chance."""
    exactly = np.ones(1)
    for chance in chances:
        exactly = np.convolve(exactly, [1 - chance, chance])
    return float(exactly[count:].sum())


def _beside(found: Rank | None) -> str:
    if not found or not found.of:
        return ""
    return f"; {found.reached} of {plural(found.of, 'other kernel')} nearer" if found.reached else ""


def _why_untested(path: PathAnswer | None, limits: Limits) -> str:
    if path is None:
        return f" {UNMEASURED}"
    if path.path_natural is None or path.path_told is None:
        return " Nothing to compare: too few reference clips, none that drives it, or no measured layer before it."
    if _too_few(path.path_natural, limits):
        return f" Only {plural(path.path_natural.of, 'reference clip')} that does not drive it: too few."
    if not _told(path, limits):
        return (
            " The reference clips that drive it are no nearer to each other than to others: there is no way to compare."
        )
    return ""


def _why_no_seeds(path: PathAnswer | None, limits: Limits) -> str:
    if path is None or path.seed_kernels is None:
        return " This run computed one seed."
    if _too_few(path.seed_kernels, limits):
        return f" {plural(path.seed_kernels.of, 'other kernel')} shown of this layer: too few to tell."
    return ""
