"""A report made smaller, step by step, until it fits: what goes first is what a reader misses least.

The runs are copied with coarser or fewer pictures, whose sizes and digests their records tell: the smaller report is as
consistent as the whole one. Pictures keep their pixels in number, since fewer of them would show fine stripes as grey.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.exports.stills import with_stills
from reportgen.media.encode import coarser_picture
from reportgen.media.figures import AVIF
from reportgen.pages.report import Report
from reportgen.progress import Progress
from reportgen.reading.format import bytes_size
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.manifest import ClipFacts, Manifest
from reportgen.records.store import Store
from reportgen.wording import option

_WORKERS = 2
_SAMPLE = 10
"""Pictures that are encoded to tell how small all of them would be."""

_MARGIN = 0.97
"""Share of the size that a step may be expected to need for being tried."""


@dataclass(frozen=True)
class Reduction:
    """How a report is made smaller: the AVIF `quality` of its pictures, and what it is without.

    Of each layer `moving` kernels have clips (None: all), the others still pictures; with 0 nothing moves. Without
    `records` the questions and answers of the jobs are left out, and graphs and tables of single answers.
    """

    quality: int
    moving: int | None = None
    records: bool = True

    def sentences(self) -> Iterator[str]:
        """Yield what a reader is told of it."""
        yield f"Clips and pictures are encoded anew as AVIF of quality {self.quality}: fine details are lost."
        if self.moving:
            count = "one kernel" if self.moving == 1 else f"{self.moving} kernels"
            yield f"At most {count} of each layer have clips, the others still pictures."
        elif self.moving == 0:
            yield "Still pictures stand in the place of all clips that have one."
        if not self.records:
            yield "The records of the jobs, and graphs and tables of single answers, are left out."


def steps(report: Report) -> list[Reduction]:
    """Return the steps from the least loss to the most; the last one leaves the least report."""
    found = [Reduction(20), Reduction(10)]
    shown = max((len(views) for model in report.models for views in model.kernels.values()), default=0)
    while (shown := shown // 2) >= 1:
        found.append(Reduction(10, moving=shown))
    return [*found, Reduction(10, moving=0), Reduction(10, moving=0, records=False)]


def reduced_report(report: Report, reduction: Reduction, folder: Path, progress: Progress) -> Report:
    """Write copies of a report's runs into `folder`, made smaller, and return the report on them.

    Raises StoreError when a run cannot be read or a copy not be written.
    """
    extras = replace(report.extras, records=reduction.records)
    copies = []
    for number, model in enumerate(report.models):
        copy = _Copy(model.store, Store(folder / f"{number:03d}"), reduction.quality, progress)
        copy.write(with_stills(model.manifest, reduction.moving), tuple(reduction.sentences()))
        copies.append(copy.target)
    return Report.of(copies, (), extras)


@dataclass(frozen=True)
class _Copy:
    source: Store
    target: Store
    quality: int
    progress: Progress

    def write(self, manifest: Manifest, left_out: tuple[str, ...]) -> None:
        """Write the files of a run, then the records that tell of them, then the header."""
        files = {one.path: one for one in _files(manifest)}
        written: dict[str, Artifact] = {}
        with (
            self.progress.task("Making pictures smaller", len(files)) as task,
            ThreadPoolExecutor(_WORKERS) as pool,
        ):
            for artifact, content in zip(files.values(), pool.map(self._content, files.values()), strict=True):
                written[artifact.path] = self._written(artifact, content)
                task.advance()
        for record in manifest.records:
            self.target.add(_with_files(record, written))
        clips = tuple(_clip_with_files(clip, written) for clip in manifest.run.clips)
        self.target.write_run(manifest.run.model_copy(update={"clips": clips, "left_out": left_out}))

    def _content(self, artifact: Artifact) -> bytes | None:
        """Return a picture's smaller content; None for what is no AVIF, or is no larger as it is."""
        if artifact.media_type != AVIF:
            return None
        content = coarser_picture(self.source.path(artifact), self.quality)
        return content if len(content) < artifact.bytes else None

    def _written(self, artifact: Artifact, content: bytes | None) -> Artifact:
        with self.target.writing(artifact.path) as place:
            if content is None:
                shutil.copyfile(self.source.path(artifact), place)
                return artifact
            place.write_bytes(content)
        return artifact.model_copy(update={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})


def _files(manifest: Manifest) -> Iterator[Artifact]:
    for record in manifest.records:
        if isinstance(record.outcome, Done):
            yield from record.outcome.artifacts
    yield from (one for clip in manifest.run.clips for one in (clip.poster, clip.clip) if one)


def _as_written(artifact: Artifact, written: Mapping[str, Artifact]) -> Artifact:
    found = written[artifact.path]
    return artifact.model_copy(update={"bytes": found.bytes, "sha256": found.sha256})


def _with_files(record: Record, written: Mapping[str, Artifact]) -> Record:
    if not isinstance(record.outcome, Done):
        return record
    artifacts = tuple(_as_written(one, written) for one in record.outcome.artifacts)
    return record.model_copy(update={"outcome": record.outcome.model_copy(update={"artifacts": artifacts})})


def _clip_with_files(clip: ClipFacts, written: Mapping[str, Artifact]) -> ClipFacts:
    pictures = {name: one and _as_written(one, written) for name, one in (("poster", clip.poster), ("clip", clip.clip))}
    return clip.model_copy(update=pictures)


def expected_sizes(report: Report, site: Path, sizes: Mapping[str, int], most: int) -> Callable[[Reduction], bool]:
    """Return what tells whether a reduction may be expected to fit into `most` bytes.

    `sizes` are the bytes that each file of the whole site takes in an archive. Some pictures are encoded to tell.
    """
    pictures = [name for name in sizes if name.endswith(".avif")]
    chosen = [site / name for name in pictures[:: max(1, len(pictures) // _SAMPLE)]]
    records = [name for name in sizes if "/records/" in name]
    share = cache(partial(_share, chosen))

    def fits(reduction: Reduction) -> bool:
        gone = _stilled_files(report, reduction) | (set() if reduction.records else set(records))
        plain = sum(size for name, size in sizes.items() if name not in gone and not name.endswith(".avif"))
        coarser = share(reduction.quality) * sum(sizes[name] for name in pictures if name not in gone)
        return plain + coarser <= most * _MARGIN

    return fits


def _share(pictures: Sequence[Path], quality: int) -> float:
    """Return which share of the bytes of some pictures is left when they are encoded anew."""
    now = [path.stat().st_size for path in pictures]
    then = (min(len(coarser_picture(path, quality)), size) for path, size in zip(pictures, now, strict=True))
    return sum(then) / max(sum(now), 1)


def _stilled_files(report: Report, reduction: Reduction) -> set[str]:
    """Return the addresses of the clips that still pictures stand for."""
    gone: set[str] = set()
    for model in report.models:
        stilled = {one.path for one in _files(with_stills(model.manifest, reduction.moving))}
        gone |= {model.addresses.file(one.path) for one in _files(model.manifest) if one.path not in stilled}
    return gone


def too_large(size: int, most: int) -> RenderError:
    """Return the error for a budget that even the least report does not fit into."""
    return RenderError(
        f"The least archive of this report has {bytes_size(size)} ({size:,} bytes), and {option('--max-size')} allows "
        f"{bytes_size(most)}: allow more, or export a part by {option('--select')}."
    )
