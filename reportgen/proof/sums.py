"""A report's files against its root digest, and against the sums that it carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from reportgen.errors import ArchiveError
from reportgen.progress import SILENT, Progress
from reportgen.proof.archive import checked_files
from reportgen.proof.outcome import Proof, first_names
from reportgen.records.paths import inside
from reportgen.records.root_digest import (
    SUMS,
    FileDigest,
    digest_of_file,
    parse_sums,
    read_root,
    root_digest,
    sums_text,
)


@dataclass(frozen=True)
class SealedFiles:
    """The files of a report with their digests; `given` is the root digest that the reader has from elsewhere."""

    folder: Path
    files: dict[str, FileDigest]
    given: str | None
    claimed: str | None
    sums: bytes | None

    @classmethod
    def read(cls, folder: Path, given: str | None, ignore: Sequence[str], progress: Progress) -> SealedFiles:
        """Read every file of a report but those that `ignore` (globs) leaves out; raises ArchiveError."""
        found = [path for path in checked_files(folder) if not any(fnmatchcase(path, glob) for glob in ignore)]
        claimed = read_root(folder)
        try:
            files = _digests(folder, [path for path in found if path != SUMS], given or claimed, progress)
            sums = inside(folder, SUMS).read_bytes() if SUMS in found else None
        except OSError as error:
            raise ArchiveError(f"The report cannot be read ({error.strerror or error}): get it again.") from error
        return cls(folder, files, given, claimed, sums)

    @cached_property
    def root(self) -> str:
        """The root digest of the files as they are."""
        return root_digest(self.files)

    @cached_property
    def own_root(self) -> str:
        """The root digest of the files where the one that the report names itself counts as zeros."""
        if self.given is None or self.claimed is None or self.given == self.claimed:
            return self.root
        return root_digest(_digests(self.folder, list(self.files), self.claimed, SILENT))

    @cached_property
    def differences(self) -> tuple[str, ...]:
        """How the files differ from ``SHA256SUMS``, file by file."""
        if self.sums is None:
            return (f"{SUMS} is not there",)
        try:
            listed = parse_sums(self.sums.decode())
        except ValueError as error:
            return (f"{SUMS} is no list of sums ({error})",)
        found = [f"{path} is gone" for path in listed if path not in self.files]
        found += [f"{path} is not listed" for path in self.files if path not in listed]
        both = ((path, digest) for path, digest in self.files.items() if path in listed)
        found += [f"{path} was changed" for path, digest in both if digest.plain != listed[path]]
        if not found and self.sums != sums_text(self.files).encode():
            found.append(f"{SUMS} is written in another way than it was")
        return tuple(sorted(found))

    def unchanged(self) -> Proof:
        """Return whether all files are those that the given root digest stands for."""
        if self.given is None:
            return Proof(
                holds="not known",
                sentence=f"No root digest was given to compare with; that of these files is {self.root}.",
            )
        if self.root == self.given and not self.differences:
            return Proof(
                holds="yes", sentence=f"All {len(self.files) + 1} files are those that the root digest stands for."
            )
        return Proof(holds="no", sentence=self._changed(), details=self.differences)

    def _changed(self) -> str:
        if self.root == self.given:
            return f"{SUMS} was changed: {first_names(self.differences)}."
        if self.claimed not in (None, self.given):
            return f"The report names {self.claimed} as its own root digest: it is another report, or was sealed again."
        if self.differences:
            return f"Its files differ from what the root digest stands for: {first_names(self.differences)}."
        return f"The root digest of its files is {self.root}: it is another report, or its sums were written again."

    def seal_faults(self) -> list[str]:
        """Return what contradicts the report's own seal."""
        if self.claimed is None and self.sums is None:
            return []
        found = list(self.differences)
        if self.claimed is None:
            found.append("it names no root digest")
        elif self.own_root != self.claimed and not found:
            found.append(f"the root digest of its files is {self.own_root}, and it names {self.claimed}")
        return found

    @property
    def sealed(self) -> bool:
        """Whether the report was sealed at all."""
        return self.sums is not None or self.claimed is not None


def _digests(folder: Path, paths: Sequence[str], root: str | None, progress: Progress) -> dict[str, FileDigest]:
    tokens = (root.encode(),) if root else ()
    found: dict[str, FileDigest] = {}
    with progress.task("Reading files", len(paths)) as task:
        for path in paths:
            found[path] = digest_of_file(inside(folder, path), tokens)
            task.advance()
    return found
