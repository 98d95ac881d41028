"""Pictures lose their metadata and keep every pixel."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from reportgen.anonymous.media import has_hidden_items, without_metadata
from reportgen.anonymous.text import without_places

PIXELS = np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)
SECRET = b"Mustermann"


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def exif() -> bytes:
    found = Image.Exif()
    found[0x013B] = SECRET.decode()
    return found.tobytes()


def text(*, packed: bool) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", SECRET.decode(), zip=packed)
    info.add_itxt("Title", SECRET.decode())
    return info


TELLING: dict[str, Callable[[], bytes]] = {
    "PNG with text": lambda: saved("PNG", pnginfo=text(packed=False)),
    "PNG with packed text": lambda: saved("PNG", pnginfo=text(packed=True)),
    "PNG with EXIF": lambda: saved("PNG", exif=exif()),
    "PNG with more behind it": lambda: saved("PNG") + SECRET,
    "WebP with EXIF": lambda: saved("WEBP", lossless=True, exif=exif()),
    "WebP with XMP": lambda: saved("WEBP", lossless=True, xmp=SECRET),
    "WebP with more behind it": lambda: saved("WEBP", lossless=True) + SECRET,
}


def pixels(content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("kind", TELLING)
def test_what_a_picture_tells_besides_is_gone(kind: str) -> None:
    before = TELLING[kind]()
    after = without_metadata(before)
    assert SECRET not in after
    assert len(after) < len(before)
    assert not Image.open(io.BytesIO(after)).info.keys() & {"Author", "Title", "exif", "xmp"}
    assert np.array_equal(pixels(after), PIXELS)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_plain_picture_stays_as_it_is(kind: str) -> None:
    assert without_metadata(saved(kind)) == saved(kind)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_cut_picture_is_told(kind: str) -> None:
    with pytest.raises(ValueError, match="too early"):
        without_metadata(saved(kind)[:-20])


def test_an_avif_with_metadata_is_told() -> None:
    assert not has_hidden_items(saved("AVIF"))
    assert has_hidden_items(saved("AVIF", exif=exif()))
    assert has_hidden_items(saved("AVIF", xmp=b"<x:xmpmeta/>"))


@pytest.mark.parametrize(
    "place",
    [
        *(
            "/home/jane/x",
            "/home/jane doe/x",
            "/data/clips/a.mp4",
            "~/clips/x",
            "C:\\Users\\Jane",
            "\\\\server\\share",
            "clip 3.mp4",
        ),
        *("jane@example.edu", "jane@gpu17", "https://example.edu/~jane", "ssh://x/y", "model.pth"),
    ],
)
def test_places_are_withheld_from_text(place: str) -> None:
    assert without_places(f"cannot read {place} now") in {
        "cannot read [withheld] now",
        "cannot read clip [withheld] now",
    }


@pytest.mark.parametrize(
    "text",
    [
        "layer s3.pathway0_res0.branch2.c of i3d/s3.conv/0042 is left out: 1/4 of 3.5 px/frame, p < 0.01",
        "20 reference clips are labelled dots: left out of the reference.",
        "needs and/or wants 16x16 of them; see --reference",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert without_places(text) == text
