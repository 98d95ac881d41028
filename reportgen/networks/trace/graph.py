"""The connection graph: which kernels of a network feed which, channel by channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import one_line, unknown_name
from reportgen.networks.trace.constants import Constant
from reportgen.networks.trace.cuts import Cut
from reportgen.networks.trace.labels import NONE, Ids

LayerKind = Literal["input", "convolution", "transposed", "linear", "boundary"]
Layout = Literal["conv", "conv_transpose", "in_out", "out_in", "none"]


@dataclass(frozen=True, eq=False)
class KernelLayer:
    """One layer of the graph: all kernels that share a weight tensor, the network's input, or a boundary.

    The kernels have the graph-wide numbers `offset` to `offset + size - 1`. `inputs` (K, channels) holds for each
    input channel the numbers of up to K kernels that reach it, padded with -1; kernel i of a layer with `groups`
    groups reads the channels of group `i // (size // groups)`. `layout` says how the weight tensor that the operation
    used is laid out. `operation` is the torch operation; a boundary is named after it.
    """

    name: str
    kind: LayerKind
    size: int
    offset: int
    inputs: Ids
    groups: int = 1
    layout: Layout = "none"
    parameter: str | None = None
    operation: str = ""

    @property
    def channels(self) -> int:
        """How many channels the layer reads."""
        return int(self.inputs.shape[1])

    @property
    def kernels(self) -> bool:
        """Whether the layer consists of kernels (it is neither the input nor a boundary)."""
        return self.kind not in {"input", "boundary"}

    def grouped_sources(self) -> Iterator[tuple[NDArray[np.int64], Ids]]:
        """Yield each group's kernels (their indices in the layer) and the distinct sources that all of them read."""
        if not self.channels:
            return
        per_group, width = self.channels // self.groups, self.size // self.groups
        for group in range(self.groups):
            block = self.inputs[:, group * per_group : (group + 1) * per_group]
            sources = np.unique(block)
            yield np.arange(group * width, (group + 1) * width), sources[sources != NONE]


@dataclass(frozen=True, eq=False)
class ConnectionGraph:
    """A directed acyclic graph with every kernel once.

    Layers are in the order in which the forward pass first uses them, so every edge leads to a later layer.
    `output` (K, classes) holds, for each element of the class axis of the network's output, the kernels that it is
    made of. `unknown_operations` counts the operations that the tracer does not know, by torch name: each is a
    boundary, behind which every kernel may depend on every kernel before it. `recurrent` names the pairs (source,
    target) that a weight used several times would close to a cycle; they are not in the graph. `traced_with` is
    "shapes" when no arithmetic was needed, "values" when one real forward pass was, for `reason`.
    `value_dependent` names the modules whose control flow read a value of an activation. `cuts` are the places on the
    way to the output through which no gradient comes; the graph goes on there, and what follows gradients does not.
    """

    layers: tuple[KernelLayer, ...]
    output: Ids
    clip_shape: tuple[int, ...]
    unknown_operations: Mapping[str, int] = field(default_factory=dict)
    recurrent: tuple[tuple[str, str], ...] = ()
    value_dependent: tuple[str, ...] = ()
    traced_with: Literal["shapes", "values"] = "shapes"
    reason: str = ""
    weights: Mapping[Constant, str] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()

    def __repr__(self) -> str:
        kernels = sum(layer.size for layer in self.layers)
        shape = " ".join(map(str, self.clip_shape))
        cut = f", no gradient through {', '.join(map(str, self.cuts))}" if self.cuts else ""
        return one_line(
            f"ConnectionGraph({len(self.layers)} layers, {kernels} kernels, clips {shape}, by {self.traced_with}{cut})"
        )

    @cached_property
    def positions(self) -> dict[str, int]:
        """Each layer's place in `layers`."""
        return {layer.name: position for position, layer in enumerate(self.layers)}

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """The first kernel number of each layer."""
        return np.array([layer.offset for layer in self.layers], np.int64)

    @property
    def size(self) -> int:
        """How many nodes there are in all, input channels and boundaries included."""
        last = self.layers[-1]
        return last.offset + last.size

    @property
    def boundaries(self) -> tuple[str, ...]:
        """The places where channels mix other than by a kernel: attention, softmax, unknown operations."""
        return tuple(layer.name for layer in self.layers if layer.kind == "boundary")

    def layer(self, name: str) -> KernelLayer:
        """Return the layer of that name; raises UnknownNameError with the nearest names."""
        if name not in self.positions:
            raise unknown_name("kernel layer", name, self.positions)
        return self.layers[self.positions[name]]

    def layer_of(self, numbers: Ids | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions in `layers` of the layers that hold these kernel numbers."""
        return np.searchsorted(self.offsets, numbers, side="right") - 1

    def locate(self, number: int) -> tuple[str, int]:
        """Return the layer's name and the index of the kernel with this number."""
        layer = self.layers[int(self.layer_of(np.array([number]))[0])]
        return layer.name, number - layer.offset

    @cached_property
    def feeding(self) -> tuple[tuple[int, ...], ...]:
        """For each layer the positions of the layers that feed it."""
        found = []
        for layer in self.layers:
            sources = np.unique(layer.inputs)
            found.append(tuple(int(p) for p in np.unique(self.layer_of(sources[sources != NONE]))))
        return tuple(found)

    def sources(self, name: str, index: int) -> Ids:
        """Return the numbers of the kernels (input channels, boundaries) that feed one kernel, ascending."""
        layer = self.layer(name)
        per_group = layer.channels // layer.groups
        group = index // (layer.size // layer.groups)
        found = np.unique(layer.inputs[:, group * per_group : (group + 1) * per_group])
        return np.asarray(found[found != NONE], np.int32)

    def edges(self, name: str) -> NDArray[np.int32]:
        """Return all edges into a layer's kernels as rows (source number, target number)."""
        layer = self.layer(name)
        blocks = [
            np.stack(np.meshgrid(sources, targets + layer.offset, indexing="ij"), axis=-1).reshape(-1, 2)
            for targets, sources in layer.grouped_sources()
        ]
        return np.concatenate(blocks).astype(np.int32) if blocks else np.empty((0, 2), np.int32)

    @cached_property
    def edge_count(self) -> int:
        """The number of edges of the whole graph."""
        return sum(len(targets) * len(sources) for layer in self.layers for targets, sources in layer.grouped_sources())

    def class_kernels(self, class_index: int) -> Ids:
        """Return the numbers of the kernels that one class score is made of."""
        column = self.output[:, class_index]
        return np.asarray(np.unique(column[column != NONE]), np.int32)

    def depths(self, starts: Ids) -> NDArray[np.int64]:
        """Return each layer's depth behind the layers that hold `starts`: the longest way there, in layers.

        The starting layers have depth 0 and a layer is always deeper than all that it feeds; -1 marks layers that
        do not reach a start.
        """
        depths = np.full(len(self.layers), -1, np.int64)
        depths[np.unique(self.layer_of(starts))] = 0
        for position in range(len(self.layers) - 1, -1, -1):
            if depths[position] >= 0:
                for source in self.feeding[position]:
                    depths[source] = max(depths[source], depths[position] + 1)
        return depths
