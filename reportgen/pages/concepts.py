"""The pages of concepts: what the pictures or clips of each drive, beside the reference clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reportgen.audit.concepts import concept_figures, concept_sentence, is_silenced, stands_out
from reportgen.outputs.charts import UsualBand
from reportgen.outputs.model import ReportFigure
from reportgen.pages.cards import Card, kernel_card
from reportgen.pages.concept_tables import ConceptKernelRow, ConceptRow, concept_kernels_table, concepts_table
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, strip
from reportgen.reading.concepts import ConceptView, DrivenKernel
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import number, short_kernel_name
from reportgen.reading.views import KernelView, trouble
from reportgen.records.answers.concepts import ConceptAnswer, LeadingKernel, Shown
from reportgen.records.jobs import Done

CONCEPT_ROWS = 40
"""Kernels in a concept's table; all are in the file that it links."""

_MARKED = 5
"""Kernels that a plot marks by their number."""

_METHODS = {
    "exact": "exact",
    "normal": "by the normal approximation with ties",
    "bound": "by draws with replacement, an upper bound",
    "none": "none: they respond alike to every clip",
}
"""Where p came from."""


@dataclass(frozen=True)
class ClipOf:
    """A clip beside a kernel, with the response to it."""

    strip: Strip | None
    title: str
    value: str


@dataclass(frozen=True)
class Standing:
    """A leading kernel: its card, where it has a page, and reference clips in order of its response."""

    kernel: DrivenKernel
    name: str
    card: Card | None
    figures: str
    clear: bool
    clips: Excerpt[ClipOf]
    best: list[ClipOf]


@dataclass(frozen=True)
class ConceptPlot:
    """The responses of a layer's kernels to a concept."""

    title: str
    layer: str
    figure: ReportFigure
    marked: str


def concept_rows(model: ModelView) -> list[ConceptRow]:
    """Return every concept, in the order in which they were given."""
    found = []
    for view in model.concepts:
        kernels = view.kernels()
        first = next((kernel for kernel in kernels if kernel.auroc is not None), None)
        found.append(
            ConceptRow(
                view,
                sum(stands_out(kernel, model.limits) for kernel in kernels),
                sum(is_silenced(kernel, model.limits) for kernel in kernels),
                first,
                short_kernel_name(first.layer, first.index) if first else "",
                model.kernel_uri(first.layer, first.index) if first else "",
            )
        )
    return found


def _pages(model: ModelView) -> dict[tuple[str, int], KernelView]:
    return {(view.id.layer, view.id.index): view for view in model.all_kernels}


def standing_kernels(model: ModelView, view: ConceptView) -> list[Standing]:
    """Return the kernels that stand out for a concept, the leading one where none does; visualised ones have a card."""
    pages = _pages(model)
    found = []
    for leading in view.answer.leading:
        kernel = view.kernel(leading.layer, leading.index)
        if kernel is None:
            continue
        page = pages.get((kernel.layer, kernel.index))
        found.append(
            Standing(
                kernel=kernel,
                name=short_kernel_name(kernel.layer, kernel.index),
                card=kernel_card(model, page) if page else None,
                figures=concept_figures(kernel),
                clear=stands_out(kernel, model.limits),
                clips=Excerpt.of(_clips(model, view.answer, leading), len(leading.clips), view.answer.clips),
                best=[_clip(model, view.answer, shown) for shown in leading.best],
            )
        )
    return [one for one in found if one.clear] or found[:1]


def _clips(model: ModelView, answer: ConceptAnswer, leading: LeadingKernel) -> list[ClipOf]:
    return [_clip(model, answer, shown) for shown in leading.clips]


def _clip(model: ModelView, answer: ConceptAnswer, shown: Shown) -> ClipOf:
    place, value = shown
    name = answer.names[place]
    facts = model.clips.get(name)
    picture = strip(model.addresses, facts.clip, facts.poster, f"Reference clip {facts.title}") if facts else None
    return ClipOf(picture, facts.title if facts else model.driver_title(name), number(value))


