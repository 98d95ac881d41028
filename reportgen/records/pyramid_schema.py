"""The document of a class pyramid: what is written as JSON, published as a JSON schema, and read by the pages.

`PyramidDocument.model_json_schema(by_alias=True)` is the schema.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from reportgen.records.base import Frozen

PYRAMID_SCHEMA_VERSION = 1

GRAPH_DIGITS = 5
"""Significant digits of the figures of single kernels and edges; sums over many of them are given in full."""


class ClassFacts(Frozen):
    """The class that the pyramid explains."""

    index: int = Field(ge=0)
    label: str | None = None


class KernelPlace(Frozen):
    """One kernel; `layer` null is the class itself, with the class's index."""

    layer: str | None
    index: int = Field(ge=0)


class LayerFigures(Frozen):
    """One layer of the pyramid, all of its kernels counted."""

    name: str
    kind: Literal["convolution", "transposed", "linear", "boundary"] = Field(
        description="boundary: a place where channels mix other than by a kernel, named after the operation."
    )
    depth: int = Field(ge=1, description="Layers back from the class, by the longest way.")
    kernels: int = Field(ge=1)
    kept: int = Field(ge=0)
    relevance: float = Field(description="Sum of the relevance of all its kernels, in logits.")
    relevances: tuple[float, ...] = Field((), description="Relevance of each of its kernels.")


class NodeFigures(Frozen):
    """One kernel."""

    layer: str
    index: int = Field(ge=0)
    depth: int = Field(ge=1)
    relevance: float = Field(
        description="attribution: sum over positions of dy/da * a, in logits. published: the best score, 0 to 1."
    )
    activation: float = Field(description="Mean response over the clip, behind batch norm and activation.")
    kept: bool = Field(True, description="False for negative evidence.")
    order: int = Field(0, ge=0, description="Place in the layer's column by barycentre, from the top.")


class EdgeFigures(Frozen):
    """What one kernel contributes to another."""

    source: KernelPlace
    target: KernelPlace
    contribution: float = Field(description="attribution: <K, dy/dK>, in logits. published: the score, 0 to 1.")


class ConservationFigures(Frozen):
    """How the logit is shared out; shares are relative to it."""

    error: float = Field(description="Largest |1 - relevance - bias| over the cuts; 0 for piecewise-linear networks.")
    bias_share: float = Field(description="Share of biases, norms' shifts and constants behind the deepest cut.")
    curvature_share: float = Field(0.0, description="What relevance and biases leave of the logit at that cut.")
    cuts: tuple[tuple[str, float, float], ...] = Field(
        description="Layers that all paths pass: name, share of relevance, share of bias behind them."
    )


class ThetaCurve(Frozen):
    """How many kernels each layer keeps at each theta."""

    thetas: tuple[float, ...]
    kept: dict[str, tuple[int, ...]]


class PyramidDocument(Frozen):
    """A class pyramid on one clip."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True
    )

    version: int = PYRAMID_SCHEMA_VERSION
    network: str
    weights: str | None = Field(None, description="SHA-256 of the weights.")
    clip: str | None = None
    class_: ClassFacts = Field(alias="class")
    logit: float
    above_mean: float | None = Field(None, description="The logit above the mean of all classes'.")
    scoring: Literal["attribution", "published"]
    parameters: dict[str, Any]
    layers: tuple[LayerFigures, ...]
    nodes: tuple[NodeFigures, ...]
    negative: tuple[NodeFigures, ...] = ()
    edges: tuple[EdgeFigures, ...]
    edge_total: int = Field(ge=0, description="Edges between kept kernels; `edges` holds the strongest of them.")
    conservation: ConservationFigures | None = None
    theta_curve: ThetaCurve
    boundaries: tuple[str, ...] = Field((), description="Where channels mix other than by a kernel.")
    unknown_operations: dict[str, int] = Field(default_factory=dict)
