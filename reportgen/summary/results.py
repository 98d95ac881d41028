"""The result table: kernels by layer, each with its synthetic clip, texture, motion and best reference clip."""

from __future__ import annotations

from reportgen.outputs.model import DocumentBlock, FrameStrip, PictureRow, PictureTable, Section
from reportgen.pages.cards import kernel_card
from reportgen.pages.front import STAGE_EXAMPLES
from reportgen.pages.report import ModelView
from reportgen.pages.strips import strip
from reportgen.reading.chosen import choice_in_words
from reportgen.reading.format import count
from reportgen.reading.views import KernelView
from reportgen.summary.frames import frames
from reportgen.summary.shares import Shares, spread

HEADS = ("Synthetic clip", "Texture", "Motion", "Best reference clip")


def results_part(model: ModelView, share: Shares) -> Section | None:
    """Return a network's result table; None where no kernel was visualised."""
    if not model.kernels:
        return None
    layers = spread(list(model.kernels), share.kernels)
    each = max(1, min(STAGE_EXAMPLES, share.kernels // len(layers)))
    rows = [_row(model, view) for layer in layers for view in model.kernels[layer][:each]]
    kept = [place for place in range(len(HEADS)) if place == 0 or any(row.pictures[place] for row in rows)]
    rows = [PictureRow(r.title, r.text, tuple(r.pictures[p] for p in kept), r.group, r.address) for r in rows]
    choice = choice_in_words(model, layers[0])
    words = [
        "Four frames of each clip, the first at the left; the texture is one still picture. Layers run down in the "
        "network's order."
    ]
    if any(row.pictures[-1] for row in rows) and "Motion" in [HEADS[place] for place in kept]:
        words.append("Motion: right is red, down yellow, left cyan, up blue-violet, none white.")
    words += [_scales(model, layers)] if _scales(model, layers) else []
    words += [f"Kernels: {choice[:1].lower()}{choice[1:]}"] if choice else []
    total = len(model.all_kernels)
    table = PictureTable(
        "results",
        f"Result table of {model.title}",
        tuple(HEADS[place] for place in kept),
        tuple(rows),
        " ".join(words),
        total - len(rows),
        "in the site",
    )
    blocks: tuple[DocumentBlock, ...] = (table,)
    return Section(model.addresses.home, "Stage by stage", blocks)


def _scales(model: ModelView, layers: list[str]) -> str:
    """Return at which speed motion colours are full, layer by layer."""
    found = [(model.stage_title(layer), motion.scale) for layer in layers if (motion := model.motions.get(layer))]
    if not found:
        return ""
    told = [f"{scale:g} ({title})" for title, scale in found]
    return f"Its colour is full at these speeds, in px/frame: {', '.join(told)}."


def _row(model: ModelView, view: KernelView) -> PictureRow:
    card, motion = kernel_card(model, view), model.motions.get(view.id.layer)
    driven = model.evidence.best(view.id.layer, view.id.index)
    facts = model.clips.get(driven.clip) if driven else None
    best = strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None
    pictures: tuple[FrameStrip | None, ...] = (
        frames(model, card.stage1),
        frames(model, card.texture),
        frames(model, motion.strips.get(view.id.index) if motion else None),
        frames(model, best),
    )
    words = [card.sentence or card.state, _measured(card.first)]
    words += [f"Reference clip: {model.driver_title(driven.clip)}."] if driven and best else []
    return PictureRow(
        f"#{count(view.id.index)}", " ".join(filter(None, words)), pictures, _group(model, view), card.uri
    )


def _measured(figure: str) -> str:
    """Return the first figure of a card as a sentence."""
    if figure.startswith("act "):
        return f"Activation {figure.removeprefix('act ')}."
    return f"{figure.removesuffix(' best reference')} the best reference clip's response." if figure else ""


def _group(model: ModelView, view: KernelView) -> str:
    title = model.stage_title(view.id.layer)
    return title if title == view.id.layer else f"{title} · {view.id.layer}"
