"""Which pyramids stand beside which: classes, clips and networks, and no more pairs than a page can show."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.views import Pyramid

MOST_PAIRS = 28
"""Pairs of pyramids that are shown in full; pairs grow with the square of the pyramids."""


@dataclass(frozen=True)
class Named:
    """A pyramid with what tells it from the others on the page."""

    pyramid: Pyramid
    model: ModelView
    name: str


PyramidPair = tuple[Named, Named]


KINDS = (
    "two classes on one clip",
    "two clips of one class",
    "two networks",
    "two classes, each on a clip of its own",
)
"""What may differ between two pyramids, in the order in which pairs stand on the page."""


def what_differs(first: Named, second: Named) -> str:
    """Return the kind of a pair."""
    one, other = first.pyramid.view, second.pyramid.view
    if first.model is not second.model:
        return KINDS[2]
    if one.target == other.target:
        return KINDS[1]
    return KINDS[0] if one.clip == other.clip else KINDS[3]


def pairs_to_show(named: Sequence[Named], beside: Sequence[PyramidPair]) -> Excerpt[PyramidPair]:
    """Return the pairs to show in full, of all pairs of `named` and those with other networks (`beside`).

    Each kind has its turn, so that a report of many classes does not crowd out its clips. No more pairs are made than
    are shown.
    """
    kinds = (
        _within(named, lambda n: n.pyramid.view.clip, KINDS[0]),
        _within(named, lambda n: n.pyramid.view.target, KINDS[1]),
        iter(beside),
        _within(named, lambda _: None, KINDS[3]),
    )
    total = len(named) * (len(named) - 1) // 2 + len(beside)
    taken = Excerpt.of(_in_turn(kinds), MOST_PAIRS, total=total)
    place = {id(one): at for at, one in enumerate(named)}
    order = sorted(
        taken,
        key=lambda ends: (KINDS.index(what_differs(*ends)), *(place.get(id(end), len(place)) for end in ends)),
    )
    return Excerpt(tuple(order), total)


def _within(named: Sequence[Named], group: Callable[[Named], object], kind: str) -> Iterator[PyramidPair]:
    """Yield the pairs of a kind, among pyramids that are of one group."""
    groups: dict[object, list[Named]] = defaultdict(list)
    for one in named:
        groups[group(one)].append(one)
    for members in groups.values():
        yield from (ends for ends in combinations(members, 2) if what_differs(*ends) == kind)


def _in_turn(kinds: Iterable[Iterator[PyramidPair]]) -> Iterator[PyramidPair]:
    waiting = deque(kinds)
    while waiting:
        kind = waiting.popleft()
        for ends in islice(kind, 1):
            yield ends
            waiting.append(kind)


def named_pyramids(model: ModelView, several: bool) -> list[Named]:
    """Return the pyramids by their classes; with the clip where a class has several, with the network if `several`."""
    title = f", {model.title}" if several else ""
    times = Counter(pyramid.label for pyramid in model.pyramids)
    return [
        Named(p, model, (p.label if times[p.label] == 1 else f"{p.label} on {p.clip_title}") + title)
        for p in model.pyramids
    ]


def across(model: ModelView, models: Sequence[ModelView]) -> list[PyramidPair]:
    """Return the pyramids of `model` beside those of later networks of its architecture, on the same clip and class."""
    later = [other for other in models[models.index(model) + 1 :] if _architecture(other) == _architecture(model)]
    found = []
    for other in later:
        theirs: dict[tuple[str, str], list[Named]] = defaultdict(list)
        for second in named_pyramids(other, True):
            theirs[second.pyramid.view.clip, second.pyramid.label].append(second)
        for first in named_pyramids(model, True):
            found += [(first, second) for second in theirs.get((first.pyramid.view.clip, first.pyramid.label), ())]
    return found


def _architecture(model: ModelView) -> tuple[tuple[str, int], ...]:
    return tuple((layer.name, layer.kernels) for layer in model.run.layers)