def concept_plots(model: ModelView, view: ConceptView) -> list[ConceptPlot]:
    """Return the mean response of every kernel of each shown layer; visualised ones and the leading one are marked."""
    found: list[ConceptPlot] = []
    for layer, profile in view.answer.profiles.items():
        mean, low, middle, high = map(_plain, (profile.mean, profile.low, profile.middle, profile.high))
        band = UsualBand(mean, low, middle, high)
        kernels = [one for index in range(len(band.values)) if (one := view.kernel(layer, index))]
        if not kernels:
            continue
        leading = min(kernels, key=lambda kernel: kernel.rank).index
        shown = [page.id.index for page in model.kernels.get(layer, ()) if page.id.index < len(band.values)]
        shown.sort(key=lambda index: kernels[index].rank)
        marked = list(dict.fromkeys([leading, *shown]))[:_MARKED]
        title = model.stage_title(layer)
        label = f"Mean response of the {len(band.values)} kernels of {title} to {view.name}"
        others = [f"#{index}" for index in marked if index != leading]
        words = f"#{leading} has the largest AUROC of this layer" + (
            f"; {', '.join(others)} {'is' if len(others) == 1 else 'are'} visualised" if others else ""
        )
        figure = ReportFigure(f"responses-{len(found)}", replace(band, marked=marked), label, f"{title}: {words}")
        found.append(ConceptPlot(title, layer, figure, words))
    return found


def _plain(values: tuple[float | None, ...]) -> list[float]:
    return [0.0 if value is None else value for value in values]


def _page(model: ModelView, view: ConceptView, row: ConceptRow) -> Page:
    answer = view.answer
    table = Excerpt.of(view.kernels(), CONCEPT_ROWS).map(
        lambda kernel: ConceptKernelRow(
            kernel, short_kernel_name(kernel.layer, kernel.index), model.kernel_uri(kernel.layer, kernel.index)
        )
    )
    done = view.record.outcome if isinstance(view.record.outcome, Done) else None
    kernels = concept_kernels_table(table)
    leading = standing_kernels(model, view)
    plots = concept_plots(model, view)
    return Page(
        uri=view.uri,
        title=f"{view.name} · {model.title}",
        template="pages/concept.md.j2",
        context={
            "model": model,
            "view": view,
            "answer": answer,
            "sentence": concept_sentence(view, model.limits),
            "standing": Excerpt.of(leading, len(leading), max(row.standing, len(leading))),
            "plots": plots,
            "kernels": kernels,
            "methods": [(_METHODS.get(name, name), number) for name, number in answer.methods.items()],
            "notes": done.notes if done else (),
            "downloads": model.downloads(view.record),
        },
        sources=(view.record.key,),
        nav=(model.title, "Concepts"),
        nav_title=view.name,
        wide=True,
        finder=Found(view.name, model.among_others("concept"), "hypothesis test"),
        blocks=(*(plot.figure for plot in plots), *((kernels,) if kernels.rows else ())),
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield a page of all concepts for each model that was asked about any, and one for each concept."""
    for model in report.models:
        records = model.manifest.of("concepts")
        if not records:
            continue
        found = concept_rows(model)
        table = concepts_table(found)
        troubles = (trouble(record.job.unit, record.outcome) for record in records)
        yield Page(
            uri=model.addresses.concepts,
            title=f"Concepts · {model.title}",
            template="pages/concepts.md.j2",
            context={
                "model": model,
                "table": table,
                "sentences": [concept_sentence(row.view, model.limits) for row in found],
                "troubles": [item for item in troubles if item],
            },
            sources=tuple(record.key for record in records),
            nav=(model.title, "Concepts"),
            nav_title="All concepts",
            wide=True,
            finder=Found("Concepts", model.title, "hypothesis tests AUROC"),
            blocks=(table,) if table.rows else (),
        )
        for row in found:
            yield _page(model, row.view, row)
