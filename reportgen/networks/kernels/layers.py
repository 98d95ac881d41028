"""What is known about the convolutions and linear layers of a network, in the order in which they run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.seen import clip_seen
from reportgen.records.manifest import LayerFacts

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


_Extent: TypeAlias = tuple[int | None, ...] | None


@dataclass
class _Seen:
    """What one layer did in the forward pass."""

    order: int
    output: tuple[int, ...]
    fields: list[_Extent]
    multiply_adds: int

    @property
    def field(self) -> _Extent:
        """The most that a call sees along each axis; None where one sees all, and where one is not known."""
        if not self.fields or None in self.fields:
            return None
        axes = zip(*(field for field in self.fields if field is not None), strict=True)
        return tuple(None if None in sizes else max(size for size in sizes if size is not None) for sizes in axes)


def describe_layers(network: Network | nn.Module, *, clip_shape: Sequence[int] | None = None) -> tuple[LayerFacts, ...]:
    """Return the facts about every convolution (1D to 3D, transposed too) and linear layer, in order of execution.

    `clip_shape` is `C T H W` (for a bare 2D module `C H W`); by default the card's native clip. The network is run on
    the meta device: no arithmetic is done and no weights are needed. Where it cannot run there, it is run for real on
    a black clip. Receptive fields are followed through the executed operations; along an axis that is None a layer
    sees the whole clip, however large (after global pooling, attention, or flattening into a linear layer), and a
    field that is None is not known. Layers that do not run come last, without output and multiply-adds. A layer that
    runs several times counts its multiply-adds each time, shows its last output, and has the field of the call that
    sees most.

    Raises NetworkError when the network cannot run on such a clip.
    """
    network = as_network(network)
    layers = _layers(network)
    seen, _ = _run(network, layers, clip_shape)
    facts = [_facts(name, part, seen.get(name), len(layers)) for name, part in layers.items()]
    return tuple(sorted(facts, key=lambda fact: fact.order))


def count_additions(network: Network | nn.Module, *, clip_shape: Sequence[int] | None = None) -> int:
    """Return how many residual branches a network adds to the path that they leave, as run by `describe_layers`."""
    network = as_network(network)
    _, tracer = _run(network, {}, clip_shape)
    return tracer.additions


def is_layer(module: nn.Module) -> bool:
    """Whether a module is a convolution or linear layer."""
    return isinstance(module, (*_CONVOLUTIONS, nn.Linear))


def _layers(network: Network) -> dict[str, nn.Module]:
    return {name: part for name, part in network.module.named_modules() if is_layer(part)}


def _run(
    network: Network, layers: dict[str, nn.Module], clip_shape: Sequence[int] | None
) -> tuple[dict[str, _Seen], FieldTracer]:
    """Run the network on the meta device, or where it cannot, for real; return what its layers did."""
    shape = _clip_shape(network, clip_shape)
    try:
        return _observe(network, layers, shape, torch.device("meta"))
    except REFUSALS as error:
        if network.device.type == "meta":
            raise _cannot_run(network, shape, error) from error
    try:
        return _observe(network, layers, shape, network.device)
    except REFUSALS as error:
        raise _cannot_run(network, shape, error) from error


def _clip_shape(network: Network, clip_shape: Sequence[int] | None) -> tuple[int, ...]:
    if clip_shape is not None:
        return tuple(clip_shape)
    if network.spec is None:
        raise NetworkError(f"{network.name} has no card: say the clip's shape C T H W.")
    return network.spec.shape


def _cannot_run(network: Network, shape: tuple[int, ...], error: Exception) -> NetworkError:
    size = "x".join(map(str, shape[1:]))
    return NetworkError(f"{network.name} cannot run on a clip of {size} ({' '.join(str(error).split())[:200]}).")


def _observe(
    network: Network, layers: dict[str, nn.Module], shape: tuple[int, ...], device: torch.device
) -> tuple[dict[str, _Seen], FieldTracer]:
    """Run the network once on one black clip."""
    seen: dict[str, _Seen] = {}
    tracer = FieldTracer()

    def watch(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            before, found = seen.get(name), tracer.known(output)
            seen[name] = _Seen(
                order=before.order if before else len(seen),
                output=tuple(output.shape[1:]),
                # A call that is given nothing of the clip, as a state before the first frame, sees none.
                fields=[*(before.fields if before else ()), *([] if found.sourceless else [found.extent])],
                multiply_adds=(before.multiply_adds if before else 0) + _multiply_adds(module, inputs[0], output),
            )

        return hook

    handles = [part.register_forward_hook(watch(name)) for name, part in layers.items()]
    try:
        with torch.no_grad(), tracer:
            clip = torch.zeros(1, *shape, device=device, dtype=_dtype(network))
            tracer.mark(clip, clip_seen(clip.shape))
            network.run(clip)
    finally:
        for handle in handles:
            handle.remove()
    return seen, tracer


def _dtype(network: Network) -> torch.dtype:
    return next((p.dtype for p in network.module.parameters() if p.is_floating_point()), torch.float32)


def _multiply_adds(layer: nn.Module, given: Tensor, output: Tensor) -> int:
    """Return the multiply-adds of one execution; bias, padding and what is no layer do not count."""
    if isinstance(layer, nn.Linear):
        return output.numel() * layer.in_features
    assert isinstance(layer, nn.modules.conv._ConvNd)  # is_layer chose it
    taps = math.prod(layer.kernel_size)
    if layer.transposed:
        return given.numel() * (layer.out_channels // layer.groups) * taps
    return output.numel() * (layer.in_channels // layer.groups) * taps


def _facts(name: str, layer: nn.Module, seen: _Seen | None, last: int) -> LayerFacts:
    common = {
        "name": name,
        "parameters": sum(parameter.numel() for parameter in layer.parameters()),
        "output": seen.output if seen else None,
        "receptive_field": seen.field if seen else None,
        "multiply_adds": seen.multiply_adds if seen else None,
        "order": seen.order if seen else last,
    }
    if isinstance(layer, nn.Linear):
        shape: dict[str, Any] = {"kind": "Linear", "kernels": layer.out_features, "inputs": layer.in_features}
        return LayerFacts(**common, **shape, kernel_size=(), stride=(), groups=1)
    assert isinstance(layer, nn.modules.conv._ConvNd)  # is_layer chose it
    return LayerFacts(
        **common,
        kind=next(kind.__name__ for kind in _CONVOLUTIONS if isinstance(layer, kind)),
        kernels=layer.out_channels,
        inputs=layer.in_channels,
        kernel_size=tuple(layer.kernel_size),
        stride=tuple(layer.stride),
        groups=layer.groups,
    )
