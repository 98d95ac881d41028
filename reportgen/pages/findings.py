"""The findings of a report with their pictures, as its first page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.audit.findings import Finding, findings
from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, clip_strip, strip

_TITLES = {"strongest": "Strongest", "surprising": "Most surprising", "doubtful": "Least trustworthy"}


@dataclass(frozen=True)
class ShownFinding:
    """A finding and what is seen of it."""

    title: str
    finding: Finding
    picture: Strip | None


def shown_findings(model: ModelView) -> list[ShownFinding]:
    """Return a model's findings with a clip of the kernel, or the clip, that each is about."""
    return [ShownFinding(_TITLES[one.kind], one, _picture(model, one)) for one in findings(model, model.limits)]


def _picture(model: ModelView, finding: Finding) -> Strip | None:
    if view := finding.kernel:
        return clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}")
    facts = model.clips.get(finding.clip)
    return strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None
