"""Exported programs (`torch.export`, `.pt2`) as networks whose layers can be looked at.

An exported program is a program: unlike weights, one should only be loaded from somebody who is trusted with running
code here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import CardError
from reportgen.networks.core.programs import call_of, layered, program_steps, value_of
from reportgen.zoo.sources import describe

_ROWS_ARE_KERNELS = frozenset({"linear", "conv1d", "conv2d", "conv3d"})


def load_exported(path: Path) -> tuple[nn.Module, Any]:
    """Return the network of an exported program, and the argument that it was exported with.

    Its modules have the names that they had when it was exported, and those that are one convolution, linear layer,
    batch norm or ReLU are such modules again. Raises CardError when the file is no exported program.
    """
    try:
        program = torch.export.load(path)
        network = torch.export.unflatten(program)
    except Exception as error:  # its reader raises whatever its many parts raise
        raise CardError(f"{path} cannot be read as an exported program ({describe(error)}).") from error
    arguments: tuple[Any, ...] = program.example_inputs[0] if program.example_inputs else ()
    if len(arguments) != 1:
        raise CardError(f"{path} takes {len(arguments)} arguments: export a network that takes one clip.")
    layered(network)
    return network, arguments[0]


def example_size(argument: Any) -> dict[str, int]:
    """Return the clip's size as far as the argument that a program was exported with tells it."""
    if isinstance(argument, Tensor) and argument.ndim == 4:
        return {"height": int(argument.shape[2]), "width": int(argument.shape[3])}
    clips = [argument] if isinstance(argument, Tensor) else argument
    if not isinstance(clips, list | tuple) or not all(isinstance(a, Tensor) and a.ndim == 5 for a in clips):
        return {}
    frames = max(pathway.shape[2] for pathway in clips)
    return {"frames": int(frames), "height": int(clips[0].shape[3]), "width": int(clips[0].shape[4])}


def example_batch(argument: Any) -> tuple[int, ...]:
    """Return the number of clips that a program was exported with, as far as its argument tells it."""
    first = argument if isinstance(argument, Tensor) else next(iter(argument), None)
    return (int(first.shape[0]),) if isinstance(first, Tensor) and first.ndim else ()


def kernels_in_graphs(module: nn.Module) -> tuple[int, ...]:
    """Return how many kernels each linear layer and convolution has that is a step of a program and no module.

    So it is in a program as `torch.export` gives it: nothing else tells that its answer is a layer's.
    """
    found = []
    for part in module.modules():
        for node in program_steps(part):
            values = call_of(node)
            if values is not None and values[0] in _ROWS_ARE_KERNELS:
                weight = value_of(part, values[1]["weight"])
                found += [int(weight.shape[0])] if isinstance(weight, Tensor) else []
    return tuple(found)
