"""A model's headline figures and the checks of its audit, each with its threshold and the evidence behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from reportgen.audit.limits import Limit, Limits
from reportgen.audit.maps import curves_suffice, shuffles_suffice
from reportgen.audit.verdicts import State, Verdict, graded
from reportgen.reading.ablation import Drop, causal_drops
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import count, fixed, number, percent, plural
from reportgen.reading.run_view import ClassView, RunView
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.manifest import WeightsFacts


@dataclass(frozen=True)
class Headline:
    """A figure large enough for a front page: value, unit in words, and how far to believe it."""

    value: str
    what: str
    state: State
    link: str = ""


def _share(views: Sequence[KernelFigures], holds: Callable[[KernelFigures], bool | None]) -> tuple[float | None, str]:
    answers = [answer for answer in map(holds, views) if answer is not None]
    if not answers:
        return None, "–"
    return sum(answers) / len(answers), f"{sum(answers)} of {len(answers)}"


def _beats(figures: KernelFigures) -> bool | None:
    if figures.activation is None or figures.best_real is None:
        return None
    return figures.activation > figures.best_real


def _together(model: RunView, view: ClassView) -> Drop | None:
    answer = model.answer(view.record, PyramidAnswer)
    rows = causal_drops(answer) if answer else []
    return next((row for row in rows if row.name == "together"), None)


_NOT_MEASURED = " Not measured in this run."
_NO_SUM = " There was no sum to check; the pyramid's page says why."

_HEADLINES: tuple[tuple[str, str], ...] = (
    ("Synthetic clips above the best real clip", "synthetic clips outdo every real clip"),
    ("Kernels explained as texture plus motion", "kernels are one texture plus one motion"),
    ("Class pathways against random kernels", "class pathways matter more than random kernels"),
    ("Classes that rely on motion", "classes rely on motion"),
    ("Jobs that failed", "jobs failed"),
)
"""The checks that stand on front pages, and their figures' words there."""


def limits_of(model: RunView) -> Limits:
    """Return the limits that a run was made with; the usual ones for runs that recorded none."""
    return Limits.model_validate(model.run.options.get("check") or {})


def headlines(model: RunView) -> list[Headline]:
    """Return the front page's figures of a model: how much was looked at, and the checks that matter first."""
    found = {verdict.name: verdict for verdict in checks(model)}
    answered = sum(view.figures.activation is not None for view in model.all_kernels)
    shown = f"kernels shown, of {plural(len(model.kernels), 'layer')}"
    return [
        Headline(count(answered), shown, "pass" if answered else "warn", model.addresses.home),
        *(Headline(found[name].figure, what, found[name].state, model.addresses.audit) for name, what in _HEADLINES),
    ]


def checks(model: RunView, limits: Limits | None = None) -> list[Verdict]:
    """Return the rows of the audit table by `limits` (default: the run's). What was not measured is not tested."""
    limits = limits or limits_of(model)
    return [
        *_run_checks(model),
        *_kernel_checks(model, limits),
        *_path_checks(model, limits),
        _redundancy_check(model, limits),
        *_pyramid_checks(model, limits),
        *_saliency_checks(model, limits),
        *_motion_checks(model, limits),
    ]


def _from(limit: Limit) -> str:
    return f"at least {percent(limit[0])} (warn from {percent(limit[1])})"


def _to(limit: Limit) -> str:
    return f"at most {percent(limit[0])} (warn to {percent(limit[1])})"


def _run_checks(model: RunView) -> list[Verdict]:
    counts = model.counts()
    return [
        weights_check(model.run.weights, model.addresses.provenance),
        Verdict(
            "fail" if counts["failed"] else "pass",
            "Jobs that failed",
            f"{counts['failed']} of {sum(counts.values())}",
            "0",
            "Each failed job is listed with its reason on the provenance page.",
            model.addresses.provenance,
        ),
    ]


def weights_check(weights: WeightsFacts, link: str) -> Verdict:
    """Return whether the weights are of a training run, as far as it is known where they come from."""
    state: State = "fail" if weights.untrained else "untested" if weights.of_unknown_origin else "pass"
    figures: dict[State, str] = {"fail": "untrained", "untested": "of unknown origin", "pass": "loaded"}
    meaning = "Pictures of an untrained network show its architecture and nothing that was learned."
    if state == "untested":
        meaning += " These weights came with the network itself: name a file with --weights to say which they are."
    return Verdict(state, "Trained weights", figures[state], "weights of a training run", meaning, link)


