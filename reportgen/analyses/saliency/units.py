"""Which maps can be asked for; shared by the method that makes them and the one that checks them."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.analyses.common.targets import target_units
from reportgen.analyses.saliency.methods import METHODS


def map_units(subject: Subject, methods: Sequence[str]) -> Sequence[Unit | Inapplicable]:
    """Return one unit per clip, target (contrasts too) and method, or why there is none.

    A method that reads a layer's maps has nothing to read in a network without convolutions.
    """
    mapped = any(
        layer.kind.startswith("Conv") and layer.output is not None and max(layer.output[-2:]) > 1
        for layer in subject.layers.values()
    )
    found: list[Unit | Inapplicable] = []
    for unit in target_units(subject, [{"method": method} for method in methods], contrasts=True):
        method = METHODS[unit.method] if isinstance(unit, Unit) else None
        if method is not None and method.reads_layer and not mapped:
            reason = f"{method.title} reads a convolution's map of positions, and this network has none"
            found.append(Inapplicable(unit.name, reason))
        else:
            found.append(unit)
    return found
