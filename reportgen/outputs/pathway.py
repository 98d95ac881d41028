"""A class pyramid as a chart: the class, the kernels behind it in layers, and what each contributes to which."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.outputs.model import Cell, Column, FrameStrip, columns, rows


@dataclass(frozen=True)
class PathwayNode:
    """A kernel, or the class itself at 0 back-steps, with its relevance and a picture of it."""

    name: str
    layer: str
    depth: int
    value: float
    picture: FrameStrip | None = None


@dataclass(frozen=True)
class PathwayEdge:
    """What the node numbered `source` contributes to the one numbered `target`."""

    source: int
    target: int
    value: float


@dataclass(frozen=True)
class Pathway:
    """Nodes in the order of their layers, and within a layer from top to bottom; node 0 is the class, called `one`."""

    one: str
    nodes: tuple[PathwayNode, ...]
    edges: tuple[PathwayEdge, ...]

    def table(self) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
        """Return each kernel with its relevance."""
        heads = columns("Kernel", "Layer", Column("Back-steps", "count"), Column("Relevance", "number"))
        return heads, rows((node.name, node.layer, node.depth, node.value) for node in self.nodes if node.depth)
