"""Pyramids against each other: classes, clips and networks compared, and one class over its clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from reportgen.errors import OptionError
from reportgen.outputs.charts import Kept, Shared
from reportgen.outputs.model import Reference, ReportFigure, Table
from reportgen.pages.compared_kernels import PicturedKernel, pictured_kernels
from reportgen.pages.compared_tables import pair_kernels_table, pair_layers_table, shared_table, spread_table
from reportgen.pages.page import Found, Page
from reportgen.pages.pyramid_pairs import Named, PyramidPair, across, named_pyramids, pairs_to_show, what_differs
from reportgen.pages.report import ModelView, Report
from reportgen.reading.addresses import folder_names
from reportgen.reading.chance import shared_by_chance
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import fixed, percent, plural, short_layer_name, shortened
from reportgen.reading.views import Pyramid
from reportgen.records.pyramid_compare import (
    PyramidComparison,
    Side,
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

MOST_COMPARED_KERNELS = 120
"""Kernels of a pair's table and of a class's spread."""


@dataclass(frozen=True)
class ComparedPair:
    """Two pyramids compared; `what` says what differs between them, `why` why they could not be compared."""

    first: Named
    second: Named
    what: str
    comparison: PyramidComparison | None
    picture: ReportFigure | None
    tables: tuple[Table, ...] = ()
    why: str = ""
    pictured: tuple[tuple[str, Excerpt[PicturedKernel]], ...] = ()
    chance: str = ""

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
    table: Table


def pair_of(name: str, first: Named, second: Named) -> ComparedPair:
    """Compare two pyramids and name what differs; `name` is that of its figure."""
    what = what_differs(first, second)
    try:
        found = compare_pyramids(first.pyramid.graph.document, second.pyramid.graph.document)
    except OptionError as reason:
        return ComparedPair(first, second, what, None, None, why=str(reason))
    kernels = Excerpt.of(found.kernels, MOST_COMPARED_KERNELS)
    models: dict[Side, ModelView] = {"first": first.model, "shared": first.model, "second": second.model}
    titles: dict[Side, str] = {"first": f"only {first.name}", "shared": "both", "second": f"only {second.name}"}
    return ComparedPair(
        first,
        second,
        what,
        found,
        comparison_figure(name, found, first.name, second.name),
        (pair_layers_table(f"{name}-layers", found), pair_kernels_table(first.model, f"{name}-kernels", kernels)),
        pictured=tuple(
            (titles[s], pictured_kernels(models[s], found.kernels, s)) for s in ("first", "shared", "second")
        ),
        chance=chance_in_words(found),
    )


def chance_in_words(found: PyramidComparison) -> str:
    """Return how many kernels are shared beside how many would be by chance."""
    shared = sum(layer.shared for layer in found.layers)
    mean, low, high = shared_by_chance(found.layers)
    beside = "more than" if shared > high else "fewer than" if shared < low else "about as many as"
    return (
        f"Both keep {plural(shared, 'kernel')}, {beside} chance gives: {fixed(mean, 1)} if as many were drawn at "
        f"random in each layer (95% of draws: {low} to {high})."
    )


def comparison_figure(name: str, found: PyramidComparison, first: str, second: str) -> ReportFigure:
    """Return the kept kernels of each layer: the first's own, those of both, the second's own."""
    layers = [
        Kept(short_layer_name(one.name), one.only_first, one.shared, one.only_second, one.jaccard, one.by_chance)
        for one in found.layers
    ]
    alt = f"Kernels of {first} and of {second}: {percent(found.jaccard)} of all are shared"
    return ReportFigure(name, Shared(first, second, layers), alt, alt)


def spreads(model: ModelView) -> Excerpt[Spread]:
    """Return each class that was explained on several clips, with its kernels' mean relevance and spread."""
    by_class: dict[Target, list[Pyramid]] = defaultdict(list)
    for pyramid in model.pyramids:
        if pyramid.graph.document.layers and all(layer.relevances for layer in pyramid.graph.document.layers):
            by_class[pyramid.view.target].append(pyramid)
    alike = {target: list(pyramids) for target, pyramids in by_class.items()}

    def spread(target: Target) -> Spread:
        pyramids = alike[target]
        label, name = model.question(target), f"spread-{several.index(target) + 1}"
        found = spread_over_clips([pyramid.graph.document for pyramid in pyramids])
        table = spread_table(model, name, label, Excerpt.of(found, MOST_COMPARED_KERNELS))
        return Spread(label, Excerpt.of([p.clip_title for p in pyramids], MOST_CLIPS), table)

    several = [target for target, found in alike.items() if len(found) > 1]
    return Excerpt.of(several, MOST_CLASSES).map(spread)


@dataclass(frozen=True)
class SharedCell:
    """How many kernels two pyramids share, and where on the page they are compared in full, where they are."""

    known: float | None
    target: str = ""

    @property
    def words(self) -> str:
        """The share in words."""
        return percent(self.known)

    @property
    def share(self) -> float:
        """The share, as the cell is coloured."""
        return self.known or 0.0


def matrix(named: Excerpt[Named], targets: Mapping[frozenset[str], str]) -> list[tuple[Named, list[SharedCell]]]:
    """Return for each pyramid shown its row of shared kernels with every other.

    `targets` are the addresses of the pairs that are shown in full, by the addresses of their two pyramids.
    """
    shares = {frozenset(_uris(ends)): _jaccard(*ends) for ends in combinations(named, 2)}
    rows = []
    for one in named:
        cells = []
        for other in named:
            ends = frozenset(_uris((one, other)))
            cells.append(SharedCell(shares.get(ends), targets.get(ends, "")))
        rows.append((one, cells))
    return rows


def shared_of(rows: list[tuple[Named, list[SharedCell]]]) -> Table:
    """Return the matrix as a table."""
    names = [Reference(shortened(one.name, 80), one.pyramid.uri) for one, _ in rows]
    return shared_table(names, [[cell.known for cell in cells] for _, cells in rows])


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
        numbered = Excerpt(tuple(enumerate(shown, start=1)), shown.total)
        pairs = numbered.map(lambda one: pair_of(f"pair-{one[0]}", *one[1]))
        anchors = folder_names(pair.name for pair in pairs)
        uri = model.addresses.compared
        targets = {frozenset(_uris(ends)): f"{uri}#{anchor}" for ends, anchor in zip(shown, anchors, strict=True)}
        compared = Excerpt.of(named if len(named) > 1 else [], MOST_COMPARED)
        shares, over_clips = matrix(compared, targets), spreads(model)
        tables = [shared_of(shares)] if shares else []
        yield Page(
            uri=uri,
            title=f"Pyramids compared · {model.title}",
            template="pages/pyramid_compare.md.j2",
            context={
                "model": model,
                "compared": compared,
                "matrix": shares,
                "shared": tables[0] if tables else None,
                "pairs": pairs,
                "anchors": anchors,
                "spreads": over_clips,
            },
            sources=tuple(dict.fromkeys(n.pyramid.view.record.key for n in (*named, *(n for e in beside for n in e)))),
            nav=(model.title, f"{model.words.pyramid.capitalize()}s"),
            nav_title="Compared",
            wide=True,
            finder=Found("Pyramids compared", model.title, "shared kernels classes clips"),
            parts=tuple(anchors),
            blocks=(
                *tables,
                *(spread.table for spread in over_clips),
                *(pair.picture for pair in pairs if pair.picture),
                *(table for pair in pairs for table in pair.tables),
            ),
        )
