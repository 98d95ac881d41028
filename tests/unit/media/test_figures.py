from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reportgen.audit.limits import Limits
from reportgen.errors import StoreError
from reportgen.media import motion_sprite, read_data, write_figure
from reportgen.media.overlays import motion_colours
from reportgen.motion_colour import motion_to_rgb
from reportgen.records.figures import (
    ClipFigure,
    DataFigure,
    Figure,
    HeatFigure,
    ImageFigure,
    JsonFigure,
    MapFigure,
    MotionFigure,
    PreviewFigure,
    StackFigure,
    TableFigure,
    TextFigure,
)
from reportgen.records.store import Store

FRAMES = np.random.default_rng(0).random((5, 2, 3, 3)).astype(np.float32).repeat(8, 1).repeat(8, 2)
HEAT = np.random.default_rng(1).standard_normal((5, 16, 24)) * 1e-9
MOTION = np.random.default_rng(2).standard_normal((5, 2, 16, 24)).astype(np.float32)
EVIDENCE = np.random.default_rng(3).random((5, 16, 24)) > 0.3

FIGURES: dict[str, Figure] = {
    "clip": ClipFigure(FRAMES, "a clip"),
    "preview": PreviewFigure(FRAMES, "a clip among many"),
    "image": ImageFigure(FRAMES[0]),
    "motion": MotionFigure(MOTION, EVIDENCE, 2.5),
    "heat": HeatFigure(HEAT, FRAMES, signed=True, scale=2e-9, alone=True),
    "overlay": HeatFigure(HEAT, FRAMES, signed=True, scale=2e-9),
    "map": MapFigure(HEAT, signed=True, scale=2e-9),
    "stack": StackFigure(HEAT, FRAMES, 2e-9, signed=True),
    "data": DataFigure({"b": np.arange(6).reshape(2, 3), "a": FRAMES}),
    "json": JsonFigure({"nodes": [1, 2.5, None, "é"]}),
    "table": TableFigure(("a", "b"), [(1, 2.5), ("", None)]),
    "text": TextFigure("<graphml/>", ".graphml"),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run")


@pytest.mark.parametrize("kind", FIGURES)
def test_artifacts_describe_the_files_that_were_written(store: Store, kind: str) -> None:
    artifacts = write_figure(store, "media/a/key", "role", FIGURES[kind])
    assert artifacts
    written = sorted(p.relative_to(store.folder).as_posix() for p in (store.folder / "media").rglob("*") if p.is_file())
    assert sorted(artifact.path for artifact in artifacts) == written
    for artifact in artifacts:
        content = store.path(artifact).read_bytes()
        assert artifact.bytes == len(content)
        assert artifact.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", FIGURES)
def test_equal_figures_give_equal_bytes_at_any_time(store: Store, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_figure(store, "media/one", "role", FIGURES[kind])
    monkeypatch.setattr("time.time", lambda: 2e9)
    second = write_figure(store, "media/two", "role", FIGURES[kind])
    assert [a.sha256 for a in first] == [a.sha256 for a in second]


def test_a_clip_is_a_sprite_and_a_poster(store: Store) -> None:
    sprite, poster = write_figure(store, "media/k", "stage1", FIGURES["clip"])
    assert (sprite.kind, sprite.media_type, sprite.path) == ("clip", "image/avif", "media/k/stage1.avif")
    assert (sprite.width, sprite.height, sprite.frames) == (24, 16, 5)
    assert sprite.is_sprite
    assert not poster.is_sprite
    assert (poster.kind, poster.path) == ("image", "media/k/stage1_poster.avif")
    assert {a.role for a in (sprite, poster)} == {"stage1"}
    assert sprite.caption == "a clip"
    shown = np.asarray(Image.open(store.path(poster)).convert("RGB")).astype(int)
    middle = FRAMES[2] * 255
    assert np.abs(shown - middle).mean() < np.abs(shown - FRAMES[1] * 255).mean() / 2


def test_an_image_is_an_avif_near_to_it(store: Store) -> None:
    (image,) = write_figure(store, "media/k", "texture", FIGURES["image"])
    assert (image.media_type, image.width, image.height) == ("image/avif", 24, 16)
    shown = np.asarray(Image.open(store.path(image)).convert("RGB")).astype(float)
    assert np.abs(shown - FRAMES[0] * 255).mean() < 8


def test_motion_is_a_coloured_sprite_a_poster_and_numbers(store: Store) -> None:
    sprite, poster, motion = write_figure(store, "media/k", "motion", FIGURES["motion"])
    assert [a.kind for a in (sprite, poster, motion)] == ["clip", "image", "motion"]
    assert {a.scale for a in (sprite, motion)} == {2.5}
    assert (motion.frames, motion.height, motion.width) == (5, 16, 24)
    arrays = read_data(store.path(motion))
    assert np.abs(arrays["motion"].astype(np.float32) - MOTION).max() < 2e-3
    assert arrays["evidence"].dtype == bool
    assert np.array_equal(arrays["evidence"], EVIDENCE)


def test_next_to_no_motion_looks_like_none(store: Store) -> None:
    """Noise of hundredths of a px, in every direction, is no rainbow; a tenth, which is called moving, is a tint."""
    noise = 0.03 * np.random.default_rng(0).standard_normal((3, 2, 16, 16)).astype(np.float32)
    for field, least in ((noise, 170), (np.full_like(noise, 0.1 / 2**0.5), 190)):
        still = MotionFigure(field, np.ones((3, 16, 16), bool), 0.06)
        sprite = write_figure(store, "media/k", "motion", still)[0]
        assert sprite.scale == 0.5 == 5 * Limits().stands_still
        shown = np.asarray(Image.open(store.path(sprite)).convert("RGB"))
        assert shown.min() > least
    assert 190 < shown[..., 2].mean() < 215


@pytest.mark.parametrize("times", [1.0, 1.7, 6.0])
def test_fading_a_scales_colours_gives_those_of_a_larger_scale(times: float) -> None:
    """What `rg-clip--faded` does: the distance of every colour from white is multiplied by the ratio of the scales."""
    scale = 1.4 * float(np.hypot(MOTION[:, 0], MOTION[:, 1]).max())
    own = motion_colours(MOTION, EVIDENCE, scale)
    faded = 255 - (255 - own[..., :3].astype(float)) / times
    larger = motion_to_rgb(MOTION, scale * times)
    assert np.abs(faded - larger)[EVIDENCE].max() <= 1
    assert np.array_equal(own[..., 3] == 255, EVIDENCE)
    assert not own[~EVIDENCE][..., 3].any()


def test_what_is_faster_than_the_scale_keeps_its_direction_in_full_colour() -> None:
    motion = np.zeros((1, 2, 2, 2), np.float32)
    motion[0, :, 0, 0], motion[0, :, 1, 1] = (0.5, 0.25), (4.0, 2.0)
    own = motion_colours(motion, np.ones((1, 2, 2), bool), float(np.hypot(0.5, 0.25)))
    assert np.array_equal(own[0, 0, 0], own[0, 1, 1])
    assert own[0, 0, 0, 0] == 255
    assert own[0, 0, 0, 2] == 0


@pytest.mark.parametrize(
    ("motion", "evidence", "said"),
    [
        (np.zeros((3, 2, 4, 4)), np.ones((3, 4, 5), bool), "must be T 2 H W"),
        (np.full((3, 2, 4, 4), np.nan), np.ones((3, 4, 4), bool), "finite"),
    ],
)
def test_motion_that_cannot_be_shown_is_refused(
    store: Store, motion: NDArray[np.float64], evidence: NDArray[np.bool_], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        write_figure(store, "media/k", "motion", MotionFigure(motion, evidence, 1.0))


def test_motion_with_arrows_is_coloured_when_its_scale_is_known() -> None:
    sprite = Image.open(io.BytesIO(motion_sprite(MOTION, EVIDENCE, 2.0)))
    assert sprite.size == (5 * 24, 16)
    shown = np.asarray(sprite.convert("RGB")).reshape(16, 5, 24, 3).swapaxes(0, 1)
    assert np.abs(shown[~EVIDENCE].astype(int) - 128).mean() < 30


def test_heat_is_an_overlay_a_poster_a_map_and_numbers(store: Store) -> None:
    overlay, poster, alone, data = write_figure(store, "media/k", "overlay", FIGURES["heat"])
    assert [a.kind for a in (overlay, poster, alone, data)] == ["heat", "image", "heat", "data"]
    assert [a.role for a in (overlay, poster, alone, data)] == ["overlay", "overlay", "overlay_map", "overlay"]
    assert overlay.scale == alone.scale == 2e-9
    assert (overlay.width, overlay.height, overlay.frames) == (24, 16, 5)
    arrays = read_data(store.path(data))
    assert arrays["heat"].dtype == np.float16
    assert np.abs(arrays["heat"].astype(float) * arrays["scale"] - HEAT).max() < 2e-12


def test_a_map_is_shown_alone_only_where_it_is_asked_for(store: Store) -> None:
    assert {a.role for a in write_figure(store, "media/k", "tube", FIGURES["overlay"])} == {"tube"}


def test_data_comes_back_as_it_was(store: Store) -> None:
    (data,) = write_figure(store, "media/k", "clip", FIGURES["data"])
    arrays = read_data(store.path(data))
    assert np.array_equal(arrays["a"], FRAMES)
    assert np.array_equal(arrays["b"], np.arange(6).reshape(2, 3))
    with pytest.raises(ValueError, match="Object arrays"):
        write_figure(store, "media/k", "bad", DataFigure({"x": np.array([object()])}))


def test_documents_and_texts(store: Store) -> None:
    (document,) = write_figure(store, "media/k", "graph", FIGURES["json"])
    assert json.loads(store.path(document).read_text()) == {"nodes": [1, 2.5, None, "é"]}
    (text,) = write_figure(store, "media/k", "graph", FIGURES["text"])
    assert (text.media_type, store.path(text).read_text()) == (
        "application/graphml+xml",
        "<graphml/>",
    )
    with pytest.raises(ValueError, match="JSON compliant"):
        write_figure(store, "media/k", "nan", JsonFigure({"x": math.nan}))


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (ClipFigure(FRAMES[0]), "frames must be T H W C"),
        (ClipFigure(FRAMES * np.nan), "finite"),
        (ImageFigure(FRAMES[0, ..., :2]), "pixels must be"),
        (MotionFigure(MOTION[:, :1], EVIDENCE, 1.0), "motion must be"),
        (MotionFigure(MOTION * np.inf, EVIDENCE, 1.0), "finite"),
    ],
)
def test_figures_that_cannot_be_shown_are_errors_and_leave_nothing(store: Store, figure: Figure, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_figure(store, "media/k", "role", figure)
    assert not [path for path in store.folder.rglob("*") if path.is_file()]


def test_damaged_data_is_an_error_that_says_what_to_do(store: Store) -> None:
    (data,) = write_figure(store, "media/k", "clip", FIGURES["data"])
    path = store.path(data)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match="remove it and compute again"):
        read_data(path)
    with pytest.raises(StoreError):
        read_data(path.with_name("missing.npz"))


def test_data_that_is_not_what_was_asked_for_is_damaged(store: Store) -> None:
    (data,) = write_figure(store, "media/k", "clip", FIGURES["data"])
    with pytest.raises(StoreError, match="has no motion"):
        read_data(store.path(data), "motion")


def test_an_array_that_claims_more_than_all_memory_is_damaged(tmp_path: Path) -> None:
    path, head = tmp_path / "motion.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("motion.npy", head.getvalue())
    with pytest.raises(StoreError, match="is damaged"):
        read_data(path)


def test_the_tube_of_a_signed_map_is_red_for_and_blue_against(store: Store) -> None:
    heat = np.zeros((4, 16, 16))
    heat[:, :8], heat[:, 8:] = 1.0, -1.0
    artifact, *others = write_figure(
        store, "media", "tube", StackFigure(heat, np.zeros((4, 16, 16, 3)), 1.0, signed=True)
    )
    assert not others
    pixels = np.asarray(Image.open(store.path(artifact)).convert("RGB")).astype(int)
    seen = pixels.sum(axis=2) > 0
    assert ((pixels[..., 0] > pixels[..., 2]) & seen).any()
    assert ((pixels[..., 2] > pixels[..., 0]) & seen).any()


def test_a_map_alone_is_one_sprite_with_its_scale(store: Store) -> None:
    (artifact,) = write_figure(store, "media", "signed", MapFigure(HEAT, signed=True, scale=2e-9))
    assert (artifact.kind, artifact.frames, artifact.scale) == ("heat", 5, 2e-9)


def test_a_preview_is_small_and_nearly_the_clip(store: Store) -> None:
    y, x = np.mgrid[:200, :300] / 300
    frames = np.stack([np.stack([x, y, np.full_like(x, t / 4)], -1) for t in range(4)])
    sprite, poster = write_figure(store, "media/k", "clip", PreviewFigure(frames))
    assert (sprite.frames, sprite.height, sprite.width) == (4, 85, 128)
    assert [artifact.kind for artifact in (sprite, poster)] == ["clip", "image"]
    with Image.open(store.path(sprite)) as opened:
        shown = np.asarray(opened.convert("RGB"))[:85, :128].astype(float) / 255
    smaller = np.asarray(Image.fromarray((frames[0] * 255).astype(np.uint8)).resize((128, 85))) / 255
    assert np.abs(shown - smaller).mean() < 0.02


def test_a_table_survives_what_its_cells_hold(store: Store) -> None:
    rows = [["conv,1", 'a "b"', "line\nbreak"], ["é", "", "-0.5"]]
    artifact = write_figure(store, "media", "t", TableFigure(["layer", "clip, file", "n"], rows))[0]
    text = (store.folder / artifact.path).read_text(encoding="utf-8")
    assert list(csv.reader(io.StringIO(text))) == [["layer", "clip, file", "n"], *rows]


def test_a_table_with_a_short_row_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="its 2 columns"):
        write_figure(store, "media", "t", TableFigure(["a", "b"], [[1, 2], [3]]))
