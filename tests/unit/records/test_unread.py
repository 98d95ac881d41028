"""Long records that are known to be sound are read without their answers; asked for, these are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.errors import StoreError
from reportgen.records import documents
from reportgen.records.answers.choice import ChoiceAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.jobs import Done, Job, Record, Skipped, Spent
from reportgen.records.layout import record_name
from reportgen.records.store import Store
from reportgen.records.unread import UnreadDone

ANSWER = {"layer": "conv", "index": 3, "activation": 2.5, "objective": "firing", "steps": 4, "curve": [0.0, None]}
SPENT = Spent(seconds=1.0, finished="2026-01-01T00:00:00Z")


def kept(folder: Path, unit: str = "net/conv/0003") -> Record:
    """Return a record that a run has."""
    job = Job(analysis="kernels", version=1, unit=unit, parameters={}, inputs={}, seed=0)
    record = Record(job=job, outcome=Done(answer=ANSWER, notes=("noted",)), spent=SPENT)
    Store(folder).add(record)
    return record


def read_as_known(folder: Path, key: str) -> Record:
    """Return a record as it is read by one who knows that its document is sound."""
    earlier, later = Store(folder), Store(folder)
    assert earlier.record(key) is not None
    later.seen.known = frozenset(earlier.seen.digests.values())
    found = later.record(key)
    assert found is not None
    assert later.seen.digests == earlier.seen.digests
    return found


@pytest.fixture(autouse=True)
def _every_record_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST_INDENTED", 0)


def test_a_known_record_says_the_same_and_parses_its_answer_when_asked(tmp_path: Path) -> None:
    written = kept(tmp_path)
    found = read_as_known(tmp_path, written.key)
    assert isinstance(found.outcome, UnreadDone)
    assert "answer" not in found.outcome.__dict__
    assert (found.job, found.spent, found.digest) == (written.job, written.spent, "")
    assert (found.outcome.notes, found.outcome.artifacts, found.outcome.status) == (("noted",), (), "done")
    assert found.outcome.read(KernelAnswer) == KernelAnswer.model_validate(ANSWER)
    assert "answer" not in found.outcome.__dict__, "the model is read without it"
    assert found.outcome.answer == ANSWER
    with pytest.raises(AttributeError):
        _ = found.outcome.answers  # type: ignore[attr-defined]


def test_an_answer_of_another_kind_is_said_to_be_damaged_as_in_any_record(tmp_path: Path) -> None:
    written = kept(tmp_path)
    found = read_as_known(tmp_path, written.key)
    said = []
    for record in (written, found):
        assert isinstance(record.outcome, Done)
        with pytest.raises(StoreError) as error:
            record.outcome.read(ChoiceAnswer)
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_record_without_an_answer_is_read_as_it_was(tmp_path: Path) -> None:
    job = Job(analysis="kernels", version=1, unit="net/conv/0004", parameters={}, inputs={}, seed=0)
    written = Record(job=job, outcome=Skipped(reason="none"), spent=SPENT)
    Store(tmp_path).add(written)
    assert read_as_known(tmp_path, written.key) == written


def test_a_document_that_was_changed_since_is_not_known(tmp_path: Path) -> None:
    written = kept(tmp_path)
    store = Store(tmp_path)
    assert store.record(written.key) is not None
    path = tmp_path / record_name(written.key)
    path.write_bytes(path.read_bytes().replace(b"2.5", b"3.5"))
    later = Store(tmp_path)
    later.seen.known = frozenset(store.seen.digests.values())
    assert later.record(written.key) is None
