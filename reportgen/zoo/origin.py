"""Which file defines a network: two networks of one name and equal weights may still compute different things."""

from __future__ import annotations

from pathlib import Path

from reportgen.records.files import file_digest
from reportgen.records.manifest import SourceFacts
from reportgen.zoo.cards import Zoo
from reportgen.zoo.foreign import is_foreign
from reportgen.zoo.sources import factory_of


def source_of(model: str, zoo: Zoo) -> SourceFacts:
    """Return the facts about the file that defines `model` (a card's name, a factory or a ``.pt2`` file).

    What that file imports is not looked at. Raises what loading the network raises for a name that there is not.
    """
    if model.endswith(".pt2"):
        path: Path | None = Path(model)
    elif is_foreign(model):
        _, path = factory_of(model)
    else:
        path = zoo.find(model).source
    return SourceFacts() if path is None else SourceFacts(file=path.name, sha256=file_digest(path))
