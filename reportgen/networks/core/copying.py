"""A module that lives on as it is asked: within its wrappers, readable, and copied whatever it holds."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pickle import PickleError
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from reportgen.errors import NetworkError

_NOT_COPIED = (TypeError, RuntimeError, AttributeError, PickleError)
"""What copying raises: of a lock, of a computed tensor, of a class within a function, of a scripted function."""

_TREE = frozenset({"_parameters", "_buffers", "_modules"})


def within_wrappers(module: nn.Module) -> nn.Module:
    """Return the module itself of one that is wrapped for several devices, or by `torch.compile`: it has its layers."""
    while True:
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            module = module.module
        elif type(module).__module__.startswith("torch._dynamo") and isinstance(module._orig_mod, nn.Module):
            module = module._orig_mod
        else:
            return module


def require_readable(module: nn.Module) -> None:
    """Raise NetworkError for a module whose layers cannot be read, or have no weights before its first pass."""
    name = type(module).__name__
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise NetworkError(
            f"{name} is or holds a TorchScript program, whose layers cannot be read: give the module that it was made "
            "of, or export it (torch.export)."
        )
    if any(is_lazy(one) for one in (*module.parameters(), *module.buffers())):
        raise NetworkError(f"{name} has lazy layers without weights yet: run it on one batch first.")


def no_gradient(name: str, cuts: Sequence[object] = ()) -> str:
    """Return the sentence for a network of that name through which no gradient comes; `cuts` are what cuts it off."""
    found = " and ".join(dict.fromkeys(map(str, cuts)))
    cut = found or "something in it, such as detach(), no_grad() or a quantised layer,"
    return (
        f"No gradient comes through {name}: {cut} {'cut' if ' and ' in found else 'cuts'} it off. Ask a method that "
        "needs none, such as occlusion, or give the network without it."
    )


def copied(module: nn.Module, sharing: Iterable[Tensor] = ()) -> nn.Module:
    """Return a deep copy of a module, which has the very tensors in `sharing`.

    A tensor in the middle of somebody's graph (features that a module keeps, a weight that was computed) is copied
    without the graph. What cannot be copied (a lock, a file, a writer of logs that a hook tells) both modules share.
    """
    own = {id(one): one for one in sharing}
    with without_exporters_warnings():
        try:
            return copy.deepcopy(module, {**_without_graphs(module), **own})
        except _NOT_COPIED:
            shared = {id(one): one for one in _beside(module) if not _can_be_copied(one)}
            return copy.deepcopy(module, {**_without_graphs(module), **shared, **own})


@contextmanager
def without_exporters_warnings() -> Iterator[None]:
    """Let torch not warn, within the context, that it copies its own programs by a name that it is about to drop."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)`", category=FutureWarning)
        yield


def _without_graphs(module: nn.Module) -> dict[int, Any]:
    return {id(one): one.detach().clone() for one in _computed(module)}


def _beside(module: nn.Module) -> Iterator[Any]:
    """Yield what the parts of a module hold beside their parameters, buffers and parts: attributes and hooks."""
    for part in module.modules():
        for name, value in vars(part).items():
            if name not in _TREE:
                yield from value.values() if isinstance(value, Mapping) and name.endswith("_hooks") else (value,)


def _computed(module: nn.Module) -> Iterator[Tensor]:
    """Yield the tensors that were computed from others, and lead back to them, among what parts of a module hold."""
    pending = [*_beside(module), *module.buffers()]
    while pending:
        value = pending.pop()
        if isinstance(value, Tensor):
            if not value.is_leaf:
                yield value
        elif isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list | tuple | set):
            pending += value


def _can_be_copied(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except _NOT_COPIED:
        return False
    return True
