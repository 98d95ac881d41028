"""A report made smaller, step by step, until it fits: what goes first is what a reader misses least."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.media.encode import smaller_picture
from reportgen.pages.report import Report
from reportgen.progress import Progress
from reportgen.reading.format import bytes_size
from reportgen.records.jobs import Artifact, Done

_WORKERS = 2
_SAMPLE = 10
"""Pictures that are encoded to tell how small all of them would be."""

_MARGIN = 0.97
"""Share of the size that a step may be expected to need for being tried."""


@dataclass(frozen=True)
class Reduction:
    """What a report is without, and how its pictures are encoded.

    `documents` are graphs and tables for other programs, `records` the questions and answers of all jobs. Pictures have
    the AVIF `quality` (None: as they are) and 1 / `smaller` of their height and width; of each layer `kernels` have
    pictures and a page (None: all that the run shows).
    """

    documents: bool = True
    records: bool = True
    quality: int | None = None
    smaller: int = 1
    kernels: int | None = None

    def sentences(self) -> Iterator[str]:
        """Yield what a reader is told of it."""
        if not self.documents:
            yield "Graphs and tables for other programs (GraphML, JSON, CSV of single answers) are left out."
        if self.quality is not None:
            yield f"Clips and pictures are encoded anew as AVIF of quality {self.quality}: fine details are lost."
        if self.smaller > 1:
            yield f"Clips and pictures have 1/{self.smaller} of their height and width, and are shown enlarged."
        if not self.records:
            yield "The records of the jobs are left out; the header of each run is there."
        if self.kernels is not None:
            count = (
                "one kernel of each layer has" if self.kernels == 1 else f"{self.kernels} kernels of each layer have"
            )
            yield f"At most {count} a page with pictures; the tables of the layers hold the figures of all."


WHOLE = Reduction()


def steps(report: Report) -> list[Reduction]:
    """Return the steps from the least loss to the most; the last one leaves the least report."""
    found = [
        Reduction(documents=False),
        Reduction(documents=False, quality=50),
        Reduction(documents=False, quality=35),
        Reduction(documents=False, quality=50, smaller=2),
        Reduction(documents=False, quality=35, smaller=2),
        Reduction(documents=False, records=False, quality=35, smaller=2),
    ]
    shown = max((len(views) for model in report.models for views in model.kernels.values()), default=0)
    while (shown := shown // 2) >= 1:
        found.append(Reduction(documents=False, records=False, quality=35, smaller=2, kernels=shown))
    last = found[-1]
    return [*found, Reduction(False, False, 20, 4, last.kernels)]


def reduced_report(report: Report, reduction: Reduction) -> Report:
    """Return the report without the files, and without pages of kernels, that the reduction leaves out."""
    left_out = tuple(reduction.sentences())
    return report.reduced(
        documents=reduction.documents, records=reduction.records, kernels=reduction.kernels, left_out=left_out
    )


def shrink_pictures(report: Report, site: Path, reduction: Reduction, progress: Progress) -> None:
    """Encode the AVIFs of a site anew, in their places."""
    if reduction.quality is None:
        return
    known = dict(_known(report))
    files = sorted(site.rglob("*.avif"))
    with progress.task("Encoding pictures anew", len(files)) as task, ThreadPoolExecutor(_WORKERS) as pool:
        for path, content in zip(files, pool.map(_encoder(site, known, reduction), files), strict=True):
            if len(content) < path.stat().st_size:
                path.write_bytes(content)
            task.advance()


def expected_sizes(report: Report, site: Path, sizes: Mapping[str, int], most: int) -> Callable[[Reduction], bool]:
    """Return what tells whether a reduction may be expected to fit into `most` bytes.

    `sizes` are the bytes that each file of the whole site takes in an archive. Some pictures are encoded to tell.
    """
    known = dict(_known(report))
    pictures = [name for name in sizes if name.endswith(".avif")]
    chosen = [site / name for name in pictures[:: max(1, len(pictures) // _SAMPLE)]]

    def fits(reduction: Reduction) -> bool:
        kept = _kept(report, reduction)
        size = sum(size for name, size in sizes.items() if kept(name) and not name.endswith(".avif"))
        share = _share(chosen, _encoder(site, known, reduction)) if reduction.quality is not None else 1.0
        return size + share * sum(sizes[name] for name in pictures if kept(name)) <= most * _MARGIN

    return fits


def _share(pictures: Sequence[Path], encode: Callable[[Path], bytes]) -> float:
    """Return which share of the bytes of some pictures is left when they are encoded anew."""
    now = [path.stat().st_size for path in pictures]
    return sum(min(len(encode(path)), size) for path, size in zip(pictures, now, strict=True)) / max(sum(now), 1)


def _kept(report: Report, reduction: Reduction) -> Callable[[str], bool]:
    """Return whether a file of the whole site is in that of the reduction, about."""
    smaller = reduced_report(report, reduction)
    carried = {file.uri for model in smaller.models for file in model.files()}
    pages = {view.uri.replace(".md", ".html") for model in smaller.models for view in model.all_kernels}
    gone = {file.uri for model in report.models for file in model.files()} - carried
    gone |= {view.uri.replace(".md", ".html") for model in report.models for view in model.all_kernels} - pages
    return lambda name: name not in gone


def _known(report: Report) -> Iterator[tuple[str, Artifact]]:
    """Yield the sprites and pictures of a report by their address in the site."""
    for model in report.models:
        outcomes = (record.outcome for record in model.manifest.records)
        found = [one for outcome in outcomes if isinstance(outcome, Done) for one in outcome.artifacts]
        found += [clip.clip for clip in model.run.clips if clip.clip]
        yield from ((model.addresses.file(one.path), one) for one in found)


def _encoder(site: Path, known: Mapping[str, Artifact], reduction: Reduction) -> Callable[[Path], bytes]:
    def encode(path: Path) -> bytes:
        artifact = known.get(path.relative_to(site).as_posix())
        quality = reduction.quality or 0
        if artifact is None or not artifact.height or not artifact.width:
            return smaller_picture(path, quality)
        frames = (artifact.frames or 1, artifact.height, artifact.width)
        return smaller_picture(path, quality, frames=frames, smaller=reduction.smaller)

    return encode


def too_large(size: int, most: int) -> RenderError:
    """Return the error for a budget that even the least report does not fit into."""
    return RenderError(
        f"The least archive of this report has {bytes_size(size)} ({size:,} bytes), and --max-size allows "
        f"{bytes_size(most)}: allow more, or export a part by --select."
    )
