"""What is said of a report where it is linked or cited: its citation, and the card that other sites show of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from reportgen.outputs.citation import CitedNetwork, ReportCitation
from reportgen.pages.findings import ShownFinding
from reportgen.pages.page import SocialCard, SpriteFile
from reportgen.pages.report import ModelView, Report
from reportgen.records.jobs import Artifact, Done, content_digest

CARD = "assets/card.png"

_PICTURES = 4


def citation_of(report: Report, root: str | None = None) -> ReportCitation:
    """Return the citation of a report; `root` is its root digest, or what stands for it until the report is sealed."""
    runs = [model.run for model in report.models]
    dates = [run.finished or run.started for run in runs]
    commits = {run.environment.commit for run in runs}
    return ReportCitation(
        title=f"What the kernels of {report.title} see",
        date=max(dates)[:10],
        commit=commits.pop() if len(commits) == 1 else None,
        networks=[CitedNetwork(m.title, m.run.weights.digest(), m.run.weights.untrained) for m in report.models],
        root=root,
    )


def head_facts(citation: ReportCitation, *, anonymous: bool = False) -> dict[str, Any]:
    """Return what the head of every page tells programs; an `anonymous` report does not say how to cite it."""
    return {
        "anonymous": anonymous,
        "title": citation.title,
        "date": citation.date.replace("-", "/"),
        "program": citation.program,
        "card": CARD,
    }


def social_card(report: Report, found: Iterable[ShownFinding]) -> SocialCard:
    """Return the picture that other sites show beside a link to the report: its title, a finding, and some kernels."""
    sentence = next((one.finding.sentence for one in found), "")
    title = citation_of(report).title
    pictures = list(islice((pair for model in report.models for pair in _posters(model)), _PICTURES))
    drawn = content_digest([title, sentence, [[one.sha256, one.height, one.width] for _, one in pictures]])
    return SocialCard(CARD, title, sentence, tuple(file for file, _ in pictures), drawn)


def _posters(model: ModelView) -> Iterable[tuple[SpriteFile, Artifact]]:
    """Yield a still picture of one kernel of each layer, and what the run says of it."""
    for views in model.kernels.values():
        found = (_poster(view.answer("kernels")) for view in views)
        if poster := next((one for one in found if one), None):
            yield _file(model.store.path(poster), poster), poster


def _poster(done: Done | None) -> Artifact | None:
    poster = done.artifact("stage1", "image") if done else None
    return poster if poster and poster.width and poster.height else None


def _file(path: Path, artifact: Artifact) -> SpriteFile:
    return SpriteFile(path, 1, artifact.height or 1, artifact.width or 1)
