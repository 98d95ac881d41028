"""Class Feature Pyramids: which kernels, through which kernels, make a class on a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.common.targets import asked, target_units, title_of
from reportgen.analyses.pyramid.ablation import Ablation, AblationRow, ablate
from reportgen.analyses.pyramid.class_clips import OnClips, chosen_clips, labelled_clips, on_clips
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, class_pyramid
from reportgen.analyses.pyramid.export import edge_table, graphml, node_table, published_dictionary, pyramid_document
from reportgen.analyses.pyramid.parameters import PyramidParameters
from reportgen.analyses.pyramid.tubes import saliency_tubes
from reportgen.analyses.pyramid.unfollowed import notes, unfollowed
from reportgen.clips import Clip
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import Progress
from reportgen.records.answers.pyramid import AblationFigures, ClassClips, PyramidAnswer
from reportgen.records.figures import DataFigure, Figure, HeatFigure, JsonFigure, Result, StackFigure, TextFigure
from reportgen.records.jobs import content_key
from reportgen.records.pyramid_schema import PyramidDocument
from reportgen.records.targets import Target

#: Conditions of the causal check that share a pass, at most: a small clip's passes cost more in calls than in sums.
MOST_AT_ONCE = 7

#: A tube's colours end at this percentile of it.
TUBE_PERCENTILE = 99.5

#: Kernels of a layer that get a tube of their own, the most relevant ones.
TUBES_PER_LAYER = 3


class PyramidAnalysis:
    """One unit per clip and target; all classes share one connection graph."""

    def units(self, subject: Subject, parameters: PyramidParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return every clip and target; the causal check reads the labelled clips too."""
        labelled = {"labelled": content_key(labelled_clips(subject))}
        return [
            unit if isinstance(unit, Inapplicable) else replace(unit, inputs={**unit.inputs, **labelled})
            for unit in target_units(subject)
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: PyramidParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield the pyramid of each target, with its causal check and its tubes."""
        clip = subject.clip(units[0].clip)
        graphs: dict[Target, ConnectionGraph] = {}
        draws = parameters.draws
        with progress.task(f"pyramid of {clip.name}", len(units)) as task:
            for unit in units:
                network, index = asked(subject, unit)
                key = Target(kind="class", index=0) if unit.target.of_class else unit.target
                if key not in graphs:  # all classes share one
                    graphs[key] = connection_graph(network, clip.pixels.shape)
                found = _pyramid(network, clip, index, graphs[key], parameters)
                batch = min(MOST_AT_ONCE, starting_batch(tensor(clip).to(network.device)))
                causal: dict[str, Any] = {}
                if found.kept():
                    check = ablate(network, tensor(clip), index, found, draws=draws, seed=subject.seed, batch=batch)
                    clips = chosen_clips(subject, clip, index) if unit.target.of_class else []
                    held = on_clips(network, clips, index, found, seed=subject.seed, batch=batch)
                    causal = _causal(check, held, draws)
                yield unit, _result(subject, clip, unit.target, found, causal)
                task.advance()


def _pyramid(
    network: Network, clip: Clip, index: int, graph: ConnectionGraph, parameters: PyramidParameters
) -> ClassPyramid:
    return class_pyramid(
        network,
        tensor(clip),
        index,
        depth=parameters.depth or None,
        scoring=parameters.scoring,
        threshold=parameters.threshold,
        top=parameters.top,
        mass=parameters.mass,
        per_layer={int(name) if name.isdecimal() else name: most for name, most in parameters.per_layer.items()},
        graph=graph,
        max_edges=parameters.max_edges,
    )


def _result(subject: Subject, clip: Clip, target: Target, found: ClassPyramid, causal: Mapping[str, Any]) -> Result:
    document = pyramid_document(
        found,
        network=subject.model,
        weights=subject.network.weights.sha256 if subject.network.weights else None,
        clip=clip.name,
        label=title_of(subject, target),
    )
    mixing = unfollowed(found.graph, [layer.name for layer in found.layers if layer.kind == "boundary"])
    answer = PyramidAnswer(
        logit=found.above_mean,
        target=target,
        target_title=title_of(subject, target),
        clip=clip.name,
        scoring=found.scoring,
        kernels=sum(layer.kept for layer in document.layers if layer.kind != "boundary"),
        edges=document.edge_total,
        conservation_error=found.conservation.error if found.conservation else None,
        bias_share=found.conservation.bias_share if found.conservation else None,
        curvature_share=found.conservation.curvature_share if found.conservation else None,
        graph_kernels=_kernels(found.graph),
        graph_edges=found.graph.edge_count,
        boundaries=tuple(found.graph.boundaries),
        unfollowed=mixing,
        unknown_operations=dict(found.graph.unknown_operations),
        **causal,
    )
    figures = {**_documents(found, document), **_tubes(subject, clip, found)}
    for_it = [] if found.kept() else [f"No kernel speaks for {answer.target_title}: none has a positive relevance."]
    return Result(answer, figures, [*for_it, *found.notes, *notes(subject.model, mixing)])


def _causal(check: Ablation, held: OnClips | None, draws: int) -> dict[str, Any]:
    """Return the answer's fields of the causal check."""
    return {
        "ablation": {row.layer or "together": _row(row, draws) for row in (check.together, *check.layers)},
        "class_clips": ClassClips(**asdict(held)) if held else None,
    }


def _row(row: AblationRow, draws: int) -> AblationFigures:
    known = row.controlled
    return AblationFigures(
        count=row.count,
        drop=row.drop,
        random_mean=row.random_mean if known else None,
        random_low=row.random_low if known else None,
        random_high=row.random_high if known else None,
        others=row.others,
        p=row.p,
        draws=draws if row.p is not None else 0,
    )


def _kernels(graph: ConnectionGraph) -> int:
    return sum(layer.size for layer in graph.layers if layer.kernels)


def _documents(found: ClassPyramid, document: PyramidDocument) -> dict[str, Figure]:
    figures: dict[str, Figure] = {
        "graph": JsonFigure(document.model_dump(mode="json"), "The pyramid's graph"),
        "schema": JsonFigure(PyramidDocument.model_json_schema(by_alias=True), "The JSON schema of the graph"),
        "graphml": TextFigure(graphml(document), ".graphml", "For Gephi, Cytoscape, yEd or networkx"),
        "relevance": _relevance(document),
        "nodes": node_table(document),
        "edges": edge_table(document),
    }
    try:
        nested = published_dictionary(found)
    except OptionError as reason:
        # The published form is a tree, whose size explodes with depth: the graph above holds the same connections.
        return {**figures, "nested": JsonFigure({"left_out": str(reason)}, "The published form, left out")}
    return {**figures, "nested": JsonFigure(nested, "The nested dictionary of the published tool")}


def _relevance(document: PyramidDocument) -> DataFigure:
    """Return each layer's relevance by kernel, and which of its kernels the pyramid keeps, `2 K`."""
    found = {}
    for layer in document.layers:
        if layer.kind != "boundary" and layer.relevances:
            kept = np.zeros(layer.kernels, np.float32)
            kept[[node.index for node in document.nodes if node.layer == layer.name]] = 1.0
            found[layer.name] = np.stack([np.array(layer.relevances, np.float32), kept])
    return DataFigure(found, "Relevance of every kernel, and which are kept")


def _tubes(subject: Subject, clip: Clip, found: ClassPyramid) -> dict[str, Figure]:
    over = clip.frames
    figures: dict[str, Figure] = {}
    tubes = saliency_tubes(subject.network, tensor(clip), found, kernels_per_layer=TUBES_PER_LAYER)
    for layer, tube in tubes.items():
        figures[f"tube.{layer}"] = HeatFigure(tube.tube, over, False, _scale(tube.tube), f"Kept kernels of {layer}")
        stack = np.maximum(tube.tube, 0.0)
        figures[f"stack.{layer}"] = StackFigure(stack, over, _scale(stack), f"Tube of {layer}, frame behind frame")
        for index, map_ in zip(tube.kernels, tube.maps, strict=True):
            figure = HeatFigure(map_, over, False, _scale(map_), f"Kernel {index} of {layer}")
            figures[f"kernel_tube.{layer}.{index}"] = figure
    return figures


def _scale(heat: NDArray[np.float32]) -> float:
    """Return the value at which a tube's colours end."""
    return float(np.percentile(np.abs(heat), TUBE_PERCENTILE)) or 1.0
