"""Pictures and animations in files, through imageio: the one place that reads and writes them. No torch.

Pixels are `H W 3` uint8, and frames `T H W 3`. Videos are not read and written here but through PyAV itself: imageio's
plugin for it takes no encoder options, so that equal frames would not give equal bytes, and tells neither a video's
rotation nor its colour matrix nor damage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import av
import imageio.v3
import numpy as np
from imageio.core.request import IOMode, Request
from imageio.core.v3_plugin_api import PluginV3
from imageio.plugins.pillow import PillowPlugin
from numpy.typing import NDArray
from PIL import Image

from reportgen.layers import Layered

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
"""Formats that Pillow decodes by itself. It knows more: PostScript, which it has Ghostscript run, is one of them."""

_BEGINNINGS = (
    *(b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_LONGEST_BRANDS = 256
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_LAYERED = frozenset({"GIF", "PNG"})
_COLOURS = frozenset({"RGB", "RGBA"})
_DEPTHS = (8, 10, 12, 14, 16)
_ORIENTATION = 0x0112
_GREY = np.uint16(128)
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels, 1),
}
"""What turns a stored picture upright, by its EXIF orientation; 1, and what is no orientation, are upright."""


class _Plugin(PillowPlugin):
    """imageio's plugin for Pillow, with the formats that it may choose; its own may choose every one that is known."""

    def __init__(self, request: Request) -> None:
        PluginV3.__init__(self, request)
        self.images_to_write: list[Image.Image] = []
        self.save_args: dict[str, Any] = {}
        self._image: Any = None
        if request.mode.io_mode == IOMode.read:
            self._image = Image.open(request.get_file(), formats=FORMATS)

    @property
    def image(self) -> Any:
        """What imageio does not tell: the format, the frames' durations, the orientation."""
        return self._image


class Picture:
    """An open picture or animation of `count` frames, `height` and `width` as stored.

    `deep` pictures have more than 8 bits a colour, and are shown by the value that stands for white. `timed` are
    animations, and not the pages of a TIFF. Frames are decoded when they are asked for, in ascending order: Pillow does
    not find back in every animated PNG. Raises what Pillow raises: UnidentifiedImageError, OSError, SyntaxError,
    ValueError and others for bad files.
    """

    def __init__(self, plugin: _Plugin) -> None:
        self._plugin = plugin
        image = plugin.image
        self.width, self.height = image.size
        self.timed = image.format in _ANIMATED
        frames = getattr(image, "n_frames", 1) if self.timed or image.format == "TIFF" else 1
        #: GIFs and animated PNGs are laid frame over frame; libraries do so for WebP and AVIF.
        self._layered: Layered | None = None
        # An APNG may begin with a picture for programs that show no animations; it is no frame.
        self._first = int(frames > 1 and bool(image.info.get("default_image")))
        self.count: int = frames - self._first
        # Pillow halves the depth of deep colours, which leaves four bits of twelve, but not that of deep grey.
        self._halved = frames == 1 and any(";16" in str(tile) for tile in image.tile) and image.mode in _COLOURS
        self.deep = self._halved or image.mode.startswith(("I", "F"))
        if frames > 1 and image.format in _LAYERED and not self.deep:
            file = plugin.request.get_file()
            file.seek(0)
            self._layered = Layered(file.read(), _alone)

    def frame(self, index: int, white: int = 0xFFFF) -> NDArray[np.uint8]:
        """Return a frame as a viewer shows it, upright and with the frames before where it leaves these, over grey.

        `white` is the value of white in deep pictures. Raises EOFError when the file ends before the frame.
        """
        place = index + self._first
        if self._layered is not None:
            pixels = self._layered.frame(index)
        elif self.deep:
            pixels = _from_deep(self._values(place), white)
        else:
            mode = "RGBA" if self._at(place).has_transparency_data else "RGB"
            pixels = self._plugin.read(index=place, mode=mode, writeable_output=False)
        pixels = over_grey(pixels) if pixels.shape[-1] == 4 else pixels
        # imageio's own `rotate` flips the channels of grey and palette pictures, and reads every EXIF tag for it.
        turn = _UPRIGHT.get(self._plugin.image.getexif().get(_ORIENTATION, 1))
        return np.ascontiguousarray(turn(pixels) if turn else pixels)

    def transparent(self) -> NDArray[np.uint8]:
        """Return the first frame as it is stored, `H W 4`."""
        return self._plugin.read(index=0, mode="RGBA", writeable_output=False)

    def peak(self, index: int) -> int:
        """Return the largest value of a deep frame; raises ValueError for what is not 1 to 16 bits."""
        values = self._values(index + self._first)
        if values.dtype.kind == "f":
            raise ValueError("floating-point pixels have no stated range")
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its pixels are beyond 16 bits")
        return int(values[..., :3].max())

    def duration(self, index: int) -> float:
        """Return how long a frame is shown, in ms; imageio's metadata holds a WebP's or AVIF's once it is decoded."""
        if self._layered is not None:
            return self._layered.duration(index)
        image = self._at(index + self._first)
        image.load()
        return float(image.info.get("duration", 0))

    def _at(self, place: int) -> Any:
        self._plugin.image.seek(place)
        return self._plugin.image

    def _values(self, place: int) -> NDArray[Any]:
        """Return a deep frame's values: grey as H W 1, colours as H W 3 or H W 4."""
        if not self._halved:
            return self._plugin.read(index=place)[..., None]
        file = self._plugin.request.get_file()
        file.seek(0)
        codec: Any = av.CodecContext.create(self._plugin.image.format.lower(), "r")
        try:
            (decoded,) = codec.decode(av.Packet(file.read())) or codec.decode(None)
        except av.FFmpegError as error:
            raise ValueError(error.strerror) from error
        form = "rgba64le" if self._plugin.image.mode == "RGBA" else "rgb48le"
        pixels = decoded.reformat(format=form, threads=1)
        return np.asarray(pixels.to_ndarray())


