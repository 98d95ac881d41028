"""A copy of a run for a review that must not know who made it.

Keys of jobs are digests of the weights among other things: whoever has the weights could tell them by a key. So every
job has a new key, of what an anonymous report still says, and records, media and plan are named by the new ones.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.anonymous.clips import ClipNames
from reportgen.anonymous.fields import anonymous_run, day
from reportgen.anonymous.media import has_hidden_items, without_metadata
from reportgen.anonymous.text import WITHHELD, without_places
from reportgen.errors import RenderError
from reportgen.records.jobs import Artifact, Done, Failed, FailedAttempt, Job, Outcome, Record, Skipped, content_key
from reportgen.records.layout import renamed
from reportgen.records.manifest import Manifest, Run
from reportgen.records.store import Store
from reportgen.scanning.machine import withheld_words
from reportgen.scanning.words import ForbiddenWords

_KEPT_INPUTS = frozenset({"clip", "clips", "layers", "labelled", "shown", "targets", "reason"})
_WEIGHTS = "weights"
_REASONS = "reasons"


@dataclass(frozen=True)
class AnonymousRun:
    """A run without what tells who made it, and the words that must no longer be in it."""

    store: Store
    withheld: tuple[str, ...]


def anonymous_copy(
    store: Store, manifest: Manifest, folder: Path, words: ForbiddenWords, *, keep_digest: bool = False
) -> AnonymousRun:
    """Write a copy of a run, as far as `manifest` goes, to `folder`; see `reportgen.anonymous.fields.DROPPED`.

    Notes and reasons that hold one of `words`, or what is left out elsewhere, are left out too. With `keep_digest` the
    digest of the weights stays. Raises StoreError when the run cannot be read or the copy not be written, RenderError
    for a picture from which metadata cannot be taken.
    """
    names = ClipNames(manifest.run, manifest.records)
    withheld = (*_withheld(manifest.run, names, keep_digest=keep_digest), *_machines(manifest))
    kept_out = (words, ForbiddenWords(withheld_words(withheld)))
    copy = _Copy(store, Store(folder), names, manifest, kept_out, keep_digest)
    copy.write()
    return AnonymousRun(copy.target, withheld)


def _withheld(run: Run, names: ClipNames, *, keep_digest: bool) -> Iterable[str]:
    """Return what only the fields that were left out hold: digests, and names of files."""
    weights, source = run.weights, run.source
    digests = [weights.file_sha256, source.sha256 if source else None, run.environment.commit]
    digests += [] if keep_digest else [weights.sha256]
    files = [weights.file, source.file if source else None, *(clip.source for clip in run.clips)]
    yield from (digest for digest in digests if digest)
    yield from (file for file in files if file and "." in file and file != "arch.py")
    yield from (name for name in names.old if not name.isalpha())


def _machines(manifest: Manifest) -> Iterable[str]:
    """Return the names of the machines on which jobs failed; a plain word may be one of the report's own."""
    outcomes = [record.outcome for record in manifest.records if isinstance(record.outcome, Failed)]
    names = {attempt.machine for outcome in outcomes for attempt in outcome.attempts if attempt.machine}
    return sorted(name for name in names if not name.isalpha())


