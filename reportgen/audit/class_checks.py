"""The rows of the audit that are about classes: pyramids, saliency maps, and reliance on motion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from reportgen.audit.limits import Limits
from reportgen.audit.maps import curves_suffice, faithful_state
from reportgen.audit.moving import relies_on_motion
from reportgen.audit.pathways import pathway_state
from reportgen.audit.verdicts import State, Verdict, at_least, at_most, graded, judged
from reportgen.reading.ablation import Drop, causal_drops
from reportgen.reading.format import count, fixed, percent
from reportgen.reading.run_view import RunView
from reportgen.reading.words import Words
from reportgen.records.answers.motion import ClassProbes
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.records.answers.saliency import SaliencyAnswer

_NOT_MEASURED = " Not measured in this run."
_NO_SUM = " There was no sum to check; the pyramid's page says why."


def pathways_name(words: Words) -> str:
    """Return the name of the check of pathways."""
    return f"{words.one.capitalize()} pathways against random kernels"


def relying_name(words: Words) -> str:
    """Return the name of the check of motion."""
    return f"{words.many.capitalize()} that rely on motion"


def pyramid_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return whether relevance is conserved, and whether class pathways matter."""
    errors = [(pyramid.graph.conservation, pyramid.uri) for pyramid in model.pyramids]
    error, page = max(((value, uri) for value, uri in errors if value is not None), default=(None, ""))
    views = model.classes("pyramid")
    first = model.addresses.pyramid(views[0].clip, views[0].target) if views else ""
    return [
        Verdict(
            graded(error, *limits.conservation),
            "Relevance is conserved (worst pyramid)",
            error,
            f"{judged(error, *limits.conservation, digits=2)} left over" if error is not None else "–",
            at_most(limits.conservation, 1),
            f"Where every path passes, relevance and biases must add up to the {model.words.its_value}; what is left "
            "over is the work of curved functions, and relevance is then no share of it."
            + ("" if error is not None else _NO_SUM if model.pyramids else _NOT_MEASURED),
            page or first,
        ),
        _pathways_check(model, [model.answer(view.record, PyramidAnswer) for view in views], limits, first),
    ]


def asked_of(model: RunView) -> str:
    """Say of how many of its classes a network's pyramids are; empty where that is all of them, or none has any."""
    asked = {view.target for view in model.classes("pyramid") if view.target.of_class}
    known = model.run.card.classes
    return f"asked of {count(len(asked))} of {count(known)} classes" if asked and known and len(asked) < known else ""


def _pathways_check(model: RunView, answers: Sequence[PyramidAnswer | None], limits: Limits, link: str) -> Verdict:
    """Return how many pathways matter to their class; those that only one clip speaks for are no proof."""
    words, asked = model.words, asked_of(model)
    states = [pathway_state(_together(answer), answer.class_clips, limits) for answer in answers if answer]
    judged = [state for state in states if state in {"pass", "fail"}]
    doubtful, clear = states.count("warn"), states.count("pass")
    share = clear / len(judged) if judged else None
    untested = states.count("untested")
    return Verdict(
        graded(share, *limits.pathways) if judged else "warn" if doubtful else "untested",
        pathways_name(words),
        share,
        f"{clear} of {len(judged)}" if judged else f"0 of {doubtful}" if doubtful else "–",
        f"{at_least(limits.pathways)} of pathways cost their {words.one} more than exchanged kernels do, and more "
        f"on its other clips than on others (p at most {fixed(limits.pathway_p)} each)",
        f"Removing the pyramid's kernels must hurt the {words.one} more than it hurts others, and more than removing "
        "as many others does."
        + (f" It was {asked}." if asked else "")
        + (f" {doubtful} more on too few clips of their {words.one} to tell." if doubtful else "")
        + (f" Not tested: {untested}, by too few draws or for want of kernels to compare with." if untested else ""),
        link,
    )


def _together(answer: PyramidAnswer) -> Drop | None:
    return next((row for row in causal_drops(answer) if row.name == "together"), None)


def saliency_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how the saliency maps fare."""
    errors = [
        (abs(answer.completeness_error), model.addresses.clip(view.clip))
        for view in model.classes("saliency")
        if (answer := model.answer(view.record, SaliencyAnswer)) and answer.completeness_error is not None
    ]
    error, page = max(errors, default=(None, ""))
    return [
        Verdict(
            graded(error, *limits.completeness),
            "Integrated gradients add up (worst clip)",
            error,
            judged(error, *limits.completeness, digits=2),
            at_most(limits.completeness),
            f"The attributions must sum to the change of the {model.words.value} between baseline and clip."
            + ("" if error is not None else _NOT_MEASURED),
            page,
        ),
        *_map_checks(model, limits),
    ]


def _map_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how many maps are faithful, and which methods read the weights, each with its worst map's page."""
    return [_faithful_maps(model, limits), _weights_read(model, limits)]


