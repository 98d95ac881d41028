"""Which files of a run a site carries, and which are made for it on demand."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.media import write_figure
from reportgen.pages.downloads import carried_files, exported_files, is_carried
from reportgen.reading.addresses import Addresses
from reportgen.records.figures import (
    ClipFigure,
    DataFigure,
    Figure,
    ImageFigure,
    JsonFigure,
    MotionFigure,
    TilesFigure,
    VolumeFigure,
)
from reportgen.records.jobs import Done
from reportgen.records.store import Store
from reportgen.site_files import write_asset

UNIT = "net/conv1/0004"
FRAMES = np.linspace(0, 1, 6)[:, None, None, None] * np.ones((6, 16, 24, 3))
STILL = np.ones((16, 24, 3)) * (1, 0, 0)
RIGHT = np.stack([np.full((5, 16, 24), 2.0), np.zeros((5, 16, 24))], axis=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run")


@pytest.fixture
def addresses() -> Addresses:
    return Addresses("net", ["conv1"], [], [], {})


def answered(store: Store, figures: dict[str, Figure]) -> Done:
    found = [write_figure(store, f"media/kernels/{role}", role, figure) for role, figure in figures.items()]
    return Done(artifacts=tuple(artifact for artifacts in found for artifact in artifacts))


def test_a_site_carries_what_pages_show_and_with_full_media_everything(store: Store, addresses: Addresses) -> None:
    done = answered(
        store,
        {
            "stage1": ClipFigure(FRAMES),
            "stage1_data": DataFigure({"clip": FRAMES}),
            "motion": MotionFigure(RIGHT, np.ones((5, 16, 24), bool), 2.0),
            "maps": VolumeFigure(np.random.default_rng(0).random((2, 1, 4, 4)).astype(np.float32), "L1", still=True),
            "tiles": TilesFigure(np.arange(4.0)),
            "graph": JsonFigure({}),
        },
    )
    usual = [file.label for file in carried_files(addresses, done, partial(is_carried, full=False))]
    assert usual == ["stage1 · frames (AVIF)", "motion · frames (AVIF)", "tiles · PNG", "graph · JSON"]
    full = carried_files(addresses, done, partial(is_carried, full=True))
    assert {"stage1 data · NPZ", "motion · NPZ", "maps · NRRD", "maps · VOX"} <= {file.label for file in full}
    assert all(file.bytes == store.file(file.uri.removeprefix("net/")).stat().st_size for file in full)


def test_clips_are_made_as_gif_and_mp4_under_the_published_names_and_pictures_as_png(
    store: Store, addresses: Addresses, tmp_path: Path
) -> None:
    done = answered(
        store,
        {
            "stage1": ClipFigure(FRAMES),
            "texture": ImageFigure(STILL),
            "motion": MotionFigure(RIGHT, np.ones((5, 16, 24), bool), 2.0),
            "reconstruction": ClipFigure(FRAMES),
            "tiles": TilesFigure(np.arange(4.0)),
        },
    )
    made = {}
    for download, export in exported_files(addresses, store, done, UNIT):
        assert download.uri == export.uri
        path = tmp_path / Path(export.uri).name
        write_asset(export, path)
        made[path.name] = path.read_bytes()
    names = {"net_conv1_4_stage1", "motion", "net_conv1_4_deform", "net_conv1_4_recon"}
    assert set(made) == {"texture.png", *(f"{name}{suffix}" for name in names for suffix in (".gif", ".mp4"))}
    clip = Image.open(io.BytesIO(made["net_conv1_4_stage1.gif"]))
    assert (clip.n_frames, clip.size) == (6, (24, 16))  # type: ignore[attr-defined]
    levels = []
    for number in range(6):
        clip.seek(number)
        levels.append(float(np.asarray(clip.convert("L")).mean()) / 255)
    assert levels == pytest.approx(np.linspace(0, 1, 6), abs=0.03)
    beside = Image.open(io.BytesIO(made["net_conv1_4_deform.gif"]))
    assert (beside.n_frames, beside.size) == (1, (48, 16)), "five equal frames are one"  # type: ignore[attr-defined]
    pixels = np.asarray(beside.convert("RGB")).astype(int)
    assert np.abs(pixels - (255, 0, 0)).mean() < 12, "a red texture beside motion to the right, which is red"


def test_what_is_no_kernels_keeps_its_own_names(store: Store, addresses: Addresses) -> None:
    done = answered(store, {"stage1": ClipFigure(FRAMES)})
    labels = [download.label for download, _ in exported_files(addresses, store, done, "net/clip/class-0002")]
    assert labels == ["stage1 · GIF", "stage1 · MP4"]
    assert not exported_files(addresses, store, None, UNIT)
