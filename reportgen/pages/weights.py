"""Weight gradients: which filters matter to a class, whether that is true, and how alike classes are in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.audit.importance import (
    MEASURES,
    check_sentence,
    ordering_figures,
    ordering_sentence,
)
from reportgen.pages.downloads import Download
from reportgen.pages.page import Found, Page
from reportgen.pages.removal_chart import score_charts
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, still_strip, strip
from reportgen.pages.weight_tables import role_of, weight_tables
from reportgen.pages.weight_volumes import gradient_volumes
from reportgen.reading.format import short_kernel_name
from reportgen.reading.views import Trouble, notes_told, trouble
from reportgen.records.answers.weight_gradients import (
    CheckedGradients,
    ClassComparison,
    ClassImportance,
    ClipGradients,
    LayerGradient,
    ModelImportance,
)
from reportgen.records.identities import slug
from reportgen.records.jobs import Done, Record

TOP_FILTERS = 3
"""Filters of each layer that a table of importance names by each score."""

_ROLES = {"reference": "reference class", "similar": "similar class", "dissimilar": "dissimilar class", "target": ""}


@dataclass(frozen=True)
class NamedFilter:
    """A filter with the address of its page, where it has one; its score from 0, the layer's least, to 1, its most."""

    name: str
    uri: str
    share: float


@dataclass(frozen=True)
class TileRow:
    """One layer's importance for one class: both pictures of tiles, and the filters that lead."""

    layer: str
    uri: str
    filters: int
    published: Strip | None
    first_order: Strip | None
    leading: list[NamedFilter]
    leading_first_order: list[NamedFilter]
    agreement: float | None


@dataclass(frozen=True)
class ImportanceOfClass:
    """A class with its importance by layer, of the shown layers."""

    found: ClassImportance
    role: str
    rows: list[TileRow]


@dataclass(frozen=True)
class ComparedPicture:
    """One compared clip, and what it stands for."""

    role: str
    title: str
    picture: Strip | None


@dataclass(frozen=True)
class FilterPicture:
    """The small multiples of a layer's filters; a gradient of `scale` has the full colour."""

    layer: str
    picture: Strip
    caption: str
    scale: float | None = None
    gradient: LayerGradient | None = None
    filters: tuple[NamedFilter, ...] = ()


@dataclass(frozen=True)
class ClipOfGradients:
    """A shown clip with its pictures and files."""

    found: ClipGradients
    title: str
    pictures: list[FilterPicture]
    files: list[Download]


def _filter(model: ModelView, layer: str, index: int, share: float = 0.0) -> NamedFilter:
    return NamedFilter(short_kernel_name(layer, index), model.kernel_uri(layer, index), share)


def _leading(model: ModelView, layer: str, values: tuple[float, ...]) -> list[NamedFilter]:
    """Return the filters of the largest scores, scaled from the layer's minimum to its maximum."""
    low, spread = min(values), (max(values) - min(values)) or 1.0
    order = sorted(range(len(values)), key=lambda index: -values[index])[:TOP_FILTERS]
    return [_filter(model, layer, index, (values[index] - low) / spread) for index in order]


def importance_rows(model: ModelView, done: Done | None, found: ModelImportance) -> list[ImportanceOfClass]:
    """Return the importance of each class in the layers of which there are pictures."""
    classes = []
    for place, one in enumerate(found.classes):
        rows = []
        for layer, scores in one.layers.items():
            published = still_strip(
                model.addresses, done, slug(f"tiles.{place}.published.{layer}"), f"{one.title}: {layer}"
            )
            if published is None:
                continue
            rows.append(
                TileRow(
                    layer=model.stage_title(layer),
                    uri=model.addresses.layer(layer) if layer in model.kernels else "",
                    filters=len(scores.published),
                    published=published,
                    first_order=still_strip(
                        model.addresses, done, slug(f"tiles.{place}.first_order.{layer}"), f"{one.title}: {layer}"
                    ),
                    leading=_leading(model, layer, scores.published),
                    leading_first_order=_leading(model, layer, scores.first_order),
                    agreement=scores.agreement,
                )
            )
        classes.append(ImportanceOfClass(one, _ROLES[one.role], rows))
    return classes


