"""How a clip is best kept for pages: bytes, error and processor time of each way to encode what pages show.

    python -m benchmarks.media RUN              # a run of the bundled network with exact arrays: runs/texture_motion

A sprite is all frames of a clip in one picture. The pictures are those of the run's arrays, as they were before they
were encoded: synthetic clips, motion in colours, maps in colours, and clips of the bundled generator. Prints one line
of JSON per kind of picture and encoding: `kilobytes`, `psnr` in dB (null where there is no error), structural
`similarity` and the least of it, `error_p99` in levels of 255 over the frames, and `milliseconds` of processor time in
one thread, each the mean over the pictures; and at last what the run itself holds of a visualised kernel.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.media import coloured_heat, coloured_motion, read_data
from reportgen.media.encode import REPEATED, side_by_side, to_uint8
from reportgen.media.figures import figure_files
from reportgen.media.similarity import similarity
from reportgen.motion_colour import LEAST_FULL_COLOUR
from reportgen.pictures import picture_bytes
from reportgen.records.figures import ClipFigure
from reportgen.records.jobs import Done, is_poster_file
from reportgen.records.store import Store
from reportgen.runner.subject import generate_clips
from reportgen.zoo.cards import default_zoo

Frames = NDArray[np.uint8]

ENCODINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "webp lossless": ("WEBP", {"lossless": True, "quality": 20, "method": 1}),
    **{f"webp {quality}": ("WEBP", {"quality": quality, "method": 4}) for quality in (90, 80, 60)},
    **{
        f"avif {tune} {sampling} {quality}, speed {speed}": (
            "AVIF",
            {
                **{"quality": quality, "subsampling": sampling, "speed": speed, "max_threads": 1},
                **{"codec": "aom", "advanced": {"tune": tune}},
            },
        )
        for tune, sampling, quality, speed in (
            *(("iq", "4:4:4", quality, 8) for quality in (70, 50)),
            *(("psnr", "4:4:4", quality, 7) for quality in (60, 50, 45, 40, 30)),
            *(("psnr", "4:4:4", 45, speed) for speed in (10, 8, 6, 4)),
            ("psnr", "4:2:0", 45, 7),
        )
    },
    **{
        f"avif psnr 4:4:4 {quality}, speed {speed}, repeated": (
            "AVIF",
            {
                **{"quality": quality, "subsampling": "4:4:4", "speed": speed, "max_threads": 1},
                **{"codec": "aom", "advanced": {"tune": "psnr", "tune-content": "screen"}},
            },
        )
        for quality, speed in ((60, 7), (50, 7), (40, 7), (45, 8), (45, 6))
    },
    **{
        f"avif psnr 4:4:4 {quality}, speed {speed}, repeated in blocks of 16": (
            "AVIF",
            {
                **{"quality": quality, "subsampling": "4:4:4", "speed": speed, "max_threads": 1},
                **{"codec": "aom", "advanced": {"tune": "psnr"} | REPEATED},
            },
        )
        for quality, speed in ((60, 5), (50, 5), (40, 5), (30, 5), (40, 7), (40, 6), (40, 4))
    },
}
"""By name; `repeated` looks for what a picture shows twice, as the frames of a sprite do, in all pictures.

Unasked, the encoder does so in those that it takes for screenshots.
"""


def as_pages_show(frames: Frames) -> bytes:
    """Return the file that a run holds of a synthetic clip."""
    return next(figure_files(ClipFigure(frames), "clip")).content


def arrays(store: Store, analysis: str, role: str, kind: str) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the arrays of a role of every answer of an analysis."""
    for record in store.manifest().of(analysis):
        found = record.outcome.artifact(role, kind) if isinstance(record.outcome, Done) else None
        if found is not None:
            yield read_data(store.path(found))


