"""What element-wise operations make of masks and of running sums, on the way to what units see of the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.rearranging import elementwise
from reportgen.networks.trace.seen import Seen
from reportgen.networks.trace.unmasked import MaskedBy, Unmasked

_LOWEST = -104.0
"""What is lower than that is as good as -inf to a softmax: single precision has no positive number as small as exp of
it."""

_TO_ZERO = frozenset({"exp", "exp2", "sigmoid", "relu"})
_ODD = frozenset({"neg", "relu", "abs", "sqrt", "tanh", "gelu", "silu", "sign", "square", "nan_to_num", "leaky_relu"})
_COPIES = frozenset({"clone", "contiguous", "_to_copy", "to", "native_dropout", "dropout", "copy"})
_DIFFERENCES = frozenset({"add", "sub", "rsub", "div"})


def pointwise_seen(call: TracedCall[Seen]) -> Seen:
    """Each element sees what the arguments' same elements see, but for what a mask fills."""
    if call.name == "where" and (found := _chosen(call)) is not None:
        return found
    parts = [call.of(tensor) for tensor in call.tensors()]
    running = [part for part in parts if part.running]
    found = elementwise(call)
    if len(running) > 1 and call.name in _DIFFERENCES:
        return found.unknown(call.shape)
    return replace(found, kept=_kept(call), running=bool(running))


def copied_seen(call: TracedCall[Seen], found: Seen) -> Seen:
    """Return what an operation of one tensor's elements makes of its masks: those that copy them keep the constant."""
    if found.kept is None or call.name in _COPIES:
        return found
    return replace(found, kept=found.kept.of("other"))


def triangle_seen(call: TracedCall[Seen]) -> Seen:
    """One triangle of a matrix, and zeros in place of the other."""
    rows, columns = call.shape[-2:]
    ones = np.ones((rows, columns), np.bool_)
    make = np.tril if call.name == "tril" else np.triu
    cells = make(ones, int(call.arguments.get("diagonal", 0))).reshape(*([1] * (len(call.shape) - 2)), rows, columns)
    own = call.source.kept
    masks = Unmasked(cells, call.shape, "zero")
    if own is not None:
        masks = own.joined(masks, both=True, constant="zero" if own.constant == "zero" else "unsure")
    return replace(call.source, kept=masks)


def softmax_seen(call: TracedCall[Seen]) -> Seen:
    """Every element sees what those along the axis see that no mask keeps away; masked ones become 0."""
    found, masks = mixed_along(call), call.source.kept
    if masks is None:
        return found
    return replace(found, kept=masks.of("zero") if masks.constant in ("lowest", "unsure") else None)


def mixed_along(call: TracedCall[Seen]) -> Seen:
    """Every element sees what those along the axis see: softmax, sorting."""
    return call.source.merged([call.axis(default=-1)]).broadcast(call.shape)


def running_seen(call: TracedCall[Seen]) -> Seen:
    """Running sums see all that came before, as far as nothing is taken from them again."""
    return replace(mixed_along(call), running=call.source.varies(call.axis(default=-1)))


def attention_seen(call: TracedCall[Seen]) -> Seen:
    """Each query sees what it comes from, and what those keys and values come from that a mask leaves it."""
    query, *others = (call.arguments[name] for name in ("query", "key", "value"))
    places = [call.of(query).merged([query.ndim - 1]).weighing().broadcast(call.shape)]
    masks = _attention_mask(call, query, others[0])
    for tensor in others:
        if tensor.shape[:-2] != call.shape[:-2]:
            return call.boundary()
        seen = call.of(tensor).merged([tensor.ndim - 1])
        places.append(limited(seen, masks, tensor.ndim - 2).broadcast(call.shape))
    return call.union(places)


def limited(factor: Seen, masks: Unmasked | None, axis: int) -> Seen:
    """Return the union along an axis of what one factor of a product sees, for each row of the other, `... L S`.

    `masks` are those of the other, of which the masked elements read nothing; `axis`, counted from the front, is that
    of the S positions: the last but one, or the last one where the other is the right factor, `... S L`.
    """
    if masks is None:
        return factor.merged([axis])
    last = len(factor.shape) - 1
    rows = masks.shape[-2] if axis == last - 1 else masks.shape[-1]
    apart = [*factor.shape[:axis], *((1, factor.shape[axis]) if axis < last else (factor.shape[axis], 1))]
    apart += factor.shape[axis + 1 :]
    wide = [*factor.shape[:axis], *((rows, factor.shape[axis]) if axis < last else (factor.shape[axis], rows))]
    wide += factor.shape[axis + 1 :]
    lead = [1] * (len(factor.shape) - len(masks.shape))
    if axis < last:
        told = masks.reshaped((*lead, *masks.shape, 1))
    else:
        told = masks.reshaped((*lead, *masks.shape[:-2], 1, *masks.shape[-2:]))
    spread = replace(factor.reshaped(apart).broadcast(wide), kept=told.broadcast(wide))
    merged = spread.merged([axis + 1 if axis < last else axis])
    return merged.reshaped([n for place, n in enumerate(merged.shape) if place != (axis + 1 if axis < last else axis)])


