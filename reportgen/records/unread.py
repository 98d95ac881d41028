"""Long records that are known to be sound, read without their answers: these are parsed when they are asked for.

The record of the evidence of 25,000 kernels has 34 MB, most of a short render's time: read as plain data and then as
the answer's model, all its numbers are made twice.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from reportgen.records.answers.base import Answer
from reportgen.records.base import Frozen
from reportgen.records.jobs import Artifact, Done, Job, Record, Spent, unreadable_answer

_Answer = TypeVar("_Answer", bound=Answer)


class _Outcome(BaseModel):
    """What a job's outcome tells beside its answer."""

    status: Literal["done"]
    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...]


class _Told(Frozen):
    digest: str
    job: Job
    outcome: _Outcome
    spent: Spent


class _Answered(BaseModel, Generic[_Answer]):
    """An outcome's answer and nothing else of it."""

    answer: _Answer


class _Part(BaseModel, Generic[_Answer]):
    """Of a record its answer."""

    outcome: _Answered[_Answer]


class _Plain(BaseModel):
    answer: dict[str, Any]


class _PlainPart(BaseModel):
    outcome: _Plain


class UnreadDone(Done):
    """A job that was answered, whose answer stands in the record's document and is not parsed before it is read."""

    model_config = ConfigDict(frozen=True)

    _document: bytes = PrivateAttr()

    def __getattr__(self, name: str) -> Any:
        """Return the answer as plain data, parsed now."""
        if name != "answer":
            return super().__getattr__(name)  # type: ignore[misc]
        self.__dict__["answer"] = found = _PlainPart.model_validate_json(self._document).outcome.answer
        return found

    def read(self, kind: type[_Answer]) -> _Answer:
        """Return the answer as its analysis's model; raises StoreError when it is of another version or damaged."""
        try:
            return _Part[kind].model_validate_json(self._document).outcome.answer  # type: ignore[valid-type]
        except ValidationError as error:
            raise unreadable_answer(kind, error, skipped=2) from error


def record_without_answer(content: bytes) -> Record | None:
    """Return a record whose answer is parsed later; None where the document is not one of a job that was answered."""
    try:
        told = _Told.model_validate_json(content)
    except ValidationError:
        return None
    outcome = UnreadDone.model_construct(artifacts=told.outcome.artifacts, notes=told.outcome.notes)
    outcome._document = content
    del outcome.__dict__["answer"]
    return Record.model_construct(job=told.job, outcome=outcome, spent=told.spent)
