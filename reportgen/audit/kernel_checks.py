"""The rows of the audit that are about kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture, shows_no_pattern, stands_still, texture_and_motion
from reportgen.audit.paths import at_least_by_chance, chance_of_first, is_first, path_state
from reportgen.audit.verdicts import Verdict, at_least, at_most, graded, judged
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent, plural
from reportgen.reading.run_view import RunView
from reportgen.records.answers.path import PathAnswer

TOLD_GAIN = 0.01
"""Share by which another seed's clip drives a kernel more, from which that is told."""


def _share(views: Sequence[KernelFigures], holds: Callable[[KernelFigures], bool | None]) -> tuple[float | None, str]:
    answers = [answer for answer in map(holds, views) if answer is not None]
    if not answers:
        return None, "–"
    return sum(answers) / len(answers), f"{sum(answers)} of {len(answers)}"


def _beats(figures: KernelFigures) -> bool | None:
    if figures.activation is None or figures.best_real is None:
        return None
    return figures.activation > figures.best_real


def _uncounted(figures: Sequence[KernelFigures], limits: Limits) -> str:
    """Return which decomposed clips say nothing for or against texture plus motion, as a sentence."""
    still = sum(bool(moving_texture(f, limits)) and stands_still(f, limits) for f in figures)
    plain = sum(shows_no_pattern(f, limits) and f.explained_variance is not None for f in figures)
    parts = [f"{plural(still, 'clip')} of one texture that stands still"] * bool(still)
    parts += [f"{plural(plain, 'kernel')} that an even colour drives"] * bool(plain)
    return f" Not counted: {', '.join(parts)}." if parts else ""


def kernel_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how the synthetic clips stand beside reference ones, and how far texture plus motion explains them."""
    figures = [view.figures for view in model.all_kernels]
    above, above_text = _share(figures, _beats)
    explained, explained_text = _share(figures, lambda f: texture_and_motion(f, limits))
    uncounted = _uncounted(figures, limits)
    kept = [f.activation_kept for f in figures if f.activation_kept is not None]
    middle = median(kept) if kept else None
    above_state = graded(above, *limits.above_real)
    few = 0 < model.evidence.clips < limits.reference_clips
    return [
        Verdict(
            "warn" if few and above_state == "pass" else above_state,
            "Synthetic clips above the best reference clip",
            above,
            above_text,
            f"{at_least(limits.above_real)} of kernels",
            "An optimum that a reference clip outdoes is no optimum, and its picture says little."
            + (
                f" Not enough evidence to pass: {plural(model.evidence.clips, 'reference clip')} instead of "
                f"{limits.reference_clips}."
                if few
                else ""
            ),
            model.addresses.home,
        ),
        Verdict(
            graded(explained, *limits.explained),
            "Kernels explained as texture plus motion",
            explained,
            explained_text,
            f"{at_least(limits.explained)} of kernels whose clip moves",
            "For the others, the texture and motion pictures are not an explanation, and their pages say so."
            + uncounted,
            model.addresses.home,
        ),
        Verdict(
            graded(middle, *limits.activation_kept),
            "Activation kept by the moved texture (median)",
            middle,
            judged(middle, *limits.activation_kept),
            at_least(limits.activation_kept),
            "Does texture plus motion still drive the kernel, and not only look like its clip? "
            "Of all kernels that were decomposed, explained or not.",
            model.addresses.home,
        ),
    ]


def path_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how many synthetic clips take a natural way, and how many other seeds find again."""
    figures = [view.figures for view in model.all_kernels]
    paths = [each.path for each in figures if each.path]
    states = [state for state in (path_state(path, limits) for path in paths) if state != "untested"]
    natural = states.count("pass") / len(states) if states else None
    untested = len(paths) - len(states)
    state = graded(natural, *limits.natural_path)
    few = len(states) < limits.comparable * len(paths)
    seeds = _seeds_check(paths, limits, model.addresses.home)
    fooled = "Visualisations can be fooled where synthetic and reference clips take different paths."
    return [
        Verdict(
            "warn" if few and state == "pass" else state,
            "Synthetic clips that take a natural path",
            natural,
            f"{states.count('pass')} of {len(states)}" if states else "–",
            f"{at_least(limits.natural_path)} nearer to the reference clips that drive the kernel than those that do "
            f"not (p at most {fixed(limits.rank_p)}), and than other kernels' clips",
            fooled
            + (f" Not tested: {untested}, as their pages say." if untested else "")
            + (" Not enough evidence to pass." if few and state == "pass" else "")
            + ("" if paths else " Not measured in this run."),
            model.addresses.home,
        ),
        seeds if (outdone := _outdone(figures)) is None else replace(seeds, meaning=f"{seeds.meaning} {outdone}"),
    ]


