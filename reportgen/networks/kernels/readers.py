"""Which norm reads a kernel's response, and whether a ReLU alone passes it on: found by following the values.

Modules tell little of it: a norm may hold its own activation, a ReLU may be a function that works in place between a
convolution and a norm, and maps may be joined or moved before one reads them. So the operations of a pass are observed,
and a kernel's own values are known for as long as operations only move them, or scale and shift them by constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_map_only
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.follower import Follower
from reportgen.networks.trace.labels import NONE, Labels, counted
from reportgen.networks.trace.operations import Operation
from reportgen.networks.trace.rearranging import constant
from reportgen.networks.trace.views import View

_MOVES = frozenset(
    {"clone", "contiguous", "_to_copy", "to", "cat", "stack", "repeat", "index_select", "index", "flip", "roll", "copy"}
    | {"channel_shuffle", "native_channel_shuffle", "detach", "constant_pad_nd", "pixel_shuffle", "pixel_unshuffle"}
    | {f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3)}
    | {f"{kind}_nearest{axes}d" for kind in ("upsample", "_upsample") for axes in (1, 2, 3)}
    | {f"_upsample_nearest_exact{axes}d" for axes in (1, 2, 3)}
)
_POOLED = ("avg", "max", "adaptive_avg", "_adaptive_avg", "adaptive_max")
_POOLS = frozenset(
    {f"{kind}_pool{axes}d" for kind in _POOLED for axes in (1, 2, 3)}
    | {"max_pool2d_with_indices", "max_pool3d_with_indices", "mean", "sum", "amax", "amin", "max", "min", "median"}
    | {"upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "_upsample_bilinear2d_aa"}
)
"""Operations that keep kernels apart and pass on more where there is more: a norm behind them reads the kernels too."""
_NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm", "batch_norm"})
_SCALES = frozenset({"mul", "div", "add", "sub", "neg", "rsub", "addcmul", "addcdiv"})
_JOINED = "cat"
_OF_NUMBERS = frozenset({"arange", "zeros", "ones", "full", "linspace", "eye", "scalar_tensor"})
"""Operations that make a tensor of numbers alone, the same whenever they run."""
_RELUS: Mapping[str, tuple[Any, ...]] = {
    "relu": (),
    "threshold": (0, 0),
    "clamp_min": (0,),
    "clamp": (0, None),
}
"""The spellings of a ReLU, with what must stand behind their input."""


@dataclass(frozen=True)
class Affine:
    """What a layer's kernels are times `gain` plus `offset` (`K` each; None where nothing changes them).

    `passed_on`: whether a ReLU then reads all of them, and nothing else reads them before or there.
    """

    gain: Tensor | None = None
    offset: Tensor | None = None
    passed_on: bool = False


@dataclass(eq=False)
class _Step:
    """An operation that scales and shifts what lies along an axis.

    `values` are gain and offset for each place there, when they are asked for.
    """

    norm: bool
    axis: int
    values: Callable[[], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class _Key:
    """A number that constants share which are made in the same way: in words a long way has no end of them."""

    number: int


class ReaderTracer(Follower[Labels]):
    """While active, follows the kernels of layers whose outputs are told to `layer`.

    `constants` are the tensors of the pass that are parameters and buffers, each with the tensor that has its values.
    Other tensors with values that the pass of `clip` did not make are constants as well.
    """

    domain = Labels

    def __init__(self, constants: Sequence[tuple[Tensor, Tensor]], clip: Tensor) -> None:
        super().__init__()
        self._held: list[Any] = []  # an id is only unique while its tensor lives
        self._values = WeakIdKeyDictionary()
        self._found = WeakIdKeyDictionary()
        self._keys = WeakIdKeyDictionary()
        self._numbered: dict[Hashable, _Key] = {}
        self._made = WeakIdKeyDictionary()
        self._made[clip] = True
        for tensor, value in constants:
            self._constant(tensor, partial(_same, value), ("state", id(tensor)))
        self._layers: dict[str, tuple[int, int]] = {}
        self._count = 0
        self._others: dict[int, set[str]] = {}
        self._steps: dict[int, dict[Hashable, tuple[_Step, int, int]]] = {}

    def layer(self, name: str, output: Tensor, axis: int) -> None:
        """Say that a tensor is what a layer returned, with its kernels along `axis`."""
        if name not in self._layers:
            self._layers[name] = (self._fresh(output.shape[axis]), output.shape[axis])
        self.mark(output, counted(self._layers[name][0], axis, tuple(output.shape)))

    def affine(self, name: str) -> Affine:
        """Return what became of a layer's kernels."""
        first, size = self._layers[name]
        gain, offset, passed = torch.ones(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64), True
        known: dict[_Step, tuple[Tensor, Tensor]] = {}
        for kernel in range(size):
            number, alone = first + kernel, True
            while (found := self._next(number)) is not None:
                step, channel, following = found
                alone = alone and len(self._steps[number]) == 1 and not self._others.get(number)
                scales, shifts = known[step] if step in known else known.setdefault(step, step.values())
                number = following
                if scales.device.type == "meta":  # a network without values: only that there is a gain is known
                    gain, offset = gain.to("meta"), offset.to("meta")
                    continue
                gain[kernel] *= scales[channel]
                offset[kernel] = offset[kernel] * scales[channel] + shifts[channel]
            passed = passed and alone and not self._steps.get(number) and self._others.get(number) == {"relu"}
        if gain.device.type != "meta" and bool((gain == 1).all()) and not bool(offset.any()):
            return Affine(passed_on=passed)
        return Affine(gain, offset, passed)

    def _next(self, number: int) -> tuple[_Step, int, int] | None:
        """Return the norm that reads a kernel, or else the one operation that does where it only scales and shifts."""
        steps = list(self._steps.get(number, {}).values())
        norms = [step for step in steps if step[0].norm]
        if norms:
            return norms[0] if len(norms) == 1 else None
        return steps[0] if len(steps) == 1 and self._others.get(number, set()) <= {_JOINED, *_POOLS} else None

    def boundary(self, call: TracedCall[Labels], what: str) -> Labels:  # noqa: ARG002 (the same for all)
        """Return that nothing is known of an output any more."""
        return call.nothing()

    def _other_output(self, call: TracedCall[Labels], first: Labels, shape: tuple[int, ...]) -> Labels:  # noqa: ARG002
        return Labels.nothing(shape)

    def _view(self, func: Any, call: TracedCall[Labels], views: Sequence[View]) -> None:
        super()._view(func, call, views)
        self._note_constants(func, call)

    def _first_output(self, func: Any, call: TracedCall[Labels], operation: Operation) -> Labels:
        tensors = call.tensors()
        if not func._schema.is_mutable:
            self._note_constants(func, call)
        followed = [tensor for tensor in tensors if not self.known(tensor).sourceless]
        if not followed:
            return call.nothing()
        moved = call.name in _MOVES and operation.sources is not None
        step = self._step(func, call, followed)
        if step is not None:
            return self._stepped(call, _of_whole_channels(self.known(followed[0])), step)
        shaped_alone = operation.sources is constant  # as zeros_like, which reads no values
        if (not moved or call.name == _JOINED) and not shaped_alone:
            for tensor in followed:
                for number in self.known(tensor).sources().tolist():
                    self._others.setdefault(number, set()).add("relu" if _is_relu(call) else call.name)
        if call.name in _POOLS and operation.sources is not None:
            return self._pooled(call, _of_whole_channels(operation.sources(call)))
        return operation.sources(call) if moved and operation.sources is not None else call.nothing()

    def _pooled(self, call: TracedCall[Labels], known: Labels) -> Labels:
        """Return the numbers of pooled kernels, as of a step that changes nothing; nothing where some are mixed."""
        axes = _kernel_axes(known)
        if len(known.cells) != 1 or len(axes) != 1:
            return call.nothing()
        count = known.cells.size
        added = math.prod(call.source.shape) / math.prod(known.shape) if call.name == "sum" else 1.0
        step = _Step(False, axes[0], lambda: (torch.full((count,), added, dtype=torch.float64), torch.zeros(count)))
        return self._stepped(call, known, step)

    def _by_rule(self, func: Any, call: TracedCall[Labels], operation: Operation) -> Labels:  # noqa: ARG002 (never asked)
        return call.nothing()

    def _note_constants(self, func: Any, call: TracedCall[Labels]) -> None:
        """Remember how what is made of constants alone is computed, for its values."""
        tensors = call.tensors()
        for tensor in tensors:
            if tensor.device.type != "meta" and tensor not in self._values and tensor not in self._made:
                self._constant(tensor, partial(_same, tensor.detach()), _content(tensor))
        for output in call.outputs:
            if output.device.type != "meta":
                self._made[output] = True
        alike = call.name in _OF_NUMBERS if not tensors else all(tensor in self._values for tensor in tensors)
        for place, output in enumerate(call.outputs if alike else ()):
            if output not in self._values:
                arguments = {**call.arguments, **({} if tensors else {"device": torch.device("cpu")})}
                key = (str(func), repr(tree_map_only(Tensor, self._keys.__getitem__, dict(call.arguments))), place)
                self._constant(output, partial(self._computed, func, arguments, place), key)

    def _constant(self, tensor: Tensor, value: Callable[[], Tensor], key: Hashable) -> None:
        """Remember a constant's values, and a key that another tensor shares which has the same by the same way."""
        self._values[tensor], self._keys[tensor] = value, self._numbered.setdefault(key, _Key(len(self._numbered)))
        self._held.append(tensor)

    def _computed(self, func: Any, arguments: dict[str, Any], place: int) -> Tensor:
        result = _called(func, tree_map_only(Tensor, self._value, arguments))
        found: Tensor = result if isinstance(result, Tensor) else result[place]
        return found

    def _value(self, tensor: Tensor) -> Tensor:
        """Return a constant's values, computed once: others may be made of it in many ways."""
        if tensor not in self._found:
            self._found[tensor] = self._values[tensor]()
        value: Tensor = self._found[tensor]
        return value

    def _step(self, func: Any, call: TracedCall[Labels], followed: Sequence[Tensor]) -> _Step | None:
        """Return what an operation does to the channels of its input, where it scales and shifts them by constants."""
        norm = call.name in _NORMS
        if not (norm or call.name in _SCALES) or len(followed) != 1 or call.shape != tuple(followed[0].shape):
            return None
        if norm and call.arguments.get("running_mean") is None:  # those it has hold, whatever mode the module is in
            return None
        given, others = followed[0], [tensor for tensor in call.tensors() if tensor is not followed[0]]
        known = _of_whole_channels(self.known(given))
        channels = _channel_axis(known)
        if channels is None or len(known.cells) != 1 or any(other not in self._values for other in others):
            return None
        shape = [size if axis == channels else 1 for axis, size in enumerate(given.shape)]
        if not norm and any(torch.broadcast_shapes(other.shape, shape) != torch.Size(shape) for other in others):
            return None  # other constants at other places

        def values() -> tuple[Tensor, Tensor]:
            if norm:
                return self._normalising(call.arguments)
            found = [self._answer(func, call.arguments, given, torch.full(shape, value)) for value in (0.0, 1.0)]
            return found[1] - found[0], found[0]

        self._held += others
        return _Step(norm, channels, values)

    def _normalising(self, arguments: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Return gain and offset of a batch norm in evaluation mode."""
        weight, bias, mean, variance = (
            None if arguments.get(name) is None else self._exact(arguments[name])
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        assert mean is not None  # else it is no step
        assert variance is not None
        gain = torch.rsqrt(variance + float(arguments["eps"] if "eps" in arguments else arguments["epsilon"]))
        gain = gain if weight is None else gain * weight
        return gain, (0 if bias is None else bias) - mean * gain

    def _exact(self, tensor: Tensor) -> Tensor:
        value = self._value(tensor).detach()
        value = value if value.device.type == "meta" else value.cpu()
        return value.double() if value.is_floating_point() else value

    def _answer(self, func: Any, arguments: Mapping[str, Any], given: Tensor, value: Tensor) -> Tensor:
        """Return what an operation makes, by channel, of `value` in place of what it was given."""

        known = {tensor: self._exact(tensor) for tensor in arguments.values() if _other(tensor, given)}
        valueless = any(own.device.type == "meta" for own in known.values())

        def exact(tensor: Tensor) -> Tensor:
            return value.double().to("meta" if valueless else "cpu") if tensor is given else known[tensor]

        found: Tensor = _called(func, tree_map_only(Tensor, exact, dict(arguments)))
        return found.flatten()

    def _stepped(self, call: TracedCall[Labels], known: Labels, step: _Step) -> Labels:
        """Return the numbers of what an operation makes of kernels: one for each, however often it is run.

        Several kernels may lie in a channel, at positions of their own, and one kernel in several channels.
        """
        before = np.moveaxis(known.expanded([step.axis])[0], step.axis, 0)
        constants = tuple(self._keys[tensor] for tensor in call.tensors() if tensor in self._keys)
        scalars = tuple(str(value) for value in call.arguments.values() if not isinstance(value, Tensor))
        after = np.full(before.shape, NONE, np.int32)
        for channel, own in enumerate(before):
            for number in np.unique(own[own != NONE]).tolist():
                steps = self._steps.setdefault(number, {})
                key = (call.name, constants, scalars, channel)
                if key not in steps:
                    steps[key] = (step, channel, self._fresh(1))
                after[channel, own == number] = steps[key][2]
        return known.like(np.moveaxis(after, 0, step.axis)[None], known.shape)

    def _fresh(self, count: int) -> int:
        self._count += count
        return self._count - count


def _of_whole_channels(known: Labels) -> Labels:
    """Return labels in which the zeros that stand for parts of a kernel's map count as the kernel's.

    A temporal shift leaves the first or the last frame of some channels as zeros, beside what the kernel has elsewhere.
    """
    if len(known.cells) != 1 or len(_kernel_axes(known)) < 2:
        return known
    channels = known.cells.swapaxes(1, 2).reshape(known.cells.shape[2], -1)
    own = channels.max(axis=1)
    if not ((channels == own[:, None]) | (channels == NONE)).all():
        return known
    return Labels(own.reshape(1, 1, -1, *[1] * (len(known.shape) - 2)), known.shape)


def _kernel_axes(known: Labels) -> list[int]:
    """Return the axes along which kernels lie; a single kernel lies along the second one."""
    axes = [axis for axis in range(len(known.shape)) if known.varies(axis)]
    return axes if axes or len(known.shape) < 2 or known.shape[1] != 1 else [1]


def _channel_axis(known: Labels) -> int | None:
    """Return the axis that an operation may scale: that of the kernels, or the second where they lie along several.

    A pixel shuffle puts several kernels into one channel, at positions of their own.
    """
    axes = _kernel_axes(known)
    return axes[0] if len(axes) == 1 else 1 if len(axes) > 1 else None


def _is_relu(call: TracedCall[Labels]) -> bool:
    wanted = _RELUS.get(call.name)
    given = [value for value in call.arguments.values() if not isinstance(value, Tensor)]
    return wanted is not None and given[: len(wanted)] == list(wanted)


def _called(func: Any, arguments: dict[str, Any]) -> Any:
    """Return an operation's result, unobserved, for arguments by the names of its schema."""
    schema = func._schema.arguments
    places = [arguments[one.name] for one in schema if not one.kwarg_only and one.name in arguments]
    named = {one.name: arguments[one.name] for one in schema if one.kwarg_only and one.name in arguments}
    with _disable_current_modes(), torch.no_grad():
        return func(*places, **named)


def _other(argument: Any, given: Tensor) -> bool:
    return isinstance(argument, Tensor) and argument is not given


def _same(value: Tensor) -> Tensor:
    return value


def _content(tensor: Tensor) -> Hashable:
    """Return a key of a small tensor's values, and of a large tensor itself."""
    if tensor.numel() > _SMALL:
        return "own", id(tensor)
    with _disable_current_modes():
        return "values", str(tensor.dtype), tuple(tensor.shape), tuple(tensor.detach().cpu().flatten().tolist())


_SMALL = 4096