def _kernel_checks(model: RunView, limits: Limits) -> list[Verdict]:
    figures = [view.figures for view in model.all_kernels]
    above, above_text = _share(figures, _beats)
    explained, explained_text = _share(figures, lambda f: f.texture_plus_motion)
    kept = [f.activation_kept for f in figures if f.texture_plus_motion and f.activation_kept is not None]
    middle = median(kept) if kept else None
    above_state = graded(above, *limits.above_real)
    few = 0 < model.evidence.clips < limits.reference_clips
    return [
        Verdict(
            "warn" if few and above_state == "pass" else above_state,
            "Synthetic clips above the best real clip",
            above_text,
            f"{_from(limits.above_real)} of kernels",
            "An optimum that a real clip outdoes is no optimum, and its picture says little."
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
            explained_text,
            f"{_from(limits.explained)} of kernels",
            "For the others, the texture and motion pictures are not an explanation, and their pages say so.",
            model.addresses.home,
        ),
        Verdict(
            graded(middle, *limits.activation_kept),
            "Activation kept by the moved texture (median)",
            percent(middle),
            _from(limits.activation_kept),
            "Does texture plus motion still drive the kernel, and not only look like its clip?",
            model.addresses.home,
        ),
    ]


def _pyramid_checks(model: RunView, limits: Limits) -> list[Verdict]:
    errors = [(pyramid.graph.conservation, pyramid.uri) for pyramid in model.pyramids]
    error, page = max(((value, uri) for value, uri in errors if value is not None), default=(None, ""))
    views = model.classes("pyramid")
    together = [row for view in views if (row := _together(model, view))]
    clear = sum(row.clear for row in together)
    first = model.addresses.pyramid(views[0].clip, views[0].index) if views else ""
    return [
        Verdict(
            graded(error, *limits.conservation),
            "Relevance is conserved (worst pyramid)",
            number(error, 2),
            f"at most {number(limits.conservation[0], 1)} (warn to {number(limits.conservation[1], 1)})",
            "Per layer, what the kernels and the biases contribute must add up to the class logit."
            + ("" if error is not None else _NO_SUM if model.pyramids else _NOT_MEASURED),
            page or first,
        ),
        Verdict(
            graded(clear / len(together), *limits.pathways) if together else "untested",
            "Class pathways against random kernels",
            f"{clear} of {len(together)}" if together else "–",
            f"{_from(limits.pathways)} of pathways' drops above the 95% interval of random ones",
            "Removing the pyramid's kernels must hurt the class more than removing as many at random.",
            first,
        ),
    ]


def _saliency_checks(model: RunView, limits: Limits) -> list[Verdict]:
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
            percent(error, 2),
            _to(limits.completeness),
            "The attributions must sum to the change of the logit between baseline and clip."
            + ("" if error is not None else _NOT_MEASURED),
            page,
        ),
        *_map_checks(model, limits),
    ]


def _map_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how many maps beat random ones, and which methods read the weights, each with its worst map's page."""
    judged = {key: checks for key, checks in model.map_checks.items() if checks.gain is not None}
    beaten = sum(checks.beats_random is True for checks in judged.values())
    worst = min(judged, key=lambda key: judged[key].gain or 0.0, default=None)
    kept: dict[str, list[float]] = defaultdict(list)
    for checks in model.map_checks.values():
        if checks.randomisation:
            kept[checks.method].append(checks.randomisation.kept)
    means = {method: fmean(values) for method, values in kept.items()}
    blind = [
        f"{method.replace('_', ' ')} {fixed(mean)}" for method, mean in means.items() if mean > limits.map_weights[0]
    ]
    most = max(kept, key=lambda method: means[method], default=None)
    shown = next((clip for clip, _asked, method in model.map_checks if method == most), None)
    scant = [checks for checks in judged.values() if not curves_suffice(checks, limits)]
    shallow = [c for c in model.map_checks.values() if c.randomisation and not shuffles_suffice(c, limits)]
    return [
        Verdict(
            _at_most_warned(graded(beaten / len(judged), *limits.faithful_maps), scant) if judged else "untested",
            "Saliency maps that beat random maps",
            f"{beaten} of {len(judged)}" if judged else "–",
            f"{_from(limits.faithful_maps)} of maps, at insertion and deletion",
            ("A map without this is a hint, no proof." if judged else "Not measured in this run.")
            + (
                f" Not enough evidence to fail: {len(scant)} of {len(judged)} were compared with fewer than "
                f"{limits.random_maps} random maps or at fewer than {limits.curve_steps} steps."
                if scant
                else ""
            ),
            model.addresses.clip(worst[0]) if worst else "",
        ),
        Verdict(
            _at_most_warned(graded(max(means.values()), *limits.map_weights), shallow) if means else "untested",
            "Methods that read the weights",
            f"{len(means) - len(blind)} of {len(means)}" if means else "–",
            f"every method keeps at most {fixed(limits.map_weights[0])} of its rank order under shuffled weights "
            f"(warn to {fixed(limits.map_weights[1])})",
            (f"Too alike: {', '.join(blind)}. " if blind else "")
            + ("A map that does not change shows the clip, not the network." if means else "Not measured in this run.")
            + (
                f" Not enough evidence to fail: shuffled at fewer than {limits.shuffled_depths} depths."
                if shallow and means
                else ""
            ),
            model.addresses.clip(shown) if shown else "",
        ),
    ]


