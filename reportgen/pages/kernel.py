"""A kernel's page: what it looks for, and whether that is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.audit.concepts import concept_words, concepts_of
from reportgen.audit.headline import headline
from reportgen.audit.heard import shows_motion_across_alone
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.moving import shows_no_pattern, shows_one_colour
from reportgen.audit.sentences import evidence, reservations
from reportgen.audit.silence import near_silent, silence_in_words
from reportgen.audit.words_said import label_word
from reportgen.motion_colour import LEAST_FULL_COLOUR
from reportgen.outputs.charts import StepCurve
from reportgen.outputs.model import ReportFigure
from reportgen.pages.cards import Card, kernel_card
from reportgen.pages.comparable import Comparable, present_pictures
from reportgen.pages.kernel_tables import kernel_concepts_table, probes_table
from reportgen.pages.layer_keys import PageKeys, page_keys
from reportgen.pages.motion import LayerMotion, own_motion
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, clip_strip, still_strip, strip
from reportgen.reading.chosen import choice_in_words
from reportgen.reading.concepts import DrivenKernel
from reportgen.reading.evidence import DrivingClip
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import answer_rows, number, parameter_rows
from reportgen.reading.graphs import Node
from reportgen.reading.views import KernelView, Pyramid
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.multiscale import MultiscaleAnswer
from reportgen.records.card import ModelCard
from reportgen.records.jobs import Record

RESPONSES = {
    "firing": "the mean of its rectified map",
    "channel": "the mean of its map before the activation function",
    "neuron": "the centre unit of its map before the activation function",
}
"""What a kernel's response is, by the objective of the run."""

PASSED_ON = ", which is what the next layer is given"
"""What may be added of a rectified map where a ReLU of it is all that others read."""

LOGIT = "its logit above the mean of all classes'"
"""What the response of the classifier's kernels is, where classes exclude each other."""


MOST_CONCEPTS = 20
"""Concepts in a kernel's table."""


@dataclass(frozen=True)
class Mark:
    """A box on a clip, in percent of its width and height, and the frames (counted from 0) in which it holds."""

    left: float
    top: float
    width: float
    height: float
    first: int
    last: int
    frames: int
    words: str


@dataclass(frozen=True)
class RealClip:
    """A reference clip beside a kernel: its response, and where and when it is driven most."""

    strip: Strip | None
    title: str
    value: str
    mark: Mark | None = None


@dataclass(frozen=True)
class EvidenceStrip:
    """Reference clips of one kind: most, least, at random; all of them where there are few."""

    title: str
    clips: list[RealClip]


@dataclass(frozen=True)
class Connections:
    """What a kernel feeds and what feeds it in one class pyramid: card, name, contribution and address of each.

    `layers` are those of the kernels that have a card.
    """

    pyramid: Pyramid
    feeds: Excerpt[tuple[Card | None, str, str, str]]
    fed_by: Excerpt[tuple[Card | None, str, str, str]]
    layers: tuple[str, ...]


def response_words(card: ModelCard, layer: str, synthetic: KernelAnswer | MultiscaleAnswer | None) -> str:
    """Say what the response of a layer's kernels is."""
    objective = synthetic.objective if synthetic else "channel"
    if layer == card.classifier and card.classes:
        return ("its logit" if card.adapter.classes_apart else LOGIT) + (
            " (0 where it is below)" if objective == "firing" else ""
        )
    passed_on = objective == "firing" and synthetic is not None and synthetic.passed_on
    return RESPONSES.get(objective, RESPONSES["channel"]) + (PASSED_ON if passed_on else "")


def evidence_strips(model: ModelView, view: KernelView) -> list[EvidenceStrip]:
    """Return the reference clips to show beside a kernel; empty when none were measured."""
    found = model.evidence.strips(view.id.layer, view.id.index)
    if found is None:
        return []

    def shown(driven: DrivingClip) -> RealClip:
        facts = model.clips.get(driven.clip)
        if facts is None:
            return RealClip(None, model.driver_title(driven.clip), number(driven.value))
        clip = strip(model.addresses, facts.clip, facts.poster, f"Reference clip {facts.title}")
        shape = (facts.frames, facts.height, facts.width)
        return RealClip(
            clip, model.driver_title(driven.clip), number(driven.value), mark(driven.place, found.field, shape)
        )

    if model.evidence.clips <= len(found.most):  # the weakest are the strongest
        groups = {"all of them, the strongest first": found.most}
    else:
        groups = {"drive it most": found.most, "drive it least": found.least, "at random": found.random}
    return [EvidenceStrip(title, [shown(driven) for driven in clips]) for title, clips in groups.items()]


