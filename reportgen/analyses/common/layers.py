"""Which layers of a network have kernels to measure."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.records.manifest import LayerFacts


def measurable_layers(layers: Mapping[str, LayerFacts]) -> list[str]:
    """Return every layer that has one map or one value per kernel and clip, in the network's order."""
    return [
        name
        for name, facts in layers.items()
        if facts.output is not None and (facts.kind.startswith("Conv") or len(facts.output) == 1)
    ]
