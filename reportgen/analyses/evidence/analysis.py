"""The evidence of real clips: how every kernel of the shown layers responds to the reference clips."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.inputs import clips_and_layers
from reportgen.analyses.common.natural_path import LEAST_NATURAL_CLIPS
from reportgen.analyses.common.readable import UnreadableClips, readable_clips
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.common.running import Best
from reportgen.analyses.evidence.duplicates import ALIKE, LEAST_DRIVING, driven_enough, rank_alike
from reportgen.analyses.evidence.label_words import DrivingWord
from reportgen.analyses.evidence.parameters import EvidenceParameters
from reportgen.analyses.evidence.reference_pass import LayerPass, ReferencePass
from reportgen.analyses.evidence.weighted import weighted_links
from reportgen.errors import ClipError, ReportgenError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.arrangement import PLAIN
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, native_shape
from reportgen.networks.kernels.receptive_field import Field, receptive_field
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import Progress
from reportgen.records.answers.evidence import EvidenceAnswer, LabelWord, LayerEvidence, packed_statistics
from reportgen.records.digits import significant_if_finite
from reportgen.records.discovery import false_discovery
from reportgen.records.figures import DataFigure, Figure, Result
from reportgen.records.targets import class_name


class EvidenceAnalysis:
    """One pass over the reference clips serves all kernels of all shown layers."""

    def units(self, subject: Subject, parameters: EvidenceParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return the one unit of a model, or why there is none."""
        clips = subject.every_clip
        if not clips:
            reason = "no reference clips: give real clips with --clip or --reference to see what drives each kernel"
            return [Inapplicable(subject.model, reason)]
        if not subject.stages:
            return [Inapplicable(subject.model, "this network has no convolution: name layers with --layers")]
        inputs = clips_and_layers(clips, subject.stages)
        return [Unit(subject.model, subject.model, {"objective": subject.objective}, inputs)]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: EvidenceParameters,  # noqa: ARG002
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield what drives the kernels of every shown layer; raises ClipError when no clip can be read."""
        clips, faults = subject.every_clip, UnreadableClips()
        network = subject.network
        shape, channels = native_shape(network), clip_channels(network)
        meter = Meter(network, subject.stages, shape, channels, subject.objective, places=True)
        with ReferencePass(meter, seed=subject.seed) as found:
            found.run(readable_clips(clips, faults), len(clips), progress)
            if not found.names:
                raise ClipError(f"None of {len(clips)} reference clips can be read. {faults.first}")
            yield units[0], _result(subject, found, faults, _graph(network, (1, channels, *shape)))


def _graph(network: Network, shape: tuple[int, ...]) -> ConnectionGraph | None:
    """Return which kernels feed which; None for a network that cannot be followed, whose connections are not known."""
    try:
        return connection_graph(network, shape)
    except ReportgenError:
        return None


def _result(subject: Subject, found: ReferencePass, faults: UnreadableClips, graph: ConnectionGraph | None) -> Result:
    sample, responses = found.sample()
    layers: dict[str, LayerEvidence] = {}
    selective: dict[str, Any] = {}
    used = _Names(found.names)
    for layer, state in found.layers.items():
        spread = found.distribution(layer, lambda label: class_name(subject.network.labels, label))
        duplicates = rank_alike(responses[layer], state.moments.duplicates(ALIKE, LEAST_DRIVING))
        repeated = np.full(state.kernels, -1.0)
        for first, second, _ in reversed(duplicates):
            repeated[second] = first
        selective[layer] = np.array([spread.selectivity, state.moments.spread.tolist(), repeated])
        layers[layer] = LayerEvidence(
            kernels=state.kernels,
            dead=tuple(state.moments.dead()) if len(found.names) >= LEAST_NATURAL_CLIPS else None,
            duplicates=duplicates,
            comparable=int(driven_enough(responses[layer]).sum()),
            words=_words(spread.words),
            held=tuple(LabelWord(**vars(word)) for word in spread.held),
            quantiles=packed_statistics(spread.quantiles),
            **_examples(found.meter.targets[layer], state, used),
        )
    answer = EvidenceAnswer(
        objective=subject.objective,
        clips=len(found.names),
        labelled=sum(label is not None for label in found.labels),
        unreadable=faults.count,
        reasons=faults.reasons,
        names=tuple(used.places),
        change=tuple(significant_if_finite(found.change[clip], 6) for clip in used.clips),
        sample=tuple(found.names[place] for place in sample),
        connected=tuple(layer.name for layer in graph.layers) if graph else (),
        layers=layers,
    )
    figures: dict[str, Figure] = {
        "responses": DataFigure(
            {layer: values.numpy() for layer, values in responses.items()},
            f"Response of every kernel to {len(sample)} reference clips",
        ),
        "selectivity": DataFigure(
            selective, "How well every kernel tells the reference clips apart, its std, and which one it repeats"
        ),
    }
    if graph is not None:
        links = weighted_links(subject.network, graph, list(layers))
        figures["connections"] = DataFigure(dict(links), "The strongest connections of every kernel, by weights alone")
    notes = [f"{faults.count} of the reference clips could not be read. {faults.first}"] if faults.count else []
    return Result(answer, figures, notes)


def _words(driven: Sequence[DrivingWord]) -> tuple[LabelWord, ...]:
    """Return each kernel's word, with its q over the kernels of the layer."""
    q = false_discovery([word.p for word in driven])
    return tuple(LabelWord(**{**vars(word), "p": None, "q": one}) for word, one in zip(driven, q, strict=True))


