"""Saliency of each clip: where and when the network looked, by each attribution method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from reportgen.analyses.base import Answers, Inapplicable, Parameters, Subject, Unit
from reportgen.analyses.saliency import METHODS, Attribution, attribute
from reportgen.analyses.suite.targets import class_name, class_units
from reportgen.errors import unknown_name
from reportgen.progress import Progress
from reportgen.records.figures import DataFigure, Figure, HeatFigure, Result

#: The colour scale ends at this percentile of the map's magnitude, so that a single pixel does not darken the rest.
SCALE_PERCENTILE = 99.5


class SaliencyAnalysis:
    """One unit per clip, class and method."""

    name = "saliency"
    title = "Where and when it looked"
    version = 1
    after: tuple[str, ...] = ()
    choosing: tuple[str, ...] = ("methods",)

    def units(self, subject: Subject, parameters: Parameters) -> Sequence[Unit | Inapplicable]:
        """Return every clip and class by every method; raises UnknownNameError for one that there is not."""
        for method in parameters["methods"]:
            if method not in METHODS:
                raise unknown_name("saliency method", str(method), METHODS)
        return class_units(subject, [{"method": method} for method in parameters["methods"]])

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: Parameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each method's map."""
        clip = subject.clip(str(units[0].parameters["clip"]))
        options = {name: value for name, value in parameters.items() if name not in self.choosing}
        with progress.task(f"saliency of {clip.name}", len(units)) as task:
            for unit in units:
                method = str(unit.parameters["method"])
                index = int(unit.parameters["class"])
                found = attribute(subject.network, clip.pixels, index, method=method, seed=subject.seed, **options)
                yield unit, _result(subject, found, clip.pixels[0].movedim(0, -1).numpy())
                task.advance()


def _result(subject: Subject, found: Attribution, over: np.ndarray[Any, Any]) -> Result:
    heat = found.heat[0].numpy()
    method = METHODS[found.method]
    scale = float(np.percentile(np.abs(heat), SCALE_PERCENTILE)) or float(np.abs(heat).max())
    metrics: dict[str, Any] = {
        "method": found.method,
        "title": method.title,
        "class_index": found.class_index,
        "class": class_name(subject, found.class_index),
        "logit": found.logit,
        "signed": method.signed,
        "scale": scale,
        "minimum": float(heat.min()),
        "maximum": float(heat.max()),
        "temporal_profile": [float(f"{value:.5g}") for value in found.temporal_profile[0].tolist()],
        "completeness_error": found.completeness_error,
        "seconds_per_map": round(found.seconds, 3),
    }
    figures: dict[str, Figure] = {
        "overlay": HeatFigure(heat, over, method.signed, scale, method.title),
        "attribution": DataFigure({"attribution": found.attribution[0].numpy().astype("float16")}),
    }
    return Result(figures, metrics)
