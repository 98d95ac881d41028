"""Finding model cards: folders with a `card.toml`, bundled or the user's own (torch-free)."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from reportgen.errors import CardError, OptionError, unknown_name
from reportgen.given import given_as
from reportgen.records.card import ModelCard
from reportgen.records.files import read_text
from reportgen.resources import modelzoo_folder
from reportgen.wording import command

CARD_FILE = "card.toml"
SHARED_LABELS = "_labels"
_SHOWN_FAULTS = 3


@dataclass(frozen=True)
class CardEntry:
    """A card and where it lies: `folder` holds its `card.toml`, `root` is the zoo that the folder belongs to."""

    card: ModelCard
    folder: Path
    root: Path

    @property
    def source(self) -> Path:
        """The Python file that defines the architecture; raises CardError when it is not there."""
        architecture = self.card.architecture
        path = (self.root if architecture.shared else self.folder) / architecture.source
        if not path.is_file():
            raise CardError(f"{self.folder / CARD_FILE}: architecture.source names {path}, which is not a file.")
        return path

    @property
    def labels_file(self) -> Path | None:
        """The card's file of class names; None when it names none.

        It is relative to the card's folder; files under `_labels/` are shared and relative to the zoo's root.
        """
        if self.card.labels is None:
            return None
        shared = PurePosixPath(self.card.labels).parts[0] == SHARED_LABELS
        return (self.root if shared else self.folder) / self.card.labels

    def labels(self) -> tuple[str, ...]:
        """Return the class names of the card's labels file, in order; () when the card names none."""
        if self.labels_file is None:
            return ()
        names = read_labels(self.labels_file)
        if self.card.classes is not None and len(names) != self.card.classes:
            raise CardError(
                f"{self.folder / CARD_FILE}: classes is {self.card.classes}, but {self.card.labels} "
                f"names {len(names)}: make them agree."
            )
        return names

    @property
    def digest(self) -> str:
        """SHA-256 over the card, its architecture's source and its labels: what a job's key needs to know."""
        files = [self.folder / CARD_FILE, self.source]
        if self.labels_file is not None:
            files.append(self.labels_file)
        total = hashlib.sha256()
        for file in files:
            total.update(hashlib.sha256(_read(file)).digest())
        return total.hexdigest()


class Zoo:
    """The cards of several folders, in order: the card of an earlier folder wins over its namesake in a later one.

    Each folder is a zoo, with one sub-folder per model, or itself a model's folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)
        for folder in self.folders:
            if not folder.is_dir():
                raise CardError(f"{folder} is not a folder: a zoo is a folder with one sub-folder per model card.")

    @cached_property
    def _places(self) -> tuple[tuple[Path, Path], ...]:
        """Every (model folder, zoo root), without reading a card."""
        places: list[tuple[Path, Path]] = []
        for root in self.folders:
            if (root / CARD_FILE).is_file():
                places.append((root, root))
                continue
            places += [(path.parent, root) for path in sorted(root.glob(f"*/{CARD_FILE}"))]
        return tuple(places)

    @cached_property
    def _entries(self) -> tuple[CardEntry, ...]:
        entries: dict[str, CardEntry] = {}
        for folder, root in self._places:
            if folder.name not in entries:
                entries[folder.name] = read_card(folder, root)
        owners: dict[str, CardEntry] = {}
        for entry in entries.values():
            for alias in entry.card.aliases:
                other = owners.setdefault(alias, entry)
                if other.root == entry.root and other is not entry:
                    raise CardError(
                        f"{entry.folder / CARD_FILE}: aliases holds {alias!r}, "
                        f"which {other.card.name} already has: an alias belongs to one card."
                    )
        return tuple(sorted(entries.values(), key=lambda entry: entry.card.name))

    def entries(self) -> tuple[CardEntry, ...]:
        """Return all cards by name; raises CardError for the first one that is not valid."""
        return self._entries

    def find(self, name: str) -> CardEntry:
        """Return the card of that name or alias; a name wins over an alias.

        Raises UnknownNameError with the nearest names. Only the card itself is read when `name` is a card's name,
        so that a faulty card elsewhere in the zoo does not stand in the way.
        """
        given_as(name, str, "The name of a model")
        for folder, root in self._places:
            if folder.name == name:
                return read_card(folder, root)
        # In the folders' order, so that a user's alias wins over a bundled one.
        for root in self.folders:
            for entry in self._entries:
                if entry.root == root and name in entry.card.aliases:
                    return entry
        known = [word for entry in self._entries for word in (entry.card.name, *entry.card.aliases)]
        raise unknown_name("model", name, known, hint=f"{command('models')} lists them.")


def default_zoo(extra: Iterable[Path] = ()) -> Zoo:
    """Return the bundled cards, preceded by those of the folders `extra`."""
    return Zoo([*extra, modelzoo_folder()])


def read_card(folder: Path, root: Path | None = None) -> CardEntry:
    """Read and validate the card of a model's folder; raises CardError that names the file and the field."""
    path = folder / CARD_FILE
    try:
        values = tomllib.loads(_read(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CardError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise CardError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise CardError(f"{path} is not valid TOML: it holds lists in lists without end.") from error
    try:
        card = ModelCard.model_validate(values)
    except ValidationError as error:
        raise CardError(f"{path}: {_faults(error)}.") from error
    if card.name != folder.name:
        raise CardError(f"{path}: name is {card.name!r}, but the folder is {folder.name!r}: they must be the same.")
    return CardEntry(card, folder, root if root is not None else folder.parent)


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the class names of a text file, one per line; blank lines at the end do not count.

    Raises OptionError when the file cannot be read, holds an empty line in between or holds no name.
    """
    try:
        names = tuple(line.strip() for line in read_text(path, "utf-8-sig").rstrip().splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = _reason(error)
        raise OptionError(f"The labels file {path} cannot be read ({reason}): it needs one name per line.") from error
    if not names:
        raise OptionError(f"The labels file {path} is empty: write one class name per line.")
    if "" in names:
        raise OptionError(f"The labels file {path} has no name in line {names.index('') + 1}: one class name per line.")
    return names


def _faults(error: ValidationError) -> str:
    """Say which fields of a card are wrong, in one line."""
    faults = []
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"]) or "the card"
        faults.append(f"field {field}: {fault['msg'].removeprefix('Value error, ').rstrip('.')}")
    more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
    return "; ".join(faults[:_SHOWN_FAULTS]) + more


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CardError(f"{path} cannot be read ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