def compared_pictures(model: ModelView, found: ClassComparison) -> list[ComparedPicture]:
    """Return the compared clips, the first one first."""
    pictures = []
    for case in found.cases:
        facts = model.clips.get(case.clip)
        clip = strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None
        pictures.append(ComparedPicture(role_of(case), model.driver_title(case.clip), clip))
    return pictures


def case_pictures(model: ModelView, done: Done | None, found: ClassComparison) -> list[FilterPicture]:
    """Return the filters of each shown layer on all compared clips."""
    pictures = []
    for layer in found.cases[0].layers if found.cases else ():
        artifact = done.artifact(slug(f"cases.{layer}"), "image") if done else None
        shown = strip(model.addresses, artifact, None, f"Gradients of {layer}")
        if artifact and shown:
            pictures.append(FilterPicture(model.stage_title(layer), shown, artifact.caption))
    return pictures


def clip_gradients(model: ModelView) -> list[ClipOfGradients]:
    """Return every shown clip and target with its pictures."""
    found = []
    for record, shown in model.clip_gradients:
        done = record.outcome if isinstance(record.outcome, Done) else None
        pictures = []
        for layer, gradient in shown.layers.items():
            drawn = still_strip(
                model.addresses, done, slug(f"volumes.{layer}"), f"Gradients of {layer} on {shown.clip}"
            )
            if drawn:
                filters = tuple(_filter(model, layer, index) for index in gradient.drawn)
                pictures.append(FilterPicture(model.stage_title(layer), drawn, "", gradient.scale, gradient, filters))
        files = [file for file in model.downloads(record) if not file.uri.endswith(".png")]
        title = model.clip_title(shown.clip, shown.target)
        found.append(ClipOfGradients(shown, title, pictures, files))
    return found


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model whose weight gradients were asked about."""
    for model in report.models:
        records = model.manifest.of("weight_gradients")
        if not records:
            continue
        found, done = model.importance, _overall(model, records)
        missing: list[Trouble] = [t for r in records if (t := trouble(r.job.unit, r.outcome))]
        volumes = gradient_volumes(model)
        charts = score_charts(found.removal) if found and found.removal else []
        tables = tuple(weight_tables(model, found))
        yield Page(
            uri=model.addresses.weights,
            title=f"Weight gradients · {model.title}",
            template="pages/weights.md.j2",
            context={
                "model": model,
                "found": found,
                "sentences": _sentences(model, found),
                "test": found.removal if found else None,
                "charts": charts,
                "measures": MEASURES,
                "check": found.check if found else None,
                "clip_title": _clip_title(model, found.check) if found and found.check else "",
                "importance": importance_rows(model, done, found) if found else [],
                "comparison": found.comparison if found else None,
                "columns": compared_pictures(model, found.comparison) if found and found.comparison else [],
                "tables": {table.name: table for table in tables},
                "cases": case_pictures(model, done, found.comparison) if found and found.comparison else [],
                "clips": clip_gradients(model),
                "volumes": volumes,
                "notes": notes_told(records),
                "csv": next(
                    (file for one in records for file in model.downloads(one) if file.is_of_type(".csv")), None
                ),
                "troubles": missing,
                "records": records,
            },
            sources=tuple(record.key for record in records),
            assets=(volumes.script,) if volumes else (),
            nav=(model.title,),
            nav_title="Weight gradients",
            wide=True,
            finder=Found("Weight gradients", model.title, "importance of filters, removal, pruning, gradient"),
            blocks=(*charts, *tables),
        )


def _clip_title(model: ModelView, check: CheckedGradients) -> str:
    facts = model.clips.get(check.clip)
    return facts.title if facts else check.clip


def _overall(model: ModelView, records: Sequence[Record]) -> Done | None:
    """Return the answer about the model as a whole."""
    own = next((record for record in records if record.job.unit == model.run.model), None)
    return own.outcome if own and isinstance(own.outcome, Done) else None


def _sentences(model: ModelView, found: ModelImportance | None) -> list[tuple[str, str]]:
    """Return what the page says first, each with its figures."""
    if found is None:
        return []
    said = [(f"No filters were removed: {found.no_removal}.", "")]
    if found.removal:
        said = [
            (ordering_sentence(found.removal, model.limits), ordering_figures(found.removal, model.limits)),
        ]
    if found.check:
        said.append((check_sentence(found.check, model.limits), ""))
    return said
