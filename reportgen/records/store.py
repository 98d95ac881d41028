"""A run's folder: `run.json`, one file per finished job under `records/`, and the media that records name.

Everything is written beside its place and moved there, so that a reader, or a program that was stopped, never sees
half a file. A record is written after its artifacts: what a record names, exists.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reportgen.errors import StoreError
from reportgen.records.base import Frozen
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.manifest import SCHEMA_VERSION, Manifest, Run

RUN_FILE = "run.json"

_Model = TypeVar("_Model", bound=Frozen)


def describe_os_error(error: OSError, path: Path) -> str:
    """Return one sentence about a failed write or read that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"There is no space left to write {path}: free some, or choose another folder, and run again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"There is no permission to write {path}: choose a folder that you may write to."
    return f"Cannot write {path}: {error.strerror or error}."


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` (same suffix) to write to; moved into place when the block ends without an error.

    Raises StoreError when the folder or file cannot be written.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(describe_os_error(error, path)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


class Store:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def media(self) -> Path:
        """Where artifacts lie."""
        return self.folder / "media"

    @property
    def _records(self) -> Path:
        return self.folder / "records"

    def path(self, artifact: Artifact) -> Path:
        """Return where an artifact lies."""
        return self.folder / artifact.path

    def write_run(self, run: Run) -> None:
        """Write the header."""
        write_text(self.folder / RUN_FILE, run.model_dump_json(indent=1) + "\n")

    def has_run(self) -> bool:
        """Whether there is a header."""
        return (self.folder / RUN_FILE).is_file()

    def read_run(self) -> Run:
        """Return the header; raises StoreError when there is none or it is of another version."""
        run = _read(self.folder / RUN_FILE, Run)
        if run.schema_version != SCHEMA_VERSION:
            raise StoreError(
                f"{self.folder} was written by another version of reportgen (schema {run.schema_version}, "
                f"this one reads {SCHEMA_VERSION}): compute it again, or use that version."
            )
        return run

    def add(self, record: Record) -> None:
        """Keep a finished job; its artifacts must have been written."""
        write_text(self._records / f"{record.key}.json", record.model_dump_json(indent=1) + "\n")

    def record(self, key: str) -> Record | None:
        """Return a job's record, or None when there is none or one of its artifacts is gone."""
        path = self._records / f"{key}.json"
        if not path.is_file():
            return None
        record = _read(path, Record)
        if isinstance(record.outcome, Done) and not all(self.path(a).is_file() for a in record.outcome.artifacts):
            return None
        return record

    def keys(self) -> frozenset[str]:
        """Return the keys of all records."""
        return frozenset(path.stem for path in self._records.glob("*.json") if not path.name.startswith("."))

    def manifest(self) -> Manifest:
        """Return the run with the records of its plan that exist."""
        run = self.read_run()
        records = (self.record(key) for key in run.plan)
        return Manifest(run=run, records=tuple(record for record in records if record is not None))

    def prune(self, keep: Iterable[str]) -> tuple[int, int]:
        """Remove all records but `keep`, and all media that no kept record or clip names; (files, bytes) removed."""
        kept = set(keep)
        named = {RUN_FILE}
        for key in self.keys():
            record = self.record(key)
            if key not in kept or record is None:
                continue
            named.add(f"records/{key}.json")
            if isinstance(record.outcome, Done):
                named.update(artifact.path for artifact in record.outcome.artifacts)
        for clip in self.read_run().clips:
            named.update(artifact.path for artifact in (clip.poster, clip.clip) if artifact)
        files = total = 0
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_file() and path.relative_to(self.folder).as_posix() not in named:
                files, total = files + 1, total + path.stat().st_size
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        return files, total


def find_runs(folder: Path) -> list[Store]:
    """Return the runs in `folder` (itself one, or its subfolders), by name; raises StoreError when there are none."""
    if Store(folder).has_run():
        return [Store(folder)]
    stores = [Store(path.parent) for path in sorted(folder.glob(f"*/{RUN_FILE}"))]
    if not stores:
        raise StoreError(
            f"There are no runs in {folder}: run `reportgen compute` first, or name their folder by --runs."
        )
    return stores


def check_writable(folder: Path) -> None:
    """Raise StoreError, before hours of work, when `folder` cannot be written to."""
    with atomic_path(folder / ".writable") as temporary:
        temporary.write_bytes(b"")
    (folder / ".writable").unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder of outputs; raises StoreError when it cannot be."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(describe_os_error(error, folder)) from error


def _read(path: Path, kind: type[_Model]) -> _Model:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StoreError(f"{path} is damaged ({where}: {first['msg']}): remove it and compute again.") from error
