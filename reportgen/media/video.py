"""MP4 files for papers and talks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from reportgen.errors import StoreError
from reportgen.media.encode import check_frames
from reportgen.records.files import atomic_path
from reportgen.records.os_errors import describe_os_error

# One thread, and no look-ahead beside it: the same bits whatever else the machine does. Without x264's macroblock tree
# too, whose vector code reads memory that nothing has written: with it, most sizes of clips differed now and then.
_SAME_BITS = "threads=1:lookahead-threads=1:sync-lookahead=0:mbtree=0"
_ENCODERS = (
    ("libx264", {"crf": "16", "preset": "medium", "x264-params": _SAME_BITS}),
    ("mpeg4", {"qscale": "2", "flags": "+qscale"}),
)
_BT709 = 1


def write_mp4(path: Path, frames: NDArray[Any], *, frame_rate: int = 10, loops: int = 1) -> None:
    """Write frames `T H W C` (in [0, 1], or uint8) as an MP4 that every browser plays, `loops` times over.

    The video has an even number of rows and columns: an odd one gets its last row or column twice. Colours are
    BT.709 and tagged so. Raises StoreError when it cannot be written or FFmpeg has no encoder for it.
    """
    pictures = check_frames(frames)
    pictures = np.pad(pictures, ((0, 0), (0, pictures.shape[1] % 2), (0, pictures.shape[2] % 2), (0, 0)), mode="edge")
    encoder = next(((name, options) for name, options in _ENCODERS if _has_encoder(name)), None)
    if encoder is None:
        raise StoreError("FFmpeg has no encoder for MP4 here: install the `av` package from its published wheels.")
    with atomic_path(path) as temporary:
        try:
            _encode(temporary, np.concatenate([pictures] * loops), frame_rate, *encoder)
        except av.FFmpegError as error:
            raise StoreError(describe_os_error(OSError(error.errno, error.strerror), path)) from error


def mp4_bytes(frames: NDArray[Any]) -> bytes:
    """Return the MP4 of some frames; see `write_mp4`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_mp4(path, frames)
        return path.read_bytes()


def _encode(path: Path, pictures: NDArray[np.uint8], rate: int, codec: str, options: dict[str, str]) -> None:
    # `bitexact` keeps the writer's version and the time out of the file.
    # A relative path such as `12:30/clip.mp4` would be taken for a protocol.
    with av.open(str(path.absolute()), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=dict(options))  # a video stream, by its codec
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_yuv420(picture), format="yuv420p")))
        container.mux(stream.encode())


def _yuv420(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture `H W 3` (both even) as the planes Y, Cb and Cr of BT.709 one below the other, `3H/2 W`."""
    red, green, blue = np.moveaxis(picture.astype(np.float64) / 255, -1, 0)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    height, width = light.shape

    def halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        means: NDArray[np.float64] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        return means

    chroma = [128 + 224 * halved(part) for part in ((blue - light) / 1.8556, (red - light) / 1.5748)]
    planes = [16 + 219 * light, *chroma]
    return np.concatenate([np.rint(plane).astype(np.uint8).ravel() for plane in planes]).reshape(height * 3 // 2, width)


def _has_encoder(name: str) -> bool:
    try:
        av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True
