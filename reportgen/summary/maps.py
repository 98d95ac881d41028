"""Saliency maps of a summary: for each class on a clip the map that proved most faithful, with its checks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from reportgen.outputs.model import STATE_WORDS, DocumentBlock, PictureRow, PictureTable, Section
from reportgen.pages.report import ModelView
from reportgen.pages.saliency import MapView, map_view, rank_rows, ranks_table
from reportgen.pages.strips import strip
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.views import ClassView
from reportgen.records.manifest import ClipFacts
from reportgen.records.targets import Target
from reportgen.summary.frames import frames
from reportgen.summary.shares import Shares

MapQuestion = tuple[ClipFacts, Target, list[ClassView]]


def maps_part(model: ModelView, share: Shares) -> Section | None:
    """Return the best map of each class on a clip, and the methods in order; None where no map was made."""
    asked = _asked(model)
    shown = Excerpt.of(asked, share.maps)
    rows = [row for one in shown if (row := _row(model, *one))]
    if not rows:
        return None
    heads = ("Clip", "Most faithful map", "The map alone")
    caption = (
        "Four frames of each clip. Of all methods the one whose map gains most over random maps is shown; where maps "
        "were not tested, the first. A map that looks right may still be wrong: read it with its verdicts."
    )
    left = len(asked) - len(rows)
    blocks: list[DocumentBlock] = [
        PictureTable("maps", "Most faithful saliency maps", heads, tuple(rows), caption, left, "in the site")
    ]
    clip, target, views = asked[0]
    titles = {one.method: one.title for one in (map_view(model, view, clip.title) for view in views)}
    methods = ranks_table(target, rank_rows(model, clip.name, target, titles))
    if methods and share.all_checks:
        told = (
            f"Rank and gain are for {model.question(target)} on {model.clip_title(clip.name, target)}; their means, "
            "and how many maps are faithful, are of the whole report. Gain: how much larger the insertion area, and "
            "how much smaller the deletion area, is than random maps', in shares of the "
            f"{model.words.value}'s way from the baseline to the clip. Without a network: the same for the best of "
            f"three maps of the clip alone. Unexplained: what the map leaves unexplained of the {model.words.value}'s "
            "falls when random parts are hidden."
        )
        blocks.append(replace(methods, name="methods", caption=told))
    return Section(model.addresses.clip(clip.name), "Saliency maps", tuple(blocks))


def _asked(model: ModelView) -> list[MapQuestion]:
    """Return each target on each clip, the first target of every clip before the second."""
    found: list[tuple[int, MapQuestion]] = []
    for clip in model.subjects:
        questions: dict[Target, list[ClassView]] = defaultdict(list)
        for view in model.on_clip("saliency", clip.name):
            questions[view.target].append(view)
        found += [(place, (clip, target, views)) for place, (target, views) in enumerate(questions.items())]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _row(model: ModelView, clip: ClipFacts, target: Target, views: list[ClassView]) -> PictureRow | None:
    seen = {one.method: one for one in (map_view(model, view, clip.title) for view in views) if one.overlay}
    if not seen:
        return None
    ranks = rank_rows(model, clip.name, target, {one.method: one.title for one in seen.values()})
    best = next((seen[row.method] for row in ranks if row.place and row.method in seen), next(iter(seen.values())))
    name = model.clip_title(clip.name, target)
    pictures = (
        frames(model, strip(model.addresses, clip.clip, clip.poster, clip.title)),
        frames(model, best.overlay),
        frames(model, best.heat),
    )
    return PictureRow(
        f"{model.question(target)} on {name}", _words(best), pictures, address=model.addresses.clip(clip.name)
    )


def _words(best: MapView) -> str:
    told = "; ".join(f"{verdict.name}: {STATE_WORDS[verdict.state]}" for verdict in best.verdicts)
    return f"{best.title}. {told}." if told else f"{best.title}."
