"""Downloading a model's published weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reportgen.given import given_path, given_paths
from reportgen.progress import SILENT, Progress, observer
from reportgen.zoo.cards import Zoo, default_zoo
from reportgen.zoo.fetch import Fetched, Offer, chosen_source, fetch_source
from reportgen.zoo.places import weights_path


def fetch(
    model: str,
    *,
    variant: str | int | None = None,
    destination: str | Path | None = None,
    zoo: Zoo | str | Path | Sequence[str | Path] = (),
    progress: Progress | bool = SILENT,
    confirm: Callable[[Offer], bool] | None = None,
    attempts: int = 5,
    pause: float = 1.0,
    timeout: float = 30.0,
) -> Fetched | None:
    """Download the published weights of a card and return where they are; None when `confirm` says no.

    `variant` chooses among several files by name or index; by default the first with an address. `destination` is a
    file, by default the one where `load_network` looks. `confirm` is shown the offer before the first byte of the
    body is read. After a broken connection the transfer goes on where it stopped, up to `attempts` times without
    progress, with growing pauses (the first of `pause` seconds). The file appears at its place only when it is whole
    and has the digest that the card states; where the card states none, the digest is recorded beside it.

    Raises UnknownNameError for an unknown model or variant, FetchError otherwise.
    """
    progress = observer(progress)
    cards = zoo if isinstance(zoo, Zoo) else default_zoo(given_paths(zoo))
    entry = cards.find(model)
    source = chosen_source(entry, variant)
    return fetch_source(
        entry,
        source,
        weights_path(entry.card, source) if destination is None else given_path(destination),
        progress=progress,
        confirm=confirm,
        attempts=attempts,
        pause=pause,
        timeout=timeout,
    )