def zeros_of(call: TracedCall[Seen], tensor: Tensor) -> Unmasked | None:
    """Return which elements of a factor of a product are not 0 whatever the clip; None where none is."""
    seen = call.of(tensor)
    if not seen.sourceless:
        masks = seen.kept
        if masks is None or masks.constant == "zero":
            return masks
        return replace(masks, cells=None) if masks.constant == "unsure" else None
    values = call.trace.values(tensor)
    if values is None or values.all() or not values.any():
        return None
    return Unmasked(values != 0, tuple(tensor.shape), "zero")


def lowest_in(call: TracedCall[Seen], added: Tensor) -> Unmasked | None:
    """Return what a term leaves that is added to a product, where it is a mask of -inf."""
    return _with(call, "lowest", [added])


def _attention_mask(call: TracedCall[Seen], query: Tensor, key: Tensor) -> Unmasked | None:
    rows, columns = query.shape[-2], key.shape[-2]
    shape = (*query.shape[:-2], rows, columns)
    if call.arguments.get("is_causal"):
        cells = np.tril(np.ones((rows, columns), np.bool_))
        return Unmasked(cells.reshape(*([1] * (len(shape) - 2)), rows, columns), shape, "zero")
    mask = next((one for name in ("attn_mask", "attn_bias") if (one := call.arguments.get(name)) is not None), None)
    if mask is None or not call.of(mask).sourceless:
        return None
    values = call.trace.values(mask)
    if values is None:
        return Unmasked(None, shape, "zero")
    cells = values if values.dtype == np.bool_ else values > _LOWEST
    return None if cells.all() else Unmasked(cells, tuple(mask.shape), "zero").broadcast(shape)


def _kept(call: TracedCall[Seen]) -> Unmasked | None:
    """Return what masks leave of an element-wise function's result; None where they leave everything."""
    rule = _RULES.get(call.name, _fixed_together)
    return rule(call)


def _operands(call: TracedCall[Any]) -> list[Any]:
    return [value for value in call.arguments.values() if isinstance(value, Tensor)]


def _masks(call: TracedCall[Seen], tensor: Tensor) -> Unmasked | None:
    seen = call.of(tensor)
    return None if seen.kept is None else seen.kept.broadcast(call.shape)


def _constant_where(call: TracedCall[Seen], tensor: Tensor, constant: MaskedBy) -> Unmasked | None:
    """Return the elements of a constant that are not 0, or not as good as -inf; None where all are."""
    values = call.trace.values(tensor)
    if values is None or np.iscomplexobj(values):
        return None
    added = -values.astype(np.float64) if call.name == "sub" else values
    cells = np.asarray(values != 0 if constant == "zero" else added > _LOWEST)
    return None if cells.all() else Unmasked(cells, tuple(tensor.shape), constant).broadcast(call.shape)


def _with(call: TracedCall[Seen], constant: MaskedBy, tensors: Sequence[Tensor]) -> Unmasked | None:
    """Return what is left by all of the tensors whose masked elements are `constant`, which the result's are then."""
    found: Unmasked | None = None
    for tensor in tensors:
        masks = _constant_where(call, tensor, constant) if call.of(tensor).sourceless else _masks(call, tensor)
        if masks is not None and masks.constant == constant:
            found = masks if found is None else found.joined(masks, both=True, constant=constant)
    return found


def _sum(call: TracedCall[Seen]) -> Unmasked | None:
    first, *others = _operands(call)
    taken = [one for one in others if call.name == "add" or call.of(one).sourceless]
    return _with(call, "lowest", [first, *taken]) or _fixed_together(call)


def _product(call: TracedCall[Seen]) -> Unmasked | None:
    first, *others = _operands(call)
    zero = _with(call, "zero", [first, *others] if call.name == "mul" else [first])
    if zero is not None:
        return zero
    found = _fixed_together(call)
    lowest = (masks := _masks(call, first)) is not None and masks.constant == "lowest"
    return found.of("lowest") if found is not None and lowest and _positive(call, others) else found


def _positive(call: TracedCall[Seen], others: Sequence[Tensor]) -> bool:
    if not others:
        return float(call.arguments.get("other", 0)) > 0
    values = call.trace.values(others[0]) if call.of(others[0]).sourceless else None
    return values is not None and bool((values > 0).all())


