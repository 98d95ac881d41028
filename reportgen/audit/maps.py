"""How far each saliency map may be believed: the badges of its checks."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import State, Verdict, graded, judged
from reportgen.reading.format import fixed, percent, told_apart
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, HidingTest, ShuffledWeights

_WORST_FIRST: tuple[State, ...] = ("fail", "warn", "pass")


def curves_suffice(test: HidingTest, limits: Limits) -> bool:
    """Whether a map's curves are evidence enough for a verdict."""
    return test.random_maps >= limits.random_maps and len(test.shares) > limits.curve_steps


def hiding_state(test: HidingTest, limits: Limits) -> State:
    """Return how a map fares by one baseline.

    It passes where both of its areas lie beyond those of random maps and it gains more than every map that sees no
    network; it fails where neither does, or one of these maps gains as much. With too little effort it warns.
    """
    if test.reason is not None:
        return "untested"
    best = test.best_control
    beaten = best is not None and best[1] >= test.gain
    state: State = "fail" if beaten or not test.beyond else "pass" if test.beyond == 2 else "warn"
    return state if curves_suffice(test, limits) else "warn"


def faithful_state(checks: FaithfulnessAnswer | None, limits: Limits) -> State:
    """Return how a map fares by all baselines by which something can be said: as by the worst of them."""
    states = [hiding_state(test, limits) for test in checks.told.values()] if checks else []
    return next((state for state in _WORST_FIRST if state in states), "untested")


def map_verdicts(completeness: float | None, checks: FaithfulnessAnswer | None, limits: Limits) -> list[Verdict]:
    """Return the badges of one map; by `limits`, what was measured with too little effort warns and does not fail."""
    found = []
    if completeness is not None:
        found.append(
            Verdict(
                graded(abs(completeness), *limits.completeness),
                "adds up",
                abs(completeness),
                judged(abs(completeness), *limits.completeness, digits=2),
                f"error at most {percent(limits.completeness[0])} (warn to {percent(limits.completeness[1])})",
                "Do the attributions sum to the change of what is explained?",
            )
        )
    found.append(_faithful(checks, limits))
    if checks:
        found += _method_checks(checks, limits)
    return found


def _faithful(checks: FaithfulnessAnswer | None, limits: Limits) -> Verdict:
    meaning = "Does uncovering what the map marks bring back what is explained, more than what any clip's pixels mark?"
    if checks is None or not checks.told:
        meaning += f" {checks.reason}" if checks and checks.reason else " This run did not measure it."
    figures = [_hiding_figure(name, test) for name, test in checks.told.items()] if checks else []
    return Verdict(
        faithful_state(checks, limits),
        "faithful",
        checks.gain if checks else None,
        "; ".join([*figures, *_too_few(checks, limits)]) or "–",
        "by each baseline both areas beyond the 95% band of random maps, and more gained than by each map without a "
        "network",
        meaning,
    )


def _hiding_figure(baseline: str, test: HidingTest) -> str:
    best = test.best_control
    gain, *control = told_apart(fixed, 2, test.gain, *(best[1:] if best else ()))
    return (
        f"{baseline.replace('_', ' ')}: gain {gain} over random maps"
        + (f", {best[0]} {control[0]}" if best else "")
        + ("" if test.beyond == 2 else ", within their band by one area" if test.beyond else ", within their band")
    )


def _too_few(checks: FaithfulnessAnswer | None, limits: Limits) -> list[str]:
    """Return why a map whose figures are good or bad only warns, if it does."""
    told = checks.told.values() if checks else ()
    few = next((test for test in told if not curves_suffice(test, limits)), None)
    return [f"too few to say: {few.random_maps} random maps, {len(few.shares) - 1} steps"] if few else []


def _by_depth(found: ShuffledWeights) -> str:
    return ", ".join(fixed(value) for value in found.correlations)


def _method_checks(checks: FaithfulnessAnswer, limits: Limits) -> list[Verdict]:
    found = []
    if checks.randomisation:
        most, warn = map(fixed, limits.map_weights)
        found.append(
            Verdict(
                graded(checks.randomisation.kept, *limits.map_weights),
                "reads the weights",
                checks.randomisation.kept,
                f"{judged(checks.randomisation.kept, *limits.map_weights, tell=fixed, digits=2)} kept",
                f"at most {most} of its rank order kept when all weights are shuffled (warn to {warn})",
                "Does the map change when the network forgets? By depth, from the top: "
                f"{_by_depth(checks.randomisation)}.",
            )
        )
    if checks.sensitivity is not None:
        most, warn = map(percent, limits.map_noise)
        found.append(
            Verdict(
                graded(checks.sensitivity, *limits.map_noise),
                "steady under noise",
                checks.sensitivity,
                f"changes by {judged(checks.sensitivity, *limits.map_noise)}",
                f"at most {most} (warn to {warn})",
                "How far does the map change when the clip changes by less than an eye sees?",
            )
        )
    if checks.stability is not None:
        least, warn = map(fixed, limits.map_seeds)
        found.append(
            Verdict(
                graded(checks.stability, *limits.map_seeds),
                "same with other seeds",
                checks.stability,
                judged(checks.stability, *limits.map_seeds, tell=fixed, digits=2),
                f"rank correlation at least {least} (warn from {warn})",
                "Does the method say the same twice?",
            )
        )
    return found