LEAST_MARK = 0.12
"""Share of a clip's side that a mark has at least, so that it can be seen."""

LARGE_FIELD = 0.6
"""Share of the clip's area from which a unit's field says nothing of the place: its centre is marked instead."""


def mark(
    place: tuple[int, int, int] | None, field: tuple[int, int, int] | None, clip: tuple[int, int, int]
) -> Mark | None:
    """Return the box of what a unit sees, around `place` (frame, y, x) on a clip of (frames, height, width) px.

    Where the field is unknown, or nearly the whole clip, a small box stands at its centre.
    """
    if place is None:
        return None
    frames, height, width = clip
    _, sees_y, sees_x = field or clip
    whole = min(sees_y, height) * min(sees_x, width) > LARGE_FIELD * height * width
    size_y, size_x = (0, 0) if whole else (sees_y, sees_x)
    left, right = _span(place[2], max(size_x, LEAST_MARK * width), width)
    top, bottom = _span(place[1], max(size_y, LEAST_MARK * height), height)
    seen = (field or clip)[0]
    first, last = (place[0], place[0]) if seen >= frames else (place[0] - seen // 2, place[0] + seen // 2)
    words = f"frame {place[0]} (0–{frames - 1}), x {place[2]}, y {place[1]}"
    return Mark(
        round(100 * left / width, 1),
        round(100 * top / height, 1),
        round(100 * (right - left) / width, 1),
        round(100 * (bottom - top) / height, 1),
        max(first, 0),
        min(last, frames - 1),
        frames,
        words,
    )


def _span(centre: int, size: float, room: int) -> tuple[float, float]:
    """Return the part of 0 to `room` that `size` around the pixel `centre` covers."""
    return max(centre + 0.5 - size / 2, 0.0), min(centre + 0.5 + size / 2, float(room))


def connections(model: ModelView, view: KernelView) -> Connections | None:
    """Return the strongest connections of a kernel, from the pyramid in which it matters most."""
    key = (view.id.layer, view.id.index)
    containing = [pyramid for pyramid in model.pyramids if key in pyramid.graph.places]
    if not containing:
        return None
    pyramid = max(containing, key=lambda each: abs(each.graph.nodes[each.graph.places[key]].relevance))
    known_kernels = {(kernel.id.layer, kernel.id.index): kernel for kernel in model.all_kernels}

    def shown(end: tuple[Node, float]) -> tuple[Card | None, str, str, str]:
        node, contribution = end
        other = known_kernels.get((node.layer, node.index))
        card = kernel_card(model, other) if other else None
        uri = model.kernel_uri(node.layer, node.index) if node.depth else pyramid.uri
        return (card, pyramid.node_name(node), number(contribution, 2), uri)

    feeds, fed_by = pyramid.graph.neighbours(pyramid.graph.places[key])
    ends = [node for found in (feeds, fed_by) for node, _ in found]
    layers = tuple(node.layer for node in ends if (node.layer, node.index) in known_kernels)
    return Connections(pyramid, feeds.map(shown), fed_by.map(shown), layers)


def _concepts(model: ModelView, view: KernelView) -> Excerpt[tuple[str, DrivenKernel]]:
    """Return the figures of a kernel for each concept, with the concept's page, the largest AUROC first."""
    found = [(one.uri, kernel) for one in model.concepts if (kernel := one.kernel(view.id.layer, view.id.index))]
    return Excerpt.of(sorted(found, key=lambda each: -(each[1].auroc or 0.0)), MOST_CONCEPTS)


def _silence(model: ModelView, view: KernelView) -> str:
    """Return why no share of the response to reference clips is told; empty where shares are told."""
    multiple = view.figures.response_of_median
    if multiple is None or not near_silent(multiple, model.limits):
        return ""
    return f"The probed clips barely drive this kernel: {silence_in_words(multiple, model.limits)}."


def _driver(model: ModelView, view: KernelView) -> str:
    """Return the title of the probed clip that drives a kernel most; empty without one."""
    probes = model.kernel_probes(view.id)
    if probes is None:
        return ""
    return model.driver_title(probes.clip)


def _numbers(
    model: ModelView, view: KernelView
) -> list[tuple[str, Record, list[tuple[str, str]], list[tuple[str, str]]]]:
    synthetic = model.answer(view.stage1, KernelAnswer)
    parts = model.answer(view.decomposition, DecompositionAnswer)
    answers = (("Activation maximisation", view.stage1, synthetic), ("Texture and motion", view.decomposition, parts))
    return [
        (title, record, answer_rows(answer), parameter_rows(record.job.parameters))
        for title, record, answer in answers
        if record
    ]


def _page(
    keys: PageKeys,
    model: ModelView,
    view: KernelView,
    motion: LayerMotion | None,
    around: tuple[KernelView | None, ...],
) -> Page:
    stage1, parts = view.answer("kernels"), view.answer("decomposition")
    synthetic = model.answer(view.stage1, KernelAnswer)
    word = view.figures.word
    curve = _curve(synthetic)
    probes, silence = model.kernel_probes(view.id), _silence(model, view)
    concepts = kernel_concepts_table(_concepts(model, view))
    kept = probes_table(probes) if probes and probes.motion_reliance is not None and not silence else None
    moving, scale = own_motion(motion, view.id.index)
    linked = connections(model, view)
    return Page(
        uri=view.uri,
        title=f"{view.name} · {model.title}",
        template="pages/kernel.md.j2",
        context={
            "model": model,
            "kernel": view,
            "place": list(model.census).index(view.id.layer),
            "before": around[0],
            "after": around[1],
            "stage1": clip_strip(model.addresses, stage1, "stage1", f"Synthetic clip that drives {view.name} most"),
            "closed_form": clip_strip(model.addresses, stage1, "closed_form", f"The weights of {view.name}"),
            "response": response_words(model.run.card, view.id.layer, synthetic),
            "texture": still_strip(model.addresses, parts, "texture", f"Still texture of {view.name}"),
            "motion": moving,
            "wheel": motion.wheel if motion else None,
            "scale": scale,
            "least_scale": LEAST_FULL_COLOUR,
            "arrow": motion.arrow if motion else None,
            "reconstruction": clip_strip(model.addresses, parts, "reconstruction", f"Moved texture of {view.name}"),
            "plain": shows_no_pattern(view.figures, model.limits),
            "patterned": not shows_one_colour(view.figures, model.limits),
            "across_alone": shows_motion_across_alone(view.figures, model.limits),
            "headline": headline(view.figures, model.limits),
            "evidence_sentence": evidence(view.figures, model.limits),
            "word": label_word(word.word, model.limits, held_out=word.held_out) if word else "",
            "choice": choice_in_words(model, view.id.layer),
            "concept": concept_words(concepts_of(model, view.id.layer, view.id.index, model.limits)),
            "concepts": concepts,
            "percentile": view.figures.percentile,
            "probes": probes,
            "silence": silence,
            "kept": kept,
            "driver": _driver(model, view),
            "reference": model.evidence,
            "reservations": [
                *reservations(view.figures, model.limits),
                *model.evidence.doubts(view.id.layer, view.id.index),
            ],
            "verdicts": kernel_verdicts(view.figures, model.limits),
            "evidence": evidence_strips(model, view),
            "connections": linked,
            "curve": curve,
            "steps": synthetic.steps if synthetic else None,
            "numbers": _numbers(model, view),
            "downloads": model.downloads(view.stage1) + model.downloads(view.decomposition),
        },
        sources=view.sources,
        wide=True,
        finder=Found(view.name, "kernel", in_list=True),
        blocks=tuple(block for block in (curve, concepts, kept) if block),
        compared=_compared(model, view, motion),
        key=keys.of_layers(view.uri, (view.id.layer, *(linked.layers if linked else ()))),
    )


def _compared(model: ModelView, view: KernelView, motion: LayerMotion | None) -> Comparable:
    """Return the kernel as it stands beside others."""
    stage1, parts = view.answer("kernels"), view.answer("decomposition")
    card = kernel_card(model, view)
    return Comparable(
        "kernel",
        view.name,
        model.title,
        present_pictures(
            synthetic_clip=clip_strip(model.addresses, stage1, "stage1", f"Synthetic clip of {view.name}"),
            texture=still_strip(model.addresses, parts, "texture", f"Still texture of {view.name}"),
            motion=motion.strips.get(view.id.index) if motion else None,
        ),
        (("what it responds to", card.sentence), ("activation", card.first), ("motion", card.second)),
        (("stage", view.stage),),
    )


def _curve(synthetic: KernelAnswer | None) -> ReportFigure | None:
    """Return the activation while the clip was optimised."""
    values = [value for value in synthetic.curve if value is not None] if synthetic else []
    alt = "Activation while optimising"
    return (
        ReportFigure("optimisation", StepCurve(values, "optimisation", "activation"), alt, alt)
        if len(values) > 1
        else None
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per kernel; its neighbours are those of its layer."""
    for model in report.models:
        keys = page_keys(report, model)
        for layer, views in model.kernels.items():
            motion = model.motions[layer]
            for place, view in enumerate(views):
                before = views[place - 1] if place else None
                after = views[place + 1] if place + 1 < len(views) else None
                yield _page(keys, model, view, motion, (before, after))
