"""Weight gradients of the sample runs: invented figures with the shape of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.records.figures import DataFigure, FiltersFigure, TableFigure, TilesFigure
from reportgen.records.identities import slug
from reportgen.records.jobs import Done
from reportgen.records.targets import Target

if TYPE_CHECKING:
    from sample_run import SampleRun

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
SHAPE = (16, 3, 3, 3, 3)
"""Filters, input channels and taps of each layer."""


def removal(clips: int = 20, p: float = 0.01) -> dict[str, Any]:
    """Return removals in which the first-order score orders best; `p` is that against the other scores."""
    falls = {"first_order": (0.9, 0.1), "norm": (0.7, 0.3), "weight_norm": (0.6, 0.4)}
    curves = []
    for score, (least, most) in falls.items():
        for order, left in (("least", least), ("most", most)):
            mean = np.linspace(1.0, left, len(SHARES))
            ends = {"low": (mean - 0.1).clip(0).tolist(), "high": (mean + 0.1).clip(max=1).tolist()}
            curves.append({"score": score, "order": order, "mean": mean.tolist(), **ends})
    middle = np.linspace(1.0, 0.5, len(SHARES))
    band = {"low": (middle - 0.15).tolist(), "high": (middle + 0.15).clip(max=1).tolist()}
    curves.append({"score": "random", "order": "random", "mean": middle.tolist(), **band})
    areas = {"first_order": 0.44, "norm": 0.21, "weight_norm": 0.1}
    return {
        "measure": "accuracy",
        "clips": clips,
        "scored": 48,
        "draws": 20,
        "intact": 1.0,
        "filters": 48,
        "shares": SHARES,
        "removed": (1, 2, 5, 12, 24),
        "curves": curves,
        "scores": [
            {"score": score, "area": area, "low": area - 0.1, "high": area + 0.1, "p_least": 1 / 21, "p_most": 1 / 21}
            for score, area in areas.items()
        ],
        "pairs": [
            {"better": "first_order", "other": other, "difference": 0.23, "low": 0.1, "high": 0.36, "p": p}
            for other in ("norm", "weight_norm")
        ],
    }


def write_weights(run: SampleRun, clips: list[str], layers: tuple[str, ...], title: str) -> None:
    """Write the gradients of class 2 on the first clip, and what holds of the model."""
    volumes = {layer: run.rng.normal(size=(2, *SHAPE[1:])).astype(np.float32) for layer in layers}
    artifacts = run.figure("weight_gradients", "gradients", DataFigure(volumes))
    facts = {"norm": 2.5, "drawn": (0, 7), "channels": (0, 1, 2), "scale": 2.0}
    for layer, values in volumes.items():
        artifacts += run.figure("weight_gradients", slug(f"volumes.{layer}"), FiltersFigure(values, 2.0))
    shown = {
        "clip": clips[0],
        "target": Target.of(2).model_dump(),
        "target_title": title,
        "logit": 7.25,
        "layers": {layer: {"shape": SHAPE, **facts} for layer in layers},
    }
    unit = f"{run.model}/{clips[0]}/class-0002"
    run.keep("weight_gradients", unit, {"clip": clips[0]}, Done(artifacts=artifacts, answer={"shown": shown}))
    artifacts = run.figure("weight_gradients", "importance", TableFigure(["layer", "filter"], []))
    scores = {layer: np.linspace(0, 1, SHAPE[0]) for layer in layers}
    for layer, values in scores.items():
        artifacts += run.figure("weight_gradients", slug(f"cases.{layer}"), FiltersFigure(volumes[layer], 2.0))
        for score in ("published", "first_order"):
            artifacts += run.figure("weight_gradients", slug(f"tiles.0.{score}.{layer}"), TilesFigure(values))
    answer = {"overall": _overall(clips, layers, scores, title)}
    run.keep("weight_gradients", run.model, {}, Done(artifacts=artifacts, answer=answer))


def _overall(clips: list[str], layers: tuple[str, ...], scores: dict[str, Any], title: str) -> dict[str, Any]:
    alike = {layer: {"cosine": 0.6, "rank": 0.5} for layer in layers}
    cases = [("reference", "correct", 2), ("reference", "wrong", 2), ("similar", "correct", 1)]
    return {
        "check": {
            "clip": clips[0],
            "target_title": title,
            "shape": (3, 8, 16, 16),
            "whole": (3, 8, 32, 32),
            "single": 4e-7,
            "layers": {layer: {"weights": 200, "error": 3e-10, "direction": 2e-9} for layer in layers},
        },
        "classes": [
            {
                "role": "reference",
                "target": Target.of(2).model_dump(),
                "title": title,
                "clips": 2,
                "layers": {
                    layer: {"published": values.tolist(), "first_order": values.tolist(), "agreement": 1.0}
                    for layer, values in scores.items()
                },
            }
        ],
        "comparison": {
            "reference": 2,
            "similar": 1,
            "labelled": 24,
            "accuracy": 0.75,
            "missing": ("a dissimilar class: no other class has a labelled clip",),
            "cases": [
                {
                    "role": role,
                    "outcome": outcome,
                    "clip": clips[place],
                    "label": label,
                    "predicted": label if outcome == "correct" else 1,
                    "logit": 3.5 - place,
                    "layers": alike,
                }
                for place, (role, outcome, label) in enumerate(cases)
            ],
        },
        "removal": removal(),
    }
