"""The one card by which a kernel is shown everywhere: tables, lists, the graph and the finder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reportgen.audit.headline import headline
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.moving import moving_texture, shows_no_pattern, shows_one_colour, stands_still, turning
from reportgen.audit.silence import known_reliance, known_times
from reportgen.audit.verdicts import Verdict
from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, clip_strip, still_strip
from reportgen.reading.format import number, percent
from reportgen.reading.views import KernelView


@dataclass(frozen=True)
class Card:
    """A kernel's clip, short name, two numbers and the badges that were tested.

    A `plain` clip is of one even colour, or drives the kernel by that alone: its texture and motion would say nothing.
    """

    uri: str
    name: str
    layer: str
    index: int
    stage1: Strip | None
    texture: Strip | None
    plain: bool
    first: str
    second: str
    sentence: str
    state: str
    verdicts: tuple[Verdict, ...]
    sort: dict[str, float]


def kernel_card(model: ModelView, view: KernelView) -> Card:
    """Return the card of a kernel."""
    figures = view.figures
    first = "" if figures.activation is None else f"act {number(figures.activation)}"
    times = known_times(figures, model.limits)
    if times:
        first = f"{number(times, 2)}× best reference"
    moves = moving_texture(figures, model.limits)
    still = stands_still(figures, model.limits)  # what is left of a speed then is rounding, or less than is told
    second = ("stands still" if still else f"{number(figures.mean_speed, 2)} px/fr") if moves else ""
    plain = shows_no_pattern(figures, model.limits)
    texture = still_strip(model.addresses, view.answer("decomposition"), "texture", f"Still texture of {view.name}")
    course = turning(figures, model.limits)
    if course is not None:
        second = "flickers" if course == "flicker" else f"to and fro {number(figures.step, 2)} px"
    elif plain:
        second = "one even colour" if shows_one_colour(figures, model.limits) else "an even colour"
    elif figures.explained_variance is not None and not moves:
        explained = max(figures.explained_variance, 0.0)
        fits = explained >= model.limits.explained_variance  # then its motion is not steady, or cannot be told
        second = "no motion named" if fits else f"{percent(explained)} explained"
    verdicts = tuple(verdict for verdict in kernel_verdicts(figures, model.limits) if verdict.state != "untested")
    sort: dict[str, Any] = {
        "index": view.id.index,
        "activation": figures.activation,
        "times": times,
        "speed": figures.mean_speed,
        "direction": figures.direction,
        "explained": figures.explained_variance,
        "motion": known_reliance(figures, model.limits),
    }
    return Card(
        uri=view.uri,
        name=view.name,
        layer=view.id.layer,
        index=view.id.index,
        stage1=clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}"),
        texture=None if plain else texture,
        plain=plain,
        first=first,
        second=second,
        sentence=headline(figures, model.limits).claim,
        state=" ".join(trouble.why for trouble in view.troubles if trouble.state == "failed")
        or " ".join(trouble.why for trouble in view.troubles[:1] if view.answer("kernels") is None),
        verdicts=verdicts,
        sort={name: value for name, value in sort.items() if value is not None},
    )


def cards(model: ModelView, views: Iterable[KernelView]) -> list[Card]:
    """Return the cards of some kernels, in their order."""
    return [kernel_card(model, view) for view in views]
