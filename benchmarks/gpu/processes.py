"""Part 7: whether several processes on one device do more together than one alone."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.kernels import loaded
from benchmarks.machine import peak_memory, synchronize
from benchmarks.step import step_of
from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search

#: A large network, whose steps fill a device, and a small one, whose steps are mostly calls: layer, kernels at once.
_WORK = {"i3d_r50": ("s3.pathway0_res0.branch2.c", 16), "texture_motion": ("res1.conv2", 8)}
_ROOT = Path(__file__).resolve().parents[2]


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each network and number of processes."""
    models, counts = (("texture_motion",), (1,)) if setting.smoke else (tuple(_WORK), (1, 2, 4))
    found = [
        Case(f"{model}, {count} at once", lambda _, m=model, n=count: _together(setting, m, n), 30)
        for model in models
        for count in counts
    ]
    if setting.device.type == "cuda":
        found.append(
            Case("texture_motion, recorded", lambda _: _together(setting, "texture_motion", 1, "--recorded"), 30)
        )
    return found


def _together(setting: Setting, model: str, count: int, *more: str) -> Found:
    """Return what some processes do together within one and the same stretch of time."""
    arguments = ["--model", model, "--device", str(setting.device), "--seconds", "0.3" if setting.smoke else "5", *more]
    if setting.smoke:
        arguments.append("--small")
    command = [sys.executable, "-m", "benchmarks.gpu.processes", *arguments]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        for _ in range(count)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError("a process ended before it was ready")
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return {
        "processes": count,
        "batch": min(one["batch"] for one in said),
        "kernel steps a second": sum(one["batch"] * one["steps"] / one["seconds"] for one in said),
        "memory of all": sum(one["memory"] for one in said),
    }


def main() -> None:
    """Take steps for some seconds when told to, and print how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--recorded", action="store_true", help="steps are replays of a CUDA graph")
    options = parser.parse_args()
    torch.set_num_threads(1)  # a GPU's host needs no more, and on a CPU processes would fight for the cores
    layer, batch = _WORK[options.model]
    network, _ = loaded(options.model, options.device)
    search = Search(network, layer, range(batch), AscentOptions(clip_shape=(4, 16, 16) if options.small else None))
    with as_searched(network, search.levels):
        batch = with_less_memory(lambda count: _warm(search, count), batch, "a process")
        taken = step_of(search, search.levels[0], search.kernels[:batch])
        step = _recorded(taken) if options.recorded else taken
        step()
        synchronize(network.device)
        print("ready", flush=True)
        sys.stdin.readline()
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < options.seconds:
            step()
            synchronize(network.device)
            steps += 1
        seconds = time.perf_counter() - began
    memory = peak_memory(torch.device(options.device))
    print(json.dumps({"batch": batch, "steps": steps, "seconds": seconds, "memory": memory}))


def _recorded(step: Callable[[], object]) -> Callable[[], object]:
    """Return the replay of a step that is recorded as a CUDA graph."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # plans and workspaces are made before the recording
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def _warm(search: Search, count: int) -> int:
    step_of(search, search.levels[0], search.kernels[:count])()
    return count


if __name__ == "__main__":
    main()
