"""A report's pages against its own records: the site is rendered again from what it carries, and the files compared.

Pages that were edited are found by this also where all sums were written again. Records that were forged with their
pages are not: only computing them again tells.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from reportgen.errors import ArchiveError, ReportgenError
from reportgen.outputs.site.scripts import script_data
from reportgen.pages.page import Asset, CopiedFile, FiltersScript, MotionStrip, ScriptData, VolumeScript
from reportgen.pages.report import ModelView
from reportgen.progress import Progress
from reportgen.proof.carried import CarriedReport
from reportgen.proof.outcome import Proof, first_names
from reportgen.proof.sums import SealedFiles
from reportgen.records.files import PART
from reportgen.records.paths import inside
from reportgen.records.root_digest import SUMS, digest_of_file, read_root, report_files
from reportgen.site import renderer_digest, write_site


def consistent(sealed: SealedFiles, progress: Progress) -> Proof:
    """Return whether a report agrees with its own sums, its records with their digests, and its pages with them."""
    against = sealed.seal_faults()
    try:
        carried = CarriedReport.of(sealed.folder)
    except ArchiveError as error:
        return _proof(against, [], f"{error} Its pages were not compared with its records.")
    try:
        compared = _compare(carried, sealed, progress)
    except ReportgenError as error:
        return _proof([*against, f"its pages cannot be made from its records ({error})"], [], "")
    against += compared.damaged
    if compared.doubt:
        count = len(compared.different)
        doubt = (
            f"{compared.doubt} {count} file{'s' * (count > 1)} differ{'s' * (count == 1)} from what this one writes."
        )
        return _proof(against, compared.different, doubt)
    if against or compared.different:
        return _proof(against + compared.different, [], "")
    left = f"; {compared.taken} files made of arrays that sites do not carry were not made again" * bool(compared.taken)
    return Proof(
        holds="yes",
        sentence=f"Its files have their sums, {compared.records} records are as they were written, and all pages say "
        f"what these do{left}.",
    )


def _proof(against: list[str], undecided: list[str], doubt: str) -> Proof:
    """Return that a report contradicts itself, or else that it is not known for a reason."""
    if against:
        return Proof(
            holds="no", sentence=f"It contradicts itself: {first_names(against)}.", details=(*against, *undecided)
        )
    return Proof(holds="not known", sentence=doubt, details=tuple(undecided))


@dataclass
class _Compared:
    """What came of rendering a report again; `doubt` says why the files that differ need not be a contradiction."""

    records: int = 0
    taken: int = 0
    doubt: str = ""
    damaged: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def _compare(carried: CarriedReport, sealed: SealedFiles, progress: Progress) -> _Compared:
    found = _Compared()
    report = carried.report()
    missing = 0
    for model in report.models:
        manifest = model.manifest
        found.records += len(manifest.records) - len(manifest.damaged)
        found.damaged += [f"the record {key} of {model.name} is damaged" for key in manifest.damaged]
        found.damaged += _damaged_clips(model)
        missing += len(set(manifest.run.plan) - {record.key for record in manifest.records} - set(manifest.damaged))
    taken: list[str] = []
    with tempfile.TemporaryDirectory(prefix=PART) as scratch:
        site = Path(scratch, "site")
        write_site(report, site, Path(scratch, "build"), progress, partial(_instead, sealed.folder, taken))
        found.different = _differences(site, sealed)
    found.taken = len(taken)
    found.doubt = _doubt(carried, sealed, missing) if found.different else ""
    return found


def _damaged_clips(model: ModelView) -> Iterator[str]:
    """Yield which pictures of clips are not those that the run's header tells of: the manifest has left them out."""
    sound = {clip.name: clip for clip in model.manifest.run.clips}
    for clip in model.store.read_run().clips:
        for told, kept in ((clip.poster, sound[clip.name].poster), (clip.clip, sound[clip.name].clip)):
            if told is not None and kept is None:
                yield f"{told.path} of {model.name} is not the picture that its run tells of"


def _doubt(carried: CarriedReport, sealed: SealedFiles, missing: int) -> str:
    """Return why an honest report may have other pages than this program makes of its records; empty where none may."""
    if not sealed.sealed:
        return "It was not sealed, as a site is not that mkdocs built by itself: its pages are written in another way."
    if carried.facts.renderer != renderer_digest():
        return (
            f"Another version of reportgen or of its templates wrote its pages (it names {carried.facts.reportgen}): "
            "that version compares them."
        )
    if missing:
        return (
            f"{missing} of its records are not carried, as those of thousands of kernels are not: a report rendered "
            "with --media full has them."
        )
    return ""


def _instead(folder: Path, taken: list[str], asset: Asset) -> Asset:
    """Return the report's own file where an asset is made of arrays that it does not carry."""
    match asset:
        case MotionStrip(source=source) | VolumeScript(source=source):
            sources = [source]
        case FiltersScript(volumes=volumes):
            sources = [one.source for one in volumes]
        case _:
            return asset
    if all(source.exists() for source in sources):
        return asset
    path = inside(folder, asset.uri)
    if not path.exists():
        return ScriptData(asset.uri, "absent", None)
    taken.append(asset.uri)
    return CopiedFile(asset.uri, path)


def _differences(site: Path, sealed: SealedFiles) -> list[str]:
    """Return how the files of a report differ from those of the site that was made from its records."""
    again = {path for path in report_files(site) if path != SUMS}
    tokens = [tuple(root.encode() for root in (read_root(folder),) if root) for folder in (sealed.folder, site)]
    found = [f"{path} is gone" for path in again - sealed.files.keys()]
    found += [f"{path} is not made from its records" for path in sealed.files.keys() - again]
    for path in again & sealed.files.keys():
        theirs, ours = (digest_of_file(f / path, own) for f, own in zip((sealed.folder, site), tokens, strict=True))
        same = (theirs.blank, theirs.shown) == (ours.blank, ours.shown)
        if not same and not same_data(sealed.folder / path, site / path):
            found.append(f"{path} says something else than its records")
    return sorted(found)


def same_data(theirs: Path, ours: Path) -> bool:
    """Whether two scripts hold the same data, however it was packed, but for what only arrays tell of kernels."""
    if theirs.suffix != ".js":
        return False
    try:
        told = [script_data(path.read_text(encoding="utf-8")) for path in (ours, theirs)]
        return None not in told and len({_as_text(one) for one in told}) == 1
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return False


def _as_text(named: Any) -> str:
    """Return the name and the data of a script as JSON, without alike answers and weights of kernels."""
    name, data = named
    if isinstance(data, dict) and "kernels" in data and "compared" in data:
        data["compared"].pop("responses", None)
        for kernel in data["kernels"]:
            kernel.pop("weighted", None)
            kernel.get("near", {}).pop("responses", None)
            if not kernel.get("near"):
                kernel.pop("near", None)
    return json.dumps([name, data])
