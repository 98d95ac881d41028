"""Checking a report that came from elsewhere: is it unchanged, does it agree with itself, is it what a network says?"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, ReportgenError, speaking
from reportgen.given import given_path, given_words
from reportgen.progress import SILENT, Progress, observer
from reportgen.proof.archive import opened_report
from reportgen.proof.carried import CarriedReport
from reportgen.proof.likeness import DEFAULT_TOLERANCE
from reportgen.proof.outcome import Recomputation, Verification
from reportgen.proof.pages import consistent
from reportgen.proof.sums import SealedFiles
from reportgen.records.root_digest import parse_root
from reportgen.wording import BUILD_OPTIONS, option, worded

_SEEDS = 1_000_000


@speaking(BUILD_OPTIONS)
def verify(
    report: str | Path,
    *,
    digest: str | None = None,
    ignore: str | Sequence[str] = (),
    options: BuildOptions | None = None,
    sample: int = 0,
    seed: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    progress: Progress | bool = SILENT,
) -> Verification:
    """Say three things of a report, a folder or a zip archive, and keep them apart.

    **unchanged**: whether its files are those that the root digest `digest` stands for, which must have come by another
    way than the report. **consistent**: whether its files have their sums, its records and media are as they were
    written, and its pages are what these records are rendered to. Files that `ignore` (globs) matches are no part of
    it.

    **recomputed**: whether `sample` of its records, drawn by `seed` (default: a new one, which is told; whoever forges
    a report must not know it), come out the same within `tolerance`, a share of each number. The network, weights,
    clips, zoo and device are those of `options`; of the report only what it asked is read. Nothing of the report is
    run: a card that it names is looked up in the reader's own zoo. `progress` says the expected time first.

    Raises OptionError for a digest of another form and a sample or tolerance out of range, ArchiveError for what is no
    report or must not be unpacked, and the errors of loading what `options` name.
    """
    progress = observer(progress)
    given = None if digest is None else parse_root(digest)
    if digest is not None and given is None:
        raise OptionError(
            f"{option('--digest', digest[:80])} is no root digest: it has 64 digits, 0 to 9 and a to f, and is shown "
            "beside the report's citation."
        )
    if sample < 0 or not 0 <= tolerance < 1:
        raise OptionError("A sample has 0 records or more, and a tolerance is a share from 0 to below 1.")
    with opened_report(given_path(report)) as folder:
        sealed = SealedFiles.read(folder, given, given_words(ignore), progress)
        return Verification(
            report=Path(report).name,
            root_digest=sealed.root,
            unchanged=sealed.unchanged(),
            consistent=consistent(sealed, progress),
            recomputed=_recomputed(folder, options, sample, seed, tolerance, progress),
        )


def _recomputed(
    folder: Path, options: BuildOptions | None, sample: int, seed: int | None, tolerance: float, progress: Progress
) -> Recomputation:
    if not sample:
        return Recomputation(
            holds="not known",
            sentence=worded(
                f"Nothing was computed again: {option('--sample', 20)} does so for 20 records, with "
                f"{option('--weights')} or {option('--model')}."
            ),
        )
    try:
        models = CarriedReport.of(folder).report().models
    except ReportgenError as error:
        return Recomputation(holds="not known", sentence=f"Its records cannot be read. {error}")
    from reportgen.runner.recomputed import Sampling, recomputed

    sampling = Sampling(sample, secrets.randbelow(_SEEDS) if seed is None else seed, tolerance)
    runs = [(model.store, model.manifest) for model in models]
    return recomputed(runs, options or BuildOptions(), sampling, progress)