def _faithful_maps(model: RunView, limits: Limits) -> Verdict:
    judged = {key: checks for key, checks in model.map_checks.items() if checks.told}
    states = [faithful_state(checks, limits) for checks in judged.values()]
    share = states.count("pass") / len(states) if states else None
    worst = min(judged, key=lambda key: judged[key].gain or 0.0, default=None)
    scant = [c for c in judged.values() if not all(curves_suffice(test, limits) for test in c.told.values())]
    return Verdict(
        _warned(graded(share, *limits.faithful_maps), scant),
        "Faithful saliency maps",
        share,
        f"{states.count('pass')} of {len(states)}" if states else "–",
        f"{at_least(limits.faithful_maps)} of maps beat random maps at insertion and deletion, and maps that see no "
        "network",
        ("A map without this is a hint, no proof." if judged else "Not measured in this run.")
        + (
            f" Not enough evidence: {len(scant)} of {len(judged)} were compared with fewer than {limits.random_maps} "
            f"random maps or at fewer than {limits.curve_steps} steps."
            if scant
            else ""
        ),
        model.addresses.clip(worst[0]) if worst else "",
    )


def _weights_read(model: RunView, limits: Limits) -> Verdict:
    kept: dict[str, list[float]] = defaultdict(list)
    for checks in model.map_checks.values():
        if checks.randomisation:
            kept[checks.method].append(checks.randomisation.kept)
    means = {method: fmean(values) for method, values in kept.items()}
    blind = [
        f"{method.replace('_', ' ')} {judged(mean, *limits.map_weights, tell=fixed, digits=2)}"
        for method, mean in means.items()
        if mean > limits.map_weights[0]
    ]
    most = max(kept, key=lambda method: means[method], default=None)
    largest = judged(max(means.values(), default=None), *limits.map_weights, tell=fixed, digits=2)
    shown = next((clip for clip, _asked, method in model.map_checks if method == most), None)
    return Verdict(
        graded(max(means.values(), default=None), *limits.map_weights),
        "Methods that read the weights",
        max(means.values(), default=None),
        f"{len(means) - len(blind)} of {len(means)}" if means else "–",
        f"every method keeps at most {fixed(limits.map_weights[0])} of its rank order when all weights are shuffled "
        f"(warn to {fixed(limits.map_weights[1])})",
        (f"Too alike: {', '.join(blind)}. " if blind else f"The most that one keeps: {largest}. " if means else "")
        + (
            "A map that does not change shows the clip, not the network. This ranks no methods."
            if means
            else "Not measured in this run."
        ),
        model.addresses.clip(shown) if shown else "",
    )


def _warned(state: State, scant: Sequence[object]) -> State:
    """Return the state of a figure; where some of what it stands on is `scant`, it neither passes nor fails."""
    return "warn" if state in ("pass", "fail") and scant else state


def motion_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how many classes rely on motion, of those with clips enough for a mean where there are any."""
    words = model.words
    classes = model.motion_probes.classes if model.motion_probes else ()
    known = [row for row in classes if row.motion_reliance is not None]
    enough = [row for row in known if row.measured >= limits.class_clips]
    judged = enough or known
    relying = sum(relies_on_motion(row.motion_reliance, row.dissolved_loss, limits) for row in judged)
    state: State = ("pass" if relying else "fail") if known else "untested"
    return [
        Verdict(
            _warned(state, _motion_wants(enough, relying, words, limits)),
            relying_name(words),
            relying if known else None,
            f"{relying} of {len(judged)}" if known else "–",
            f"at least one {words.one} loses {percent(limits.motion_reliance)} of its {words.value} in its best frozen "
            "frame, and where the first frame dissolves into the last",
            " ".join(
                [
                    f"A video network of which no {words.one} needs motion sees pictures.",
                    *_motion_wants(enough, relying, words, limits),
                    *_left_out(len(known) - len(judged), words, limits),
                ]
            )
            if known
            else "Not measured in this run. Freezing, reversing and shuffling the clips would tell.",
            model.addresses.motion if model.manifest.of("motion") else "",
        )
    ]


def _left_out(classes: int, words: Words, limits: Limits) -> list[str]:
    """Say how many were probed on too few clips to be counted among the others."""
    what = words.one if classes == 1 else words.many
    return [f"Not counted: {classes} more {what}, of fewer than {limits.class_clips} clips."] if classes else []


def _motion_wants(enough: Sequence[ClassProbes], relying: int, words: Words, limits: Limits) -> list[str]:
    """Return what is missing for the figure to pass or fail."""
    if not enough:
        return [f"Not enough evidence: fewer than {limits.class_clips} clips of each {words.one}."]
    if not relying and len(enough) < limits.motion_classes:
        return [f"Not enough evidence to fail: fewer than {limits.motion_classes} {words.many} were probed."]
    return []
