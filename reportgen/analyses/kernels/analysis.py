"""Kernel stages: the clip that each shown kernel looks for (activation maximisation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.budget import GRADIENT_PASSES, forward_work
from reportgen.analyses.kernels.closed_form import filters
from reportgen.analyses.kernels.maximize import maximize_with
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.parameters import AscentParameters, KernelParameters
from reportgen.analyses.kernels.pattern import pattern
from reportgen.networks.kernels.clip_form import clip_preactivation
from reportgen.networks.kernels.preactivation import native_shape
from reportgen.progress import Progress
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.digits import significant
from reportgen.records.figures import Array, ClipFigure, DataFigure, Figure, Result
from reportgen.records.identities import KernelId
from reportgen.records.manifest import LayerFacts
from reportgen.records.objective import Objective

#: Native steps' worth of work below which a search leads nowhere.
LEAST_STEPS = 8

#: What a step costs of a native one when seven of eight are taken on smaller clips (`grow`), a quarter of the size or
#: less. Measured on C3D and I3D: 24 such steps reach more than 12 native ones, in 0.6 times the seconds.
GROWN_STEP = 1 / 3

#: The same of a search that begins in a part of the frame (`small_first`), with what it asks of rivals.
SMALL_FIRST_STEP = 1 / 2


class KernelAnalysis:
    """One unit per kernel; the kernels of a layer are optimised together.

    The parameter `work` bounds the multiply-adds of a kernel in 1e9: large networks take fewer steps, by a rule that
    knows the network and not the machine.
    """

    def units(self, subject: Subject, parameters: KernelParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return the shown kernels, stage by stage."""
        return kernel_units(subject)

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: KernelParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each kernel's clip as its optimisation ends."""
        layer = units[0].group
        by_index = {unit.kernel: unit for unit in units}
        parameters, notes = affordable_search(subject.layers, layer, parameters)
        options = ascent_options(parameters, subject.objective, subject.seed)
        stream = maximize_with(subject.network, layer, list(by_index), options, progress=progress)
        closed = _closed_forms(subject, layer, list(by_index))
        for found in stream:
            frames = found.clip.permute(1, 2, 3, 0).numpy()
            answer = KernelAnswer(
                layer=layer,
                index=found.kernel,
                activation=found.activation,
                contrast=float(found.clip.flatten(1).std(dim=1, correction=0).max()),
                even_activation=found.even_activation,
                pattern=pattern(frames),
                objective=subject.objective,
                passed_on=found.passed_on,
                steps=found.steps,
                curve=tuple(significant(value, 5) for value in found.curve),
            )
            figures: dict[str, Figure] = {
                "stage1": ClipFigure(frames, f"What kernel {found.kernel} of {layer} looks for"),
                "stage1_data": DataFigure({"clip": frames.astype("float16")}, "The clip, T H W C in [0, 1]"),
            }
            if found.kernel in closed:
                figures["closed_form"] = closed[found.kernel]
            yield by_index[found.kernel], Result(answer, figures, (*notes, *found.notes))


def ascent_options(parameters: AscentParameters, objective: Objective, seed: int) -> AscentOptions:
    """Return the options of a search of a report: a clip of the card's shape, with pixels in [0, 1], per kernel."""
    shared = {name: getattr(parameters, name) for name in AscentParameters.model_fields}
    return AscentOptions(**shared, objective=objective, seed=seed)


def affordable_search(
    layers: Mapping[str, LayerFacts], layer: str, parameters: KernelParameters
) -> tuple[KernelParameters, tuple[str, ...]]:
    """Return the parameters with as many steps as their `work` affords, and what that left out, for the reader."""
    if parameters.work is None:
        return parameters, ()
    steps = affordable_steps(layers, layer, parameters.steps, parameters.work, grow=parameters.grow)
    if steps == parameters.steps:
        return parameters, ()
    note = f"{steps} steps instead of {parameters.steps}: this preset bounds the work on a kernel."
    return parameters.model_copy(update={"steps": steps}), (note,)


def affordable_steps(
    layers: Mapping[str, LayerFacts], layer: str, steps: int, work: float, *, grow: bool = False
) -> int:
    """Return how many of `steps` steps fit into `work` 1e9 multiply-adds: at least the worth of `LEAST_STEPS`.

    A step is a gradient on a native clip, or with `grow` a third of one.
    """
    native = work / (GRADIENT_PASSES * max(forward_work(layers, layer), 1e-9))
    return min(steps, int(max(LEAST_STEPS, native) / (GROWN_STEP if grow else 1)))


def _closed_forms(subject: Subject, layer: str, kernels: Sequence[int]) -> dict[int, Figure]:
    """Return the kernels of a first convolution as clips about grey, in which they are what they look for.

    A layer is a first one when it sees no more of the clip than its own kernel, and nothing bends what it sees.
    """
    facts = subject.layers[layer]
    if facts.receptive_field != facts.kernel_size:
        return {}
    weights = filters(clip_preactivation(subject.network, layer, native_shape(subject.network)), kernels)
    return {
        kernel: ClipFigure(_about_grey(own), f"Kernel {kernel} of {layer} itself, enlarged: grey is 0")
        for kernel, own in weights.items()
    }


def _about_grey(weights: Tensor) -> Array:
    """Return a kernel `C T H W` as a clip T H W C in [0, 1]: grey is 0, its largest weight black or white."""
    largest = weights.abs().amax().clamp_min(1e-12)
    return (0.5 + weights / (2 * largest)).permute(1, 2, 3, 0).numpy()


def kernel_units(subject: Subject, needs: Sequence[tuple[str, str]] = ()) -> list[Unit | Inapplicable]:
    """Return one unit per shown kernel; `needs` are the (analysis, role) that each reads of the same kernel."""
    units: list[Unit | Inapplicable] = []
    for layer in subject.stages:
        for kernel in subject.kernels[layer]:
            name = str(KernelId(model=subject.model, layer=layer, index=kernel))
            needed = tuple((analysis, name, role) for analysis, role in needs)
            parameters: dict[str, JsonValue] = {"layer": layer, "kernel": kernel, "objective": subject.objective}
            units.append(Unit(name, layer, parameters, needs=needed))
    return units
