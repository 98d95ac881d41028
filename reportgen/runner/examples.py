"""Clips to try things with: those that the generator of a card makes, each with its class."""

from __future__ import annotations

from dataclasses import replace

from reportgen.clips import Clip
from reportgen.errors import OptionError
from reportgen.runner.subject import generate_clips
from reportgen.zoo.cards import default_zoo


def example_clips(model: str = "texture_motion", *, count: int | None = None, seed: int | None = None) -> list[Clip]:
    """Return clips that the generator of a card makes, `1 C T H W` in [0, 1] RGB, each with its class as `label`.

    Those of the bundled network move a known texture by a known motion. `count` and `seed` are the card's own unless
    given. Raises UnknownNameError for a model that there is not, OptionError for a card without a generator.
    """
    entry = default_zoo().find(model)
    card = entry.card
    if card.generator is None:
        raise OptionError(f"The card of {card.name} makes no clips: read_clip reads them from files.")
    said = {name: value for name, value in (("count", count), ("seed", seed)) if value is not None}
    generator = card.generator.model_copy(update={**said, "shown": ()})
    _, made = generate_clips(card.model_copy(update={"generator": generator}), entry.folder)
    return [replace(clip, source=card.name) for clip in made[:count]]
