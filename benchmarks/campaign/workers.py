"""What sharing work out costs: `python -m benchmarks.campaign.workers [--slurm] [--kernels 1000] [--rounds 3]`.

A small network's kernels are computed by one process, by two processes that know nothing of each other and have half
of the kernels each, by two workers, and with `--slurm` by two jobs of a SLURM that is started here (see tests/slurm).
Each time is from the first kernel to the last one, so that the start of Python is in none; all take turns, and the
fastest of the rounds counts. Printed are seconds, and the ratios: what two workers reach of two independent processes,
and how much longer a kernel takes a SLURM worker than the one process. Other work on the machine spoils these, so the
processor seconds of all processes of each way are told too, from the import of the network on: they hold what every
worker does anew before its first kernel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.slurm.cluster import NEEDED, cluster, is_missing

LAYERS = 4
BETWEEN = 8  # channels from one layer to the next: a thousand kernels that all read each other would not be tiny
NETWORK = """
import os, threading, time
from pathlib import Path
from torch import nn

SPENT = Path(__file__).parent / "spent"


def count(begun):
    own = SPENT / str(os.getpid())
    while True:  # jobs of SLURM may be ended without a last word
        own.with_suffix(".new").write_text(str(time.process_time() - begun))
        own.with_suffix(".new").replace(own)
        time.sleep(0.5)


threading.Thread(target=count, args=[time.process_time()], daemon=True).start()


def make():
    channels = {channels}
    layers, before = [], 3
    for _ in range({layers}):
        layers += [nn.Conv3d(before, channels, 3, padding=1), nn.ReLU(), nn.Conv3d(channels, {between}, 1)]
        before = {between}
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(before, 2))
"""
SETTINGS = "[kernels]\nsteps = {steps}\n"
CLIP = '{"frames": 4, "height": 8, "width": 8, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}'


def command(folder: Path, runs: Path, kernels: str, *more: str) -> list[str]:
    """Return the command that computes kernels of each layer into a folder of runs."""
    what = ["--model", f"{folder / 'net.py'}:make", "--untrained", "--clip-spec", CLIP, "--analyses", "kernels"]
    how = ["--preset", "quick", "--threads", "1", "--kernels", kernels, "--choose", "first", "--runs", str(runs), "-q"]
    layers = ["--layers", ",".join(str(3 * layer) for layer in range(LAYERS))]
    return [sys.executable, "-m", "reportgen", "compute", *what, *how, *layers, *more]


def seconds_between_records(runs: Sequence[Path]) -> float:
    """Return the time from the first record of a kernel in runs to the last one."""
    records = [path for run in runs for path in run.glob("*/records/*/*.json")]
    times = [path.stat().st_mtime for path in records if '"analysis": "kernels"' in path.read_text(encoding="utf-8")]
    return max(times) - min(times)


def computed(folder: Path, commands: Sequence[list[str]], environment: Mapping[str, str]) -> None:
    """Run commands beside each other, to their end."""
    said = folder / "said.txt"
    with said.open("w", encoding="utf-8") as log:
        running = [subprocess.Popen(words, cwd=folder, env=dict(environment), stderr=log) for words in commands]
        codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(said.read_text(encoding="utf-8"))


@contextmanager
def folder_of(channels: int, steps: int) -> Iterator[Path]:
    """Yield a folder with the network and its settings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.py").write_text(
            NETWORK.format(channels=channels, between=BETWEEN, layers=LAYERS), encoding="utf-8"
        )
        (folder / "reportgen.toml").write_text(SETTINGS.format(steps=steps), encoding="utf-8")
        (folder / "spent").mkdir()
        yield folder


def processor_seconds(folder: Path) -> float:
    """Return what all processes since the last question have counted, to half a second each."""
    counted = list((folder / "spent").iterdir())
    seconds = sum(float(path.read_text(encoding="utf-8")) for path in counted if not path.suffix)
    for path in counted:
        path.unlink()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernels", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slurm", action="store_true")
    asked = parser.parse_args()
    if asked.slurm and is_missing():
        raise SystemExit(NEEDED)
    channels = asked.kernels // LAYERS
    halves = [f"0-{channels // 2 - 1}", f"{channels // 2}-{channels - 1}"]
    found: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    with folder_of(channels, asked.steps) as folder, cluster() if asked.slurm else nullcontext() as slurm:
        here = {**os.environ, "OMP_NUM_THREADS": "1"}
        ways: dict[str, Callable[[Path], None]] = {
            "one process": lambda runs: computed(folder, [command(folder, runs, "all")], here),
            "two independent processes": lambda runs: computed(
                folder, [command(folder, runs / str(n), half) for n, half in enumerate(halves)], here
            ),
            "two workers": lambda runs: computed(folder, [command(folder, runs, "all", "--workers", "2")], here),
        }
        if slurm is not None:
            words = ("--workers", "2", "--executor", "slurm")
            ways["two SLURM workers"] = lambda runs: computed(
                folder, [command(folder, runs, "all", *words)], slurm.environment
            )
        for number in range(asked.rounds):
            for name, way in ways.items():
                runs = folder / f"{name.replace(' ', '-')}-{number}"
                runs.mkdir()
                way(runs)
                places = [runs, *(path for path in runs.iterdir() if path.is_dir())]
                found.setdefault(name, []).append(seconds_between_records(places))
                spent.setdefault(name, []).append(processor_seconds(folder))
                took = f"{found[name][-1]:.1f} s, {spent[name][-1]:.1f} of processors"
                print(f"{name}: {took} ({time.strftime('%H:%M:%S')})", flush=True)
    best = {name: min(times) for name, times in found.items()}
    least = {name: min(times) for name, times in spent.items()}
    print(
        f"two workers reach {best['two independent processes'] / best['two workers']:.2f} of two independent processes"
    )
    if slurm is not None:
        print(f"two SLURM workers reach {best['two independent processes'] / best['two SLURM workers']:.2f} of them")
        over = 2 * best["two SLURM workers"] / best["one process"] - 1
        print(f"a kernel takes a SLURM worker {over:+.1%} of what it takes the one process")
    for name in list(least)[1:]:
        print(f"processors, {name}: {least[name] / least['one process'] - 1:+.1%} of the one process's seconds")


if __name__ == "__main__":
    main()
