"""Clips beside shown kernels have whole pictures, those beside other kernels small ones, the most frequent first."""

from __future__ import annotations

import pytest

from reportgen.records.answers.evidence import EvidenceAnswer, LayerEvidence
from reportgen.records.jobs import Done, Failed, Job, Record, Spent
from reportgen.runner import evidence_clips
from reportgen.runner.evidence_clips import clips_to_preview, clips_to_show

NAMES = ("a", "b", "c", "d", "e")
MOST = (((0, 2.0), (1, 1.0)), ((2, 2.0), (3, 1.0)), ((3, 2.0), (2, 1.0)), ((3, 1.0), (0, 1.0)))


def record(outcome: Done | Failed | None = None) -> Record:
    layer = LayerEvidence(
        kernels=4, dead=None, duplicates=(), words=(), quantiles="", field=None, most=MOST, least=((),) * 4,
        drawn=(((4, 0.5),), (), (), ()),
    )  # fmt: skip
    answer = EvidenceAnswer(
        objective="firing", clips=5, labelled=0, unreadable=0, reasons={}, names=NAMES, layers={"conv": layer}
    )
    done = outcome or Done(answer=answer.model_dump(mode="json"))
    job = Job(analysis="evidence", version=1, unit="n", parameters={}, seed=0, inputs={})
    return Record(job=job, outcome=done, spent=Spent(seconds=0.0, finished="2025-01-01T00:00:00Z"))


def test_clips_of_shown_kernels_are_shown_and_those_of_others_previewed_once() -> None:
    shown = {"conv": (0,)}
    assert clips_to_show(record(), shown) == ["a", "b", "e"]
    assert clips_to_preview(record(), shown) == ["d", "c"], "d stands beside three kernels, c beside two"
    assert clips_to_preview(record(), {}) == ["d", "a", "c", "b", "e"]


def test_no_more_are_previewed_than_a_site_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_clips, "MOST_PREVIEWED", 1)
    assert clips_to_preview(record(), {"conv": (0,)}) == ["d"]


def test_an_answer_that_failed_shows_none() -> None:
    failed = record(Failed(message="no memory", error="OutOfMemoryError"))
    assert clips_to_show(failed, {"conv": (0,)}) == clips_to_preview(failed, {}) == []