def _fixed_together(call: TracedCall[Seen]) -> Unmasked | None:
    """Return the elements of which some argument depends on the clip: a function of constants alone is a constant."""
    operands = _operands(call)
    depending = [one for one in operands if not call.of(one).sourceless]
    masks = [_masks(call, one) for one in depending]
    known = [one for one in masks if one is not None]
    if not known or len(known) < len(masks):
        return None
    found = known[0]
    for other in known[1:]:
        found = found.joined(other, both=False, constant="other")
    return found.of(_made_of({one.constant for one in known}, call.name, alone=len(operands) == len(depending)))


def _made_of(constants: set[MaskedBy], name: str, *, alone: bool) -> MaskedBy:
    """Return what a function makes of masked elements, all of whose arguments are of these constants."""
    if constants == {"zero"} and alone and (name in _ODD or name in _DIFFERENCES):
        return "zero"
    if constants == {"lowest"} and alone and name in _TO_ZERO:
        return "zero"
    if name in _COPIES and len(constants) == 1:
        return next(iter(constants))
    return "unsure" if "unsure" in constants else "other"


def _filled(call: TracedCall[Seen]) -> Unmasked | None:
    """`masked_fill`: the elements that the mask leaves."""
    given, mask, value = (call.arguments[name] for name in ("self", "mask", "value"))
    if not call.of(mask).sourceless:
        return None
    if isinstance(value, Tensor):
        values = call.trace.values(value) if call.of(value).sourceless else None
        value = None if values is None else values.item()
    filled = call.trace.values(mask)
    constant = _constant(value)
    if filled is None:
        return Unmasked(None, call.shape, constant)
    filled = filled.astype(np.bool_)
    if not filled.any():
        return _masks(call, given)
    masks, before = Unmasked(~filled, tuple(mask.shape), constant).broadcast(call.shape), _masks(call, given)
    if before is None:
        return masks
    return masks.joined(before, both=True, constant=constant if constant == before.constant else "unsure")


def _constant(value: float | None) -> MaskedBy:
    if value is None:
        return "unsure"
    return "zero" if value == 0 else "lowest" if value <= _LOWEST else "other"


def _chosen(call: TracedCall[Seen]) -> Seen | None:
    """`where`: of two tensors the one that a constant condition picks; None where the condition is none."""
    condition, *branches = (call.arguments.get(name) for name in ("condition", "self", "other"))
    assert isinstance(condition, Tensor)
    seen = [call.of(one) if isinstance(one, Tensor) else call.nothing(()) for one in branches]
    if not call.of(condition).sourceless:
        found = elementwise(call)
        zeros = [_zeros_in(call, one) for one in branches]
        if zeros[0] is None or zeros[1] is None:
            return found
        return replace(found, kept=zeros[0].joined(zeros[1], both=False, constant="zero"))
    picked = call.trace.values(condition)
    found = Seen.union(seen, call.shape)
    if picked is None:
        return replace(found, kept=Unmasked(None, call.shape, "unsure"))
    picked = picked.astype(np.bool_)
    masks = [Unmasked(cells, tuple(condition.shape), "other").broadcast(call.shape) for cells in (picked, ~picked)]
    for place in (0, 1):
        if seen[1 - place].sourceless:
            own = seen[place].kept
            left = masks[place].of(_constant_in(call, branches[1 - place], ~picked if place == 0 else picked))
            if own is not None:
                same = own.constant if own.constant == left.constant else "unsure"
                left = left.joined(own.broadcast(call.shape), both=True, constant=same)
            return replace(found, kept=left, running=seen[place].running)
    parts = [one.broadcast(call.shape).masked(mask) for one, mask in zip(seen, masks, strict=True)]
    return Seen.union(parts, call.shape)


def _zeros_in(call: TracedCall[Seen], branch: Any) -> Unmasked | None:
    """Return which elements of a branch of `where` are not 0 whatever the clip; None where none is."""
    if not isinstance(branch, Tensor):
        return Unmasked.none(call.shape, "zero") if branch == 0 else None
    if call.of(branch).sourceless:
        return _constant_where(call, branch, "zero")
    masks = _masks(call, branch)
    return masks if masks is not None and masks.constant == "zero" else None


def _constant_in(call: TracedCall[Seen], branch: Any, where: NDArray[np.bool_]) -> MaskedBy:
    """Return what a constant is at the places where it is taken."""
    where = np.broadcast_to(where, call.shape)
    if not isinstance(branch, Tensor):
        return _constant(float(branch))
    values = call.trace.values(branch)
    if values is None:
        return "unsure"
    taken = values.ravel() if values.size == 1 else np.broadcast_to(values, where.shape)[where]
    ends = {_constant(float(end)) for end in (taken.min(), taken.max())} if taken.size else set()
    return ends.pop() if len(ends) == 1 else "unsure"


_RULES = {
    **dict.fromkeys(("add", "sub"), _sum),
    **dict.fromkeys(("mul", "div"), _product),
    "masked_fill": _filled,
}