class _Names:
    """The names and numbers of the clips that are shown, in the order in which they are first asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.places: dict[str, int] = {}
        self.clips: list[int] = []

    def place(self, clip: int) -> int:
        """Return where the name of clip number `clip` stands in the list."""
        if self.names[clip] not in self.places:
            self.places[self.names[clip]] = len(self.clips)
            self.clips.append(clip)
        return self.places[self.names[clip]]


def _examples(target: Preactivation, state: LayerPass, used: _Names) -> dict[str, Any]:
    """Return each kernel's clips of each kind as [name, response, frame, y, x], the place of the largest response."""
    field = receptive_field(target)
    found: dict[str, Any] = {"field": [reach.size for reach in field] if field else None}
    for kind in ("most", "least", "drawn"):
        best: Best = getattr(state, kind)
        found[kind] = [
            [
                [used.place(clip), significant_if_finite(value, 6), *place_in_clip(peak, target, field)]
                for clip, value, peak in zip(clips, values, peaks, strict=True)
                if math.isfinite(value)
            ]
            for clips, values, peaks in zip(
                _columns(best.clips), _columns(best.values), _columns(best.peaks), strict=True
            )
        ]
    return found


def _columns(table: Tensor) -> list[list[Any]]:
    columns: list[list[Any]] = table.T.tolist()
    return columns


def place_in_clip(peak: int, target: Preactivation, field: Field | None) -> tuple[int, int, int] | tuple[()]:
    """Return (frame, y, x) of the centre of what the unit `peak` of a layer's map sees, counted from 0.

    Where its receptive field is not known the unit's share of the map is taken for its share of the clip. Empty for
    a layer whose units have no place: a linear one, or one that sees the frames of a clip apart and not one by one.
    """
    clip = target.clip_shape
    sizes = target.map_shape[1:] if len(target.map_shape) == 4 else (1, *target.map_shape[1:])
    apart = target.calls != (PLAIN,)
    if len(sizes) != 3 or (len(target.map_shape) == 3 and clip[0] > 1) or (apart and sizes[0] != clip[0]):
        return ()
    unit = [int(place) for place in np.unravel_index(peak, sizes)]
    if field is None:
        centres = [(place + 0.5) * size / units for place, size, units in zip(unit, clip, sizes, strict=True)]
    else:
        centres = [place * reach.jump + (reach.low + reach.high) / 2 for place, reach in zip(unit, field, strict=True)]
    t, y, x = (min(max(math.floor(centre), 0), size - 1) for centre, size in zip(centres, clip, strict=True))
    return t, y, x
