"""The layers in front of a target as one compiled program (recorded once, then torch.compile).

It fuses what lies between the convolutions. Measured on one core of a CPU (Xeon 2.5 GHz, AVX-512, torch 2.13), forward
and backward: I3D's deepest stage takes 13% less time and its fourth 6%, C3D, which has no batch norms to fuse, 8% more;
compiling takes 14 to 46 s a clip shape. So it is for long work on networks with batch norms.
"""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.passes import input_of

# Multiply-adds: some forty minutes of two CPU cores; on a GPU, which does as much in seconds while compiling takes as
# long, some minutes of a large one.
_WORTH_COMPILING = {"cpu": 1e14, "cuda": 1e16}
Program = Callable[[Tensor], Tensor]
"""Clips `N C T H W` of one shape -> what the target layer is given."""


def compiling_pays(network: Network, multiply_adds: float) -> bool:
    """Return whether so much work with a network gains more by compiling than that takes."""
    norms = (nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm3d)
    fuses = any(isinstance(module, norms) for module in network.module.modules())
    return fuses and multiply_adds >= _WORTH_COMPILING.get(network.device.type, math.inf)


def can_compile(device: torch.device) -> bool:
    """Return whether this machine has what torch.compile needs: Triton for a GPU, a C++ compiler for a CPU."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return any(shutil.which(name) for name in ("g++", "c++", "clang++"))


def compiled_inputs(network: Network, layer: str, clips: Tensor) -> Program:
    """Return what computes the input of `layer` for clips of the very shape of `clips`, compiled at once.

    The program uses the network's own weights, as they lie at this moment, and the precision of the caller's autocast.
    Raises NetworkError when the network cannot be compiled.
    """

    def inputs(given: Tensor) -> Tensor:
        return input_of(network.module, network.prepare(given), layer)

    try:
        plain = clips.detach()
        # Recorded and not exported: an export wants whole modules, and this stops in the midst of them.
        recorded = make_fx(inputs, pre_dispatch=True)(plain)
        program = torch.compile(recorded, dynamic=False)
        first: Tensor = program(clips.detach().requires_grad_())
        first.sum().backward()  # the way back is compiled at its first use
    except Exception as error:  # whatever a compiler may raise
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NetworkError(f"{network.name} cannot be compiled up to {layer}: {reason}") from error
    with torch.no_grad():
        wanted = inputs(plain)
    if not torch.allclose(first, wanted, rtol=1e-2, atol=1e-2 * float(wanted.abs().max())):
        raise NetworkError(f"{network.name} compiled up to {layer} computes something else: set compile to 'never'.")

    def run(own: Tensor) -> Tensor:
        given: Tensor = program(own)
        return given

    return run
