"""Which norm reads a kernel's response, and whether a ReLU alone passes it on: found by following the values.

Modules tell little of it: a norm may hold its own activation, a ReLU may be a function that works in place between a
convolution and a norm, and maps may be joined or moved before one reads them. So the operations of a pass are observed,
and a kernel's own values are known for as long as operations only move them, or scale and shift them by constants.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from reportgen.networks.kernels.reader_constants import ReaderConstants, called
from reportgen.networks.kernels.reader_contexts import (
    OWN_NORMS,
    Positives,
    own_sign,
    permuted_by,
    sign_in_context,
)
from reportgen.networks.kernels.reader_operations import (
    INDEXED,
    MOVES,
    NORMS,
    POOLS,
    SCALES,
    channel_axis,
    indices,
    is_relu,
    kernel_axes,
    of_kernels_alone,
    of_whole_channels,
    over_places,
    smoothing,
)
from reportgen.networks.kernels.reader_steps import (
    AGAINST,
    ALONE,
    BESIDE,
    SMOOTHED,
    UNEVENLY,
    Affine,
    KernelReaders,
    ReaderStep,
)
from reportgen.networks.kernels.reader_sums import OwnPart, OwnParts, own_taps, pool_part, sum_signs, terms
from reportgen.networks.trace.call import TracedCall, ValuesNeededError
from reportgen.networks.trace.follower import Follower
from reportgen.networks.trace.kernels import CONVOLUTIONS, kernel_use
from reportgen.networks.trace.labels import Labels, counted
from reportgen.networks.trace.operations import Operation
from reportgen.networks.trace.rearranging import constant
from reportgen.networks.trace.views import View


class ReaderTracer(Follower[Labels]):
    """While active, follows the kernels of layers whose outputs are told to `layer`.

    `constants` are the tensors of the pass that are parameters and buffers, each with the tensor that has its values.
    Other tensors with values that the pass of `clip` did not make are constants as well.
    """

    domain = Labels

    def __init__(self, constants: Sequence[tuple[Tensor, Tensor]], clip: Tensor) -> None:
        super().__init__()
        self._held: list[Any] = []  # an id is only unique while its tensor lives
        self._constants = ReaderConstants(constants, clip)
        self._positives = Positives()
        self._parts = OwnParts()
        self._layers: dict[str, tuple[int, int]] = {}
        self._readers = KernelReaders()

    def layer(self, name: str, output: Tensor, axis: int) -> None:
        """Say that a tensor is what a layer returned, with its kernels along `axis`."""
        if name not in self._layers:
            self._layers[name] = (self._readers.fresh([name] * output.shape[axis]), output.shape[axis])
        self.mark(output, counted(self._layers[name][0], axis, tuple(output.shape)))

    def affine(self, name: str) -> Affine:
        """Return what became of a layer's kernels."""
        return self._readers.affine(*self._layers[name])

    def boundary(self, call: TracedCall[Labels], what: str) -> Labels:  # noqa: ARG002 (the same for all)
        """Return that nothing is known of an output any more."""
        return call.nothing()

    def _other_output(self, call: TracedCall[Labels], first: Labels, shape: tuple[int, ...]) -> Labels:  # noqa: ARG002
        return Labels.nothing(shape)

    def _view(self, func: Any, call: TracedCall[Labels], views: Sequence[View]) -> None:
        super()._view(func, call, views)
        self._parts.view(call, views)
        self._constants.note(func, call)
        self._positives.note(call)

    def _first_output(self, func: Any, call: TracedCall[Labels], operation: Operation) -> Labels:
        tensors = call.tensors()
        if not func._schema.is_mutable:
            self._constants.note(func, call)
            self._positives.note(call)
        followed = [tensor for tensor in tensors if not self.known(tensor).sourceless]
        self._parts.note(call.outputs, self._own_part(func, call))
        if not followed:
            return call.nothing()
        moved = call.name in MOVES and operation.sources is not None
        if call.name in INDEXED:
            moved = moved and self._written_where_told(call)
        step = self._step(func, call, followed)
        if step is not None:
            return self._stepped(call, of_whole_channels(self.known(followed[0])), step)
        apart = self._against(call, followed) or self._permuted(call, followed) or self._summed(call, followed)
        if apart is not None:
            return apart
        shaped_alone = operation.sources is constant  # as zeros_like, which reads no values
        smoothed = self._smoothed(call, followed)
        if smoothed is not None:
            return smoothed
        if not moved and not shaped_alone:
            for tensor in followed:
                self._readers.read(self.known(tensor), self._reading(call, self.known(tensor)))
        if call.name in POOLS and operation.sources is not None:
            return self._pooled(call, of_whole_channels(operation.sources(call)))
        return operation.sources(call) if moved and operation.sources is not None else call.nothing()

    def _smoothed(self, call: TracedCall[Labels], followed: Sequence[Tensor]) -> Labels | None:
        """Return the numbers of kernels that a fixed filter smooths, each by itself; None where it is another one."""
        weight = call.arguments.get("weight") if call.name in CONVOLUTIONS else None
        if not isinstance(weight, Tensor) or weight not in self._constants or len(followed) != 1:
            return None
        added = smoothing(call, self._exact(weight))
        known = of_whole_channels(self.known(followed[0]))
        if added is None or kernel_axes(known) != [1] or len(known.cells) != 1:
            return None
        self._readers.read(known, SMOOTHED)
        return self._pooled(call, Labels(known.cells, call.shape), added)

    def _against(self, call: TracedCall[Labels], followed: Sequence[Tensor]) -> Labels | None:
        """Return the numbers of kernels that are set against others' values and keep a sign; None of others."""
        given = next((one for one in followed if tuple(one.shape) == call.shape), None)
        known = None if given is None else of_whole_channels(self.known(given))
        axis = None if known is None else channel_axis(known)
        if given is None or known is None or axis is None or len(known.cells) != 1:
            return None
        normed = call.name in OWN_NORMS or ("batch_norm" in call.name and call.arguments.get("running_mean") is None)
        weight = call.arguments.get("weight") if normed else None
        if not normed:
            sign = sign_in_context(call, followed, self._positives)
            signs = None if sign is None else torch.full((given.shape[axis],), sign, dtype=torch.float64)
        elif weight is None or weight in self._constants:
            signs = own_sign(call, given, axis, None if weight is None else self._exact(weight))
        else:
            signs = None
        if signs is None:
            return None
        for one in followed:
            self._readers.read(self.known(one), AGAINST)
        values = signs, torch.zeros_like(signs)
        return self._stepped(call, known, ReaderStep(False, axis, lambda: values, against=True))

    def _own_part(self, func: Any, call: TracedCall[Labels]) -> OwnPart | None:
        """Return what an operation's result has of kernels in channels of their own, beside what it mixes of others."""
        use = kernel_use(call.name, call.arguments, lambda tensor: tensor in self._constants)
        if use is not None and use.kind != "transposed" and use.size == use.operand.shape[use.axis]:
            known = of_whole_channels(self.known(use.operand))
            if kernel_axes(known) != [use.axis]:
                return None
            return OwnPart(
                known, use.axis, lambda: own_taps(use, self._exact(use.weight)), self._constants.key(use.weight)
            )
        given = [tensor for tensor in call.tensors() if self._parts.of(tensor) is not None]
        part = self._parts.of(given[0]) if len(given) == 1 and call.shape == tuple(given[0].shape) else None
        if part is None or call.name in {"clone", "_to_copy"}:
            return part
        step = self._scaling(func, call, given[0], part.axis)
        return None if step is None or step.rough else part.scaled(step.values, self._operation(call))

    def _summed(self, call: TracedCall[Labels], followed: Sequence[Tensor]) -> Labels | None:
        """Return the numbers of kernels that others' values are added to, or that are gated by them; None of others.

        What a norm has read already is not followed: it is the norm's.
        """
        signs = terms(call, self._positives)
        given = {name: call.arguments[name] for name in signs if any(call.arguments[name] is one for one in followed)}
        parts, found = {name: self._parts.of(call.arguments[name]) for name in signs}, []
        if set.intersection(*(self._roots(tensor) for tensor in given.values())) if len(given) == 2 else False:
            pooled = [name for name in given if any(map(self._readers.pooled, self.known(given[name]).sources()))]
            if len(pooled) != 1:  # it is set against itself
                return None
            parts[pooled[0]] = pool_part(of_whole_channels(self.known(given.pop(pooled[0]))))
        for name, tensor in given.items():
            known = of_whole_channels(self._readers.unnormed(self.known(tensor), call.name))
            axis = channel_axis(known)
            if axis is None or known.sourceless:
                continue
            self._readers.read(known, AGAINST)
            other = next((one for one in signs if one != name), name)
            beside = None if other == name else parts[other]
            if beside is None and signs[name] > 0 and self._readers.summed(known):
                found.append(known)  # one sum more, as on the way through many blocks, changes nothing
                continue
            values = sum_signs(self._readers, (known, axis), signs[name], beside, signs[other])
            step = ReaderStep(False, axis, values, against=True, summed=True)
            key = (*self._operation(call), name, None if beside is None else beside.key)
            found.append(self._readers.stepped(known, step, key))
        return Labels.union(found, call.shape) if found else None

    def _roots(self, tensor: Tensor) -> set[int]:
        return {self._readers.first(number) for number in self.known(tensor).sources().tolist()}

    def _permuted(self, call: TracedCall[Labels], followed: Sequence[Tensor]) -> Labels | None:
        """Return the numbers of kernels that a constant matrix puts in another order; None where it is another one."""
        others = [one for one in call.tensors() if one is not followed[0]]
        if len(followed) != 1 or len(others) != 1 or others[0] not in self._constants or others[0].ndim < 2:
            return None
        found = permuted_by(call, followed[0], self._exact(others[0]))
        return None if found is None else self.known(followed[0]).taken(*found)

    def _written_where_told(self, call: TracedCall[Labels]) -> bool:
        """Return whether constants say where an operation writes: where the clip does so, it reads what it moves."""
        where = indices(call)
        if any(self._constants.valueless(index) for index in where):
            raise ValuesNeededError(f"{call.name} writes by an index that has no values")
        return all(self._constants.given(index) for index in where)

    def _reading(self, call: TracedCall[Labels], known: Labels) -> str:
        """Return how an operation reads kernels: its name, or for a ReLU whether other maps lie beside the layer's."""
        if not is_relu(call):
            return call.name
        alone = len(self._readers.layers(known)) == 1 and of_kernels_alone(known)
        return ALONE if alone else BESIDE

    def _pooled(self, call: TracedCall[Labels], known: Labels, added: float = 1.0) -> Labels:
        """Return the numbers of pooled kernels, as of a step that adds up so many; nothing where some are mixed."""
        axes = kernel_axes(known)
        if len(known.cells) != 1 or len(axes) != 1:
            return call.nothing()
        count = known.cells.size
        added = math.prod(call.source.shape) / math.prod(known.shape) if call.name == "sum" else added
        values = torch.full((count,), added, dtype=torch.float64), torch.zeros(count)
        step = ReaderStep(False, axes[0], lambda: values, pools=True)
        return self._stepped(call, known, step)

    def _by_rule(self, func: Any, call: TracedCall[Labels], operation: Operation) -> Labels:  # noqa: ARG002 (never asked)
        return call.nothing()

    def _step(self, func: Any, call: TracedCall[Labels], followed: Sequence[Tensor]) -> ReaderStep | None:
        """Return what an operation does to the channels of its input, where it scales and shifts them by constants."""
        if len(followed) != 1 or call.shape != tuple(followed[0].shape):
            return None
        channels = channel_axis(of_whole_channels(self.known(followed[0])))
        return None if channels is None else self._scaling(func, call, followed[0], channels)

    def _scaling(self, func: Any, call: TracedCall[Labels], given: Tensor, channels: int) -> ReaderStep | None:
        """Return what an operation does to what lies along an axis, where it scales and shifts that by constants."""
        norm, others = call.name in NORMS, [tensor for tensor in call.tensors() if tensor is not given]
        if not (norm or call.name in SCALES) or not all(other in self._constants for other in others):
            return None
        if norm and call.arguments.get("running_mean") is None:  # those it has hold, whatever mode the module is in
            return None
        shape = [size if axis == channels else 1 for axis, size in enumerate(given.shape)]
        if not norm and any(torch.broadcast_shapes(other.shape, shape) != torch.Size(shape) for other in others):
            return self._uneven(func, call, given, others, channels)

        def values() -> tuple[Tensor, Tensor]:
            if norm:
                return self._normalising(call.arguments)
            found = [self._answer(func, call.arguments, given, torch.full(shape, value)) for value in (0.0, 1.0)]
            return found[1] - found[0], found[0]

        self._held += others
        return ReaderStep(norm, channels, values)

    def _uneven(
        self, func: Any, call: TracedCall[Labels], given: Tensor, others: Sequence[Tensor], axis: int
    ) -> ReaderStep | None:
        """Return what an operation does by constants that differ from place to place, as masks and positions do.

        None where it turns a kernel round at some places and not at others, or nothing is known of their values.
        """
        shape = torch.broadcast_shapes(*(other.shape for other in others), [1] * given.ndim)
        if any(self._exact(other).device.type == "meta" for other in others):
            return None
        answers = [self._answer(func, call.arguments, given, torch.full(shape, value)) for value in (0.0, 1.0)]
        offset, one = (found.view(shape).movedim(axis, 0).flatten(1) for found in answers)
        found = over_places(one - offset, offset)
        if found is None:
            return None
        scales, shifts = (mean.expand(given.shape[axis]) for mean in (found.scales, found.shifts))
        if not found.even:
            self._readers.read(self.known(given), UNEVENLY)
        return ReaderStep(False, axis, lambda: (scales, shifts), rough=not found.even)

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
        value = self._constants.value(tensor).detach()
        value = value if value.device.type == "meta" else value.cpu()
        return value.double() if value.is_floating_point() else value

    def _answer(self, func: Any, arguments: Mapping[str, Any], given: Tensor, value: Tensor) -> Tensor:
        """Return what an operation makes, by channel, of `value` in place of what it was given."""

        known = {tensor: self._exact(tensor) for tensor in arguments.values() if _other(tensor, given)}
        valueless = any(own.device.type == "meta" for own in known.values())

        def exact(tensor: Tensor) -> Tensor:
            return value.double().to("meta" if valueless else "cpu") if tensor is given else known[tensor]

        found: Tensor = called(func, tree_map_only(Tensor, exact, dict(arguments)))
        return found.flatten()

    def _stepped(self, call: TracedCall[Labels], known: Labels, step: ReaderStep) -> Labels:
        """Return the numbers of what an operation makes of kernels; it is known by its constants and numbers."""
        return self._readers.stepped(known, step, self._operation(call))

    def _operation(self, call: TracedCall[Labels]) -> tuple[Hashable, ...]:
        constants = tuple(self._constants.key(tensor) for tensor in call.tensors() if tensor in self._constants)
        scalars = tuple(str(value) for value in call.arguments.values() if not isinstance(value, Tensor))
        return call.name, constants, scalars


def _other(argument: Any, given: Tensor) -> bool:
    return isinstance(argument, Tensor) and argument is not given