def _outdone(figures: Sequence[KernelFigures]) -> str | None:
    """Return how many kernels another seed's clip drives more than the shown one; None where none does."""
    gains = [
        max(found) / each.activation - 1
        for each in figures
        if each.path and each.activation and each.activation > 0
        if (found := [one for one in each.path.seed_activations if one is not None])
    ]
    more = [gain for gain in gains if gain >= TOLD_GAIN]
    if not more:
        return None
    return (
        f"Another seed's clip drives {len(more)} of {len(gains)} more than the shown one, by {percent(max(more))} at "
        "most: there the shown one is not the best that can be found."
    )


def _seeds_check(paths: Sequence[PathAnswer], limits: Limits, link: str) -> Verdict:
    """Return how many kernels' other seeds are found nearest, and whether chance would find as many."""
    ranks = [path.seed_kernels for path in paths if path.seed_kernels and path.seed_kernels.of]
    first = sum(is_first(each, limits) for each in ranks)
    share = first / len(ranks) if ranks else None
    state = graded(share, *limits.seeds_agree)
    chances = [chance_of_first(each, limits) for each in ranks]
    p = at_least_by_chance(first, chances)
    if ranks and at_least_by_chance(len(ranks), chances) > limits.rank_p:
        state = "untested"
    elif ranks and p > limits.rank_p:
        state = "fail"
    return Verdict(
        state,
        "Synthetic clips that other seeds find again",
        share,
        f"{first} of {len(ranks)}" if ranks else "–",
        f"{at_least(limits.seeds_agree)} nearer to another seed's clip than to other kernels' clips of the layer, and "
        f"more than chance finds (p at most {fixed(limits.rank_p)})",
        "One seed shows one of possibly many facets."
        + (f" By chance as many are nearest with p = {number(p, 2)}." if ranks else " Not measured in this run.")
        + (" There are too few kernels to tell." if state == "untested" and ranks else ""),
        link,
    )


def redundancy_check(model: RunView, limits: Limits) -> Verdict:
    """Return which share of the measured layers' kernels is dead or repeats another one."""
    found = model.evidence.redundancy
    total = sum(one.kernels for one in found.values())
    dead = sum(len(one.dead) for one in found.values())
    repeated = sum(len({second for _, second, _ in one.duplicates}) for one in found.values())
    share = sum(one.share * one.kernels for one in found.values()) / total if total else None
    worst = max(found, key=lambda layer: found[layer].share, default=None)
    told = sum(one.comparable for one in found.values())
    state = graded(share, *limits.redundant)
    few = total > 0 and told < limits.comparable * (total - dead)
    return Verdict(
        "warn" if few and state == "pass" else state,
        "Dead or duplicate kernels",
        share,
        "–" if share is None else f"{judged(share, *limits.redundant, digits=1)} of {total}",
        at_most(limits.redundant),
        f"{dead} answer alike to every reference clip, {repeated} as another kernel of their layer does."
        + (f" Not enough evidence to pass: clips enough to tell repetition drive only {told} of them." if few else "")
        if total
        else f"Not told by {plural(model.evidence.clips, 'reference clip')}: more are needed to tell kernels apart."
        if model.evidence.clips
        else "Not measured in this run.",
        model.addresses.layer(worst) if worst in model.kernels else "",
    )
