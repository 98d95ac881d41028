"""What the contract tests of the model zoo share: cards, networks and recorded facts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import formula
import torch
from torch import nn

from reportgen.resources import modelzoo_folder
from reportgen.zoo.cards import CardEntry, Zoo
from reportgen.zoo.sources import definition_of

GOLDENS = Path(__file__).parent / "goldens"


@cache
def zoo() -> Zoo:
    """Return the bundled cards."""
    return Zoo([modelzoo_folder()])


def entry(name: str) -> CardEntry:
    """Return the card of that name."""
    return zoo().find(name)


def on_meta(name: str) -> nn.Module:
    """Return a card's network in evaluation mode, without memory for its weights."""
    with torch.device("meta"):
        return definition_of(entry(name)).build().eval()


def filled(name: str, gain: float) -> nn.Module:
    """Return a card's network with the formula's weights, loaded strictly."""
    return formula.fill(on_meta(name), gain)


@cache
def golden(name: str) -> dict[str, Any]:
    """Return the recorded facts of a network."""
    facts: dict[str, Any] = json.loads((GOLDENS / f"{name}.json").read_text(encoding="utf-8"))
    return facts


def recorded() -> list[str]:
    """Return the names of the networks with recorded facts."""
    return sorted(path.stem for path in GOLDENS.glob("*.json"))
