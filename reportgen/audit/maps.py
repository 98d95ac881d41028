"""How far each saliency map may be believed: the badges of its checks."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import State, Verdict, graded
from reportgen.reading.format import fixed, percent
from reportgen.records.answers.faithfulness import FaithfulnessAnswer


def curves_suffice(checks: FaithfulnessAnswer, limits: Limits) -> bool:
    """Whether a map's curves are evidence enough for a failure."""
    return (checks.random_maps or 0) >= limits.random_maps and len(checks.shares) > limits.curve_steps


def shuffles_suffice(checks: FaithfulnessAnswer, limits: Limits) -> bool:
    """Whether weights were shuffled at depths enough for a failure."""
    return checks.randomisation is not None and len(checks.randomisation.layers) >= limits.shuffled_depths


def faithful_state(checks: FaithfulnessAnswer | None) -> State:
    """Return pass for a map that beats random maps at both tests, warn for one test alone, else fail."""
    if checks is None or checks.beats_random is None or checks.insertion_band is None or checks.deletion_band is None:
        return "untested"
    if checks.beats_random:
        return "pass"
    inserted = (checks.insertion_auc or 0.0) > checks.insertion_band.high
    deleted = (checks.deletion_auc or 0.0) < checks.deletion_band.low
    return "warn" if inserted or deleted else "fail"


def map_verdicts(completeness: float | None, checks: FaithfulnessAnswer | None, limits: Limits) -> list[Verdict]:
    """Return the badges of one map; by `limits`, what was measured with too little effort warns and does not fail."""
    found = []
    if completeness is not None:
        found.append(
            Verdict(
                graded(abs(completeness), *limits.completeness),
                "adds up",
                abs(completeness),
                percent(abs(completeness), 2),
                f"error at most {percent(limits.completeness[0])} (warn to {percent(limits.completeness[1])})",
                "Do the attributions sum to the change of what is explained?",
            )
        )
    found.append(_faithful(checks, limits))
    if checks:
        found += _method_checks(checks, limits)
    return found


def _faithful(checks: FaithfulnessAnswer | None, limits: Limits) -> Verdict:
    state = faithful_state(checks)
    figure, meaning = "–", "Does uncovering what the map marks bring back what is explained?"
    if checks and checks.insertion_band and checks.deletion_band:
        figure = (
            f"insertion {fixed(checks.insertion_auc)} (random {fixed(checks.insertion_band.mean)}), "
            f"deletion {fixed(checks.deletion_auc)} (random {fixed(checks.deletion_band.mean)})"
        )
        if state == "fail" and not curves_suffice(checks, limits):
            state = "warn"
            meaning = f"{meaning} {checks.random_maps} random maps at {len(checks.shares) - 1} steps cannot say no."
    elif checks and checks.reason:
        meaning = f"{meaning} {checks.reason}"
    else:
        meaning = f"{meaning} This run did not measure it."
    return Verdict(
        state, "faithful", checks.gain if checks else None, figure, "both beyond the 95% band of random maps", meaning
    )


def _method_checks(checks: FaithfulnessAnswer, limits: Limits) -> list[Verdict]:
    found = []
    if checks.randomisation:
        state = graded(checks.randomisation.kept, *limits.map_weights)
        most, warn = map(fixed, limits.map_weights)
        found.append(
            Verdict(
                "warn" if state == "fail" and not shuffles_suffice(checks, limits) else state,
                "reads the weights",
                checks.randomisation.kept,
                f"{fixed(checks.randomisation.kept)} kept",
                f"at most {most} of its rank order kept under shuffled weights (warn to {warn})",
                "Does the map change when the network forgets? One that stays shows the clip, not the network.",
            )
        )
    if checks.sensitivity is not None:
        most, warn = map(percent, limits.map_noise)
        found.append(
            Verdict(
                graded(checks.sensitivity, *limits.map_noise),
                "steady under noise",
                checks.sensitivity,
                f"changes by {percent(checks.sensitivity)}",
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
                fixed(checks.stability),
                f"rank correlation at least {least} (warn from {warn})",
                "Does the method say the same twice?",
            )
        )
    return found