@dataclass(frozen=True)
class _Copy:
    source: Store
    target: Store
    names: ClipNames
    manifest: Manifest
    words: tuple[ForbiddenWords, ...]
    keep_digest: bool

    def write(self) -> None:
        """Write records with their media, then the header."""
        records = {record.key: record for record in self.manifest.records}
        keys: dict[str, str] = {}
        for key, record in records.items():
            self._job(key, record, records, keys)
        for key, record in records.items():
            job = self._job(key, record, records, keys)
            outcome = self._outcome(record.outcome, key, job.key)
            spent = record.spent.model_copy(update={"finished": day(record.spent.finished)})
            self.target.add(record.model_copy(update={"job": job, "outcome": outcome, "spent": spent}))
        run = self.manifest.run
        clips = tuple(
            clip.model_copy(
                update={
                    "poster": self._picture(old.poster, old.name, clip.title),
                    "clip": self._picture(old.clip, old.name, clip.title),
                }
            )
            for old, clip in zip(run.clips, map(self.names.facts, run.clips), strict=True)
        )
        plan = tuple(keys.get(key, content_key(["not done", number])) for number, key in enumerate(run.plan))
        header = anonymous_run(run, self.names, keep_digest=self.keep_digest)
        self.target.write_run(header.model_copy(update={"clips": clips, "plan": plan}))

    def _job(self, key: str, record: Record, records: Mapping[str, Record], keys: dict[str, str]) -> Job:
        """Return a job without what tells who made it; `keys` gets its new key."""
        job = record.job
        needs = []
        for needed in job.needs:
            if needed not in keys and needed in records:
                self._job(needed, records[needed], records, keys)
            if needed in keys:
                needs.append(keys[needed])
        kept = {name: value for name, value in job.inputs.items() if self._keeps(name)}
        new = job.model_copy(
            update={
                "unit": self.names.unit(job.unit),
                "parameters": self.names.value(job.parameters),
                "inputs": kept,
                "needs": tuple(needs),
            }
        )
        keys[key] = new.key
        return new

    def _keeps(self, name: str) -> bool:
        return name in _KEPT_INPUTS or (self.keep_digest and name == _WEIGHTS)

    def _outcome(self, outcome: Outcome, old: str, new: str) -> Outcome:
        if isinstance(outcome, Failed):
            withheld = tuple(FailedAttempt() for _ in outcome.attempts)
            return Failed(message=f"{outcome.error}; its message is withheld.", error=outcome.error, attempts=withheld)
        if isinstance(outcome, Skipped):
            return Skipped(reason=self._told(outcome.reason))
        return Done(
            artifacts=tuple(self._artifact(one, old, new) for one in outcome.artifacts),
            answer=self.names.value(self._document(outcome.answer)),
            notes=tuple(map(self._told, outcome.notes)),
        )

    def _told(self, text: str) -> str:
        """Return free text without places, or nothing of it where it still names somebody."""
        left = without_places(text)
        return WITHHELD if any(next(words.in_metadata(left), None) for words in self.words) else left

    def _document(self, value: Any, key: str = "") -> Any:
        """Return a document under the clips' new names, without digests of weights and reasons with file names."""
        if key == _REASONS and isinstance(value, Mapping):
            return {f"clip {number}": "it could not be read" for number, _ in enumerate(value, start=1)}
        if key == _WEIGHTS and isinstance(value, str) and not self.keep_digest:
            return WITHHELD
        if isinstance(value, Mapping):
            return {name: self._document(one, name) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._document(one) for one in value]
        return value

    def _picture(self, artifact: Artifact | None, old: str, title: str) -> Artifact | None:
        if artifact is None:
            return None
        renamed = self._artifact(artifact, old, self.names.new(old))
        return renamed.model_copy(update={"caption": title}) if self.names.new(old) != old else renamed

    def _artifact(self, artifact: Artifact, old: str, new: str) -> Artifact:
        """Write a file of the run to the copy under its new path, and return what is said of it there."""
        path = renamed(artifact.path, old, new)
        source = self.source.path(artifact)
        change = self._change(artifact)
        with self.target.writing(path) as place:
            if change is None:
                shutil.copyfile(source, place)
                return artifact.model_copy(update={"path": path})
            content = change(source.read_bytes())
            place.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return artifact.model_copy(update={"path": path, "sha256": digest, "bytes": len(content)})

    def _change(self, artifact: Artifact) -> Callable[[bytes], bytes] | None:
        """Return what a file's bytes go through; None where they stay."""
        if artifact.media_type == "application/json":
            return self._json
        if artifact.media_type == "text/csv":
            return self._csv
        return _plain_picture if artifact.media_type.startswith("image/") else None

    def _json(self, content: bytes) -> bytes:
        text = json.dumps(
            self.names.value(self._document(json.loads(content))), ensure_ascii=False, separators=(",", ":")
        )
        return (text + "\n").encode()

    def _csv(self, content: bytes) -> bytes:
        """Return a table whose columns of clips have the new names."""
        rows = list(csv.reader(io.StringIO(content.decode())))
        clips = [place for place, head in enumerate(rows[0] if rows else ()) if "clip" in head.lower()]
        for row in rows[1:]:
            for place in clips:
                row[place] = self.names.new(row[place])
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


def _plain_picture(content: bytes) -> bytes:
    if has_hidden_items(content):
        raise RenderError(
            "A picture of the run (AVIF) holds metadata, which an anonymous report must not: compute it again."
        )
    try:
        return without_metadata(content)
    except ValueError as error:
        raise RenderError(f"A picture of the run is damaged ({error}): compute it again.") from error
