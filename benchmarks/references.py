"""Memory and time of the pass over a folder of reference clips against the number of clips.

    python -m benchmarks.references --counts 10 500

Clips of the bundled network's generator are written as folders of frames, each count into a folder of its own;
each pass is a process of its own (`reportgen compute --analyses evidence`), so that its peak resident memory and its
seconds, start included, are its own. The slope is what one more clip costs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from benchmarks.machine import describe
from reportgen import load_network
from reportgen.resources import modelzoo_folder
from reportgen.zoo.sources import import_file

_CHILD = (
    "import resource, sys; from reportgen.config.options import BuildOptions; "
    "from reportgen.commands.compute import compute; "
    "from pathlib import Path; compute(BuildOptions(reference=Path(sys.argv[1]), analyses=('evidence',), "
    "runs=Path(sys.argv[2]), device='cpu')).check(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)
_AT_ONCE = 28


@dataclass(frozen=True)
class Row:
    """One pass: peak resident memory in MiB, seconds with the start of the process."""

    clips: int
    peak_memory: float
    seconds: float


def write_clips(folder: Path, count: int) -> None:
    """Write `count` generated clips below `folder`, each a folder of frames in one that is called like its class."""
    card = load_network("texture_motion").card
    assert card is not None
    generate = import_file(modelzoo_folder() / "texture_motion" / "clips.py").reference_clips
    for first in range(0, count, _AT_ONCE):
        for place, made in enumerate(generate(card, min(_AT_ONCE, count - first), first)):
            pixels = (made.clip * 255).round().byte().permute(1, 2, 3, 0).numpy()
            path = folder / made.label_name / f"clip{first + place}"
            path.mkdir(parents=True)
            for number, frame in enumerate(pixels):
                Image.fromarray(frame).save(path / f"{number:02}.bmp")


def measured(folder: Path, count: int, threads: int) -> Row:
    """Return what a pass over `count` new clips costs."""
    clips = folder / f"clips{count}"
    write_clips(clips, count)
    command = [sys.executable, "-c", _CHILD, str(clips), str(folder / f"runs{count}")]
    started = time.perf_counter()
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)}
    )
    return Row(count, int(done.stdout.split()[-1]) / 1024, time.perf_counter() - started)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 500])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(Path(folder), count, options.threads) for count in options.counts]
    for row in rows:
        print(f"{row.clips:6} clips  {row.peak_memory:7.0f} MiB  {row.seconds:7.1f} s")
    first, last = rows[0], rows[-1]
    if last.clips > first.clips:
        more = last.clips - first.clips
        seconds, memory = (last.seconds - first.seconds) / more, (last.peak_memory - first.peak_memory) / more
        print(f"one more clip: {1000 * seconds:.0f} ms, {1024 * memory:.1f} KiB")
    if options.json:
        options.json.write_text(
            json.dumps({**describe(torch.device("cpu")), "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
