"""How natural each kernel's synthetic clip is: its way through the layers, and what other seeds find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.natural_path import (
    NaturalPath,
    idle_clips,
    mean,
    natural_path,
    profile_similarity,
    rank,
)
from reportgen.analyses.common.responses import Meter, responses_by
from reportgen.analyses.kernels.analysis import ascent_options, kernel_units
from reportgen.analyses.kernels.maximize import maximize_with
from reportgen.analyses.path.parameters import PathParameters
from reportgen.progress import Progress
from reportgen.records.answers.path import PathAnswer
from reportgen.records.figures import Result
from reportgen.records.identities import KernelId

Profiles = Mapping[str, Tensor]


class PathAnalysis:
    """One unit per shown kernel."""

    def units(self, subject: Subject, parameters: PathParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown kernels; without real clips and further seeds there is nothing to compare with."""
        real = bool(subject.every_clip)
        if not real and parameters.seeds < 1:
            return [Inapplicable(subject.model, "no reference clips whose way a synthetic clip could take")]
        needed = (("evidence", subject.model, "responses"),) if real else ()
        found: list[Unit | Inapplicable] = []
        for unit in kernel_units(subject):
            if isinstance(unit, Inapplicable):
                found.append(unit)
                continue
            # Each is compared with the clips of its layer's other kernels.
            clips = tuple(("kernels", name, "stage1_data") for name in _layer_units(subject, unit.group))
            found.append(replace(unit, needs=clips + needed))
        return found

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
        kernels = [unit.kernel for unit in units]
        names = _layer_units(subject, layer)
        clips = torch.stack([_clip(answers("kernels", name, "stage1_data")["clip"]) for name in names])
        layers = _up_to(subject, layer)
        channels, frames, height, width = clips.shape[1:]
        meter = Meter(subject.network, layers, (frames, height, width), channels, subject.objective)
        shown = responses_by(meter, clips)
        found = _other_seeds(subject, layer, kernels, meter, parameters, progress)
        real = _real(subject, answers) if subject.every_clip else {}
        for unit, kernel in zip(units, kernels, strict=True):
            place = names.index(unit.name)
            others = {name: torch.cat([rows[:place], rows[place + 1 :]]) for name, rows in shown.items()}
            own = {name: rows[place] for name, rows in shown.items()}
            driven = real[layer][:, kernel] if real else None
            before = {name: own[name] for name in layers[:-1]}
            path = natural_path(before, real, driven, others) if driven is not None else None
            answer = PathAnswer(
                **_path_figures(path),
                clips=len(real[layer]) if real else 0,
                seeds=len(found[kernel]) + 1,
                **_seed_figures(own, [profiles for profiles, _ in found[kernel]], others, real, driven),
                seed_activations=tuple(activation for _profiles, activation in found[kernel]),
                seed_steps=parameters.steps if found[kernel] else None,
            )
            yield unit, Result(answer)


def _layer_units(subject: Subject, layer: str) -> list[str]:
    """Return the names of all shown kernels of a layer."""
    return [str(KernelId(model=subject.model, layer=layer, index=kernel)) for kernel in subject.kernels[layer]]


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
    meter: Meter,
    parameters: PathParameters,
    progress: Progress,
) -> dict[int, list[tuple[Profiles, float]]]:
    """Return for each kernel the profiles, by a meter, and activations of the clips that other seeds find."""
    found: dict[int, list[tuple[Profiles, float]]] = {kernel: [] for kernel in kernels}
    for more in range(1, parameters.seeds + 1):
        options = ascent_options(parameters, subject.objective, subject.seed + more)
        for one in maximize_with(subject.network, layer, kernels, options, progress=progress):
            responses = responses_by(meter, one.clip[None])
            found[one.kernel].append(({name: values[0] for name, values in responses.items()}, one.activation))
    return found


def _path_figures(found: NaturalPath | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "path_natural": found.natural,
        "path_kernels": found.kernels,
        "path_told": found.told,
        "synthetic": mean([one.synthetic for one in found.layers]),
        "within": mean([one.within for one in found.layers]),
        "across": mean([one.across for one in found.layers]),
        "layers": {one.layer: (one.synthetic, one.within, one.across) for one in found.layers},
    }


def _seed_figures(
    own: Profiles, seeds: Sequence[Profiles], others: Profiles, real: Profiles, driven: Tensor | None
) -> dict[str, Any]:
    """Return how like the clips of other seeds are, and the least like one's place among clips of other reasons."""
    if not seeds:
        return {}
    same = profile_similarity(own, {name: torch.stack([found[name] for found in seeds]) for name in own})
    least = float(same.min())
    figures: dict[str, Any] = {"seed_similarity": least}
    figures["seed_kernels"] = rank(least, profile_similarity(own, others))
    if driven is not None:
        idle = idle_clips(driven)
        figures["seed_natural"] = rank(least, profile_similarity(own, {name: real[name][idle] for name in own}))
    return figures
