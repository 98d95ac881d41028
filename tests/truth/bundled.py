"""The bundled network's own clips, with their classes."""

from __future__ import annotations

import importlib.util
from functools import cache

from torch import Tensor

from reportgen import Network, load_network
from reportgen.resources import modelzoo_folder


@cache
def bundled_network() -> Network:
    return load_network("texture_motion")


def bundled_clips(count: int, *, motion: str = "", seed: int = 5) -> list[tuple[Tensor, int]]:
    """`count` clips 1 3 T H W spread over the classes (those whose name has `motion`), and their classes."""
    card = bundled_network().card
    assert card is not None
    spec = importlib.util.spec_from_file_location("bundled_clips", modelzoo_folder() / "texture_motion" / "clips.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = [one for one in module.reference_clips(card, card.classes, seed) if motion in one.label_name]
    return [(one.clip[None], one.label) for one in made[:: len(made) // count]][:count]
