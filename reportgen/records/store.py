"""A run's folder: `run.json`, one file per finished job under `records/`, and the media that records name.

Everything is written beside its place and moved there, so that a reader, or a program that was stopped, never sees
half a file. A record is written after its artifacts: what a record names, exists. What is written is noted first (see
`reportgen.records.written`): only that is ever removed. Nothing is read or written through a link (see
`reportgen.records.paths`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from reportgen.errors import StoreError
from reportgen.records.base import Document
from reportgen.records.documents import DAMAGED, DamagedError, SeenDocuments, document_text, read_document, read_part
from reportgen.records.files import atomic_path, half_written, remove_listed
from reportgen.records.jobs import Artifact, Done, Failed, Job, Record, Spent
from reportgen.records.layout import RecordPlace, old_record_name, record_file, record_name, record_places
from reportgen.records.lease import LEASE
from reportgen.records.manifest import READ_VERSIONS, SCHEMA_VERSION, ClipFacts, Manifest, Run
from reportgen.records.os_errors import describe_os_error, describe_read_error
from reportgen.records.packed import carried_path, is_packed
from reportgen.records.paths import inside
from reportgen.records.plan import RunPlan
from reportgen.records.soundness import CheckedFiles, check_content
from reportgen.records.unread import record_without_answer
from reportgen.records.written import check_not_moved, claims_in, list_name, lists_in, note_written, written_files

RUN_FILE = "run.json"
PLAN_FILE = "plan.json"


class _Versioned(BaseModel):
    """The one field of a header that every version has."""

    schema_version: int


class Store:
    """The folder of one run.

    Of the copy that a site has those files need not be there that are `absent`, and long documents may be compressed
    (see `reportgen.records.packed`). Of several that write to a run at once each has a name of its own as `writer`.
    `seen` are the documents that were read.
    """

    def __init__(self, folder: Path, absent: Callable[[Artifact], bool] | None = None, writer: str = "") -> None:
        self.folder = folder
        self._absent = absent
        self._list = list_name(writer)
        self._noted: set[str] | None = None
        self._has_list = False
        self._files = CheckedFiles()
        self.seen = SeenDocuments()

    def path(self, artifact: Artifact) -> Path:
        """Return where an artifact lies; raises StoreError when that is no regular file of this run.

        In the copy that a site has, that may be the compressed file: see `reportgen.records.packed.content_at`.
        """
        place = inside(self.folder, artifact.path)
        if self._absent is not None and is_packed(artifact) and not place.exists():
            short = inside(self.folder, carried_path(artifact))
            return short if short.exists() else place
        return place

    def file(self, relative: str) -> Path:
        """Return where a file of the run lies; raises StoreError when that is no regular file of this run."""
        return inside(self.folder, relative)

    @contextmanager
    def writing(self, relative: str) -> Iterator[Path]:
        """Yield a path to write a file of the run to, moved to its place at the end: the one way to write to a run.

        Raises StoreError when that place is outside the run, is no file, or cannot be written.
        """
        path = inside(self.folder, relative)
        self._note(relative)
        with atomic_path(path) as temporary:
            yield temporary

    def growing(self, relative: str) -> Path:
        """Return where a text file of the run lies that its only writer adds to; it is noted, and its folder made.

        Raises StoreError when that place is outside the run, is no file, or cannot be written.
        """
        path = inside(self.folder, relative)
        self._note(relative)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(describe_os_error(error, path)) from error
        return path

    def _note(self, relative: str) -> None:
        """Write down that a file is ours, before it is there."""
        if self._noted is None:
            self._noted = written_files(self.folder)
        elif self._has_list:
            check_not_moved(self.folder, self._list)
        if relative not in self._noted:
            note_written(self.folder, self._list, relative)
            self._noted.add(relative)
            self._has_list = True

    def write_run(self, run: Run) -> None:
        """Write the header."""
        self._write(RUN_FILE, run)

    def write_plan(self, plan: RunPlan) -> None:
        """Write the plan of all jobs, before they are done."""
        self._write(PLAN_FILE, plan)

    def read_plan(self) -> RunPlan:
        """Return the plan of the last build; raises StoreError when there is none or it is damaged."""
        return read_document(inside(self.folder, PLAN_FILE), RunPlan)

    def has_run(self) -> bool:
        """Whether there is a header, or something else in its place, which reading it then refuses.

        Raises StoreError where nobody may look.
        """
        return _is_there(self.folder / RUN_FILE)

    def has_plan(self) -> bool:
        """Whether there is a plan, or something else in its place, which reading it then refuses.

        Raises StoreError where nobody may look.
        """
        return _is_there(self.folder / PLAN_FILE)

    def check_not_newer(self) -> None:
        """Raise StoreError for a run of a later version: what this one cannot read it would write over."""
        if self.has_run() and (version := self.schema_version()) > SCHEMA_VERSION:
            raise StoreError(
                f"{self.folder} was written by a later version of reportgen (schema {version}, this one writes "
                f"{SCHEMA_VERSION}): use that version, or another folder of runs."
            )

    def read_run(self) -> Run:
        """Return the header; raises StoreError when there is none or it is of another version."""
        if self.has_run() and (version := self.schema_version()) not in READ_VERSIONS:
            raise StoreError(
                f"{self.folder} was written by another version of reportgen (schema {version}, "
                f"this one reads {SCHEMA_VERSION}): compute it again, or use that version."
            )
        return read_document(inside(self.folder, RUN_FILE), Run, self.seen)

    def schema_version(self) -> int:
        """Return the version of the documents that the header names, whatever else stands in it."""
        return read_part(inside(self.folder, RUN_FILE), _Versioned).schema_version

    def add(self, record: Record) -> None:
        """Keep a finished job; its artifacts must have been written."""
        self._write(record_name(record.key), record)

    def _write(self, relative: str, document: Document) -> None:
        with self.writing(relative) as temporary:
            temporary.write_text(document_text(document), encoding="utf-8")

    def record(self, key: str) -> Record | None:
        """Return a job's record; None where there is none, where a file that it names is gone, and where it is damaged.

        Raises StoreError where a link or something else stands in the place of a file.
        """
        try:
            return self._sound_record(key)
        except DamagedError:
            return None

    def _sound_record(self, key: str, place: RecordPlace | None = None) -> Record | None:
        """Return a job's record; raises DamagedError where it or a file of it is gone or not what was written.

        `place` is where it lies, where that has been looked up.
        """
        record = self._read_record(key, place)
        if record is None:
            return None
        documents = {}
        try:
            for artifact in _artifacts(record):
                path = self.path(artifact)
                if self._holds(path, artifact) and artifact.kind == "json":
                    documents[artifact.role] = (path, artifact)
            if not self.seen.is_known(f"{key}.json"):
                check_content(record, documents)
        except OSError as error:
            raise StoreError(describe_read_error(error, self.folder)) from error
        return record

    def _holds(self, path: Path, artifact: Artifact) -> bool:
        """Whether a file is there, as written; raises DamagedError where it is not and must be, and OSError."""
        try:
            self._files.check(path, artifact)
        except FileNotFoundError as error:
            if self._absent is None or not self._absent(artifact):
                raise DamagedError(f"{artifact.path} is gone: compute it again.") from error
            return False
        return True

    def is_sound(self, artifact: Artifact) -> bool:
        """Whether a file of the run is there and what was written; raises StoreError where it is no file."""
        path = self.path(artifact)
        try:
            self._files.check(path, artifact)
        except (DamagedError, OSError):
            return False
        return True

    def _read_record(self, key: str, place: RecordPlace | None = None) -> Record | None:
        if place is not None and place.is_file:
            path = self.folder / place.path
        else:
            path = inside(self.folder, self.record_file(key))
            if not path.exists():
                return None
        record = read_document(path, Record, self.seen, record_without_answer)
        if record.key != key:
            raise DamagedError(f"{path} is damaged (it is another job's record): remove it and compute again.")
        return record

    def keys(self) -> frozenset[str]:
        """Return the keys of all records."""
        return frozenset(record_places(self.folder))

    def record_files(self) -> dict[str, Path]:
        """Return the files of all records by their keys: regular files, and no links."""
        places = record_places(self.folder)
        return {key: self.folder / place.path for key, place in places.items() if place.is_file}

    def record_file(self, key: str) -> str:
        """Return the path of a job's record as it lies in the run, or would."""
        return record_file(self.folder, key)

    def manifest(self) -> Manifest:
        """Return the run with the records of its plan that exist; a damaged one is there as a failed job that says so.

        Clips have those pictures only that are what was written.
        """
        run = self.read_run()
        clips = tuple(self._sound_clip(clip) for clip in run.clips)
        records: list[Record | None] = []
        damaged: list[str] = []
        places = record_places(self.folder)
        for key in dict.fromkeys(run.plan):
            if key not in places:  # a plan may name a great many
                continue
            try:
                records.append(self._sound_record(key, places[key]))
            except DamagedError as error:
                damaged.append(key)
                records.append(self._shown_damaged(key, error))
        return Manifest(
            run=run.model_copy(update={"clips": clips}),
            records=tuple(record for record in records if record is not None),
            damaged=tuple(damaged),
        )

    def _sound_clip(self, clip: ClipFacts) -> ClipFacts:
        pictures = {"poster": clip.poster, "clip": clip.clip}
        damaged = {name: None for name, artifact in pictures.items() if artifact and not self.is_sound(artifact)}
        return clip.model_copy(update=damaged) if damaged else clip

    def _shown_damaged(self, key: str, error: DamagedError) -> Record | None:
        """Return what stands for a damaged record; None where no plan says what was asked."""
        job = self._planned.get(key)
        if job is None:
            return None
        failed = Failed(message=str(error), error=DAMAGED)
        return Record(job=job, outcome=failed, spent=Spent(seconds=0, finished=""))

    @cached_property
    def _planned(self) -> dict[str, Job]:
        """The jobs of the last build by their keys; none where the plan cannot be read."""
        try:
            jobs = [planned.job for planned in self.read_plan().jobs]
        except StoreError:
            return {}
        return {job.key: job for job in jobs}

    def prune(self, keep: Iterable[str]) -> tuple[int, int]:
        """Remove all records but `keep`, and all media that no kept record or clip names; (files, bytes) removed.

        Only what this program wrote is removed. Raises StoreError, and removes nothing, when a kept record cannot be
        read: it is not known then what it needs.
        """
        kept = {RUN_FILE, PLAN_FILE}
        wanted = set(keep)
        for key in wanted:
            record = self._read_record(key)
            kept |= {self.record_file(key), *_named(record)} if record else set()
        kept.update(artifact.path for artifact in _pictures(self.read_run()))
        return remove_listed(self.folder, self._ours() - kept)

    def remove(self) -> tuple[int, int]:
        """Remove the run, as far as this program wrote it; (files, bytes) removed. Raises StoreError for no run."""
        pictures = {artifact.path for artifact in _pictures(self.read_run())}
        last = {*lists_in(self.folder), LEASE}
        # The header goes last but one: a removal that was stopped can be asked for again.
        parts = [remove_listed(self.folder, names) for names in (self._ours() | pictures, {RUN_FILE}, last)]
        if self.folder.is_dir() and not self.folder.is_symlink() and not any(self.folder.iterdir()):
            self.folder.rmdir()
        return sum(files for files, _ in parts), sum(size for _, size in parts)

    def _ours(self) -> set[str]:
        """Return what this program wrote: what it noted, and what the run's records name; the header apart."""
        found = written_files(self.folder) | half_written(self.folder) | claims_in(self.folder)
        for key in self.keys():
            try:
                record = self._read_record(key)
            except StoreError:  # damaged, or somebody else's
                continue
            found |= {record_name(key), old_record_name(key), *_named(record)} if record else set()
        return found - {RUN_FILE, *lists_in(self.folder)}


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(describe_read_error(error, path)) from error
    return True


def _pictures(run: Run) -> list[Artifact]:
    return [artifact for clip in run.clips for artifact in (clip.poster, clip.clip) if artifact]


def _artifacts(record: Record) -> tuple[Artifact, ...]:
    return record.outcome.artifacts if isinstance(record.outcome, Done) else ()


def _named(record: Record) -> set[str]:
    """Return the files that a record names: those of its answer, and the logs of who failed at it."""
    attempts = record.outcome.attempts if isinstance(record.outcome, Failed) else ()
    return {artifact.path for artifact in _artifacts(record)} | {attempt.log for attempt in attempts if attempt.log}
