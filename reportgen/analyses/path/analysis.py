"""How natural each kernel's synthetic clip is: its way through the layers, and what other seeds find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.natural_path import NaturalPath, natural_path, profile_similarity
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.kernels.analysis import ascent_options, kernel_units
from reportgen.analyses.kernels.maximize import maximize_with
from reportgen.analyses.path.parameters import PathParameters
from reportgen.progress import Progress
from reportgen.records.answers.path import PathAnswer
from reportgen.records.figures import Result

Profiles = Mapping[str, Tensor]


class PathAnalysis:
    """One unit per shown kernel."""

    def units(self, subject: Subject, parameters: PathParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown kernels; without real clips and further seeds there is nothing to compare with."""
        real = bool(subject.every_clip)
        if not real and parameters.seeds < 1:
            return [Inapplicable(subject.model, "no reference clips whose way a synthetic clip could take")]
        units = kernel_units(subject, needs=[("kernels", "stage1_data")])
        needed = (("evidence", subject.model, "responses"),) if real else ()
        return [
            unit
            if isinstance(unit, Inapplicable)
            else Unit(unit.name, unit.group, unit.parameters, unit.inputs, unit.needs + needed)
            for unit in units
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: PathParameters,
        answers: Answers,
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield how like real clips' ways each synthetic clip's is, and how like the clips of other seeds."""
        layer = units[0].group
        kernels = [int(unit.parameters["kernel"]) for unit in units]
        clips = torch.stack([_clip(answers("kernels", unit.name, "stage1_data")["clip"]) for unit in units])
        layers = _up_to(subject, layer)
        own = kernel_responses(subject.network, clips, layers, objective=subject.objective)
        others = _other_seeds(subject, layer, kernels, layers, parameters, progress)
        real = _real(subject, answers) if subject.every_clip else {}
        for place, (unit, kernel) in enumerate(zip(units, kernels, strict=True)):
            before = {name: own[name][place] for name in layers[:-1]}
            found = natural_path(before, real, real[layer][:, kernel]) if real else None
            mine = {name: own[name][place] for name in layers}
            same = [profile_similarity(mine, profiles) for profiles, _activation in others[kernel]]
            answer = PathAnswer(
                **_path_figures(found),
                clips=len(real[layer]) if real else 0,
                seeds=len(same) + 1,
                seed_similarity=min(same, default=None),
                seed_activations=tuple(activation for _profiles, activation in others[kernel]),
                seed_steps=parameters.steps if same else None,
            )
            yield unit, Result(answer)


def _clip(frames: np.ndarray[Any, Any]) -> Tensor:
    """Return a stored clip T H W C as C T H W."""
    return torch.from_numpy(frames.astype(np.float32)).permute(3, 0, 1, 2).contiguous()


def _up_to(subject: Subject, layer: str) -> list[str]:
    """Return the shown layers that come before `layer`, and itself as the last one."""
    own = subject.layers[layer].order
    return [*(name for name in subject.stages if subject.layers[name].order < own), layer]


def _real(subject: Subject, answers: Answers) -> dict[str, Tensor]:
    """Return each layer's responses `n K` to the reference clips, or to those drawn from a larger number of them."""
    arrays = answers("evidence", subject.model, "responses")
    return {name: torch.from_numpy(np.asarray(values)) for name, values in arrays.items()}


def _other_seeds(
    subject: Subject,
    layer: str,
    kernels: Sequence[int],
    layers: Sequence[str],
    parameters: PathParameters,
    progress: Progress,
) -> dict[int, list[tuple[Profiles, float]]]:
    """Return for each kernel the profiles and activations of the clips that other seeds find."""
    found: dict[int, list[tuple[Profiles, float]]] = {kernel: [] for kernel in kernels}
    for more in range(1, parameters.seeds + 1):
        options = ascent_options(parameters, subject.objective, subject.seed + more)
        for one in maximize_with(subject.network, layer, kernels, options, progress=progress):
            responses = kernel_responses(subject.network, one.clip[None], layers, objective=subject.objective)
            found[one.kernel].append(({name: values[0] for name, values in responses.items()}, one.activation))
    return found


def _path_figures(found: NaturalPath | None) -> dict[str, Any]:
    if found is None:
        return {"path_similarity": None}
    return {
        "path_similarity": found.similarity,
        "synthetic": found.synthetic,
        "within": found.within,
        "across": found.across,
        "layers": {one.layer: (one.synthetic, one.within, one.across) for one in found.layers},
    }
