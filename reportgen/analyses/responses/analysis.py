"""The maps of every kernel of the shown layers to the first clips, in several orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.responses.maps import ResponseMaps, response_maps, without_map
from reportgen.analyses.responses.parameters import ResponsesParameters
from reportgen.progress import Progress
from reportgen.records.answers.responses import ResponsesAnswer
from reportgen.records.figures import Result
from reportgen.records.manifest import LayerFacts
from reportgen.records.volumes import byte_levels, otsu

#: The colours end at this percentile of the magnitude, so that a single position does not darken the rest.
_COLOURS_END = 99.5


class ResponsesAnalysis:
    """One unit per shown layer and clip; the layers of a clip share one pass."""

    def units(self, subject: Subject, parameters: ResponsesParameters) -> Sequence[Unit | Inapplicable]:
        """Return every shown layer on the first clips, or why there is none."""
        if not subject.clips:
            return [Inapplicable(subject.model, "no clip: give real clips with --clip")]
        if not subject.stages:
            return [Inapplicable(subject.model, "this network has no convolution: name layers with --layers")]
        found: list[Unit | Inapplicable] = []
        for clip in subject.clips[: parameters.clips]:
            for layer in subject.stages:
                name = f"{subject.model}/{layer}/{clip.name}"
                if reason := _no_map(subject.layers[layer]):
                    found.append(Inapplicable(name, reason))
                else:
                    asked = {"clip": clip.name, "layer": layer}
                    found.append(Unit(name, clip.name, asked, inputs={"clip": clip.digest}))
        return found

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: ResponsesParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each layer's maps."""
        clip = subject.clip(str(units[0].parameters["clip"]))
        layers = [str(unit.parameters["layer"]) for unit in units]
        with progress.task(f"response maps of {clip.name}", len(units)) as task:
            found = response_maps(subject.network, tensor(clip), layers, rectified=parameters.rectified)
            for unit, layer in zip(units, layers, strict=True):
                whole = found.pop(layer)
                yield (
                    unit,
                    _result(
                        clip.name,
                        whole,
                        whole.fitted(parameters.values, exact=parameters.exact),
                        parameters,
                        subject.seed,
                    ),
                )
                task.advance()


def _no_map(facts: LayerFacts) -> str:
    """Return why a layer has no maps, in one sentence for the reader; empty where it has."""
    if facts.output is None:
        return f"{facts.name} did not run on the clip, so that it has no maps"
    if not facts.kind.endswith(("2d", "3d")):
        return f"{facts.name} is a {facts.kind} layer, which has no map of rows and columns: choose a convolution"
    reason = without_map(facts.output)
    return f"{facts.name} {reason}: choose an earlier layer" if reason else ""


def _result(clip: str, whole: ResponseMaps, kept: ResponseMaps, parameters: ResponsesParameters, seed: int) -> Result:
    maps = kept.maps
    levels = byte_levels(maps)
    row = None if parameters.row is None else min(parameters.row // kept.steps.pixels, maps.shape[2] - 1)
    frames, height, width = whole.maps.shape[1:]
    answer = ResponsesAnswer(
        clip=clip,
        layer=kept.layer,
        file_name=kept.file_name,
        rectified=parameters.rectified,
        still=kept.still,
        kernels=len(maps),
        computed=(frames, height, width),
        kept=(maps.shape[1], maps.shape[2], maps.shape[3]),
        averaged=kept.steps.pixels,
        every_frame=kept.steps.frames,
        exact=parameters.exact,
        minimum=float(maps.min()),
        maximum=float(maps.max()),
        scale=float(np.percentile(np.abs(maps), _COLOURS_END)) or float(np.abs(maps).max()) or 1.0,
        otsu=otsu(levels),
        percentiles=tuple(np.percentile(levels, range(101), method="nearest").astype(int).tolist()),
        moments=kept.moments,
        moments_known=kept.moments_known,
        orders=kept.orders(clusters=parameters.clusters, most_clusters=parameters.most_clusters, row=row, seed=seed),
    )
    return Result(answer, {"maps": kept.volume}, _notes(answer))


def _notes(answer: ResponsesAnswer) -> list[str]:
    """Return what was left out of the maps."""
    notes = []
    if answer.averaged > 1:
        side = answer.averaged
        size = "×".join(map(str, answer.kept[1:]))
        notes.append(f"The maps were large: of each {size} means are kept, over {side}×{side} positions.")
    if answer.every_frame > 1:
        notes.append(
            f"Of their {answer.computed[0]} frames {answer.kept[0]} are kept, one of every {answer.every_frame}."
        )
    return notes
