"""Jobs, what came of them, and the artifacts they left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, JsonValue, ValidationError

from reportgen.errors import StoreError
from reportgen.records.answers.base import Answer
from reportgen.records.base import Document, Frozen, Unbounded
from reportgen.records.paths import JobKey, LogPath, MediaPath

_Answer = TypeVar("_Answer", bound=Answer)


_ordered_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def content_digest(value: Any) -> str:
    """Return the SHA-256 of `value` (plain data), which does not depend on the order of its mappings."""
    return hashlib.sha256(_ordered_text(value).encode()).hexdigest()


def content_key(value: Any) -> str:
    """Return the beginning of the digest of `value` (plain data), by which documents and jobs are named."""
    return content_digest(value)[:20]


class Job(Frozen):
    """One question to one network, with everything that its answer depends on.

    `unit` is what is asked about (a kernel, a clip, a class on a clip), printed. `inputs` are the digests of
    what else the answer depends on: the card, the weights, the clip. `needs` are the keys of the jobs whose
    answers it reads.
    """

    analysis: str
    version: int
    unit: str
    parameters: dict[str, JsonValue]
    seed: int
    inputs: dict[str, str]
    needs: tuple[JobKey, ...] = ()

    @cached_property
    def key(self) -> str:
        """The content key: equal for equal questions, whenever and wherever they are asked."""
        return content_key(self.model_dump(mode="json"))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, whose key is that of what it asks."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("key", None)
        return copy


SPRITE_COLUMNS = 8
"""Frames side by side in a sprite, at most: a clip's frames in one picture, row by row."""


class Artifact(Frozen):
    """One file of a run."""

    role: str = Field(description="What it shows: stage1, texture, motion, graph ...")
    kind: str = Field(
        pattern=r"^[a-z][a-z_]*$", description="Of which kind: clip, image, motion, heat, data, json, text ..."
    )
    path: MediaPath = Field(description="Posix path relative to the run's folder, below its media.")
    media_type: str
    sha256: str
    bytes: int
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    caption: str = ""
    scale: Unbounded | None = Field(None, description="What the end of the colour scale stands for.")

    @property
    def is_sprite(self) -> bool:
        """Whether it holds the frames of a clip side by side."""
        return self.media_type in ("image/avif", "image/webp") and (self.frames or 1) > 1


def is_poster_file(path: str) -> bool:
    """Whether a file of a run is the still picture of a clip, by its path."""
    return path.endswith(("_poster.avif", "_poster.webp"))  # before, they were WebP


def unreadable_answer(kind: type[Answer], error: ValidationError, skipped: int = 0) -> StoreError:
    """Return the error of an answer that is no `kind`; `skipped` parts of each place stand around the answer."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][skipped:])
    return StoreError(
        f"An answer of {kind.analysis} is damaged or of another version of reportgen "
        f"({where}: {first['msg']}): compute the run again."
    )


class Done(Frozen):
    """The job was answered."""

    status: Literal["done"] = "done"
    artifacts: tuple[Artifact, ...] = ()
    answer: dict[str, Any] = Field(default_factory=dict, description="The analysis's own model, see records.answers.")
    notes: tuple[str, ...] = ()

    def read(self, kind: type[_Answer]) -> _Answer:
        """Return the answer as its analysis's model; raises StoreError when it is of another version or damaged."""
        try:
            return kind.model_validate(self.answer)
        except ValidationError as error:
            raise unreadable_answer(kind, error) from error

    def artifact(self, role: str, kind: str | None = None) -> Artifact | None:
        """Return the first artifact of that role (and kind), or None."""
        for artifact in self.artifacts:
            if artifact.role == role and kind in (None, artifact.kind):
                return artifact
        return None


class Skipped(Frozen):
    """The question does not apply, for a reason a reader understands."""

    status: Literal["skipped"] = "skipped"
    reason: str


class FailedAttempt(Frozen):
    """One worker's attempt at a job that failed."""

    machine: str | None = Field(None, description="Name of the machine; None where it is withheld.")
    ended: str = Field("", description="The error, or how the worker ended; empty where it is withheld.")
    log: LogPath | None = Field(None, description="The worker's log in the run's folder; None where there is none.")
    lines: tuple[str, ...] = Field((), description="The last lines of the log that are about the job.")


class Failed(Frozen):
    """The job ran and failed."""

    status: Literal["failed"] = "failed"
    message: str
    error: str = Field(description="Class of the error.")
    attempts: tuple[FailedAttempt, ...] = Field(
        (), description="Of each worker that tried it, in order; none where it was not run, or by an earlier version."
    )


Outcome = Annotated[Done | Skipped | Failed, Field(discriminator="status")]


class Spent(Frozen):
    """What an answer took: it varies from run to run, and nothing is judged by it."""

    seconds: float = Field(ge=0)
    finished: str = Field(description="UTC time, ISO 8601.")
    peak_memory: int | None = Field(None, description="Bytes on the device, or of the process on a CPU.")
    machine: str | None = Field(None, description="What computed it: the GPU, or the processor and its threads.")


class Record(Document):
    """One job and what came of it."""

    job: Job
    outcome: Outcome
    spent: Spent

    @property
    def key(self) -> str:
        """The job's content key."""
        return self.job.key