def _at_most_warned(state: State, scant: Sequence[object]) -> State:
    """Return the state of a figure; where some of what it stands on is `scant`, it warns at most."""
    return "warn" if state == "fail" and scant else state


def _motion_checks(model: RunView, limits: Limits) -> list[Verdict]:
    classes = model.motion_probes.classes if model.motion_probes else ()
    known = [row.motion_reliance for row in classes if row.motion_reliance is not None]
    relying = sum(value >= limits.motion_reliance for value in known)
    state: State = ("pass" if relying else "fail") if known else "untested"
    few = known if len(known) < limits.motion_classes else []
    return [
        Verdict(
            _at_most_warned(state, few),
            "Classes that rely on motion",
            f"{relying} of {len(known)}" if known else "–",
            f"at least one class loses {percent(limits.motion_reliance)} of its logit in its best frozen frame",
            "A video network of which no class needs motion sees pictures."
            + (
                f" Not enough evidence to fail: fewer than {limits.motion_classes} classes were probed."
                if few and not relying
                else ""
            )
            if known
            else "Not measured in this run. Freezing, reversing and shuffling the clips would tell.",
            model.addresses.motion if model.manifest.of("motion") else "",
        )
    ]


def _path_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return how many synthetic clips take a natural way, and how many other seeds find again."""
    figures = [view.figures for view in model.all_kernels]
    natural, natural_text = _share(figures, lambda f: _at_least(f.path_similarity, limits.path_similarity[1]))
    agree, agree_text = _share(figures, lambda f: _at_least(f.seed_similarity, limits.seed_similarity[1]))
    return [
        Verdict(
            graded(natural, *limits.natural_path),
            "Synthetic clips that take a natural path",
            natural_text,
            f"{_from(limits.natural_path)} no farther from the driving real clips than unrelated ones are",
            "Visualisations can be fooled where synthetic and real clips take different paths."
            if natural is not None
            else "Not measured in this run. Visualisations can be fooled where the paths differ.",
            model.addresses.home,
        ),
        Verdict(
            graded(agree, *limits.seeds_agree),
            "Synthetic clips that other seeds find again",
            agree_text,
            f"{_from(limits.seeds_agree)} with a rank correlation of at least {fixed(limits.seed_similarity[1])}",
            "One seed shows one of possibly many facets."
            if agree is not None
            else "Not measured in this run. One seed shows one of possibly many facets.",
            model.addresses.home,
        ),
    ]


def _at_least(value: float | None, least: float) -> bool | None:
    return None if value is None else value >= least


def _redundancy_check(model: RunView, limits: Limits) -> Verdict:
    """Return which share of the measured layers' kernels is dead or repeats another one."""
    found = model.evidence.redundancy
    total = sum(one.kernels for one in found.values())
    dead = sum(len(one.dead) for one in found.values())
    repeated = sum(len({second for _, second, _ in one.duplicates}) for one in found.values())
    share = sum(one.share * one.kernels for one in found.values()) / total if total else None
    worst = max(found, key=lambda layer: found[layer].share, default=None)
    return Verdict(
        graded(share, *limits.redundant),
        "Dead or duplicate kernels",
        "–" if share is None else f"{percent(share, 1)} of {total}",
        _to(limits.redundant),
        f"{dead} answer alike to every reference clip, {repeated} as another kernel of their layer does."
        if total
        else f"Not told by {plural(model.evidence.clips, 'reference clip')}: more are needed to tell kernels apart."
        if model.evidence.clips
        else "Not measured in this run.",
        model.addresses.layer(worst) if worst in model.kernels else "",
    )
