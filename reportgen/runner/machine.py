"""What computes: a GPU or a processor, by name."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch


def device_name(device: torch.device) -> str:
    """Return the name of a GPU, or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()


def machine_of(device: torch.device) -> str:
    """Return what computes on a device now: the GPU, or the processor and the threads that torch has."""
    if device.type == "cuda":
        return device_name(device)
    return with_threads(_processor(), torch.get_num_threads())


def with_threads(processor: str, threads: int) -> str:
    """Return the name of a processor that computes with so many threads."""
    return f"{processor}, {threads} thread{'s' * (threads != 1)}"


def threads_of(machine: str) -> int | None:
    """Return the threads of a processor by the name of the machine; None for a GPU."""
    end = machine.rpartition(", ")[2].split(" ")
    return int(end[0]) if len(end) == 2 and end[0].isdecimal() and end[1] in ("thread", "threads") else None


@cache
def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names[0] if names else platform.processor()) or "CPU"
