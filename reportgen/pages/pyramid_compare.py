"""Pyramids against each other: classes, clips and networks compared, and one class over its clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from markupsafe import Markup

from reportgen.errors import OptionError
from reportgen.pages.page import Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import inert
from reportgen.reading.format import fixed, percent, short_kernel_name, short_layer_name
from reportgen.reading.run_view import Pyramid
from reportgen.records.identities import slug
from reportgen.records.pyramid_compare import (
    ComparedKernel,
    KernelSpread,
    PyramidComparison,
    compare_pyramids,
    spread_over_clips,
)

MOST_PAIRS = 28
"""Pairs of pyramids that are shown in full; the matrix holds them all."""

LONGEST = 28
"""Characters of a layer's name beside its bar."""

MOST_KERNELS = 120
"""Kernels of a pair's table and of a class's spread."""


@dataclass(frozen=True)
class Named:
    """A pyramid with what tells it from the others on the page."""

    pyramid: Pyramid
    model: ModelView
    name: str


@dataclass(frozen=True)
class KernelRow:
    """A kernel of a comparison or a spread, with the address of its page where it has one."""

    name: str
    uri: str
    kernel: ComparedKernel | KernelSpread


@dataclass(frozen=True)
class Pair:
    """Two pyramids compared; `what` says what differs between them, `why` why they could not be compared."""

    first: Named
    second: Named
    what: str
    comparison: PyramidComparison | None
    rows: list[KernelRow]
    picture: Markup | None
    why: str = ""

    @property
    def anchor(self) -> str:
        """Where the pair stands on the page."""
        ends = (f"{n.pyramid.view.clip}-{n.pyramid.view.index}-{n.model.run.model}" for n in (self.first, self.second))
        return slug("-".join(ends))


@dataclass(frozen=True)
class Spread:
    """A class over its clips."""

    label: str
    clips: list[str]
    rows: list[KernelRow]


def pair_of(first: Named, second: Named) -> Pair:
    """Compare two pyramids and name what differs."""
    one, other = first.pyramid, second.pyramid
    if first.model is not second.model:
        what = "two networks"
    elif one.view.index == other.view.index:
        what = "two clips of one class"
    elif one.view.clip == other.view.clip:
        what = "two classes on one clip"
    else:
        what = "two classes, each on a clip of its own"
    try:
        found = compare_pyramids(one.graph.document, other.graph.document)
    except OptionError as reason:
        return Pair(first, second, what, None, [], None, str(reason))
    rows = _rows(first.model, found.kernels)
    return Pair(first, second, what, found, rows, picture(found, first.name, second.name))


def _rows(model: ModelView, kernels: Iterable[ComparedKernel | KernelSpread]) -> list[KernelRow]:
    pages = {(view.id.layer, view.id.index): view.uri for view in model.all_kernels}
    return [
        KernelRow(short_kernel_name(k.layer, k.index), pages.get((k.layer, k.index), ""), k)
        for k in list(kernels)[:MOST_KERNELS]
    ]


def picture(found: PyramidComparison, first: str, second: str) -> Markup:
    """Return the kept kernels of each layer as one bar: the first's own, those of both, the second's own."""
    width, left, row = 640, 190, 26
    scale = (width - left - 60) / max(
        [layer.shared + layer.only_first + layer.only_second for layer in found.layers] + [1]
    )
    body = []
    for place, layer in enumerate(found.layers):
        x, y, name = float(left), place * row, short_layer_name(layer.name)
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        body.append(f'<text x="{left - 8}" y="{y + 17}" text-anchor="end">{inert(short)}</text>')
        parts = (
            (layer.only_first, "rg-compare__first", f"only {first}"),
            (layer.shared, "rg-compare__shared", "both"),
            (layer.only_second, "rg-compare__second", f"only {second}"),
        )
        for number, kind, title in parts:
            size = number * scale
            body.append(
                f'<rect x="{x:.1f}" y="{y + 5}" width="{size:.1f}" height="17" class="{kind}">'
                f"<title>{inert(f'{title}: {number}')}</title></rect>"
            )
            if size > 16:
                body.append(
                    f'<text x="{x + size / 2:.1f}" y="{y + 17.5}" text-anchor="middle" class="on">{number}</text>'
                )
            x += size
        body.append(f'<text x="{x + 6:.1f}" y="{y + 17}" class="muted">{percent(layer.jaccard)}</text>')
    label = f"Kernels of {first} and of {second}: {fixed(found.jaccard)} of all are shared"
    return Markup(  # noqa: S704 (numbers, and text that passed `inert`)
        f'<svg class="rg-chart rg-chart--compare" viewBox="0 0 {width} {row * len(found.layers) + 4}" role="img" '
        f'aria-label="{inert(label)}" style="--chart-width:{width}px">{"".join(body)}</svg>'
    )


