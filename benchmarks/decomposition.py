"""Seconds per clip and error of the decomposition, against the published procedure, in one run on one machine.

    python -m benchmarks.decomposition                    # the published procedure for 20 epochs, extrapolated
    python -m benchmarks.decomposition --epochs 2000      # all its epochs: its errors are then those it ends with

Clips of 16x128x128 whose motion is known: a texture translating by (1, -0.5) px/frame and one turning by 2 degrees per
frame. End-point error in px/frame and angular error in degrees (chance: 90) over the picture without 8 px of border,
angles where the truth is faster than 0.2 px/frame. Seconds are the median of the repeats after one warming up; on a
busy machine believe those of the processor (cpu s) with --threads 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.published_decomposition import EPOCHS, published_decomposition, stretched
from reportgen.analyses.decomposition.decompose import decompose
from tests.truth.moving_textures import MovingClip, end_point_error, rotating, texture, translating

BORDER = 8
SLOWEST = 0.2


@dataclass(frozen=True)
class Seconds:
    """Time on the clock, and of all cores together, which a busy machine changes less."""

    wall: float
    cpu: float

    def times(self, factor: float) -> Seconds:
        """Return so many times this."""
        return Seconds(self.wall * factor, self.cpu * factor)


class Stopwatch:
    """Runs from its beginning."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Seconds:
        """Return the time since the beginning, the device's work included."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return Seconds(time.perf_counter() - self._wall, time.process_time() - self._cpu)


@dataclass(frozen=True)
class Row:
    """One method on one clip; `epochs_run` of `epochs` were run and timed, and `seconds` is for all of them."""

    method: str
    clip: str
    seconds: Seconds
    end_point_error: float
    angular_error: float
    psnr: float
    epochs: int | None = None
    epochs_run: int | None = None


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20, help=f"of the published procedure's {EPOCHS}")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch", type=int, default=8, help="clips of the batched measurement")
    parser.add_argument("--with-adam", action="store_true", help="also time the slow reference solver")
    parser.add_argument("--device", default="cpu", help="of this program's solvers; the published one runs on the CPU")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shape = {"frames": options.frames, "size": options.size}
    clips = {
        "translation": translating(texture(1), (1, -0.5), **shape),
        "rotation": rotating(texture(2), 2.0, **shape),
    }
    rows = [row for name, clip in clips.items() for row in measure(name, clip, options)]
    machine = describe_machine(options)
    print_table(rows, machine)
    if options.json:
        content = {"machine": machine, "shape": shape, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def measure(name: str, clip: MovingClip, options: argparse.Namespace) -> list[Row]:
    """Return one row per method."""
    still = clip.pixels[:, :1].expand_as(clip.pixels)
    nothing = torch.zeros_like(clip.motion)
    quality = psnr(still, clip.pixels)
    rows = [Row("no motion at all", name, Seconds(0.0, 0.0), *errors(nothing, clip), quality)]
    published_decomposition(clip.pixels, epochs=2)
    watch = Stopwatch()
    found = published_decomposition(clip.pixels, epochs=options.epochs)
    seconds = watch.read().times(EPOCHS / options.epochs)
    quality = psnr(found.reconstruction, stretched(clip.pixels))
    rows.append(Row("published", name, seconds, *errors(found.motion, clip), quality, EPOCHS, options.epochs))
    one = clip.pixels[None].to(options.device)
    apart = decompose(one)
    seconds = median_seconds(lambda: decompose(one), options.repeats)
    rows.append(Row("gauss-newton", name, seconds, *errors(apart.motion[0].cpu(), clip), apart.psnr.item()))
    if options.with_adam:
        watch = Stopwatch()
        slow = decompose(one, solver="adam")
        rows.append(Row("adam", name, watch.read(), *errors(slow.motion[0].cpu(), clip), slow.psnr.item()))
    many = one.expand(options.batch, -1, -1, -1, -1)
    together = decompose(many)
    seconds = median_seconds(lambda: decompose(many), options.repeats).times(1 / options.batch)
    label = f"gauss-newton, {options.batch} clips at once"
    rows.append(Row(label, name, seconds, *errors(together.motion[-1].cpu(), clip), together.psnr[-1].item()))
    return rows


def errors(motion: Tensor, clip: MovingClip) -> tuple[float, float]:
    """Return the end-point error (px/frame) and the angular error (degrees; 90 where nothing moves)."""
    inner = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    found, truth = motion.movedim(1, 0)[inner], clip.motion.movedim(1, 0)[inner]
    moving = truth.norm(dim=0) > SLOWEST
    cosine = (found * truth).sum(0)[moving] / (found.norm(dim=0) * truth.norm(dim=0))[moving].clamp_min(1e-9)
    return end_point_error(motion, clip, border=BORDER), torch.rad2deg(cosine.clamp(-1, 1).acos()).mean().item()


def psnr(reconstruction: Tensor, clip: Tensor) -> float:
    """Return the PSNR in dB."""
    return -10 * math.log10((reconstruction - clip).square().mean().item())


def median_seconds(work: Callable[[], object], repeats: int) -> Seconds:
    """Return the median times of so many calls; the caller has warmed up."""
    taken = []
    for _ in range(repeats):
        watch = Stopwatch()
        work()
        taken.append(watch.read())
    return Seconds(statistics.median(t.wall for t in taken), statistics.median(t.cpu for t in taken))


def describe_machine(options: argparse.Namespace) -> dict[str, str | int | float]:
    """Return what the figures depend on."""
    cpu_facts = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in _lines(cpu_facts) if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 2),
        "threads": options.threads,
        "device": torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else "cpu",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def print_table(rows: list[Row], machine: dict[str, str | int | float]) -> None:
    """Print one line per row, with the ratios to the published procedure on the same clip."""
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    head = f"{'clip':12} {'method':30} {'s/clip':>9} {'faster':>8} {'cpu s':>9} {'less':>8}"
    print(f"{head} {'EPE px/fr':>10} {'angle':>7} {'PSNR dB':>8}")
    for row in rows:
        base = next(other for other in rows if other.clip == row.clip and other.method == "published").seconds
        faster, less = (
            f"{old / new:.1f}x" if new else "-"
            for old, new in ((base.wall, row.seconds.wall), (base.cpu, row.seconds.cpu))
        )
        note = ""
        if row.epochs_run is not None and row.epochs_run != row.epochs:
            note = f"  ({row.epochs_run} of {row.epochs} epochs run, seconds extrapolated)"
        print(
            f"{row.clip:12} {row.method:30} {row.seconds.wall:9.3f} {faster:>8} {row.seconds.cpu:9.3f} {less:>8}"
            f" {row.end_point_error:10.4f} {row.angular_error:7.1f} {row.psnr:8.1f}{note}"
        )


if __name__ == "__main__":
    main()
