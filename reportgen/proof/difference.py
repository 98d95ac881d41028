"""What differs between two reports by more than noise: kernels, verdicts, reliance on motion, and class pathways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import hypot

import numpy as np
from pydantic import JsonValue

from reportgen.audit.checks import checks
from reportgen.audit.headline import headline
from reportgen.audit.side_by_side import beside, matched
from reportgen.media import read_data
from reportgen.pages.report import ModelView, Report
from reportgen.proof.changes import (
    ChangedKernel,
    ChangedMotion,
    ChangedPathway,
    ChangedVerdict,
    LayerDifference,
    NetworkDifference,
    OtherSetting,
    ReportDifference,
)
from reportgen.proof.matching import LEAST_CLIPS, KernelPair, LayerMatch, Responses, match_layers, shared_rows
from reportgen.records.answers.evidence import EvidenceAnswer
from reportgen.records.jobs import Done
from reportgen.wording import option, worded

_SETTINGS = ("preset", "seed", "objective", "choose", "check", "parameters", "frames", "clip_spec", "adapter")

LEAST_SHARED = 0.8
"""Share of the kernels of two pathways from which they count as one: rounding alone may put another one in."""


def difference(first: tuple[str, Report], second: tuple[str, Report]) -> ReportDifference:
    """Compare two reports, each with its name; a network is found in the other by its name, or as the only one."""
    found = matched(first[1].models, second[1].models, lambda model: model.name)
    networks = tuple(_network(a, b) for a, b in found.pairs)
    return ReportDifference(
        first=first[0], second=second[0], networks=networks, only_first=found.only_first, only_second=found.only_second
    )


def _network(a: ModelView, b: ModelView) -> NetworkDifference:
    clips, matches, unmatched = _matches(a, b)
    return NetworkDifference(
        first=a.title,
        second=b.title,
        same_weights=bool(a.run.weights.sha256) and a.run.weights.sha256 == b.run.weights.sha256,
        clips=clips,
        unmatched=unmatched,
        settings=tuple(_settings(a, b)),
        layers=tuple(_layer(a, b, match) for match in matches),
        verdicts=tuple(_verdicts(a, b)),
        motion=tuple(_motion(a, b)),
        pathways=tuple(_pathways(a, b, matches)),
    )


def _settings(a: ModelView, b: ModelView) -> Iterator[OtherSetting]:
    """Yield the versions and options in which two runs are not alike, and the analyses that one of them has not."""
    first, second = map(_made_with, (a, b))
    for name in dict.fromkeys((*first, *second)):
        one, other = first.get(name, "not stated"), second.get(name, "not stated")
        if one != other:
            yield OtherSetting(name=name, first=one, second=other)
    asked, too = ({record.job.analysis for record in model.manifest.records} for model in (a, b))
    for analysis in sorted(asked ^ too):
        told = [f"{'' if analysis in those else 'not '}computed" for those in (asked, too)]
        yield OtherSetting(name=f"analysis {analysis}", first=told[0], second=told[1])


def _made_with(model: ModelView) -> dict[str, str]:
    where, options = model.run.environment, model.run.options
    made = {"reportgen": where.reportgen, "torch": where.torch, "device": where.device}
    return made | dict(part for name in _SETTINGS if name in options for part in _flat(name, options[name]))


def _flat(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(f"{name} {key}", one)
    else:
        yield name, json.dumps(value) if isinstance(value, list) else str(value)


def _matches(a: ModelView, b: ModelView) -> tuple[int, list[LayerMatch], str]:
    """Return the number of shared clips, the matched layers, and why there are none."""
    one, other = _responses(a), _responses(b)
    if one is None or other is None:
        title = (a if one is None else b).title
        reason = (
            f"The responses of the kernels of {title} to reference clips are not there, and kernels and pathways are "
            "compared by them. A site leaves arrays in the run: compare the folders of the runs, or render with "
            f"{option('--media', 'full')}. A run has them where it was computed with reference clips "
            f"({option('--reference')}, and the analysis evidence)."
        )
        return 0, [], worded(reason)
    (names, first), (others, second) = one, other
    rows = shared_rows(names, others)
    if len(rows[0]) < LEAST_CLIPS:
        return (
            len(rows[0]),
            [],
            worded(
                f"They share {len(rows[0])} reference clips, and {LEAST_CLIPS} are needed: compute both with the same "
                f"{option('--reference')}."
            ),
        )
    matches = match_layers(
        {layer: values[rows[0]] for layer, values in first.items()},
        {layer: values[rows[1]] for layer, values in second.items()},
    )
    return len(rows[0]), matches, "" if matches else "They have no layer of one name."


def _responses(model: ModelView) -> tuple[tuple[str, ...], dict[str, Responses]] | None:
    """Return the names of a run's reference clips and the responses `N K` by layer; None where it has none."""
    for record in model.manifest.of("evidence"):
        if not isinstance(record.outcome, Done) or not (kept := record.outcome.artifact("responses", "data")):
            continue
        path, answer = model.store.path(kept), model.answer(record, EvidenceAnswer)
        if path.exists() and answer is not None:
            arrays = read_data(path)
            names = sorted(arrays, key=lambda layer: model.layers[layer].order if layer in model.layers else 0)
            good = (name for name in names if arrays[name].ndim == 2 and len(arrays[name]) == len(answer.sample))
            return answer.sample, {name: np.nan_to_num(arrays[name].astype(np.float64)) for name in good}
    return None