def spreads(model: ModelView) -> list[Spread]:
    """Return each class that was explained on several clips, with its kernels' mean relevance and spread."""
    by_class: dict[int, list[Pyramid]] = defaultdict(list)
    for pyramid in model.pyramids:
        if pyramid.graph.document.layers and all(layer.relevances for layer in pyramid.graph.document.layers):
            by_class[pyramid.view.index].append(pyramid)
    found = []
    for index, pyramids in by_class.items():
        alike = [p for p in pyramids if p.graph.logit]
        if len(alike) < 2:
            continue
        rows = _rows(model, spread_over_clips([pyramid.graph.document for pyramid in alike]))
        found.append(Spread(model.label(index), [pyramid.clip_title for pyramid in alike], rows))
    return found


def _named(model: ModelView, several: bool) -> list[Named]:
    """Return the pyramids by their classes; with the clip where a class has several, with the network if `several`."""
    title = f", {model.title}" if several else ""
    labels = [pyramid.label for pyramid in model.pyramids]
    return [
        Named(p, model, (p.label if labels.count(p.label) == 1 else f"{p.label} on {p.clip_title}") + title)
        for p in model.pyramids
    ]


def across(model: ModelView, models: Sequence[ModelView]) -> list[tuple[Named, Named]]:
    """Return the pyramids of `model` beside those of later networks of its architecture, on the same clip and class."""
    later = [other for other in models[models.index(model) + 1 :] if _architecture(other) == _architecture(model)]
    return [
        (first, second)
        for other in later
        for first in _named(model, True)
        for second in _named(other, True)
        if (first.pyramid.view.clip, first.pyramid.label) == (second.pyramid.view.clip, second.pyramid.label)
    ]


def _architecture(model: ModelView) -> tuple[tuple[str, int], ...]:
    return tuple((layer.name, layer.kernels) for layer in model.run.layers)


def matrix(named: Sequence[Named], pairs: Sequence[Pair]) -> list[tuple[Named, list[tuple[str, float, str]]]]:
    """Return for each pyramid its row of shared kernels with every other: words, share, anchor."""
    known = {frozenset((pair.first.pyramid.uri, pair.second.pyramid.uri)): pair for pair in pairs if pair.comparison}
    rows = []
    for one in named:
        cells = []
        for other in named:
            pair = known.get(frozenset((one.pyramid.uri, other.pyramid.uri)))
            share = pair.comparison.jaccard if pair and pair.comparison else None
            cells.append((percent(share), share or 0.0, pair.anchor if pair else ""))
        rows.append((one, cells))
    return rows


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model with at least two pyramids to compare."""
    for model in report.models:
        named = _named(model, False)
        ends = [*combinations(named, 2), *across(model, report.models)]
        pairs = [pair_of(first, second) for first, second in ends]
        if not pairs:
            continue
        order = ("two classes on one clip", "two clips of one class", "two networks")
        shown = sorted(pairs, key=lambda pair: order.index(pair.what) if pair.what in order else len(order))
        yield Page(
            uri=f"{model.addresses.folder}/pyramids.md",
            title="Pyramids compared",
            template="pages/pyramid_compare.md.j2",
            context={
                "model": model,
                "matrix": matrix(named, pairs) if len(named) > 1 else [],
                "pairs": shown[:MOST_PAIRS],
                "left_out": max(len(pairs) - MOST_PAIRS, 0),
                "spreads": spreads(model),
            },
            sources=tuple(dict.fromkeys(n.pyramid.view.record.key for pair in ends for n in pair)),
            nav=(model.title, "Class pyramids"),
            nav_title="Compared",
            wide=True,
        )
