"""What a report says first is what its audit says."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.audit import findings as told
from reportgen.audit.checks import checks
from reportgen.audit.findings import findings
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict
from reportgen.pages.report import ModelView, Report
from reportgen.records.finding import find_runs


@pytest.fixture(scope="module")
def model(sample_runs: Path) -> ModelView:
    return next(one for one in Report.of(find_runs(sample_runs)).models if one.run.model == "drift")


def verdicts(*states: str) -> list[Verdict]:
    return [Verdict(state, f"check {i}", None, "1 of 2", "2 of 2", "What?") for i, state in enumerate(states)]  # type: ignore[arg-type]


def test_least_trustworthy_is_the_worst_verdict_and_says_how_many_are_no_better(
    model: ModelView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubtful(*states: str) -> str | None:
        monkeypatch.setattr(told, "checks", lambda *_: verdicts(*states))
        found = [one for one in findings(model, Limits()) if one.kind == "doubtful"]
        return f"{found[0].state} {found[0].sentence}" if found else None

    assert doubtful("pass", "pass") is None
    assert (doubtful("pass", "untested", "warn") or "").startswith("warn check 2: 1 of 2.")
    assert "1 more check of the audit is no better" in (doubtful("fail", "warn", "fail") or "")
    assert (doubtful("pass", "untested") or "").startswith("untested check 1"), "what was not tested is no pass"


def test_each_finding_leads_to_its_evidence(model: ModelView) -> None:
    found = findings(model, model.limits)
    assert [one.kind for one in found] == sorted(
        (one.kind for one in found), key=["strongest", "surprising", "doubtful"].index
    )
    states = {row.state for row in checks(model)}
    assert [one.state for one in found if one.kind == "doubtful"] == (["fail"] if "fail" in states else ["warn"])
    for one in found:
        assert one.link
        assert one.sentence.endswith(".")
        if one.kernel:
            assert one.kernel in model.all_kernels
