"""What a network adds to its values whatever the clip shows: biases, the shifts of its norms, constants beside values.

By Euler's theorem a network that is piecewise linear has y = sum of a * dy/da over a layer that every path passes,
plus sum of b * dy/db over all that is added behind it. What is left beyond the two is the work of curved functions
(SiLU, gates, norms by the values' own statistics): y is then no sum of what its kernels contribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.analyses.pyramid.asked import cut_layers
from reportgen.analyses.pyramid.measure import Measurement
from reportgen.analyses.pyramid.observer import Response, ResponseObserver
from reportgen.networks.core.observing import named_arguments, operation_name
from reportgen.networks.core.precision import widened
from reportgen.networks.trace.constants import memory_of
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.kernels import CONVOLUTIONS, PRODUCTS
from reportgen.networks.trace.labels import Ids

_BATCH_NORMS = frozenset(
    {
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "cudnn_batch_norm",
        "miopen_batch_norm",
    }
)
_JOINING = frozenset(
    {
        *(
            "cat",
            "stack",
            "where",
            "constant_pad_nd",
            "masked_fill",
            "index_fill",
            "index_put",
            "index_copy",
            "scatter",
        ),
        *("slice_scatter", "select_scatter", "copy", "addcmul", "addcdiv"),
    }
)
"""Operations that put constants beside values or among them: of the constants alone they return what is added."""

_OVERWRITING = frozenset({"copy", "fill", "zero"})

_ROUNDING = 1e-6
"""What is no more than this share of the magnitudes that were summed is rounding."""

_LAST_AXES = frozenset({"linear", "native_layer_norm"})


@dataclass(frozen=True)
class Conservation:
    """How the logit is shared out, relative to the logit without the class's own bias.

    `cuts` are the layers that every path from the clip to the class passes, the class's own first (several together,
    where their scores are put together in the end): name, sum of their kernels' relevance, and the part of what is
    added between them and the class. What the two leave of 1 is what the network's curvature leaves over: nothing in a
    piecewise-linear network. `error` is the largest magnitude of it, `bias_share` and `curvature_share` are those of
    the deepest cut.
    """

    error: float
    bias_share: float
    curvature_share: float
    cuts: tuple[tuple[str, float, float], ...]


@dataclass(eq=False)
class Shift:
    """One addition of a constant to values: b * dy/db is its `value` once gradients have arrived.

    `behind` holds a bit for each layer whose responses the values come from; `response` is the response that the sum
    is, where it is one.
    """

    constant: Tensor
    behind: int
    response: Response | None
    value: float = 0.0

    def watch(self, output: Tensor) -> None:
        """Note the share of this addition when the gradient of its sum arrives."""

        def note(gradient: Tensor) -> None:
            received = widened(gradient.detach()).sum_to_size(self.constant.shape)
            products = received.double() * self.constant
            self.value += float(products[self.constant.isfinite().expand_as(products)].sum())  # -inf masks: 0 * -inf

        if output.requires_grad:
            output.register_hook(note)


class ShiftObserver(ResponseObserver):
    """Finds every addition of a constant in one forward pass, beside the responses of all layers.

    A constant that is joined to values (a class token, channels of coordinates) is added to what had none there.
    """

    def __init__(self, graph: ConnectionGraph, module: nn.Module, layers: Iterable[str]) -> None:
        super().__init__(graph, module, layers)
        self.shifts: list[Shift] = []
        self._bits = {layer: 1 << place for place, layer in enumerate(sorted(self.wanted))}
        self._behind: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self._written: dict[int, tuple[Any, int]] = {}
        self._unread: dict[int, tuple[Tensor, Shift]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        arguments = named_arguments(func, args, kwargs or {})
        inputs = [leaf for leaf in tree_leaves(list(arguments.values())) if isinstance(leaf, Tensor)]
        for tensor in inputs:  # its gradient is that of the sum as it is now: the operation may overwrite it
            if (found := self._unread.pop(id(tensor), None)) is not None:
                found[1].watch(tensor)
        name = operation_name(func)
        # Before it is overwritten.
        within = self._written_within(arguments) if name in _OVERWRITING else None
        joined = self._joined(func, name, args, kwargs or {}) if name in _JOINING and within is None else None
        result = super().__torch_dispatch__(func, types, args, kwargs)
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        if not outputs or self._constants[outputs[0]] is not None:
            return result
        behind = 0
        for tensor in inputs:
            behind |= self._behind.get(tensor, 0) | self._written.get(memory_of(tensor), (None, 0))[1]
        response = self._current.get(id(outputs[0]))
        behind |= self._bits[response.layer] if response is not None else 0
        for tensor in outputs:
            self._behind[tensor] = behind
        if func._schema.is_mutable:  # so do its views, and what it is a view of
            self._written[memory_of(outputs[0])] = outputs[0].untyped_storage(), behind
        summed, constant = within or (outputs[0], joined)
        constant = constant if constant is not None else self._constant(name, arguments, outputs[0])
        if constant is not None and (within is None or bool(constant.any())):
            shift = Shift(constant.detach(), behind, response)
            self.shifts.append(shift)
            self._unread[id(summed)] = (summed, shift)
        return result

    def ended(self) -> None:
        """Watch what no operation has read: the network's answer itself."""
        for tensor, shift in self._unread.values():
            shift.watch(tensor)
        self._unread.clear()

    def behind(self, *layers: str) -> float:
        """Return the sum of b * dy/db over all additions behind the responses of some layers."""
        own = set().union(*(self._own(layer) for layer in layers))
        bits = sum(self._bits[layer] for layer in layers)
        return sum(shift.value for shift in self.shifts if shift.behind & bits and id(shift.response) not in own)

    def inside(self, layer: str) -> float:
        """Return the same over the additions to a layer's own responses, before other layers read them."""
        own = self._own(layer)
        return sum(shift.value for shift in self.shifts if id(shift.response) in own)

    def _own(self, layer: str) -> set[int]:
        found: set[int] = set()
        for response in self.responses:
            if response.layer == layer:
                last, each = response.final(), response
                found.add(id(each))
                while each is not last and each.after is not None:
                    each = each.after
                    found.add(id(each))
        return found

    def _joined(self, func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
        """Return what an operation returns of constants alone, with nothing in place of values; None for nothing."""
        leaves, structure = tree_flatten((args, dict(kwargs)))
        numbers = [one for one in leaves if isinstance(one, Tensor) and (one.is_floating_point() or one.is_complex())]
        constants = [one for one in numbers if self._constants[one] is not None]
        filled = name in {"constant_pad_nd", "masked_fill", "index_fill", "scatter"}
        if len(constants) == len(numbers) or not (constants or filled):
            return None
        alone = [
            one
            if all(one is not other for other in numbers)
            else one.clone()
            if self._constants[one] is not None
            else torch.zeros_like(one)
            for one in leaves
        ]
        given, named = tree_unflatten(alone, structure)
        found = func(*given, **named)
        return found if isinstance(found, Tensor) and bool(found.any()) else None

    def _written_within(self, arguments: Mapping[str, Any]) -> tuple[Tensor, Tensor] | None:
        """Return of what a part is overwritten, and what it holds of constants thereafter; None where that is nothing.

        Values that are written into a constant leave the rest of it; a constant that is written into values is all
        that there is of it. The gradient of either arrives at the whole, for it is the whole that is read.
        """
        target, given = arguments.get("self"), arguments.get("src", arguments.get("value"))
        whole = target._base if isinstance(target, Tensor) else None
        if whole is None or not whole.is_floating_point():
            return None
        assert isinstance(target, Tensor)  # it has a base
        fixed = not isinstance(given, Tensor) or self._constants[given] is not None or not given.requires_grad
        if fixed == (self._constants[target] is not None):  # values into values, or a constant into a constant
            return None
        left = torch.zeros_like(whole) if fixed else whole.detach().clone()
        if left.stride() != whole.stride():
            return None
        part = left.as_strided(target.shape, target.stride(), target.storage_offset() - whole.storage_offset())
        part.zero_()
        if fixed and given is not None:
            part.copy_(given) if isinstance(given, Tensor) else part.fill_(given)
        return whole, left

    def _constant(self, name: str, arguments: Mapping[str, Any], output: Tensor) -> Tensor | None:
        """Return what an operation adds to values, in a shape that broadcasts to its output; None for nothing."""
        bias = arguments.get("bias")
        found: Tensor | None = None
        if name in _BATCH_NORMS:
            found = _batch_norm_shift(arguments, output)
        elif name in _LAST_AXES:
            found = bias
        elif (name in CONVOLUTIONS or name == "native_group_norm") and bias is not None:
            found = _along(bias, 1, output)
        elif name in PRODUCTS and self._constants[added := arguments["self"]] is not None and name not in {"mm", "bmm"}:
            found = arguments.get("beta", 1) * added
        elif name in {"add", "sub"}:
            found = self._added(arguments["self"], arguments["other"], arguments.get("alpha", 1), name, output)
        return found

    def _added(self, left: Any, right: Any, factor: Any, name: str, output: Tensor) -> Tensor | None:
        """Return the constant operand of a sum or difference; None for two values of the clip."""
        sign = -1 if name == "sub" else 1
        if not isinstance(right, Tensor):
            return output.new_full((), sign * factor * right)
        if self._constants[right] is not None:
            found: Tensor = sign * factor * right
            return found
        return left if self._constants[left] is not None else None


def _along(bias: Tensor, axis: int, output: Tensor) -> Tensor:
    return bias.reshape([-1 if place == axis else 1 for place in range(output.ndim)])


def _batch_norm_shift(arguments: Mapping[str, Any], output: Tensor) -> Tensor | None:
    """Return what a batch norm adds: its bias less its scaled mean; the bias alone where it goes by the batch's own."""
    mean, variance = arguments.get("running_mean"), arguments.get("running_var")
    weight, bias = arguments.get("weight"), arguments.get("bias")
    if mean is None or variance is None or arguments.get("training", False):
        return None if bias is None else _along(bias, 1, output)
    epsilon = arguments.get("eps", arguments.get("epsilon", 0.0))
    scale = (variance + epsilon).rsqrt() * (1.0 if weight is None else weight)
    return _along((0.0 if bias is None else bias) - mean * scale, 1, output)


def _passed_again(graph: ConnectionGraph) -> frozenset[str]:
    """Return the layers that a path may pass more than once: those between the ends of an edge that leads back."""
    names = [layer.name for layer in graph.layers]
    ends = [sorted(map(names.index, pair)) for pair in graph.recurrent]
    return frozenset(name for first, last in ends for name in names[first : last + 1])


def relevance_conservation(
    graph: ConnectionGraph, starts: Ids, measured: Measurement, shifts: ShiftObserver
) -> Conservation:
    """Compare relevance and biases at every cut of the network with the logit without the class's own bias.

    That bias is no kernel's, and says as little as what all logits share: the rest is shared out. Where that is
    nothing, all shares are 0; what is left within rounding counts as nothing. A layer that a path passes several times
    is no cut: its relevance is that of all its calls, each of which may hold the whole logit.
    """
    classes = [layer.name for layer, depth in zip(graph.layers, graph.depths(starts), strict=True) if depth == 0]
    own = sum(shifts.inside(name) for name in classes)
    again = _passed_again(graph)
    places: list[tuple[str, ...]] = [(name,) for name in cut_layers(graph, starts) if name not in again]
    if len(classes) > 1:  # none of them holds the logit, and together they do
        places.insert(0, tuple(classes))
    wanted = {name for place in places for name in place}
    found = {name: relevance.double() for name in wanted if (relevance := measured.layers[name].relevance) is not None}
    summed = max((float(relevance.abs().sum()) for relevance in found.values()), default=0.0)
    rounding = _ROUNDING * (abs(measured.logit) + summed + sum(abs(shift.value) for shift in shifts.shifts))
    whole = measured.logit - own
    whole = whole if abs(whole) > rounding else 0.0
    cuts, left = [], []
    for place in places:
        total = sum(float(found[name].sum()) for name in place if name in found)
        is_class = place[0] in classes
        # The class's responses hold its own bias, which lies behind all deeper cuts.
        share = total - own if is_class else total
        bias = shifts.behind(*place) if is_class else shifts.behind(*place) - own
        rest = whole - share - bias
        cuts.append((" and ".join(place), share / whole if whole else 0.0, bias / whole if whole else 0.0))
        left.append(rest / whole if whole and abs(rest) > rounding else 0.0)
    return Conservation(
        error=max(map(abs, left), default=0.0),
        bias_share=cuts[-1][2] if cuts else 0.0,
        curvature_share=left[-1] if left else 0.0,
        cuts=tuple(cuts),
    )
