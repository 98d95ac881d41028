"""The bundled network's own clips, with their classes."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache

from torch import Tensor

from reportgen import Network, load_network
from reportgen.resources import modelzoo_folder
from reportgen.runner.subject import GeneratedClip


@cache
def bundled_network() -> Network:
    return load_network("texture_motion")


def bundled_clips(count: int, *, motion: str = "", seed: int = 5) -> list[tuple[Tensor, int]]:
    """`count` clips 1 3 T H W spread over the classes (those whose name has `motion`), and their classes."""
    card = bundled_network().card
    assert card is not None
    made = [one for one in _generated(card.classes or 0, seed) if motion in one.label_name]
    return [(one.clip[None], one.label) for one in made[:: len(made) // count]][:count]


def shown_clips() -> list[tuple[Tensor, int]]:
    """The clips 1 3 T H W that the report shows, and their classes."""
    card = bundled_network().card
    assert card is not None
    assert card.generator is not None
    made = _generated(card.generator.count, card.generator.seed)
    first = {one.label_name: one for one in reversed(made)}
    return [(first[name].clip[None], first[name].label) for name in card.generator.shown]


def _generated(count: int, seed: int) -> Sequence[GeneratedClip]:
    card = bundled_network().card
    spec = importlib.util.spec_from_file_location("bundled_clips", modelzoo_folder() / "texture_motion" / "clips.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Sequence[GeneratedClip] = module.reference_clips(card, count, seed)
    return made
