"""Saliency pages: where and when the network looked in a clip, method by method, in step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.audit.maps import map_verdicts
from reportgen.audit.verdicts import Verdict
from reportgen.outputs.charts import FrameProfiles
from reportgen.outputs.model import Cell, Column, ReportBlock, ReportFigure, Table, columns
from reportgen.pages.comparable import Comparable, present_pictures
from reportgen.pages.downloads import Download
from reportgen.pages.maps import RankRow, curves, curves_table, ranking, shuffled_depths
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, clip_strip, still_strip, strip
from reportgen.reading.format import answer_rows, parameter_rows
from reportgen.reading.views import ClassView, Trouble, trouble
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.manifest import ClipFacts
from reportgen.records.targets import Target


@dataclass(frozen=True)
class MapView:
    """One method's answer about a class on a clip."""

    title: str
    method: str
    overlay: Strip | None
    heat: Strip | None
    with_sign: Strip | None
    tube: Strip | None
    profile: tuple[float, ...]
    peak: int | None
    signed: bool
    layers: tuple[str, ...]
    scale: float | None
    verdicts: list[Verdict]
    charts: list[ReportFigure]
    shuffled: list[tuple[str, float]]
    trouble: Trouble | None
    numbers: list[tuple[str, str]]
    parameters: list[tuple[str, str]]
    downloads: list[Download]


@dataclass(frozen=True)
class ClassMaps:
    """All methods' answers about one target on a clip."""

    name: str
    target: Target
    value: float | None
    maps: list[MapView]
    ranks: list[RankRow]
    methods: Table | None
    profiles: ReportFigure | None
    curves: Table | None

    @property
    def seen(self) -> list[tuple[int | None, MapView]]:
        """The maps that have a picture with their rank, the most faithful first."""
        place = {row.method: row.place for row in self.ranks}
        shown = [(place.get(one.method), one) for one in self.maps if one.overlay]
        return sorted(shown, key=lambda pair: (pair[0] is None, pair[0] or 0))

    @property
    def blocks(self) -> list[ReportBlock]:
        """What it holds in the neutral model."""
        return [block for block in (self.methods, self.profiles, self.curves) if block]

    @property
    def contrast(self) -> bool:
        """Whether two classes are told apart."""
        return self.target.kind == "contrast"

    @property
    def published(self) -> tuple[MapView, MapView] | None:
        """Guided backprop and its SmoothGrad, which the published tool shows beside the clip; None without them."""
        found = {one.method: one for one in self.maps if one.heat}
        if "guided_backprop" in found and "smoothgrad_guided" in found:
            return found["guided_backprop"], found["smoothgrad_guided"]
        return None


def map_method(view: ClassView) -> str:
    """Return the name of the method that a map was made by."""
    return str(view.record.job.parameters.get("method") or "saliency")


def rank_rows(model: ModelView, clip: str, target: Target, titles: dict[str, str]) -> list[RankRow]:
    """Return the methods of a class on a clip in the order in which they beat random maps; empty when unmeasured."""
    return ranking(model.map_groups.get((clip, target), []), model.method_means, titles)


def map_view(model: ModelView, view: ClassView, clip_title: str) -> MapView:
    """Return what the page shows of one map."""
    done = view.answer
    checks = model.map_checks.get((view.clip, view.target, map_method(view)))
    answer = model.answer(view.record, SaliencyAnswer)
    method = map_method(view)
    title = answer.title if answer else method.replace("_", " ")
    profile = [value for value in answer.temporal_profile if value is not None] if answer else []
    return MapView(
        title=title,
        method=method,
        overlay=clip_strip(model.addresses, done, "overlay", f"{title} on {clip_title}"),
        heat=clip_strip(model.addresses, done, "overlay_map", f"{title}, the map alone"),
        with_sign=clip_strip(model.addresses, done, "signed", f"{title}, with its sign"),
        tube=still_strip(model.addresses, done, "tube", f"{title} on {clip_title}, frame behind frame"),
        profile=tuple(profile) if len(profile) > 1 else (),
        peak=profile.index(max(profile)) if len(profile) > 1 else None,
        signed=answer.signed if answer else False,
        layers=answer.layers if answer else (),
        scale=answer.scale if answer else None,
        verdicts=map_verdicts(answer.completeness_error, checks, model.limits) if answer else [],
        charts=curves(checks) if checks else [],
        shuffled=shuffled_depths(checks) if checks else [],
        trouble=trouble(title, view.record.outcome),
        numbers=answer_rows(answer, model.words),
        parameters=parameter_rows(view.record.job.parameters),
        downloads=model.downloads(view.record),
    )


def ranks_table(target: Target, ranks: list[RankRow]) -> Table | None:
    """Return the methods in order of faithfulness, here and over the report."""
    heads = columns(
        "Method",
        Column("Rank", "count"),
        Column("Gain", "number"),
        Column("Without a network", "number"),
        Column("Unexplained", "fixed"),
        Column("Mean rank", "fixed1"),
        Column("Mean gain", "number"),
        Column("Faithful", "count", parts=("maps", "of"), joined=" of "),
    )
    told = tuple(
        (
            row.title,
            row.place,
            row.gain,
            row.control,
            row.unexplained,
            row.mean_place,
            row.mean_gain,
            (row.beaten, row.maps),
        )
        for row in ranks
    )
    return Table(f"methods-{target}", "Methods in order of faithfulness", heads, told) if told else None


