"""Still pictures in the place of clips, for a report that must be small: every page still shows something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from reportgen.records.jobs import Artifact, Done, Record, is_poster_file
from reportgen.records.manifest import ClipFacts, Manifest

_OF_KERNELS = frozenset({"kernels", "decomposition"})
_MOVING = frozenset({"clip", "heat"})


def with_stills(manifest: Manifest, moving: int | None) -> Manifest:
    """Return a run in which the first `moving` kernels of each layer have clips, and the others their posters.

    With 0 every clip of the run is a still picture, saliency and tubes too; with None nothing changes. A clip that has
    no poster stays.
    """
    if moving is None:
        return manifest
    shown = _first_kernels(manifest, moving)
    records = tuple(_stilled(record, shown, everything=not moving) for record in manifest.records)
    clips = manifest.run.clips if moving else tuple(map(_still_clip, manifest.run.clips))
    return manifest.model_copy(update={"run": manifest.run.model_copy(update={"clips": clips}), "records": records})


def _first_kernels(manifest: Manifest, most: int) -> Collection[str]:
    kernels: dict[str, dict[str, None]] = defaultdict(dict)
    for record in manifest.records:
        if record.job.analysis in _OF_KERNELS:
            kernels[record.job.unit.rpartition("/")[0]][record.job.unit] = None
    return {unit for units in kernels.values() for unit in list(units)[:most]}


def _stilled(record: Record, shown: Collection[str], *, everything: bool) -> Record:
    own = record.job.analysis in _OF_KERNELS and record.job.unit not in shown
    if not isinstance(record.outcome, Done) or not (own or everything):
        return record
    posters = {one.role: one for one in record.outcome.artifacts if one.kind == "image" and is_poster_file(one.path)}
    artifacts = tuple(
        _still(one, posters[one.role]) if one.is_sprite and one.kind in _MOVING and one.role in posters else one
        for one in record.outcome.artifacts
    )
    return record.model_copy(update={"outcome": record.outcome.model_copy(update={"artifacts": artifacts})})


def _still(sprite: Artifact, poster: Artifact) -> Artifact:
    return poster.model_copy(update={"kind": sprite.kind, "scale": sprite.scale})


def _still_clip(clip: ClipFacts) -> ClipFacts:
    if clip.clip is None or clip.poster is None:
        return clip
    return clip.model_copy(update={"clip": _still(clip.clip, clip.poster)})
