"""Checking a report that came from elsewhere: is it unchanged, does it agree with itself, is it what a network says?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.errors import OptionError
from reportgen.progress import SILENT, Progress
from reportgen.proof.archive import opened_report
from reportgen.proof.outcome import Recomputation, Verification
from reportgen.proof.pages import consistent
from reportgen.proof.sums import SealedFiles
from reportgen.records.root_digest import parse_root


def verify(
    report: str | Path,
    *,
    digest: str | None = None,
    ignore: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Verification:
    """Say three things of a report, a folder or a zip archive, and keep them apart.

    **unchanged**: whether its files are those that the root digest `digest` stands for, which must have come by another
    way than the report. **consistent**: whether its files have their sums, its records and media are as they were
    written, and its pages are what these records are rendered to. Files that `ignore` (globs) matches are no part of
    it. Nothing of the report is run.

    Raises OptionError for a digest of another form, ArchiveError for what is no report or must not be unpacked.
    """
    given = None if digest is None else parse_root(digest)
    if digest is not None and given is None:
        raise OptionError(
            f"--digest {digest[:80]!r} is no root digest: it has 64 digits, 0 to 9 and a to f, and is shown beside the "
            "report's citation."
        )
    with opened_report(Path(report)) as folder:
        sealed = SealedFiles.read(folder, given, ignore, progress)
        return Verification(
            report=Path(report).name,
            root_digest=sealed.root,
            unchanged=sealed.unchanged(),
            consistent=consistent(sealed, progress),
            recomputed=Recomputation(holds="not known", sentence="Nothing was computed again."),
        )
