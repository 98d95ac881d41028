"""What a machine is and can do at most, measured in the same run as what is compared with it."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional


def describe(device: torch.device) -> dict[str, object]:
    """Return the device's name, its threads and torch's version."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": name,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "torch": torch.__version__,
        "system": platform.platform(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def measured_peak(device: torch.device, dtype: torch.dtype, size: int | None = None) -> dict[str, float]:
    """Return multiply-adds per second, in 1e9, of a large matrix product and a large convolution."""
    size = size or (8192 if device.type == "cuda" else 2048)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    batch = 16 if device.type == "cuda" else 1
    clips = torch.randn(batch, 256, 8, 28, 28, device=device).to(dtype)
    kernels = torch.randn(256, 256, 3, 3, 3, device=device).to(dtype)
    product = seconds_of(lambda: a @ b, device)
    convolution = seconds_of(lambda: functional.conv3d(clips, kernels, padding=1), device)
    return {
        "matrix product": size**3 / product / 1e9,
        "convolution": batch * 256 * 256 * 27 * 8 * 28 * 28 / convolution / 1e9,
    }


def seconds_of(work: Callable[[], object], device: torch.device, repeats: int = 10) -> float:
    """Return the shortest of some repeats, after one to warm up."""
    found = []
    for _ in range(repeats + 1):
        began = clock(device)
        work()
        found.append(clock(device) - began)
    return min(found[1:])


def clock(device: torch.device) -> float:
    """Return a reading in seconds: of a CPU that computes by one thread, those that this process had of it.

    On an idle machine they are the wall's; other work changes them less.
    """
    if device.type == "cpu" and torch.get_num_threads() == 1:
        return seconds_spent(device)
    synchronize(device)
    return time.perf_counter()


def seconds_spent(device: torch.device) -> float:
    """Return a reading of the clock: of a CPU the seconds that this process had of it, whatever else runs there."""
    if device.type == "cpu":
        return time.process_time()
    synchronize(device)
    return time.perf_counter()


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> float:
    """Return the most memory so far in GiB: the device's, or the process's on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
