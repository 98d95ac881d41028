"""Pages of response maps: what their script holds, how large it may be, and what a tampered run may not say."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_run import LAYERS

from reportgen.errors import StoreError
from reportgen.media.arrays import npz_bytes
from reportgen.pages.page import VolumeScript
from reportgen.pages.report import Report
from reportgen.pages.responses import BROWSER_VALUES, pages, response_views
from reportgen.records.finding import find_runs
from reportgen.records.volumes import Steps, byte_levels, steps_for
from reportgen.site_files import write_asset

Array = np.ndarray[Any, Any]


def written(folder: Path, maps: Array, steps: Steps, shape: tuple[int, int, int, int] | None = None) -> dict[str, Any]:
    """Write maps and their script, and return what the script holds."""
    source = folder / "maps.npz"
    source.write_bytes(npz_bytes({"maps": maps}))
    own: Any = shape or maps.shape
    write_asset(VolumeScript("maps.js", "responses", source, own, steps, {"otsu": 7}), folder / "maps.js")
    text = (folder / "maps.js").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text[text.index("]=") + 2 : text.rindex(";")])
    return data


def tiles(data: dict[str, Any]) -> Array:
    """Return the maps `K T H W` of a script as bytes, tile by tile."""
    content = base64.b64decode(data["picture"].removeprefix("data:image/png;base64,"))
    picture = np.asarray(Image.open(io.BytesIO(content)))
    kernels, frames, height, width = (data[name] for name in ("kernels", "frames", "height", "width"))
    found = np.zeros((kernels, frames, height, width), np.uint8)
    for frame in range(frames):
        for kernel in range(kernels):
            row, column = divmod(frame * kernels + kernel, data["columns"])
            found[kernel, frame] = picture[row * height : (row + 1) * height, column * width : (column + 1) * width]
    return found


@pytest.mark.parametrize("shape", [(5, 4, 6, 7), (1, 1, 1, 9), (70, 1, 8, 3)])
def test_the_script_holds_the_bytes_of_every_map(shape: tuple[int, int, int, int], tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    data = written(tmp_path, maps, Steps())
    assert data["otsu"] == 7
    assert np.array_equal(tiles(data), byte_levels(maps))


def test_a_layer_of_2048_kernels_of_noise_stays_under_two_megabytes(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(2048, 8, 14, 14)).astype(np.float32)
    steps = steps_for((2048, 8, 14, 14), BROWSER_VALUES)
    data = written(tmp_path, maps, steps)
    assert (data["kernels"], data["height"], data["width"]) == (2048, 14, 14)
    assert (tmp_path / "maps.js").stat().st_size < 1.9e6
    assert np.array_equal(tiles(data), byte_levels(maps)[:, :: steps.frames])


def test_maps_that_are_not_those_of_the_page_are_refused(tmp_path: Path) -> None:
    maps = np.ones((2, 3, 4, 5), np.float32)
    with pytest.raises(StoreError, match="damaged"):
        written(tmp_path, maps, Steps(), shape=(2, 3, 5, 4))
    with pytest.raises(StoreError, match="damaged"):
        written(tmp_path, np.full_like(maps, np.nan), Steps())
    with pytest.raises(StoreError, match="damaged"):
        written(tmp_path, maps.astype(np.float64), Steps())


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "no.such.layer"},
        {"clip": "no such clip"},
        {"moments": [0.0]},
        {"percentiles": [1, 2]},
        {"orders": [{"name": "none", "title": "index", "order": [0, 0]}]},
        {"orders": []},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_answer_that_is_at_odds_with_its_run_is_refused(sample_runs: Path, change: dict[str, Any]) -> None:
    model = next(model for model in Report.of(find_runs(sample_runs)).models if model.name == "drift")
    assert len(response_views(model)) == 2
    record = response_views(model)[0].record
    changed = record.model_copy(
        update={
            "outcome": record.outcome.model_copy(update={"answer": {**response_views(model)[0].done.answer, **change}})
        }
    )
    model.manifest = model.manifest.model_copy(update={"records": (changed,)})
    model._answers.clear()
    with pytest.raises(StoreError, match="damaged"):
        response_views(model)


def test_a_layer_without_maps_is_named_with_the_reason(sample_runs: Path) -> None:
    report = Report.of(find_runs(sample_runs))
    listed = next(page for page in pages(report) if page.uri == "drift/responses.md")
    (item,) = listed.context["troubles"]
    assert LAYERS[2] in item.what
    assert "a single position" in item.why
