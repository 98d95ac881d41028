"""What may be put side by side: kernels, clips, classes on clips and networks, each with its pictures and figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from reportgen.pages.strips import Strip, strip_data
from reportgen.reading.addresses import relative_link

COMPARE_PAGE = "compare.md"

ComparedKind = Literal["kernel", "clip", "class", "network"]


@dataclass(frozen=True)
class Comparable:
    """A page's subject beside others of its kind: named pictures and figures, of which those of one name share a row.

    `groups` name what others may have in common with it, such as the stage, the clip or the class.
    """

    kind: ComparedKind
    title: str
    network: str
    pictures: tuple[tuple[str, Strip], ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, str], ...] = ()


def compare_index(found: Iterable[tuple[str, Comparable]]) -> list[dict[str, Any]]:
    """Return what scripts read of every subject, by the address of its page, as seen from the page that compares."""
    return [
        {
            "key": str(relative_link(COMPARE_PAGE, uri)),
            "kind": one.kind,
            "title": one.title,
            "network": one.network,
            "pictures": [[name, strip_data(COMPARE_PAGE, picture)] for name, picture in one.pictures],
            "figures": [list(pair) for pair in one.figures],
            "groups": [list(pair) for pair in one.groups],
        }
        for uri, one in found
    ]


def present_pictures(**pictures: Strip | None) -> tuple[tuple[str, Strip], ...]:
    """Return the pictures that are there, with their names."""
    return tuple((name.replace("_", " "), picture) for name, picture in pictures.items() if picture)
