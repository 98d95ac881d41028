"""Pyramids against each other: classes, clips and networks compared, and one class over its clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from markupsafe import Markup

from reportgen.errors import OptionError
from reportgen.pages.page import Found, Page
from reportgen.pages.pyramid_pairs import Named, PyramidPair, across, named_pyramids, pairs_to_show, what_differs
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import inert
from reportgen.reading.addresses import folder_names
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import fixed, percent, short_kernel_name, short_layer_name, shortened
from reportgen.reading.views import Pyramid
from reportgen.records.pyramid_compare import (
    ComparedKernel,
    KernelSpread,
    PyramidComparison,
    compare_pyramids,
    spread_over_clips,
)
from reportgen.records.targets import Target

MOST_COMPARED = 40
"""Pyramids in the matrix of shared kernels."""

MOST_CLASSES = 40
"""Classes whose spread over clips is shown."""

MOST_CLIPS = 8
"""Clips that a class's spread names."""

LONGEST_LAYER_NAME = 28
"""Characters of a layer's name beside its bar."""

MOST_COMPARED_KERNELS = 120
"""Kernels of a pair's table and of a class's spread."""


@dataclass(frozen=True)
class ComparedKernelRow:
    """A kernel of a comparison or a spread, with the address of its page where it has one."""

    name: str
    uri: str
    kernel: ComparedKernel | KernelSpread


@dataclass(frozen=True)
class ComparedPair:
    """Two pyramids compared; `what` says what differs between them, `why` why they could not be compared."""

    first: Named
    second: Named
    what: str
    comparison: PyramidComparison | None
    rows: Excerpt[ComparedKernelRow]
    picture: Markup | None
    why: str = ""

    @property
    def name(self) -> str:
        """What tells the pair from others, whatever the page calls it."""
        ends = (f"{n.pyramid.view.clip}-{n.pyramid.view.target}-{n.model.name}" for n in (self.first, self.second))
        return "-".join(ends)


@dataclass(frozen=True)
class Spread:
    """A class over its clips."""

    label: str
    clips: Excerpt[str]
    rows: Excerpt[ComparedKernelRow]


def pair_of(first: Named, second: Named) -> ComparedPair:
    """Compare two pyramids and name what differs."""
    what = what_differs(first, second)
    try:
        found = compare_pyramids(first.pyramid.graph.document, second.pyramid.graph.document)
    except OptionError as reason:
        return ComparedPair(first, second, what, None, Excerpt(), None, str(reason))
    rows = _rows(first.model, found.kernels)
    return ComparedPair(first, second, what, found, rows, comparison_chart(found, first.name, second.name))


def _rows(model: ModelView, kernels: Iterable[ComparedKernel | KernelSpread]) -> Excerpt[ComparedKernelRow]:
    return Excerpt.of(kernels, MOST_COMPARED_KERNELS).map(
        lambda k: ComparedKernelRow(short_kernel_name(k.layer, k.index), model.kernel_uri(k.layer, k.index), k)
    )


def comparison_chart(found: PyramidComparison, first: str, second: str) -> Markup:
    """Return the kept kernels of each layer as one bar: the first's own, those of both, the second's own."""
    width, left, row = 640, 190, 26
    scale = (width - left - 60) / max(
        [layer.shared + layer.only_first + layer.only_second for layer in found.layers] + [1]
    )
    body = []
    for place, layer in enumerate(found.layers):
        x, y, short = float(left), place * row, shortened(short_layer_name(layer.name), LONGEST_LAYER_NAME)
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


def spreads(model: ModelView) -> Excerpt[Spread]:
    """Return each class that was explained on several clips, with its kernels' mean relevance and spread."""
    by_class: dict[Target, list[Pyramid]] = defaultdict(list)
    for pyramid in model.pyramids:
        if pyramid.graph.document.layers and all(layer.relevances for layer in pyramid.graph.document.layers):
            by_class[pyramid.view.target].append(pyramid)
    alike = {target: list(pyramids) for target, pyramids in by_class.items()}

    def spread(target: Target) -> Spread:
        pyramids = alike[target]
        rows = _rows(model, spread_over_clips([pyramid.graph.document for pyramid in pyramids]))
        return Spread(model.question(target), Excerpt.of([p.clip_title for p in pyramids], MOST_CLIPS), rows)

    return Excerpt.of([target for target, found in alike.items() if len(found) > 1], MOST_CLASSES).map(spread)


@dataclass(frozen=True)
class Cell:
    """How many kernels two pyramids share, and where on the page they are compared in full, where they are."""

    words: str
    share: float
    target: str = ""


def matrix(named: Excerpt[Named], targets: Mapping[frozenset[str], str]) -> list[tuple[Named, list[Cell]]]:
    """Return for each pyramid shown its row of shared kernels with every other.

    `targets` are the addresses of the pairs that are shown in full, by the addresses of their two pyramids.
    """
    shares = {frozenset(_uris(ends)): _jaccard(*ends) for ends in combinations(named, 2)}
    rows = []
    for one in named:
        cells = []
        for other in named:
            ends = frozenset(_uris((one, other)))
            share = shares.get(ends)
            cells.append(Cell(percent(share), share or 0.0, targets.get(ends, "")))
        rows.append((one, cells))
    return rows


def _jaccard(first: Named, second: Named) -> float | None:
    try:
        return compare_pyramids(first.pyramid.graph.document, second.pyramid.graph.document).jaccard
    except OptionError:
        return None


def _uris(ends: PyramidPair) -> tuple[str, str]:
    return ends[0].pyramid.uri, ends[1].pyramid.uri


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model with at least two pyramids to compare."""
    for model in report.models:
        named, beside = named_pyramids(model, False), across(model, report.models)
        shown = pairs_to_show(named, beside)
        if not shown:
            continue
        pairs = shown.map(lambda ends: pair_of(*ends))
        anchors = folder_names(pair.name for pair in pairs)
        uri = model.addresses.compared
        targets = {frozenset(_uris(ends)): f"{uri}#{anchor}" for ends, anchor in zip(shown, anchors, strict=True)}
        compared = Excerpt.of(named if len(named) > 1 else [], MOST_COMPARED)
        yield Page(
            uri=uri,
            title=f"Pyramids compared · {model.title}",
            template="pages/pyramid_compare.md.j2",
            context={
                "model": model,
                "compared": compared,
                "matrix": matrix(compared, targets),
                "pairs": pairs,
                "anchors": anchors,
                "spreads": spreads(model),
            },
            sources=tuple(dict.fromkeys(n.pyramid.view.record.key for n in (*named, *(n for e in beside for n in e)))),
            nav=(model.title, f"{model.words.pyramid.capitalize()}s"),
            nav_title="Compared",
            wide=True,
            finder=Found("Pyramids compared", model.title, "shared kernels classes clips"),
            parts=tuple(anchors),
        )
