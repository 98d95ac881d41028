"""Weight gradients as the runner sees them: each target on each shown clip, then the network over its references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.common.inputs import clips_and_layers
from reportgen.analyses.common.targets import asked, target_units, title_of
from reportgen.analyses.weight_gradients.gradients import convolutions, weight_gradients
from reportgen.analyses.weight_gradients.overall import Overall, given_classes
from reportgen.analyses.weight_gradients.parameters import WeightGradientParameters
from reportgen.analyses.weight_gradients.pictures import colour_scale, drawn_filters, volume_file
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import Progress
from reportgen.records.answers.weight_gradients import ClipGradients, LayerGradient, WeightGradientAnswer
from reportgen.records.digits import significant
from reportgen.records.figures import DataFigure, Figure, FiltersFigure, Result
from reportgen.records.jobs import content_key


class WeightGradientAnalysis:
    """One unit per shown clip and target, and one for the model; all share one connection graph."""

    def units(self, subject: Subject, parameters: WeightGradientParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown clips and targets, then the model; raises UnknownNameError for a class that there is not."""
        given_classes(subject.network, parameters)
        if not any(facts.kind.startswith("Conv") for facts in subject.layers.values()):
            return [Inapplicable(subject.model, "this network has no convolution, whose weights could be asked about")]
        units = target_units(subject)
        if not all(isinstance(unit, Unit) for unit in units):
            return units
        inputs = {
            **clips_and_layers(subject.every_clip, subject.stages),
            "targets": content_key({clip: [str(one) for one in own] for clip, own in subject.targets.items()}),
        }
        shown = [
            replace(unit, group=subject.model, inputs={**unit.inputs, "layers": inputs["layers"]})
            for unit in units
            if isinstance(unit, Unit)
        ]
        return [*shown, Unit(subject.model, subject.model, {}, inputs)]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: WeightGradientParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield the gradients of each target on each shown clip, then what holds of the model."""
        network, _ = asked(subject, units[0]) if units[0].name != subject.model else (subject.network, 0)
        graph = connection_graph(network, subject.clips[0].pixels.shape)
        shown = [name for name in subject.stages if name in convolutions(graph)]
        with progress.task("weight gradients", len(units)) as task:
            for unit in units:
                if unit.name == subject.model:
                    yield unit, Overall(subject, graph, shown, parameters, progress).result()
                else:
                    yield unit, _on_clip(subject, unit, graph, shown, parameters.filters)
                task.advance()


def _on_clip(subject: Subject, unit: Unit, graph: ConnectionGraph, shown: Sequence[str], most: int) -> Result:
    """Return the gradients of one target on one clip."""
    network, index = asked(subject, unit)
    clip = subject.clip(unit.clip)
    found = weight_gradients(network, tensor(clip), index, graph=graph)
    layers: dict[str, LayerGradient] = {}
    figures: dict[str, Figure] = {}
    kept = {}
    for name, own in found.layers.items():
        size = significant(float((own.norms**2).sum() ** 0.5), 6)
        layers[name] = LayerGradient(shape=own.gradients.shape, norm=size)
        if name not in shown:
            continue
        drawn = drawn_filters(own, most)
        scale = colour_scale(drawn.shown)
        layers[name] = LayerGradient(
            shape=own.gradients.shape, norm=size, drawn=drawn.filters, channels=drawn.channels, scale=scale
        )
        figures[f"volumes.{name}"] = FiltersFigure(drawn.shown, scale, f"Gradients of filters of {name}")
        figures[f"gradients.{name}"] = volume_file(drawn.volumes, f"Gradients of filters of {name}, as volumes")
        kept[name] = own.gradients[list(drawn.filters)]
    if kept:
        figures["gradients"] = DataFigure(kept, "Gradients of the drawn filters, whole: filters, channels, taps")
    answer = ClipGradients(
        clip=clip.name,
        target=unit.target,
        target_title=title_of(subject, unit.target),
        logit=found.logit,
        layers=layers,
    )
    return Result(WeightGradientAnswer(shown=answer), figures, found.notes)
