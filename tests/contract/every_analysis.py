"""A network, as a user names it, put through every analysis of the suite on a small clip of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from reportgen.analyses.registry import methods
from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Failed, Outcome, Skipped
from reportgen.runner.concepts import CONCEPTS

#: As little of everything as still is something.
LITTLE = {
    "kernels": {"steps": 2},
    "path": {"steps": 2},
    "multiscale": {"steps": 2, "sizes": 2},
    "pyramid": {"depth": 2, "draws": 1},
    "saliency": {"samples": 1, "steps": 2},
    "faithfulness": {"maps": 2, "curve_steps": 2, "hidden": 2, "layers": 1, "check_samples": 1, "check_steps": 2},
    "motion": {"draws": 1},
    "weight_gradients": {"weights": 2, "check_work": 0.5, "scored_clips": 2, "removal_clips": 1, "draws": 1},
}


def noise_clip(folder: Path, frames: int, side: int) -> Path:
    """Write a clip of seeded noise, side x side px, as a folder of pictures, and return where."""
    (folder / "clip").mkdir()
    for frame in range(frames):
        pixels = torch.rand(side, side, 3, generator=torch.Generator().manual_seed(frame)).mul(255).byte().numpy()
        Image.fromarray(pixels).save(folder / "clip" / f"{frame:03}.png")
    return folder / "clip"


def put_through_everything(
    model: str, model_args: Mapping[str, Any], clip: tuple[int, int], folder: Path, layers: Sequence[str] = ()
) -> dict[str, list[Outcome]]:
    """Return what each analysis said of an untrained network, for clips of (frames, side) px.

    Fails with the messages of the analyses that did.
    """
    # Concepts need folders of pictures, and the known answers ask nothing of a network.
    asked = tuple(name for name in methods() if name not in (CONCEPTS, "known_answers"))
    frames, side = clip
    options = BuildOptions(
        models=(model,),
        untrained=True,
        model_args=dict(model_args),
        clip_spec={"frames": frames, "height": side, "width": side},
        clips=(str(noise_clip(folder, max(frames, 2), side)),),
        layers=tuple(layers),
        analyses=asked,
        preset="quick",
        runs=folder / "runs",
        parameters=LITTLE,
    )
    compute(options)
    (store,) = find_runs(folder / "runs")
    outcomes: dict[str, list[Outcome]] = {analysis: [] for analysis in asked}
    for record in store.manifest().records:
        outcomes[record.job.analysis].append(record.outcome)
    failed = [outcome.message for found in outcomes.values() for outcome in found if isinstance(outcome, Failed)]
    assert not failed, f"{model}: {failed}"
    return outcomes


def reasons(outcomes: Sequence[Outcome]) -> str:
    """Return why an analysis was skipped altogether; empty when it answered anything."""
    given = [outcome.reason for outcome in outcomes if isinstance(outcome, Skipped)]
    return " ".join(given) if len(given) == len(outcomes) else ""
