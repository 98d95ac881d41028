"""Saliency of each clip: where and when the network looked, by each attribution method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.common.targets import asked, title_of
from reportgen.analyses.saliency.attribution import (
    METHODS,
    Attribution,
    MapSettings,
    attribute_converged,
    attribute_with,
    shared_copy,
)
from reportgen.analyses.saliency.parameters import SaliencyParameters
from reportgen.analyses.saliency.smoothing import smoothing_reduced
from reportgen.analyses.saliency.units import map_units
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.digits import significant
from reportgen.records.figures import DataFigure, Figure, HeatFigure, MapFigure, Result, StackFigure
from reportgen.result import required

#: The colour scale ends at this percentile of the map's magnitude, so that a single pixel does not darken the rest.
SCALE_PERCENTILE = 99.5


class SaliencyAnalysis:
    """One unit per clip, target and method."""

    def units(self, subject: Subject, parameters: SaliencyParameters) -> Sequence[Unit | Inapplicable]:
        """Return every clip and class by every method; raises UnknownNameError for a layer that there is not."""
        if parameters.layer is not None:
            subject.network.layer_name(parameters.layer)
        return map_units(subject, parameters.methods)

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: SaliencyParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result | NetworkError]]:
        """Yield each method's map, or why it has none: a network may have what one method asks for and not another."""
        clip = subject.clip(units[0].clip)
        network, index = asked(subject, units[0])
        settings = MapSettings(
            seed=subject.seed,
            batch_size=parameters.batch_size,
            steps=parameters.steps,
            samples=parameters.samples,
            baseline=parameters.baseline,
            layer=parameters.layer,
            window=parameters.window,
            reduced=smoothing_reduced(subject.layers, parameters.samples, network.device),
        )
        pixels = tensor(clip)
        quick = shared_copy(network, pixels, [unit.method for unit in units], settings)
        settings = replace(settings, quick=quick)
        with progress.task(f"saliency of {clip.name}", len(units)) as task:
            for unit in units:
                answer: Result | NetworkError
                try:
                    found, steps = _attribution(network, pixels, index, unit.method, settings, progress)
                    answer = _result(subject, unit, found, steps, clip.frames)
                except NetworkError as error:
                    answer = error
                yield unit, answer
                task.advance()


def _attribution(
    network: Network, pixels: Tensor, index: int, method: str, settings: MapSettings, progress: Progress
) -> tuple[Attribution, int | None]:
    """Return the map, and how many steps it took where the method takes steps."""
    if method == "integrated_gradients":
        return attribute_converged(network, pixels, index, progress=progress, **vars(settings))
    return required(attribute_with(network, pixels, index, method, settings, progress=progress)), None


def _result(subject: Subject, unit: Unit, found: Attribution, steps: int | None, over: np.ndarray[Any, Any]) -> Result:
    heat = found.heat[0].numpy()
    method = METHODS[found.method]
    scale = _scale(heat)
    with_sign = found.attribution[0].sum(0).numpy()
    shows_sign = not method.signed and with_sign.min() < 0
    answer = SaliencyAnswer(
        method=found.method,
        title=method.title,
        target=unit.target,
        target_title=title_of(subject, unit.target),
        logit=found.above_mean[0],
        signed=method.signed,
        scale=scale,
        minimum=float(heat.min()),
        maximum=float(heat.max()),
        temporal_profile=tuple(significant(value, 5) for value in found.temporal_profile[0].tolist()),
        completeness_error=found.completeness_error,
        steps_used=steps,
        layers=found.layers,
        signed_scale=_scale(with_sign) if shows_sign else None,
    )
    figures: dict[str, Figure] = {
        "overlay": HeatFigure(heat, over, method.signed, scale, method.title, alone=True),
        "tube": StackFigure(heat, over, scale, f"{method.title}, frame behind frame", method.signed),
        "attribution": DataFigure(_in_units(found.attribution[0].numpy()), "Attribution in units of its scale"),
    }
    if answer.signed_scale is not None:
        figures["signed"] = MapFigure(with_sign, True, answer.signed_scale, f"{method.title} with its sign")
    return Result(answer, figures, notes=found.notes)


def _scale(heat: np.ndarray[Any, Any]) -> float:
    """Return where the colours end: one value for all frames of the clip."""
    return float(np.percentile(np.abs(heat), SCALE_PERCENTILE)) or float(np.abs(heat).max())


def _in_units(attribution: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the attribution in units of its largest magnitude: half precision would lose values of 1e-8."""
    largest = float(np.abs(attribution).max())
    return {"attribution": (attribution / largest).astype(np.float16), "scale": np.array(largest, np.float64)}
