"""What a branch of ours holds: its reports, told by a file at its top that also says what the branch must look like."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from reportgen.errors import OptionError
from reportgen.wording import option

MARKER = ".reportgen-pages.json"
"""At the top of the branch: which reports it holds, and the digest of every entry that we put there."""

TRAILER = "Published-by: reportgen"
"""The last line of our commit's message."""

LATEST = "latest"
_TOP = ""
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = frozenset({"index.html", "404.html", "cname"})
_DEEPEST = 4


@dataclass(frozen=True)
class Published:
    """One report of the branch: where it lies, its git tree, and what the chooser shows of it."""

    name: str
    tree: str
    title: str
    files: int
    size: int
    published: str
    anonymous: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the marker has it."""
        return {
            "name": self.name,
            "tree": self.tree,
            "title": self.title,
            "files": self.files,
            "size": self.size,
            "published": self.published,
            "anonymous": self.anonymous,
        }


@dataclass(frozen=True)
class Catalogue:
    """The reports of a branch in the order in which they came, which of them `latest` leads to, and our entries."""

    reports: tuple[Published, ...] = ()
    latest: str = ""
    entries: tuple[tuple[str, str], ...] = ()

    @property
    def alone(self) -> bool:
        """Whether one report is the whole branch."""
        return any(report.name == _TOP for report in self.reports)

    def names(self) -> list[str]:
        """Return the reports' names."""
        return [report.name for report in self.reports]

    def without(self, names: tuple[str, ...]) -> Catalogue:
        """Return it without these reports; raises OptionError for one that is not there."""
        for name in names:
            if name not in self.names() or name == _TOP:
                known = ", ".join(name for name in self.names() if name) or "none with a name"
                raise OptionError(f"{option('--drop', name)} names no report of the branch: it holds {known}.")
        kept = tuple(report for report in self.reports if report.name not in names)
        return replace(self, reports=kept, latest="" if self.latest in names else self.latest)

    def with_report(self, report: Published, *, latest: bool) -> Catalogue:
        """Return it with a report added or renewed; the first with a name is the latest one, too."""
        if report in self.reports and not latest:
            return self
        others = [other for other in self.reports if other.name != report.name]
        if len({one.anonymous for one in (*others, report)}) > 1:
            raise OptionError(
                "A report that is anonymous and one that is not cannot lie on one branch, which would tell whose the "
                f"former is: name another {option('--branch')} or {option('--remote')}, or replace what is there by "
                f"{option('--replace')}."
            )
        self._check_beside(report.name, [other.name for other in others])
        leads = self.latest
        if report.name != _TOP and (latest or not leads):
            leads = report.name
        if LATEST in {report.name, *(other.name for other in others)}:
            if latest and report.name != LATEST:
                raise OptionError(
                    f"The branch holds a report that is itself named latest: leave {option('--latest')} out, or drop "
                    f"that report by {option('--drop', 'latest')}."
                )
            leads = ""
        return Catalogue((*others, report), leads)

    def _check_beside(self, name: str, others: list[str]) -> None:
        if name == _TOP and others:
            raise OptionError(
                f"The branch holds reports side by side ({', '.join(others[:4])}): name this one by "
                f"{option('--as')}, or replace "
                f"them all by {option('--replace')}."
            )
        if name != _TOP and _TOP in others:
            raise OptionError(
                "The branch holds one report at its top, where the page that lists reports would lie: replace it by "
                f"{option('--replace')}, and publish it again under a name of its own beside {name}."
            )
        for other in others:
            ours, theirs = f"{name}/".lower(), f"{other}/".lower()
            if ours.startswith(theirs) or theirs.startswith(ours):
                raise OptionError(
                    f"Report {name!r} and the branch's {other!r} lie in one another: choose another {option('--as')}."
                )

    def marker(self, version: str) -> str:
        """Return the marker's text."""
        content = {
            "reportgen": version,
            "latest": self.latest,
            "reports": [report.as_json() for report in self.reports],
            "entries": dict(self.entries),
        }
        return json.dumps(content, indent=1) + "\n"


def read_marker(content: bytes) -> Catalogue | None:
    """Return what a marker says, or None where it is none of ours."""
    try:
        told = json.loads(content)
        facts = Published.__annotations__
        reports = tuple(Published(**{fact: one[fact] for fact in facts if fact in one}) for one in told["reports"])
        entries = tuple((str(name), str(digest)) for name, digest in told["entries"].items())
        for report in reports:
            if report.name != _TOP:
                check_name(report.name)
            if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", report.tree) or report.size < 0:
                return None
            date.fromisoformat(report.published)
        latest = str(told["latest"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OptionError):
        return None
    return Catalogue(reports, latest if latest in {report.name for report in reports} else "", entries)


def check_name(name: str) -> str:
    """Return the name of a report side by side with others; raises OptionError when it is no plain folder name."""
    parts = name.split("/")
    if (
        not all(_SEGMENT.fullmatch(part) for part in parts)
        or parts[0].lower() in _RESERVED
        or len(parts) > _DEEPEST
        or any(part.endswith((".", ".git")) for part in parts)
    ):
        raise OptionError(
            f"{option('--as', name)} cannot be a folder of the site: write letters, digits, '.', '_' and '-', with "
            "'/' between folders, such as versions/v1.0."
        )
    return name
