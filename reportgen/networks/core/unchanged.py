"""A network that is somebody's own is after a call as it was before: in the middle of its training, perhaps."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from torch import nn

from reportgen.errors import NetworkError, a_type
from reportgen.networks.core.network import Network

_P = ParamSpec("_P")
_T = TypeVar("_T")


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode with frozen parameters, and give everything back afterwards.

    That is: the mode of every submodule, every parameter's flag and gradient, the values of buffers, and the random
    state of torch, NumPy and Python, also when an error is raised. Hooks of one's own run and stay.
    """
    modes = [(part, part.training) for part in module.modules()]
    parameters = [(one, one.requires_grad, one.grad) for one in module.parameters()]
    buffers = [(one, one.detach().clone()) for one in module.buffers() if not one.is_meta]
    devices = sorted({one.device.index or 0 for one, _, _ in parameters if one.is_cuda})
    of_numpy, of_python = np.random.get_state(), random.getstate()
    module.eval()
    for one, wanted, _ in parameters:
        if wanted:
            one.requires_grad_(False)
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)
        for part, training in modes:
            part.training = training
        for one, wanted, gradient in parameters:
            one.requires_grad_(wanted)
            one.grad = gradient
        with torch.no_grad():
            for buffer, before in buffers:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)


def require_values(network: Network | nn.Module) -> None:
    """Raise NetworkError for a network whose weights have no values (on the meta device)."""
    module = network.module if isinstance(network, Network) else network
    if any(one.is_meta for one in module.parameters()):
        name = network.name if isinstance(network, Network) else type(network).__name__
        raise NetworkError(f"{name} has no weights in memory: load it without meta=True.")


def leaving_unchanged(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function whose first argument is a network, made to leave it as it was."""

    @functools.wraps(call)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        network = args[0] if args else kwargs.get("network")
        module = network.module if isinstance(network, Network) else network
        if not isinstance(module, nn.Module):
            raise NetworkError(f"A network is a torch module or what load_network returns, and not {a_type(network)}.")
        with unchanged(module):
            return call(*args, **kwargs)

    return asked