def _alone(file: bytes) -> NDArray[np.uint8]:
    """Return the pixels `H W 4` of a picture in a file."""
    with opened_picture(BytesIO(file)) as picture:
        return picture.transparent()


def white_level(peaks: Iterable[int]) -> int:
    """Return the value of white in deep frames of these largest values: that of the least depth that holds them.

    Cameras keep 10, 12 and 14 bits in files of 16, and no file says so.
    """
    brightest = max(peaks)
    return next((1 << bits) - 1 for bits in _DEPTHS if brightest < 1 << bits)


@contextmanager
def opened_picture(file: Path | BinaryIO) -> Iterator[Picture]:
    """Yield the picture or animation in a file, known by its content whatever its name; see `Picture` for errors."""
    if isinstance(file, Path):
        # imageio takes some names for addresses, archives or pictures of its own; an open file has none.
        with file.open("rb") as opened, opened_picture(opened) as picture:
            yield picture
        return
    try:
        plugin = imageio.v3.imopen(file, "r", plugin=_Plugin)
    except OSError as error:
        raise (error.__cause__ or error) from None  # imageio hides what Pillow says
    with plugin:
        yield Picture(plugin)


def is_picture(path: Path) -> bool:
    """Return whether the file begins like a picture or an animation of `FORMATS`."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_BRANDS)
    if head[4:8] == b"ftyp":  # AVIF is one kind of ISO file, and a video another
        end = min(int.from_bytes(head[:4], "big"), len(head))
        return not _AVIF_BRANDS.isdisjoint({head[8:12], *(head[at : at + 4] for at in range(16, end, 4))})
    return head.startswith(_BEGINNINGS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def picture_bytes(
    pixels: NDArray[np.uint8], kind: Literal["PNG", "JPEG", "GIF", "WEBP", "AVIF"], **options: Any
) -> bytes:
    """Return a picture `H W C`, or a grey one `H W`, or the frames `T H W C` of an animation as a file's bytes.

    C is 3, or 4 with alpha. `options` are Pillow's for the format, such as `duration` in ms. Equal pixels give equal
    bytes, but for animated AVIF, in which its encoder writes the time.
    """
    plugin: Any = imageio.v3.imopen("<bytes>", "w", plugin=_Plugin)
    with plugin:
        return cast("bytes", plugin.write(pixels, format=kind, is_batch=pixels.ndim == 4, **options))


def few_colours(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture `H W 3` as PNG of at most 256 colours, its median cut: under half the bytes of all colours."""
    content = BytesIO()
    cut = Image.fromarray(pixels).quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    cut.save(content, "PNG", optimize=True)
    return content.getvalue()


def over_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return RGBA pixels `H W 4` over middle grey, which is nearest to nothing for a network."""
    colours, alpha = pixels[..., :3].astype(np.uint16), pixels[..., 3:]
    return np.asarray((colours * alpha + _GREY * (255 - alpha.astype(np.uint16)) + 127) // 255, np.uint8)


def _from_deep(values: NDArray[Any], white: int) -> NDArray[np.uint8]:
    """Return values `H W C` as RGB or RGBA; Pillow's own conversion would clip grey at 255 instead of scaling it."""
    scaled = (np.minimum(values, white).astype(np.uint32) * 255 + white // 2) // white
    return np.repeat(scaled, 3 if values.shape[-1] == 1 else 1, axis=-1).astype(np.uint8)