def _layer(a: ModelView, b: ModelView, match: LayerMatch) -> LayerDifference:
    return LayerDifference(
        layer=match.layer,
        kernels=len(match.pairs),
        moved=match.moved,
        changed=tuple(_kernel(a, b, match.layer, pair) for pair in match.changed),
        noise=match.noise,
        steady=match.steady,
        only_first=match.left[0],
        only_second=match.left[1],
    )


def _kernel(a: ModelView, b: ModelView, layer: str, pair: KernelPair) -> ChangedKernel:
    said = [
        headline(model.figures(layer, index), model.limits).sentence
        for model, index in ((a, pair.first), (b, pair.second))
    ]
    return ChangedKernel(
        first=pair.first,
        second=pair.second,
        correlation=pair.correlation,
        difference=pair.difference,
        first_says=said[0],
        second_says=said[1],
        first_reliance=a.motion_reliance(layer, pair.first),
        second_reliance=b.motion_reliance(layer, pair.second),
    )


def _verdicts(a: ModelView, b: ModelView) -> Iterator[ChangedVerdict]:
    for name, one, other in beside(checks(a), checks(b)):
        if one is None or other is None or one.state != other.state:
            yield ChangedVerdict(
                name=name,
                first=one.word if one else "not asked",
                second=other.word if other else "not asked",
                first_figure=one.figure if one else "",
                second_figure=other.figure if other else "",
            )


def _motion(a: ModelView, b: ModelView) -> Iterator[ChangedMotion]:
    """Yield the classes and layers whose reliance on motion is another one, by the intervals of both."""
    first, second = (dict(_reliances(model)) for model in (a, b))
    for what in (name for name in first if name in second):
        (value, half), (other, other_half) = first[what], second[what]
        noise = hypot(half, other_half)
        if abs(value - other) > max(noise, 1e-3):
            yield ChangedMotion(what=what, first=value, second=other, noise=noise)


def _reliances(model: ModelView) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield what relies on motion how much, with half of its 95% interval; what has no interval is left out."""
    probes = model.motion_probes
    if probes is None:
        return
    for one in probes.classes:
        values = (one.motion_reliance, one.motion_reliance_low, one.motion_reliance_high)
        if (found := _with_half(*values)) is not None:
            yield model.question(one.target), found
    for layer, own in probes.layers.items():
        frozen = own.left.get("frozen")
        if frozen and (found := _with_half(frozen.whole, frozen.whole_low, frozen.whole_high)) is not None:
            yield layer, (1 - found[0], found[1])


def _with_half(value: float | None, low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if value is None or low is None or high is None else (value, (high - low) / 2)


def _pathways(a: ModelView, b: ModelView, matches: list[LayerMatch]) -> Iterator[ChangedPathway]:
    """Yield the classes whose pathways on one clip share few kernels, as far as their layers were matched."""
    same = {(match.layer, pair.first): (match.layer, pair.second) for match in matches for pair in match.pairs}
    layers = {match.layer for match in matches}
    second = {(one.view.clip, one.view.target): one.graph.places for one in b.pyramids}
    for pyramid in a.pyramids:
        key = (pyramid.view.clip, pyramid.view.target)
        if key not in second:
            continue
        kept = {same.get(kernel) for kernel in pyramid.graph.places if kernel[0] in layers}
        others = {kernel for kernel in second[key] if kernel[0] in layers}
        either = kept | others
        shared = len(kept & others) / len(either) if either else 1.0
        if shared < LEAST_SHARED:
            yield ChangedPathway(clip=a.clip_title(*key), target=a.question(key[1]), shared=shared)
