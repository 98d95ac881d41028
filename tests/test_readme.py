"""What the README says can be typed is run."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reportgen
from reportgen.media.video import write_mp4
from tests.truth.bundled import bundled_clips

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.long
def test_the_calls_from_python_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    clip, _ = bundled_clips(1, motion="moving right")[0]
    write_mp4(tmp_path / "clip.mp4", (clip[0].permute(1, 2, 3, 0).numpy() * 255).astype(np.uint8))
    monkeypatch.chdir(tmp_path)

    build, maximize = reportgen.build, reportgen.maximize_activation
    less = {"analyses": ("kernels",), "layers": ("stem.conv",), "kernels": "1"}
    monkeypatch.setattr(reportgen, "build", lambda options: build(options.model_copy(update=less)), raising=False)
    monkeypatch.setattr(reportgen, "maximize_activation", partial(maximize, steps=8), raising=False)
    names: dict[str, Any] = {}
    exec(compile(block[1], "README.md", "exec"), names)
    assert names["tested"].beats_random
    assert names["audit"].motion_reliance > 0.5
