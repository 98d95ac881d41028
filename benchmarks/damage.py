"""What becomes of damaged files: refused in a sentence, read as if whole, or shown wrong without a word.

    python -m benchmarks.damage --of clips|checkpoints|runs --cases 1000

Each form of video (container and codec) is damaged in its middle, seeded: a twentieth of it set to zeros (a bad block),
a hundredth set to noise, or one bit turned over. A frame is wrong when a pixel differs by more than 8 of 255 from the
undamaged reading. What no container, time stamp, decoder or checksum tells of is the table in `docs/clips.md`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_files import checkpoints, runs
from reportgen.clips.video import VideoSource
from reportgen.errors import ClipError

FRAMES, SIDE = 60, 64
TOLERANCE = 8

SAID, SAME, WRONG = "said", "read right", "shown wrong"


@dataclass(frozen=True)
class Form:
    """A form of video: its container's suffix, the encoder, its pixel format and options."""

    suffix: str
    codec: str
    pixels: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.suffix} {self.codec}"


_X264 = (("crf", "20"), ("g", "12"))
_VPX = (("crf", "15"), ("b", "1M"), ("g", "12"))
_Q = (("q", "3"), ("g", "12"))

FORMS = (
    Form("mp4", "libx264", options=_X264),
    Form("mkv", "libx264", options=_X264),
    Form("ts", "libx264", options=_X264),
    Form("mp4", "libx265", options=(("crf", "20"), ("x265-params", "log-level=none:keyint=12"))),
    Form("webm", "libvpx-vp9", options=_VPX),
    Form("webm", "libvpx", options=_VPX),
    Form("mkv", "mjpeg", "yuvj420p", (("q", "3"),)),
    Form("avi", "mjpeg", "yuvj420p", (("q", "3"),)),
    Form("avi", "mpeg4", options=_Q),
    Form("mpg", "mpeg2video", options=_Q),
    Form("flv", "flv", options=_Q),
    Form("mov", "prores_ks", "yuv422p10le"),
    Form("mkv", "ffv1", options=(("level", "3"), ("slicecrc", "1"))),
)

KINDS = ("zeros", "noise", "one bit")


def write_video(folder: Path, form: Form) -> Path:
    """Write a video in which each frame tells its number: a bar as bright as 4 times that, over noise."""
    path = folder / f"{form.codec}.{form.suffix}"
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(form.codec, rate=25, options=dict(form.options))
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = SIDE
        stream.pix_fmt = form.pixels
        for number in range(FRAMES):
            picture = random.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
            picture[40:56] = 4 * number + 10
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def damaged(content: bytes, kind: str, seed: int) -> bytes:
    """Return a file's content with one damage of a kind, somewhere between a fifth and 85 % of its length."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    at = int(len(content) * random.uniform(0.2, 0.85))
    changed = bytearray(content)
    if kind == "one bit":
        changed[at] ^= 1 << int(random.integers(8))
        return bytes(changed)
    length = len(content) // 20 if kind == "zeros" else max(8, len(content) // 100)
    part = slice(at, at + length)
    changed[part] = bytes(length) if kind == "zeros" else random.bytes(length)
    return bytes(changed)


def frames_of(path: Path) -> NDArray[np.uint8]:
    """Return all frames of a video, T x H x W x 3."""
    source = VideoSource(path)
    return np.stack([np.asarray(frame) for frame in source.read(range(source.count))])


def outcome(path: Path, whole: NDArray[np.uint8]) -> str:
    """Return what became of a damaged video whose undamaged frames are `whole`."""
    try:
        frames = frames_of(path)
    except ClipError:
        return SAID
    if frames.shape != whole.shape or np.abs(frames.astype(int) - whole).max() > TOLERANCE:
        return WRONG
    return SAME


def clips(cases: int) -> Iterator[dict[str, object]]:
    """Yield a row for each form of video and damage, of which there are `cases` in all."""
    each = -(-cases // (len(FORMS) * len(KINDS)))
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            path = write_video(Path(folder), form)
            whole, content = frames_of(path), path.read_bytes()
            for kind in KINDS:
                found: Counter[str] = Counter()
                slowest = 0.0
                for seed in range(each):
                    path.write_bytes(damaged(content, kind, seed))
                    begun = time.perf_counter()
                    found[outcome(path, whole)] += 1
                    slowest = max(slowest, time.perf_counter() - begun)
                yield {"form": str(form), "damage": kind, **found, "slowest_s": round(slowest, 2)}


def main() -> None:
    """Print a row for each form and damage, and keep them where asked."""
    kinds = {"clips": clips, "checkpoints": checkpoints, "runs": runs}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", choices=kinds, default="clips")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    rows = []
    for row in kinds[options.of](options.cases):
        rows.append(row)
        print(", ".join(f"{name}: {value}" for name, value in row.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
