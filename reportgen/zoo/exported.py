"""Exported programs (`torch.export`, `.pt2`) as networks whose layers can be looked at.

An exported program is a program: unlike weights, one should only be loaded from somebody who is trusted with running
code here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from reportgen.errors import CardError
from reportgen.zoo.sources import describe

_CONVOLUTIONS: Mapping[str, type[nn.Module]] = {
    **{f"conv{n}d": kind for n, kind in ((1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d))},
    "conv_transpose1d": nn.ConvTranspose1d,
    "conv_transpose2d": nn.ConvTranspose2d,
    "conv_transpose3d": nn.ConvTranspose3d,
}
_ROWS_ARE_KERNELS = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
_NORMS: Mapping[int, type[nn.Module]] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


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
    for name, part in list(network.named_modules()):
        layer = _layer(part)
        if layer is not None and name:
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, layer)
    for part in network.modules():
        for node in _nodes(part):
            node.meta.clear()  # it holds the exporter's stand-ins for tensors, which cannot be copied
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


def _nodes(module: nn.Module) -> list[fx.Node]:
    graph = getattr(module, "graph", None)
    return list(graph.nodes) if isinstance(graph, fx.Graph) else []


def kernels_in_graphs(module: nn.Module) -> tuple[int, ...]:
    """Return how many kernels each linear layer and convolution has that is a step of a program and no module.

    So it is in a program as `torch.export` gives it: nothing else tells that its answer is a layer's.
    """
    found = []
    for part in module.modules():
        for node in _nodes(part):
            values = _call_of(node)
            if values is not None and values[0] in _ROWS_ARE_KERNELS:
                weight = _value(part, values[1]["weight"])
                found += [int(weight.shape[0])] if isinstance(weight, Tensor) else []
    return tuple(found)


def _call_of(node: fx.Node) -> tuple[str, dict[str, Any]] | None:
    """Return the name of torch's operation that a step calls, and its arguments by their names; None for another."""
    schema = getattr(node.target, "_schema", None) if node.op == "call_function" else None
    if schema is None:
        return None
    names = [argument.name for argument in schema.arguments]
    given = {argument.name: argument.default_value for argument in schema.arguments if argument.has_default_value()}
    given |= dict(zip(names, node.args, strict=False)) | node.kwargs
    return schema.name.removeprefix("aten::"), given


def _layer(module: nn.Module) -> nn.Module | None:
    """Return the ordinary layer that a module of the program is, when it is exactly one."""
    nodes = _nodes(module)
    calls = [node for node in nodes if node.op == "call_function"]
    if (
        len(calls) != 1
        or any(node.op == "call_module" for node in nodes)
        or sum(n.op == "placeholder" for n in nodes) != 1
    ):
        return None
    call = _call_of(calls[0])
    if call is None:
        return None
    name, given = call
    values = {name: _value(module, value) for name, value in given.items()}
    makers: Mapping[str, Callable[[dict[str, Any]], nn.Module | None]] = {
        "linear": _linear,
        "batch_norm": lambda v: _batch_norm(v, calls[0]),
        "relu": lambda _: nn.ReLU(),
        "relu_": lambda _: nn.ReLU(inplace=True),
        **{kind: lambda v, kind=kind: _convolution(kind, v) for kind in _CONVOLUTIONS},  # type: ignore[misc]
    }
    layer = makers[name](values) if name in makers else None
    return layer.train(module.training) if layer is not None else None


def _value(module: nn.Module, value: Any) -> Any:
    """Return an argument: a parameter or buffer where a node reads one, None for what only exists at run time."""
    if not isinstance(value, fx.Node):
        return value
    if value.op != "get_attr":
        return None
    found: Any = module
    for part in str(value.target).split("."):
        found = getattr(found, part)
    return found


def _convolution(kind: str, values: dict[str, Any]) -> nn.Module | None:
    weight, bias = values["weight"], values["bias"]
    if not isinstance(weight, nn.Parameter) or isinstance(values["padding"], str):
        return None
    transposed = "transpose" in kind
    groups = values["groups"]
    channels = (
        (weight.shape[0], weight.shape[1] * groups) if transposed else (weight.shape[1] * groups, weight.shape[0])
    )
    options = {name: _per_axis(values[name], weight.ndim - 2) for name in ("stride", "padding", "dilation")}
    if transposed:
        options["output_padding"] = _per_axis(values["output_padding"], weight.ndim - 2)
    size = tuple(weight.shape[2:])
    layer = _CONVOLUTIONS[kind](*channels, size, groups=groups, bias=bias is not None, **options)
    return _with(layer, weight=weight, bias=bias)


def _per_axis(value: Any, count: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * count if len(values) == 1 else values


def _linear(values: dict[str, Any]) -> nn.Module | None:
    weight, bias = values["weight"], values["bias"]
    if not isinstance(weight, nn.Parameter):
        return None
    return _with(nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None), weight=weight, bias=bias)


def _batch_norm(values: dict[str, Any], call: fx.Node) -> nn.Module | None:
    shape = getattr(call.meta.get("val"), "shape", ())
    mean, variance = values["running_mean"], values["running_var"]
    if len(shape) not in _NORMS or mean is None or variance is None or values["training"]:
        return None
    layer = _NORMS[len(shape)](mean.numel(), eps=values["eps"], affine=values["weight"] is not None)
    if values["weight"] is not None:
        _with(layer, weight=values["weight"], bias=values["bias"])
    layer.register_buffer("running_mean", mean)
    layer.register_buffer("running_var", variance)
    return layer


def _with(layer: nn.Module, **parameters: nn.Parameter | None) -> nn.Module:
    for name, parameter in parameters.items():
        layer.register_parameter(name, parameter)
    return layer
