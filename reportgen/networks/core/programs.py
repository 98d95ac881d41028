"""Programs that `torch.export` makes, as networks whose layers are modules.

Two kinds of module come of one: `ExportedProgram.module()`, in which all layers are steps of one graph and the modules
that are named like them hold nothing but their weights, and `torch.export.unflatten`, in which each module of the
network is a graph of its own. What reads a network's layers needs the layers themselves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, fx, nn

from reportgen.networks.core.copying import copied, without_exporters_warnings

_CONVOLUTIONS: Mapping[str, type[nn.Module]] = {
    **{f"conv{n}d": kind for n, kind in ((1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d))},
    "conv_transpose1d": nn.ConvTranspose1d,
    "conv_transpose2d": nn.ConvTranspose2d,
    "conv_transpose3d": nn.ConvTranspose3d,
}
_WEIGHTED = frozenset({*_CONVOLUTIONS, "linear", "batch_norm"})
_NORMS: Mapping[int, type[nn.Module]] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


def with_layers(module: nn.Module) -> nn.Module:
    """Return what `torch.export` made with its layers as modules that share its weights; another module as it is.

    The checks of what it is given stay.
    """
    nodes = program_steps(module)
    if isinstance(module, fx.GraphModule):
        return _rebuilt(module) if any(_owner(module, node) is not None for node in nodes) else module
    if not nodes or all(layer_of(part) is None for name, part in module.named_modules() if name):
        return module
    found = copied(module, [*module.parameters(), *module.buffers()])
    layered(found)
    return found


def made_for_one_clip(module: nn.Module) -> bool:
    """Whether a module is a program of `torch.export` that was made for a single clip a call."""
    given = [node.meta.get("val") for node in program_steps(module) if node.op == "placeholder"]
    sizes = [value.shape[0] for value in given if isinstance(value, Tensor) and value.ndim]
    return any(type(size) is int and size == 1 for size in sizes)  # other than a symbol for any number


def layered(network: nn.Module) -> None:
    """Replace the modules of an unflattened program that are one convolution, linear layer, batch norm or ReLU."""
    for name, part in list(network.named_modules()):
        layer = layer_of(part)
        if layer is not None and name:
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, layer)
    for part in network.modules():
        for node in program_steps(part):
            node.meta.clear()  # it holds the exporter's stand-ins for tensors, which cannot be copied


def _rebuilt(module: fx.GraphModule) -> fx.GraphModule:
    """Return a program of one graph that calls its layers."""
    with without_exporters_warnings():
        graph = copy.deepcopy(module.graph)
    layers: dict[str, tuple[str, nn.Module]] = {}
    for node in list(graph.nodes):
        owner = _owner(module, node)
        layer = None if owner is None else _made(module, node)
        if owner is None or layer is None:
            continue
        if layers.setdefault(owner, (_settings(node), layer))[0] != _settings(node):
            continue  # the weights are used in two ways: the first one is the layer
        with graph.inserting_before(node):
            called = graph.call_module(owner, (node.args[0],))
        node.replace_all_uses_with(called)
        graph.erase_node(node)
    for node in list(graph.nodes):
        if node.op == "get_attr" and not node.users:
            graph.erase_node(node)
        node.meta.clear()  # it holds the exporter's stand-ins for tensors, which cannot be copied
    parts = {name: layer for name, (_, layer) in layers.items()}
    kept = {str(node.target) for node in graph.nodes if node.op in {"get_attr", "call_module"}} - set(parts)
    found = fx.GraphModule({**{name: _at(module, name) for name in kept}, **parts}, graph)
    for name in ("_in_spec", "_out_spec"):
        if hasattr(module, name):
            setattr(found, name, getattr(module, name))
    return found


def _owner(module: nn.Module, node: fx.Node) -> str | None:
    """Return the name of the layer that a step is: that of the module that holds its weight by this name."""
    found = call_of(node)
    weight = None if found is None or found[0] not in _WEIGHTED else found[1].get("weight")
    if not isinstance(weight, fx.Node) or weight.op != "get_attr":
        return None
    owner, _, name = str(weight.target).rpartition(".")
    return owner if owner and name == "weight" and isinstance(value_of(module, weight), nn.Parameter) else None


def _settings(node: fx.Node) -> str:
    """Return what tells one use of the same weights from another."""
    found = call_of(node)
    assert found is not None  # it has an owner
    others = {name: value for name, value in found[1].items() if name != "input"}
    return repr((found[0], {k: v.target if isinstance(v, fx.Node) else v for k, v in others.items()}))


def _at(module: nn.Module, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def program_steps(module: nn.Module) -> list[fx.Node]:
    """Return the steps of the program that a module is; none of another."""
    graph = getattr(module, "graph", None)
    return list(graph.nodes) if isinstance(graph, fx.Graph) else []


def call_of(node: fx.Node) -> tuple[str, dict[str, Any]] | None:
    """Return the name of torch's operation that a step calls, and its arguments by their names; None for another."""
    schema = getattr(node.target, "_schema", None) if node.op == "call_function" else None
    if schema is None:
        return None
    names = [argument.name for argument in schema.arguments]
    given = {argument.name: argument.default_value for argument in schema.arguments if argument.has_default_value()}
    given |= dict(zip(names, node.args, strict=False)) | node.kwargs
    return schema.name.removeprefix("aten::"), given


def layer_of(module: nn.Module) -> nn.Module | None:
    """Return the ordinary layer that a module of an unflattened program is, when it is exactly one."""
    nodes = program_steps(module)
    calls = [node for node in nodes if node.op == "call_function"]
    if (
        len(calls) != 1
        or any(node.op == "call_module" for node in nodes)
        or sum(n.op == "placeholder" for n in nodes) != 1
    ):
        return None
    layer = _made(module, calls[0])
    return layer.train(module.training) if layer is not None else None


def _made(module: nn.Module, step: fx.Node) -> nn.Module | None:
    """Return the ordinary layer that a step of a program is."""
    call = call_of(step)
    if call is None:
        return None
    name, given = call
    values = {name: value_of(module, value) for name, value in given.items()}
    makers: Mapping[str, Callable[[dict[str, Any]], nn.Module | None]] = {
        "linear": _linear,
        "batch_norm": lambda v: _batch_norm(v, step),
        "relu": lambda _: nn.ReLU(),
        "relu_": lambda _: nn.ReLU(inplace=True),
        **{kind: lambda v, kind=kind: _convolution(kind, v) for kind in _CONVOLUTIONS},  # type: ignore[misc]
    }
    return makers[name](values) if name in makers else None


def value_of(module: nn.Module, value: Any) -> Any:
    """Return an argument: a parameter or buffer where a node reads one, None for what only exists at run time."""
    if not isinstance(value, fx.Node):
        return value
    return _at(module, str(value.target)) if value.op == "get_attr" else None


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
