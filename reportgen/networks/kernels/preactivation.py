"""What a kernel computes before its non-linearity: the convolution's output, with the batch norm behind it applied.

The batch norm matters for the question "what does this kernel look for?": where its gain is negative, the clip that
raises the bare convolution's output silences the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import NetworkError, OptionError, UnknownNameError
from reportgen.networks.core.call import ghosts
from reportgen.networks.core.network import Network
from reportgen.networks.core.one_by_one import given_one_by_one
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.passes import REFUSALS, input_of, run_through
from reportgen.networks.kernels.arrangement import (
    PLAIN,
    Calls,
    arrangements,
    centre,
    is_plain,
    joined_maps,
    kernel_axis,
)
from reportgen.networks.kernels.reader_steps import Affine
from reportgen.networks.kernels.readers import ReaderTracer
from reportgen.networks.speed.few_kernels import few_kernels
from reportgen.networks.speed.folding import FoldedConvolution
from reportgen.networks.speed.plain_layers import computes_as_torch
from reportgen.networks.speed.precision import full_precision
from reportgen.records.objective import Objective


@dataclass(frozen=True)
class Preactivation:
    """The pre-activation of one layer: its output times `gain` plus `offset` (`K` each; None without batch norm).

    It is that of everything that the layer does for a clip: `calls` says how what each of its calls returns is laid
    out. `map_shape` is what one clip of `clip_shape` (T, H, W) makes of it all, without N: `K`, `K H W` or `K T H W`,
    where T may be the rows of a folded batch or the calls. `centre` is the index of the centre unit there. `passed_on`
    says whether a ReLU of the pre-activation is all that others read.

    That of the classifier (`of_classes`) is its logits as figures tell them (`Network.told`): a constant that is added
    to all of them changes no prediction, and no kernel's response.
    """

    network: Network
    layer: str
    clip_shape: tuple[int, int, int]
    map_shape: tuple[int, ...]
    gain: Tensor | None = None
    offset: Tensor | None = None
    calls: Calls = (PLAIN,)
    centre: tuple[int, ...] = ()
    passed_on: bool = False
    of_classes: bool = False

    @property
    def kernels(self) -> int:
        """Number of kernels of the layer."""
        return self.map_shape[0]

    def maps(self, clips: Tensor) -> Tensor:
        """Return the layer's pre-activation `N K ...` for clips `N C T H W`; gradients flow back to them."""
        return self.of_outputs(run_through(self.network, clips, self.layer, len(self.calls)), len(clips))

    def of_outputs(self, outputs: Sequence[Tensor], clips: int) -> Tensor:
        """Return the pre-activation `N K ...` from what the layer's calls returned for so many clips."""
        return self.normalised(joined_maps(self.own(outputs, clips)))

    def own(self, outputs: Sequence[Tensor], clips: int) -> list[Tensor]:
        """Return what the layer's calls returned for so many clips as maps `N K ...`."""
        pairs = zip(self.calls, outputs, strict=False)
        return [call.maps(output, clips) for call, output in pairs if call is not None]

    def normalised(self, output: Tensor) -> Tensor:
        """Return the pre-activation from the layer's output `N K ...`, or from means of it `N K`."""
        if self.gain is not None and self.offset is not None:
            shape = (1, -1) + (1,) * (output.ndim - 2)
            output = output * self.gain.view(shape) + self.offset.view(shape)
        return self.network.told(output.movedim(1, -1)).movedim(-1, 1) if self.of_classes else output

    @property
    def splits(self) -> bool:
        """Whether some of the layer's kernels can be computed without the others.

        Not of a layer that does more than torch's own: one that standardises its weights, pads or norms by itself.
        """
        target = self.network.module.get_submodule(self.layer)
        plain = isinstance(target, (nn.Conv2d, nn.Conv3d)) and computes_as_torch(target)
        plain = plain and bool(target.groups == 1 and target.padding_mode == "zeros")
        return len(self.calls) == 1 and not self.of_classes and (plain or isinstance(target, FoldedConvolution))

    def inputs(self, clips: Tensor) -> Tensor:
        """Return what the layer is given for clips `N C T H W`; gradients flow back to them."""
        return input_of(self.network.module, self.network.prepare(clips), self.layer)

    def own_maps(self, clips: Tensor, kernels: Tensor, inputs: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Return for each clip the pre-activation `N ...` of its own kernel, `kernels[n]`.

        Of a plain convolution only the N kernels asked for are computed, and not all K; `inputs` may then replace
        what computes the layer's input.
        """
        target = self.network.module.get_submodule(self.layer)
        picked = torch.arange(len(kernels), device=kernels.device)
        if not self.splits:
            outputs, picked = run_through(self.network, clips, self.layer, len(self.calls)), kernels
        elif isinstance(target, FoldedConvolution):
            outputs = [target((inputs or self.inputs)(clips), kernels)]
        else:
            assert isinstance(target, (nn.Conv2d, nn.Conv3d))  # it splits
            outputs = [_convolve(target, (inputs or self.inputs)(clips), kernels)]
        output = joined_maps(self.own(outputs, len(clips)))
        output = self.normalised(output) if self.of_classes else output  # before others are left out
        index = picked.view(-1, *([1] * (output.ndim - 1))).expand(-1, 1, *output.shape[2:])
        own = output.gather(1, index).squeeze(1)
        if self.of_classes or self.gain is None or self.offset is None:
            return own
        shape = (-1,) + (1,) * (own.ndim - 1)
        normalised: Tensor = own * self.gain[kernels].view(shape) + self.offset[kernels].view(shape)
        return normalised

    def activations(self, clips: Tensor, kernels: Tensor, objective: Objective) -> Tensor:
        """Return for each clip the objective `N` of its own kernel; see `summary`."""
        return summary(self.own_maps(clips, kernels), objective, unit=self.centre)

    def measured(self, clips: Tensor, kernels: Sequence[int], objective: Objective) -> Tensor:
        """Return the objective `N` on the CPU of each clip's own kernel, one at a time in full precision."""
        where = placement(self.network)
        each = zip(clips, torch.tensor(kernels, device=where["device"]), strict=True)
        with torch.no_grad(), full_precision():
            return torch.cat([self.activations(one[None].to(**where), own[None], objective).cpu() for one, own in each])

    def check(self, kernels: Sequence[int]) -> None:
        """Raise UnknownNameError for a kernel that the layer does not have."""
        for kernel in kernels:
            if not 0 <= kernel < self.kernels:
                raise UnknownNameError(
                    f"Layer {self.layer} has no kernel {kernel}: choose from 0 to {self.kernels - 1}."
                )


def preactivation(network: Network, layer: str, clip_shape: tuple[int, int, int], channels: int) -> Preactivation:
    """Return how to read the pre-activation of `layer` for clips of `clip_shape` (T, H, W).

    A pass of an empty clip finds whether a batch norm reads the layer's output; it needs no arithmetic where the
    network runs on the meta device. Raises NetworkError when the clip does not pass through the network or does not
    reach the layer.
    """
    return preactivations(network, [layer], clip_shape, channels)[layer]


def preactivations(
    network: Network, layers: Sequence[str], clip_shape: tuple[int, int, int], channels: int
) -> dict[str, Preactivation]:
    """Return how to read the pre-activations of all `layers` by their names as given; see `preactivation`.

    Their network is the given one, but that a bare module which loops over clips is given one a call; one with a card
    was looked at when it was loaded.
    """
    if network.card is None:
        network = given_one_by_one(network, (channels, *clip_shape))
    names = {layer: network.layer_name(layer) for layer in layers}
    found = _observed(network, set(names.values()), clip_shape, channels)
    for name in names.values():
        if not found.shapes[name]:
            raise NetworkError(
                f"{name} did not run on a clip of {clip_shape} (T, H, W): choose a layer that it reaches."
            )
    in_doubt = {name for name, shapes in found.shapes.items() if not is_plain(network.submodule(name), shapes)}
    calls = arrangements(network, sorted(in_doubt), (channels, *clip_shape)) if in_doubt else {}
    targets = {}
    for layer, name in names.items():
        gain, offset = (_placed(network, values) for values in (found.affine[name].gain, found.affine[name].offset))
        target = Preactivation(network, name, clip_shape, (), gain, offset, calls.get(name, (PLAIN,)))
        outputs = [torch.empty(shape, device="meta") for shape in found.shapes[name]]
        maps = target.own(outputs, 1)
        targets[layer] = replace(
            target,
            map_shape=tuple(joined_maps(maps).shape[1:]),
            centre=centre(maps),
            passed_on=found.affine[name].passed_on,
            of_classes=name == _classifier(network),
        )
    return targets


def _classifier(network: Network) -> str | None:
    """Return the layer whose output are the class logits, where the card names it."""
    named = network.card is not None and network.card.classifier
    return network.layer_name(named) if named and network.has_classes else None


def _observed(network: Network, names: set[str], clip_shape: tuple[int, int, int], channels: int) -> _Observed:
    """Return what a pass found, without arithmetic where the network allows that.

    A network that cannot take the clip behind the layers is run as far as it goes.
    """
    where = placement(network)
    clip = torch.full((1, channels, *clip_shape), 0.5, **{**where, "device": torch.device("meta")})
    with suppress(*REFUSALS):  # it may ask for values, or cannot take such a clip: then a real pass tells
        found = _Observed(network, names, clip)
        found.run()
        return found
    found = _Observed(network, names, torch.full(clip.shape, 0.5, **where))
    try:
        found.run()
    except REFUSALS as error:
        if is_out_of_memory(error):
            raise
        if all(found.shapes.values()):
            found.settle()
            return found
        reason = str(error).splitlines()[0].rstrip(".")
        raise NetworkError(
            f"{network.name} cannot take a clip of {clip_shape} (T, H, W); choose another clip_shape: {reason}."
        ) from error
    return found


class _Observed:
    """What each call of some layers returned in a forward pass of one clip, and what became of it."""

    def __init__(self, network: Network, names: Iterable[str], clip: Tensor) -> None:
        self.network = network
        self.shapes: dict[str, list[tuple[int, ...]]] = {name: [] for name in names}
        self.affine: dict[str, Affine] = {}
        self._clip = clip
        module = network.module
        own = dict([*module.named_parameters(), *module.named_buffers()])
        self._state = ghosts(module) if clip.device.type == "meta" else own
        self._tracer = ReaderTracer([(self._state[name], value.detach()) for name, value in own.items()], clip)

    def run(self) -> None:
        """Run the network on the clip."""
        with ExitStack() as stack, torch.no_grad(), self._tracer:
            for name in self.shapes:
                module = self.network.module.get_submodule(name)
                stack.callback(module.register_forward_hook(partial(self._keep, name)).remove)
            self.network.prepare(self._clip).with_state(self.network.module, self._state)
        self.settle()

    def settle(self) -> None:
        """Find what became of the layers' kernels, as far as the pass went."""
        self.affine = {name: self._tracer.affine(name) for name, shapes in self.shapes.items() if shapes}

    def _keep(self, name: str, module: nn.Module, _args: Any, output: Any) -> None:
        if runs_in_vmap(output):
            raise within_vmap(name)
        if not isinstance(output, Tensor) or output.ndim < 2:
            raise NetworkError(f"{name} does not return maps N K ...: choose a layer that returns one tensor of maps.")
        self.shapes[name].append(tuple(output.shape))
        self._tracer.layer(name, output, kernel_axis(module, output.shape))


def runs_in_vmap(output: Any) -> bool:
    """Whether a layer's output is that of torch.vmap, which has neither its clips' axis nor a gradient to follow."""
    return isinstance(output, Tensor) and torch._C._functorch.is_batchedtensor(output)


def within_vmap(layer: str) -> NetworkError:
    """Return the error for a layer of which that is so."""
    return NetworkError(f"{layer} runs within torch.vmap, where layers cannot be read: call it with a batch.")


def _placed(network: Network, values: Tensor | None) -> Tensor | None:
    return None if values is None else values.to(**placement(network))


def placement(network: Network) -> dict[str, Any]:
    """Return the `device` and `dtype` of the network's parameters, for tensors that it is to take."""
    parameter = next((p for p in network.module.parameters() if p.is_floating_point()), None)
    dtype = parameter.dtype if parameter is not None else torch.float32
    return {"device": network.device, "dtype": dtype}


def summary(maps: Tensor, objective: Objective, *, leak: float = 0.0, unit: tuple[int, ...] | None = None) -> Tensor:
    """Return the objective `N` of one pre-activation map per sample, `N ...`.

    "channel" is the mean of the map, "firing" the mean of what it passes on when rectified, "neuron" the centre unit
    (or `unit`, its index in the map of a crop or of several calls). A `leak` is the slope below zero, which gives
    "firing" a gradient where a kernel is silent.
    """
    if objective == "neuron":
        return maps[(slice(None), *(unit or (size // 2 for size in maps.shape[1:])))]
    if objective == "firing":
        maps = functional.leaky_relu(maps, leak)
    return maps.flatten(1).mean(1) if maps.ndim > 1 else maps


def clip_channels(network: Network) -> int:
    """Return the channels of the network's clips: the card's, those found, or what the first convolution takes."""
    if network.spec is not None:
        return network.spec.channels
    if network.channels is not None:
        return network.channels
    kinds = (nn.Conv2d, nn.Conv3d, FoldedConvolution)
    first = next((module for module in network.module.modules() if isinstance(module, kinds)), None)
    return first.in_channels if first is not None else 3


def native_shape(network: Network) -> tuple[int, int, int]:
    """Return the clip (T, H, W) of the network's card; raises OptionError when there is none."""
    if network.spec is None:
        raise OptionError(f"{network.name} has no card: give clip_shape=(frames, height, width).")
    return network.spec.shape[1:]


def _convolve(layer: nn.Conv2d | nn.Conv3d, maps: Tensor, kernels: Tensor) -> Tensor:
    """Return the outputs of some `kernels` of a convolution.

    Its maps may be of fewer bits than its weights: those of a network that casts its own values, within which this is
    not called.
    """
    if maps.dtype != layer.weight.dtype and not torch.is_autocast_enabled(maps.device.type):
        maps = maps.to(layer.weight.dtype)
    weight = layer.weight.index_select(0, kernels)
    bias = layer.bias.index_select(0, kernels) if layer.bias is not None else None
    return few_kernels(maps, weight, bias, layer.stride, layer.padding, layer.dilation)
