"""Multi-scale filters: the picture of each shown kernel, grown from noise through many sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.budget import GRADIENT_PASSES, forward_work
from reportgen.analyses.kernels.analysis import kernel_units
from reportgen.analyses.multiscale.maximize import GrownPicture, grown_pictures
from reportgen.analyses.multiscale.options import GrowthOptions
from reportgen.analyses.multiscale.parameters import GrowthParameters, MultiscaleParameters
from reportgen.analyses.multiscale.schedule import PUBLISHED_CLIP, sizes_for, sizes_within_work
from reportgen.networks.kernels.preactivation import native_shape
from reportgen.progress import Progress
from reportgen.records.answers.multiscale import MultiscaleAnswer
from reportgen.records.digits import significant
from reportgen.records.figures import ClipFigure, Figure, Result, RowFigure

_FEW_LAYERS = 3

_STRIP_SIDE = 96
"""Height of a strip of all sizes, px."""


class MultiscaleAnalysis:
    """One unit per kernel, of a few of those that are shown; the kernels of a layer grow together."""

    def units(self, subject: Subject, parameters: MultiscaleParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown kernels of some layers, of those that nobody listed the first `count` of each layer."""
        most = None if subject.selection.listed else parameters.count
        layers = shown_layers(subject, parameters.layers)
        kernels = {layer: subject.kernels[layer][:most] for layer in layers}
        return [
            unit
            for unit in kernel_units(subject)
            if isinstance(unit, Inapplicable) or unit.kernel in kernels.get(unit.group, ())
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: MultiscaleParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each kernel's picture as soon as it is grown."""
        layer = units[0].group
        by_index = {unit.kernel: unit for unit in units}
        options, notes = affordable_growth(subject, layer, parameters)
        for found in grown_pictures(subject.network, layer, list(by_index), options, progress=progress):
            answer = MultiscaleAnswer(
                layer=layer,
                index=found.kernel,
                objective=subject.objective,
                shapes=found.shapes,
                activations=found.activations,
                native_activation=found.native_activation,
                measured_on=found.measured_on,
                passed_on=found.passed_on,
                steps=options.steps,
                blur=options.blur,
                bounded=options.bounded,
                curve=tuple(significant(value, 5) for value in found.curve),
            )
            yield by_index[found.kernel], Result(answer, _figures(layer, found), (*notes, *found.notes))


def shown_layers(subject: Subject, most: int | None) -> tuple[str, ...]:
    """Return the layers of which pictures are grown: those that were chosen, or `most` of the network's own stages.

    None are all of them, or a few of a network whose clip is smaller than the published ones: on these the published
    sizes are fewer, too.
    """
    card = subject.network.card
    own = {subject.network.layer_name(stage.layer) for stage in card.stages} if card else set()
    if set(subject.stages) != own:
        return subject.stages
    if most is None:
        most = _FEW_LAYERS if min(native_shape(subject.network)[1:]) < PUBLISHED_CLIP else len(subject.stages)
    places = np.linspace(0, len(subject.stages) - 1, min(most, len(subject.stages))).round().astype(int)
    return tuple(subject.stages[place] for place in places)


def affordable_growth(
    subject: Subject, layer: str, parameters: MultiscaleParameters
) -> tuple[GrowthOptions, tuple[str, ...]]:
    """Return the options of a growth for the network's clip within its `work`, and what that left out."""
    native = native_shape(subject.network)
    wanted = sizes_for(native, parameters.growth, parameters.start, parameters.sizes)
    count, notes = len(wanted), []
    if parameters.work is not None:
        of_step = GRADIENT_PASSES * max(forward_work(subject.layers, layer), 1e-9)
        count = sizes_within_work(native, wanted, parameters.steps, of_step, parameters.work)
    if count < len(wanted):
        notes.append(f"{count} sizes instead of {len(wanted)}: this preset bounds the work on a kernel.")
    shared = {name: getattr(parameters, name) for name in GrowthParameters.model_fields}
    options = GrowthOptions(**shared, start=wanted[0], sizes=count, objective=subject.objective, seed=subject.seed)
    return options, tuple(notes)


def _figures(layer: str, found: GrownPicture) -> dict[str, Figure]:
    """Return the picture, and the strip of its sizes; of a clip that moves, the part that was measured."""
    words = f"What kernel {found.kernel} of {layer} looks for, grown through {len(found.shapes)} sizes"
    last = found.shapes[-1]
    frames = (found.clip if last[0] == 1 else found.native_clip).permute(1, 2, 3, 0).numpy()
    picture: Figure = RowFigure((frames[0],), words) if len(frames) == 1 else ClipFigure(frames, words)
    middles = tuple(middle.permute(1, 2, 0).numpy() for middle in found.middles)
    sizes = ", ".join(str(min(shape[1:])) for shape in found.shapes)
    strip = RowFigure(middles, f"Kernel {found.kernel} of {layer} at {sizes} px", min(_STRIP_SIDE, last[1]))
    return {"multiscale": picture, "growth": strip}
