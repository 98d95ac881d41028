"""A network that is somebody's own is after a call as it was before: in the middle of its training, perhaps."""

from __future__ import annotations

import functools
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.attributes import attributes_kept, look_again
from reportgen.networks.core.copying import no_gradient, require_readable
from reportgen.networks.core.defaults import precision_of, usual_defaults
from reportgen.networks.core.network import Network, no_network

_CUT_OFF = (
    "appears to not have been used in the graph",
    "does not require grad and does not have a grad_fn",
    "cannot be empty",
)
"""What torch says of a result that does not lead back to what it was computed from."""
_UNKNOWN_DERIVATIVE = re.compile(r"derivative for (?:aten::)?'?(\w+)'? is not implemented")
_OVERWRITTEN = "has been modified by an inplace operation"
"""What it says where the way back needs values that have been overwritten since."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


_ONE_AT_A_TIME = threading.RLock()
"""Flags, defaults of torch and random states are the process's: two threads would give back each other's."""


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode with frozen parameters, and give everything back afterwards.

    That is: the mode of every submodule, every parameter's flag and gradient, the values of buffers, what its parts
    note of a pass in attributes of theirs, and the random state of torch, NumPy and Python, also when an error is
    raised. Hooks of one's own run and stay. Within, torch's modes and defaults are the usual ones, whatever the
    caller's; several threads take turns.

    Raises NetworkError for a module whose layers cannot be read, or have no weights yet.
    """
    require_readable(module)
    look_again(module)
    with _ONE_AT_A_TIME, usual_defaults(precision_of(module)), attributes_kept(module), _random_states(module):
        modes = [(part, part.training) for part in module.modules()]
        # Of those that inference mode made no flag can be set, and a copy is asked.
        parameters = [(one, one.requires_grad, one.grad) for one in module.parameters() if not one.is_inference()]
        try:
            _evaluate(module)
            for one, wanted, _ in parameters:
                if wanted:
                    one.requires_grad_(False)
            yield
        finally:
            for part, training in modes:
                part.training = training
            for one, wanted, gradient in parameters:
                one.requires_grad_(wanted)
                one.grad = gradient


def _evaluate(module: nn.Module) -> None:
    """Put a module into evaluation mode by its own means, where it has any: what `torch.export` makes has none."""
    try:
        module.eval()
    except NotImplementedError:
        for part in module.modules():
            part.training = False


@contextmanager
def _random_states(module: nn.Module) -> Iterator[None]:
    """Give torch, NumPy and Python their random states back."""
    devices = sorted({one.device.index or 0 for one in module.parameters() if one.is_cuda})
    of_numpy, of_python = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        np.random.set_state(of_numpy)
        random.setstate(of_python)


def require_values(network: Network | nn.Module) -> None:
    """Raise NetworkError for a network whose weights have no values (on the meta device)."""
    module = network.module if isinstance(network, Network) else network
    if any(one.is_meta for one in module.parameters()):
        name = network.name if isinstance(network, Network) else type(network).__name__
        raise NetworkError(f"{name} has no weights in memory: load it without meta=True.")


@contextmanager
def gradients_to(weights: Iterable[Tensor]) -> Iterator[None]:
    """Let floating-point weights take gradients within the context, and others none; their flags are restored."""
    flags = [(weight, weight.requires_grad) for weight in weights]
    for weight, _ in flags:
        weight.requires_grad_(weight.is_floating_point())
    try:
        yield
    finally:
        for weight, flag in flags:
            weight.requires_grad_(flag)


@contextmanager
def gradients_told(name: str, cuts: Callable[[], Sequence[object]] = tuple) -> Iterator[None]:
    """Let it be a sentence that no gradient comes through a network of that name; `cuts` finds what cuts it off."""
    try:
        yield
    except RuntimeError as error:
        if _OVERWRITTEN in str(error):
            raise NetworkError(
                f"{name} overwrites values in place that its own gradient needs, so that it has none: let it write "
                "into a copy of them, or ask a method that needs no gradient, such as occlusion."
            ) from error
        if found := _UNKNOWN_DERIVATIVE.search(str(error)):
            raise NetworkError(
                f"torch knows no derivative of {found[1]}, which {name} calls: let it call that on detached values, or "
                "ask a method that needs no gradient, such as occlusion."
            ) from error
        if not any(words in str(error) for words in _CUT_OFF):
            raise
        raise NetworkError(no_gradient(name, cuts())) from error


def leaving_unchanged(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function whose first argument is a network, made to leave it as it was."""

    @functools.wraps(call)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        network = args[0] if args else kwargs.get("network")
        module = network.module if isinstance(network, Network) else network
        if not isinstance(module, nn.Module):
            raise no_network(network)
        with unchanged(module), gradients_told(type(module).__name__):
            return call(*args, **kwargs)

    return asked
