"""Class pyramids of a summary: the graph, the causal check, and how far relevance adds up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from reportgen.outputs.model import DocumentBlock, FrameStrip, Prose, ReportFigure, Section, Statement
from reportgen.outputs.pathway import Pathway, PathwayEdge, PathwayNode
from reportgen.pages.findings import shown_findings
from reportgen.pages.pyramid import causal_verdict, conservation_sentence, drops_chart
from reportgen.pages.pyramid_graph import best_real_clip
from reportgen.pages.report import ModelView
from reportgen.pages.strips import clip_strip
from reportgen.reading.ablation import causal_drops
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, percent, plural, short_layer_name
from reportgen.reading.graphs import Graph, Node
from reportgen.reading.views import Pyramid
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.summary.frames import frames
from reportgen.summary.shares import Shares

COLUMNS = 8
"""Back-steps from the class that are drawn, at most: paper is as wide as it is."""

_IN_A_COLUMN, _OF_A_LAYER = 22, 8


def pyramids_part(model: ModelView, share: Shares) -> Section | None:
    """Return a network's pyramids, first those of its findings; None where there is none."""
    if not model.pyramids:
        return None
    told = {one.finding.link for one in shown_findings(model)}
    shown = Excerpt.of(sorted(model.pyramids, key=lambda pyramid: pyramid.uri not in told), share.pyramids)
    blocks: list[DocumentBlock] = []
    for place, pyramid in enumerate(shown, start=1):
        blocks += _blocks(model, pyramid, place)
    if shown.left_out:
        are = "is" if shown.left_out == 1 else "are"
        blocks.append(Prose(f"{plural(shown.left_out, f'more {model.words.pyramid}')} {are} in the site.", "caption"))
    title = model.words.pyramid
    return Section(shown.shown[0].uri, f"{title[:1].upper()}{title[1:]}s", tuple(blocks))


def _blocks(model: ModelView, pyramid: Pyramid, place: int) -> list[DocumentBlock]:
    name = f"{pyramid.label} on {pyramid.clip_title}"
    chart = pathway(model, pyramid)
    found: list[DocumentBlock] = []
    if len(chart.nodes) > 1:
        alt = f"Graph of the {model.words.pyramid} of {name}: {plural(len(chart.nodes) - 1, 'kernel')} and their edges"
        found.append(ReportFigure(f"pyramid-{place}", chart, alt, _caption(model, pyramid, chart, name)))
    answer = model.answer(pyramid.view.record, PyramidAnswer)
    drops = causal_drops(answer) if answer else []
    removed = drops_chart(drops, model.words)
    if removed and place == 1:
        found.append(replace(removed, name=f"removal-{place}"))
    if verdict := causal_verdict(answer, drops, model.words, model.limits):
        found.append(Statement("Causal check", verdict[0].state, verdict[1], pyramid.uri))
    else:
        found.append(
            Prose("The causal check was not run: nothing shows yet that these kernels matter more than others.")
        )
    found.append(Prose(conservation_sentence(pyramid, model.words), "caption"))
    return found


def pathway(model: ModelView, pyramid: Pyramid) -> Pathway:
    """Return the graph as it is drawn: the most relevant kernels of each layer, and the edges between them."""
    graph = pyramid.graph
    shown = _shown(graph)
    place_of = {node: place for place, node in enumerate(shown)}
    nodes = [_node(model, pyramid, graph.nodes[node]) for node in shown]
    edges = [
        PathwayEdge(place_of[edge.source], place_of[edge.target], edge.contribution)
        for edge in graph.edges
        if edge.source in place_of and edge.target in place_of
    ]
    return Pathway(model.words.one, tuple(nodes), tuple(edges))


def _shown(graph: Graph) -> list[int]:
    """Return the nodes that are drawn, layer by layer in the graph's own order."""
    layers: dict[tuple[int, str], list[int]] = {(depth, name): [] for name, depth in graph.layers if depth <= COLUMNS}
    for place, node in enumerate(graph.nodes):
        if (node.depth, node.layer) in layers and (node.relevance > 0 or not node.depth):
            layers[node.depth, node.layer].append(place)
    stacked: dict[int, int] = defaultdict(int)
    for (depth, _), own in layers.items():
        stacked[depth] += bool(own)
    found = []
    for (depth, _), own in sorted(layers.items(), key=lambda item: item[0][0]):
        most = max(2, min(_OF_A_LAYER, _IN_A_COLUMN // max(stacked[depth], 1)))
        best = sorted(own, key=lambda place: -graph.nodes[place].relevance)[:most]
        found += sorted(best, key=lambda place: (graph.nodes[place].order, place))
    return found


def _node(model: ModelView, pyramid: Pyramid, node: Node) -> PathwayNode:
    if not node.depth:
        return PathwayNode(pyramid.label, pyramid.label, 0, node.relevance)
    return PathwayNode(f"#{node.index}", short_layer_name(node.layer), node.depth, node.relevance, _seen(model, node))


def _seen(model: ModelView, node: Node) -> FrameStrip | None:
    """Return a frame of the kernel's synthetic clip, else of the reference clip that drives it most."""
    view = next((one for one in model.kernels.get(node.layer, ()) if one.id.index == node.index), None)
    own = clip_strip(model.addresses, view.answer("kernels"), "stage1", view.name) if view else None
    return frames(model, own or best_real_clip(model, node), 1)


def _caption(model: ModelView, pyramid: Pyramid, chart: Pathway, name: str) -> str:
    graph, value = pyramid.graph, model.words.value
    kept = [node.relevance for node in graph.nodes if node.depth and node.relevance > 0]
    drawn = [node.value for node in chart.nodes if node.depth]
    share = sum(drawn) / sum(kept) if kept else 0.0
    deepest = max((depth for _, depth in graph.layers), default=0)
    words = [
        f"Which kernels, through which kernels, lead to {name}. The {model.words.one} stands at the left, deeper "
        f"layers to the right. Height of a kernel: its relevance; width of an edge: its contribution"
        f"{f' to the {value}' if graph.scoring == 'attribution' else ''}; blue excites, red inhibits."
    ]
    if len(drawn) < len(kept):
        words.append(
            f"Drawn are {count(len(drawn))} of {plural(len(kept), 'kept kernel')}, the most relevant of each layer"
            f"{f' up to {COLUMNS} back-steps of {deepest}' if deepest > COLUMNS else ''}, with "
            f"{percent(share)} of their relevance."
        )
    words.append("Pictures: a frame of the kernel's synthetic clip, or of the reference clip that drives it most.")
    return " ".join(words)
