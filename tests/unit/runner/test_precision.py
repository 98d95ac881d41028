"""What a run reports is computed in float32 proper, whatever a GPU would do on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.runner.summary import ModelSummary


def test_models_are_computed_without_tf32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def computed(*_work: Any, **_more: Any) -> ModelSummary:
        seen.append(torch.backends.cudnn.allow_tf32)
        return ModelSummary("texture_motion", tmp_path)

    monkeypatch.setattr("reportgen.commands.compute.prepare", lambda *_work: None)
    monkeypatch.setattr("reportgen.commands.compute.compute_run", computed)
    compute(BuildOptions(models=("texture_motion",), runs=tmp_path / "runs"))
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32 is True