def _profiles(target: Target, maps: list[MapView], first: str) -> ReportFigure | None:
    """Return the attribution per frame of every method, of which `first` is seen first."""
    series = tuple((one.method, one.profile) for one in maps if one.profile)
    if not series:
        return None
    first = first if first in dict(series) else series[0][0]
    alt = "Attribution per frame"
    return ReportFigure(
        f"profile-{target}", FrameProfiles(series, first), alt, "Attribution per frame, of the method chosen above"
    )


def _class_maps(model: ModelView, clip: ClipFacts, views: list[ClassView]) -> ClassMaps:
    target = views[0].target
    maps = [map_view(model, view, clip.title) for view in views]
    answers = (model.answer(view.record, SaliencyAnswer) for view in views)
    ranks = rank_rows(model, clip.name, target, {one.method: one.title for one in maps})
    checks = model.map_groups.get((clip.name, target), [])
    return ClassMaps(
        name=model.question(target),
        target=target,
        value=next((answer.logit for answer in answers if answer), None),
        maps=maps,
        ranks=ranks,
        methods=ranks_table(target, ranks),
        profiles=_profiles(target, maps, ranks[0].method if ranks else ""),
        curves=curves_table(f"curves-{target}", checks) if any(one.told for one in checks) else None,
    )


def _compared(model: ModelView, clip: ClipFacts, groups: list[ClassMaps]) -> Comparable:
    """Return the clip with the maps of its first class, as it stands beside others."""
    maps = [(one.title, one.overlay) for _, one in groups[0].seen if one.overlay] if groups else []
    shown = present_pictures(clip=strip(model.addresses, clip.clip, clip.poster, clip.title))
    first = " and ".join(model.label(index) for index, _ in model.taken_for(clip))
    told = (
        ("true class", "" if clip.label is None else model.label(clip.label)),
        ("taken for", first),
        ("maps of", groups[0].name if groups else ""),
    )
    label = () if clip.label is None else (("class", model.label(clip.label)),)
    return Comparable("clip", clip.title, model.title, (*shown, *maps), told, (("clip", clip.sha256[:12]), *label))


def predictions_table(model: ModelView, clip: ClipFacts) -> Table | None:
    """Return the classes that the network takes a clip for, with their probabilities where these are known."""
    known = bool(clip.predictions) and clip.predictions[0][2] is not None
    heads = columns(
        "Prediction",
        Column("Logit" if model.classes_apart else "Logit above the mean of all", "number"),
        *((Column("Probability", "percent1"),) if known else ()),
    )
    told: list[tuple[Cell, ...]] = [
        (model.label(index), logit, *((share,) if known else ())) for index, logit, share in clip.predictions
    ]
    return Table("predictions", "Predictions", heads, tuple(told)) if told else None


def values_table(groups: list[ClassMaps]) -> Table | None:
    """Return what a network without classes answers to a clip: the value of each target."""
    told = tuple((group.name.capitalize(), group.value) for group in groups if group.value is not None)
    return Table("values", "Values", columns("Target", Column("Value", "number")), told) if told else None


def _page(model: ModelView, clip: ClipFacts) -> Page:
    views = model.on_clip("saliency", clip.name)
    questions: dict[Target, list[ClassView]] = defaultdict(list)
    for view in views:
        questions[view.target].append(view)
    groups = [_class_maps(model, clip, asked) for asked in questions.values()]
    pyramids = [
        (model.question(v.target), model.addresses.pyramid(v.clip, v.target))
        for v in model.on_clip("pyramid", clip.name)
    ]
    predictions = predictions_table(model, clip) if model.has_classes else values_table(groups)
    return Page(
        uri=model.addresses.clip(clip.name),
        title=f"{clip.title} · {model.title}",
        template="pages/saliency.md.j2",
        context={
            "model": model,
            "clip": clip,
            "clip_strip": strip(model.addresses, clip.clip, clip.poster, clip.title),
            "groups": groups,
            "pyramids": pyramids,
            "predictions": [(model.label(i), share) for i, _, share in clip.predictions],
            "taken": [(model.label(index), share) for index, share in model.taken_for(clip)],
            "predicted": predictions,
            "label": None if clip.label is None else model.label(clip.label),
        },
        sources=tuple(view.record.key for view in views),
        nav=(model.title, "Clips"),
        nav_title=clip.title,
        wide=True,
        finder=Found(
            clip.title,
            f"clip, {model.title}",
            "saliency",
            model.addresses.file(clip.poster.path) if clip.poster else "",
        ),
        blocks=(*((predictions,) if predictions else ()), *(block for group in groups for block in group.blocks)),
        compared=_compared(model, clip, groups),
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per clip that the report is about."""
    for model in report.models:
        for clip in model.subjects:
            yield _page(model, clip)
