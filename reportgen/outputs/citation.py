"""How a report is cited: title, date, the program with its commit, and the digest of every network's weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.version import __version__

_DIGITS = 16
"""Digits of a digest that a citation gives; the whole one stands on the provenance page."""

_TEX = re.compile(r"[\\{}$&#%_^~]")
_NAMED = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}  # fmt: skip


@dataclass(frozen=True)
class CitedNetwork:
    """A network of the report: its name, and what tells its weights."""

    title: str
    digest: str
    untrained: bool


@dataclass(frozen=True)
class ReportCitation:
    """What tells a report from every other: `date` is that of its newest run (YYYY-MM-DD), `commit` the program's.

    `root` is its root digest (``reportgen.records.root_digest``), None where the form has none.
    """

    title: str
    date: str
    commit: str | None
    networks: Sequence[CitedNetwork]
    root: str | None = None

    @property
    def program(self) -> str:
        """The program with its version, and its commit where it is known."""
        return f"reportgen {__version__}" + (f", commit {self.commit[:12]}" if self.commit else "")

    @property
    def weights(self) -> str:
        """Every network's weights in words."""
        return "; ".join(
            f"{one.title}: {'untrained' if one.untrained else f'weights {one.digest[:_DIGITS]}'}"
            for one in self.networks
        )

    @property
    def sentence(self) -> str:
        """The citation as a line of text."""
        return f"{self.title}. Generated report, {self.date}. {self.program}. {self.weights}."

    @property
    def bibtex(self) -> str:
        """The citation as an entry of BibTeX."""
        key = re.sub(r"[^0-9A-Za-z]+", "-", self.title).strip("-").lower()[:40] or "report"
        year, month, _ = self.date.split("-")
        fields = {
            "key": key,  # what it is sorted by, since it names no author
            "title": "{" + _tex(self.title) + "}",
            "year": year,
            "month": str(int(month)),
            "howpublished": f"Generated report, {_tex(self.program)}",
            "note": _tex(self.weights + (f"; root digest {self.root}" if self.root else "")),
        }
        lines = (f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@misc{{{key}-{year},\n" + ",\n".join(lines) + "\n}"


def _tex(text: str) -> str:
    """Return text in which LaTeX reads no sign as a command, and BibTeX no brace, even after a backslash."""
    return _TEX.sub(lambda sign: _NAMED.get(sign[0], f"\\{sign[0]}"), text)
