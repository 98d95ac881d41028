"""Reference clips beside a kernel: the strongest, the weakest, some at random, and where each is driven most."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reportgen.pages.kernel import LEAST_MARK, mark
from reportgen.reading.evidence import Evidence
from reportgen.records.answers.evidence import EvidenceAnswer, LayerEvidence, packed_statistics

CLIPS = [f"clip{i}" for i in range(8)]


def example(clip: int, value: float) -> list[float]:
    return [clip, value, 3, 10, 20]


@pytest.fixture
def evidence() -> Evidence:
    return found()


def found(dead: list[int] | None = None) -> Evidence:
    layer = {
        "kernels": 2,
        "dead": dead,
        "duplicates": [],
        "words": [],
        "quantiles": [[0, 1, 2, 3, 4, 5, 6, 7], [None] * 8],
        "field": [5, 7, 7],
        "most": [[example(7, 7.0), example(6, 6.0)], []],
        "least": [[example(0, 0.0)], []],
        "drawn": [[[2, 2.0]], []],
    }
    document = {
        "objective": "firing",
        "clips": 8,
        "labelled": 0,
        "unreadable": 2,
        "reasons": {"x": "cut off"},
        "names": CLIPS,
    }
    return Evidence.of(EvidenceAnswer.model_validate({**document, "layers": {"conv": layer}}))


def test_strips_name_their_clips_and_places(evidence: Evidence) -> None:
    strips = evidence.strips("conv", 0)
    assert strips is not None
    assert [(driven.clip, driven.value) for driven in strips.most] == [("clip7", 7.0), ("clip6", 6.0)]
    assert strips.least[0].place == (3, 10, 20)
    assert strips.random[0].place is None, "a linear layer has no place"
    assert (evidence.best("conv", 0), strips.field) == (strips.most[0], (5, 7, 7))
    assert (evidence.unreadable, evidence.reason) == (2, "cut off")


def test_too_few_clips_call_no_kernel_dead() -> None:
    assert found([]).redundancy["conv"].share == 0
    assert found([1]).doubts("conv", 1) == ["Dead on the reference clips: it answers alike to all 8 of them."]
    assert found(None).redundancy == {}
    assert found(None).doubts("conv", 1) == []


def test_percentiles_count_the_clips_below(evidence: Evidence) -> None:
    assert evidence.percentile("conv", 0, 3.5) == 0.5
    assert evidence.percentile("conv", 0, 3.0) == 3 / 8, "an equal response is not below"
    assert evidence.percentile("conv", 0, 100.0) == 1.0


@pytest.mark.parametrize(("layer", "kernel"), [("other", 0), ("conv", 9), ("conv", 1)])
def test_what_was_not_measured_has_no_evidence(evidence: Evidence, layer: str, kernel: int) -> None:
    assert evidence.best(layer, kernel) is None
    assert evidence.strips(layer, kernel) is None
    assert evidence.percentile(layer, kernel, 1.0) is None


def test_a_mark_is_what_a_unit_sees_within_the_clip() -> None:
    box = mark((8, 32, 2), (5, 16, 16), (16, 64, 64))
    assert box is not None
    assert (box.left, box.width) == (0.0, round(100 * 10.5 / 64, 1)), "the field ends at the clip's border"
    assert (box.top, box.height) == (round(100 * 24.5 / 64, 1), 25.0)
    assert (box.first, box.last, box.frames) == (6, 10, 16)
    assert box.words == "frame 8 (0–15), x 2, y 32"


def test_where_a_unit_sees_most_of_the_clip_its_centre_is_marked() -> None:
    box = mark((8, 32, 32), (30, 60, 60), (16, 64, 64))
    assert box is not None
    assert box.width == box.height == 100 * LEAST_MARK
    assert box.first == box.last == 8
    assert mark(None, (5, 7, 7), (16, 64, 64)) is None
    unknown = mark((8, 32, 32), None, (16, 64, 64))
    assert unknown == box


def test_order_statistics_are_packed_and_those_of_earlier_runs_are_read() -> None:
    rows = [[1.0, 2.5, None], [-3.0, 0.0, 7.0]]
    for told in (rows, packed_statistics(rows)):
        layer = _with_statistics(told)
        assert [layer.statistics(kernel) for kernel in range(3)] == [[1.0, 2.5], [-3.0, 0.0, 7.0], []]
        assert layer.model_dump()["quantiles"] == packed_statistics(rows)
    assert _with_statistics("").statistics(0) == []


@pytest.mark.parametrize("told", ["####", packed_statistics([[1.0], [2.0], [3.0]]), packed_statistics([[1.0]])])
def test_order_statistics_that_are_no_rows_of_numbers_are_refused(told: str) -> None:
    with pytest.raises(ValidationError, match="quantiles"):
        _with_statistics(told)


def _with_statistics(told: object) -> LayerEvidence:
    empty = {"dead": None, "duplicates": [], "words": [], "field": None, "most": [], "least": [], "drawn": []}
    return LayerEvidence.model_validate({**empty, "kernels": 2, "quantiles": told})
