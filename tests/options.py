"""The options that an attribution method has a use for, of those that a loop over methods has."""

from __future__ import annotations

from typing import Any

from reportgen.analyses.saliency.methods import METHODS


def options_of(method: str, **given: Any) -> dict[str, Any]:
    chosen = METHODS[method]
    used = {
        "steps": method == "integrated_gradients",
        "samples": method.startswith("smoothgrad"),
        "baseline": method in {"integrated_gradients", "deeplift", "occlusion"},
        "layer": chosen.reads_layer,
        "window": method == "occlusion",
    }
    return {name: value for name, value in given.items() if used.get(name, True)}
