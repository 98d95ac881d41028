"""How far each saliency map may be believed: against random maps, other weights, noise and other seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.common.budget import GRADIENT_PASSES, fitted, lowered, passes_within
from reportgen.analyses.common.reducing import reducing_pays
from reportgen.analyses.common.targets import asked
from reportgen.analyses.faithfulness.hiding import CONTROLS, HIDDEN_BEHIND, hiding_tests
from reportgen.analyses.faithfulness.map_checks import Randomisation, sensitivity, stability, weight_randomisations
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.saliency.attribution import METHODS, MapSettings
from reportgen.analyses.saliency.exposed import Exposures
from reportgen.analyses.saliency.smoothing import smoothing_reduced
from reportgen.analyses.saliency.units import map_units
from reportgen.clips import Clip
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.speed.quick_copy import quick_copy
from reportgen.progress import Progress
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, ShuffledWeights
from reportgen.records.figures import Array, Result
from reportgen.records.manifest import LayerFacts

#: What a large network has fewer of, what matters least first, and how few at least.
_FEWEST = {"hidden": 4, "maps": 4, "curve_steps": 2, "layers": 1}

_WORDS = {
    "hidden": "random parts hidden",
    "maps": "random maps",
    "curve_steps": "steps along a curve",
    "layers": "depths of shuffled weights",
}


class FaithfulnessAnalysis:
    """One unit per clip, target and method; maps of one clip and class are compared with the same
    random ones.

    `work` bounds the multiply-adds of the probes and one method's checks in 1e9: large networks are probed less, by a
    rule that knows the network and not the machine.
    """

    def units(self, subject: Subject, parameters: FaithfulnessParameters) -> Sequence[Unit | Inapplicable]:
        """Return every clip and class by every method, each reading its map."""
        units = map_units(subject, parameters.methods)
        return [
            unit if isinstance(unit, Inapplicable) else replace(unit, needs=(("saliency", unit.name, "overlay"),))
            for unit in units
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: FaithfulnessParameters,
        answers: Answers,
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield how each map fares."""
        clip = subject.clip(units[0].clip)
        network, index = asked(subject, units[0])
        heats = [_heat(answers("saliency", unit.name, "overlay")) for unit in units]
        parameters, notes = affordable_checks(subject.layers, parameters)
        with progress.task(f"checks of the maps of {clip.name}", len(units)) as task:
            quick = quick_copy(network, [tensor(clip)])
            reduced = reducing_pays(subject.layers, _probes(_counts(parameters)), network.device)
            found = hiding_tests(
                network, subject.seed, clip, index, heats, parameters, progress, quick=quick, reduced=reduced
            )
            smoothed = smoothing_reduced(subject.layers, parameters.samples, network.device)
            checks = MapChecks(network, subject.seed, clip, index, parameters, progress, quick, smoothed)
            shuffled = checks.randomisation([unit.method for unit in units])
            for unit, heat, tests in zip(units, heats, found, strict=True):
                answer = FaithfulnessAnswer(
                    method=unit.method,
                    target=unit.target,
                    clip=clip.name,
                    tests=tests,
                    randomisation=_shuffled(shuffled[unit.method]),
                    sensitivity=checks.sensitivity(unit.method, heat),
                    stability=checks.stability(unit.method, heat),
                )
                yield unit, Result(answer, notes=notes)
                task.advance()


def affordable_checks(
    layers: Mapping[str, LayerFacts], parameters: FaithfulnessParameters
) -> tuple[FaithfulnessParameters, tuple[str, ...]]:
    """Return the parameters with as many probes as their `work` affords, and what that left out, for the reader."""
    if parameters.work is None:
        return parameters, ()
    wanted = _counts(parameters)
    chosen = fitted(wanted, _FEWEST, _passes, passes_within(layers, parameters.work))
    less = lowered(wanted, chosen, _WORDS)
    notes = (f"{'; '.join(less)}. This preset bounds the work on a map.",) if less else ()
    return parameters.model_copy(update=chosen), notes


def _counts(parameters: FaithfulnessParameters) -> dict[str, int]:
    return {name: getattr(parameters, name) for name in _FEWEST}


def _passes(counts: Mapping[str, int]) -> int:
    """Return the forward passes that the probes and the checks of one method need, about."""
    return _probes(counts) + (1 + counts["layers"]) * (1 + GRADIENT_PASSES)


def _probes(counts: Mapping[str, int]) -> int:
    """Return the forward passes of the probes of one map and of what all maps share."""
    inner = counts["curve_steps"] - 1
    return len(HIDDEN_BEHIND) * (2 + counts["maps"] * inner + counts["hidden"] + 2 * inner * (1 + CONTROLS))


def _heat(arrays: Mapping[str, Array]) -> Tensor:
    """Return a stored map T H W, which is kept in units of its scale."""
    return torch.from_numpy(arrays["heat"].astype("float64") * arrays["scale"].item())


@dataclass(frozen=True)
class MapChecks:
    """The checks that make further maps of a clip and class; `quick` is what makes them in the network's place.

    `reduced` is that of the maps' own settings.
    """

    network: Network
    seed: int
    clip: Clip
    index: int
    parameters: FaithfulnessParameters
    progress: Progress
    quick: Network | None
    reduced: bool = False
    exposures: Exposures = field(default_factory=Exposures)

    def _effort(self, *, full: bool) -> MapSettings:
        told = self.parameters
        window: tuple[int, ...] | None = told.window
        if told.check_boxes and not full:
            sizes = self.clip.pixels.shape[2:]
            window = tuple(math.ceil(size / parts) for size, parts in zip(sizes, told.check_boxes, strict=True))
        return MapSettings(
            seed=self.seed,
            steps=told.steps if full else told.check_steps,
            samples=told.samples if full else told.check_samples,
            baseline=told.baseline,
            layer=told.layer,
            window=window,
            quick=self.quick,
            exposures=self.exposures,
            reduced=self.reduced,
        )

    def randomisation(self, methods: Sequence[str]) -> dict[str, Randomisation | NetworkError]:
        """Return how like itself each method's map stays while weights are shuffled from the top."""
        return weight_randomisations(
            self.network,
            tensor(self.clip),
            self.index,
            methods,
            effort=self._effort(full=False),
            depths=self.parameters.layers,
            progress=self.progress,
        )

    def sensitivity(self, method: str, heat: Tensor) -> float | None:
        """Return the largest relative change under noise of the map that is shown; None where it is not asked for."""
        noises = self.parameters.noises
        if noises < 1:
            return None
        return sensitivity(
            self.network,
            tensor(self.clip),
            self.index,
            method,
            effort=self._effort(full=True),
            samples=noises,
            before=heat,
        )

    def stability(self, method: str, heat: Tensor) -> float | None:
        """Return the mean rank correlation of the map with those of other seeds; None for methods without chance."""
        if not METHODS[method].stochastic or self.parameters.seeds < 2:
            return None
        return stability(
            self.network,
            tensor(self.clip),
            self.index,
            method,
            heat,
            effort=self._effort(full=True),
            seeds=self.parameters.seeds,
        )


def _shuffled(found: Randomisation | NetworkError) -> ShuffledWeights:
    """Return what shuffled weights say, or raise why they say nothing."""
    if isinstance(found, NetworkError):
        raise found
    return ShuffledWeights(layers=tuple(found.layers), correlations=tuple(found.correlations))