def pictures(store: Store, most: int) -> dict[str, list[Frames]]:
    """Return some clips of each kind, as exact frames T H W 3."""
    bundled = default_zoo().find("texture_motion")
    kinds: dict[str, tuple[Iterator[Any], Callable[[Any], Frames]]] = {
        "synthetic clip": (arrays(store, "kernels", "stage1_data", "data"), lambda one: to_uint8(one["clip"])),
        "motion": (
            arrays(store, "decomposition", "motion", "motion"),
            lambda one: coloured_motion(one["motion"], one["evidence"], _fast(one["motion"], one["evidence"])),
        ),
        "map": (
            arrays(store, "saliency", "overlay", "data"),
            lambda one: coloured_heat(one["heat"].astype(np.float32), 1.0, signed=bool((one["heat"] < 0).any())),
        ),
        "real clip": (iter(generate_clips(bundled.card, bundled.folder)[1]), lambda clip: to_uint8(clip.frames)),
    }
    found = {}
    for name, (source, shown) in kinds.items():
        every = list(source)
        found[name] = [shown(one) for one in every[:: math.ceil(len(every) / most) or 1]]
    return found


def _fast(motion: NDArray[Any], evidence: NDArray[Any]) -> float:
    speed = np.hypot(*np.moveaxis(motion.astype(np.float32), 1, 0))[evidence]
    return max(float(np.percentile(speed, 99)) if speed.size else 0.0, LEAST_FULL_COLOUR)


def measured(clips: list[Frames], encoded: Callable[[Frames], bytes]) -> dict[str, float | None]:
    """Return the mean size, error and processor time of one way to encode, and the least similarity."""
    sizes, squares, tails, alike, spent = [], [], [], [], []
    for frames in clips:
        sheet = side_by_side(frames)
        began = time.process_time()
        content = encoded(frames)
        spent.append(time.process_time() - began)
        sizes.append(len(content))
        shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        error = np.abs(shown.astype(np.float64) - sheet)
        alike.append(similarity(shown, sheet))
        squares.append(float(np.square(error).mean()))
        tails.append(float(np.percentile(error, 99)))
    mean_square = float(np.mean(squares))
    return {
        "kilobytes": round(float(np.mean(sizes)) / 1000, 2),
        "psnr": round(10 * math.log10(255**2 / mean_square), 2) if mean_square else None,
        "similarity": round(float(np.mean(alike)), 4),
        "least_similarity": round(min(alike), 4),
        "error_p99": round(float(np.mean(tails)), 2),
        "milliseconds": round(1000 * float(np.mean(spent)), 2),
    }


def encoder(kind: Any, options: dict[str, Any]) -> Callable[[Frames], bytes]:
    """Return a way to encode frames, side by side."""
    return lambda frames: picture_bytes(side_by_side(frames), kind, **options)


def of_a_kernel(store: Store) -> dict[str, Any]:
    """Return the kilobytes of pictures that the run holds of a visualised kernel, in the mean and by role."""
    sizes: dict[str, list[int]] = {}
    records = [one for name in ("kernels", "decomposition") for one in store.manifest().of(name)]
    kernels = {one.job.unit for one in records if isinstance(one.outcome, Done)}
    for record in records:
        for one in record.outcome.artifacts if isinstance(record.outcome, Done) else ():
            if one.media_type.startswith("image/"):
                sizes.setdefault(f"{one.role}, {'poster' if is_poster_file(one.path) else one.kind}", []).append(
                    one.bytes
                )
    shares = {name: round(sum(found) / len(kernels) / 1000, 2) for name, found in sizes.items()}
    return {
        "kernels": len(kernels),
        "kilobytes": round(sum(map(sum, sizes.values())) / len(kernels) / 1000, 2),
    } | shares


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--most", type=int, default=8, help="Clips of each kind.")
    asked = parser.parse_args()
    for name, clips in pictures(Store(asked.run), asked.most).items():
        ways = {encoding: encoder(kind, options) for encoding, (kind, options) in ENCODINGS.items()}
        ways |= {"as pages show it": as_pages_show} if name == "synthetic clip" else {}
        for encoding, encoded in ways.items():
            found = measured(clips, encoded)
            print(json.dumps({"picture": name, "clips": len(clips), "encoding": encoding, **found}))
    print(json.dumps({"picture": "all of a visualised kernel", **of_a_kernel(Store(asked.run))}))


if __name__ == "__main__":
    main()
