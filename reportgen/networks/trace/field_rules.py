"""What each operation does to the fields of the tensors that it takes: one rule per kind of operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from reportgen.networks.trace.fields import (
    Field,
    axes_of,
    forget,
    gather,
    plain,
    pool_everything,
    regroup,
    size_of,
    slide,
    unite,
    unite_spans,
)


@dataclass(frozen=True)
class Call:
    """One executed operation: its arguments by name, and the fields of those that depend on the clip."""

    arguments: Mapping[str, Any]
    fields: Callable[[Tensor], Field | None]
    known: tuple[Field, ...]
    outputs: tuple[Tensor, ...]

    def field(self, name: str) -> Field | None:
        """Return the field of the tensor argument `name`; None when it does not depend on the clip."""
        value = self.arguments.get(name)
        return self.fields(value) if isinstance(value, Tensor) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return tuple(self.outputs[0].shape)

    def per_axis(self, name: str, count: int, default: Sequence[int]) -> list[int]:
        """Return an argument that is given once or per axis, per axis."""
        value = self.arguments.get(name)
        values = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
        values = values or list(default)
        return [int(number) for number in (values * count if len(values) == 1 else values)]


Rule = Callable[[Call], Sequence[Field | None]]


def _every(call: Call, field: Field | None) -> Sequence[Field | None]:
    """Return the same field for each output, whose shapes are the first one's (values and indices)."""
    return [field] * len(call.outputs)


def independent(call: Call) -> Sequence[Field | None]:
    """Rule of what takes only shapes from its tensors."""
    return _every(call, None)


def unknown(call: Call) -> Sequence[Field | None]:
    """Rule of what no rule is known for: everything may depend on everything."""
    united = Field((), unite_spans(field.spans for field in call.known))
    return [forget(united, output.shape) for output in call.outputs]


def pointwise(call: Call) -> Sequence[Field | None]:
    """Rule of what works element by element, with broadcasting."""
    return [unite(call.known, output.shape) for output in call.outputs]


def _convolution(call: Call) -> Sequence[Field | None]:
    field, weight = call.field("input"), call.arguments["weight"]
    if field is None or call.field("weight") is not None:  # kernels that are themselves computed from the clip
        return unknown(call)
    count = weight.ndim - 2
    stride, padding = call.per_axis("stride", count, [1]), call.per_axis("padding", count, [0])
    dilation = call.per_axis("dilation", count, [1])
    field = gather(field, 1, call.shape[1])
    for axis in range(count):
        window = _transposed if call.arguments["transposed"] else _kernel
        numbers = (weight.shape[2 + axis], stride[axis], padding[axis], dilation[axis])
        field = slide(field, 2 + axis, window(*numbers), call.shape[2 + axis])
    return [field]


Window = Callable[[float], tuple[float, float, float]]


def _kernel(size: int, stride: int, padding: int, dilation: int = 1) -> Window:
    """Return the window of a kernel that sees `size` inputs, `dilation` apart, from `padding` before its place."""
    return lambda step: (-padding * step, (dilation * (size - 1) - padding) * step, step * stride)


def _transposed(size: int, stride: int, padding: int, dilation: int = 1) -> Window:
    """Return the window of a transposed kernel: each output sees every `stride`-th tap, about the same centre."""
    reach = dilation * (size - 1)
    inputs = math.ceil((reach + 1) / stride) - 1
    middle = (padding - reach / 2) / stride
    return lambda step: ((middle - inputs / 2) * step, (middle + inputs / 2) * step, step / stride)


def _pool(count: int) -> Rule:
    def rule(call: Call) -> Sequence[Field | None]:
        field = call.known[0]
        size = call.per_axis("kernel_size", count, [1])
        stride = call.per_axis("stride", count, size)
        padding, dilation = call.per_axis("padding", count, [0]), call.per_axis("dilation", count, [1])
        for axis in range(count):
            index = len(field.dims) - count + axis
            window = _kernel(size[axis], stride[axis], padding[axis], dilation[axis])
            field = slide(field, index, window, call.shape[index])
        return _every(call, field)

    return rule


def _adaptive_pool(count: int) -> Rule:
    def rule(call: Call) -> Sequence[Field | None]:
        field = call.known[0]
        for index in range(len(field.dims) - count, len(field.dims)):
            if size_of(field.dims[index]) != call.shape[index]:
                field = pool_everything(field, index, call.shape[index])
        return _every(call, field)

    return rule


def _enlargement(count: int, neighbours: int) -> Rule:
    def rule(call: Call) -> Sequence[Field | None]:
        field = call.known[0]
        for index in range(len(field.dims) - count, len(field.dims)):
            before, after = size_of(field.dims[index]), call.shape[index]
            if before != after:
                field = slide(field, index, _scaled(before / after, neighbours), after)
        return [field]

    return rule


def _scaled(factor: float, neighbours: int) -> Window:
    return lambda step: (-(neighbours - 1) / 2 * step, (neighbours - 1) / 2 * step, step * factor)


def _dimensions(call: Call, count: int) -> list[int]:
    """Return the dimensions that an operation works along, as given by `dim` or `dims`; all when none are."""
    given = call.arguments.get("dim", call.arguments.get("dims"))
    if given is None or given == []:
        return list(range(count))
    return [int(index) % count for index in (given if isinstance(given, list | tuple) else [given])]


def _reduction(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    reduced = _dimensions(call, len(field.dims))
    for index in reduced:
        field = pool_everything(field, index)
    if len(call.shape) != len(field.dims):
        field = Field(tuple(dim for index, dim in enumerate(field.dims) if index not in reduced), field.spans)
    return _every(call, field)


def _along(call: Call) -> Sequence[Field | None]:
    """Rule of what mixes values along dimensions and keeps the others apart: softmax, flip, roll, sort, cumsum."""
    field = call.known[0]
    for index in _dimensions(call, len(field.dims)):
        field = pool_everything(field, index, call.shape[index])
    return _every(call, field)


def _batch_norm(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    if call.arguments.get("training", call.arguments.get("train", False)):
        field = field.unbounded(range(len(field.spans)))
    return [field] + [None] * (len(call.outputs) - 1)


def _statistics_norm(call: Call) -> Sequence[Field | None]:
    """Rule of group norm: the statistics are over all positions."""
    field = call.known[0]
    return [field.unbounded(range(len(field.spans)))] + [None] * (len(call.outputs) - 1)


def _layer_norm(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    normalised = field.dims[len(field.dims) - len(call.arguments["normalized_shape"]) :]
    field = field.unbounded(axis for dim in normalised for axis in axes_of(dim))
    return [field] + [None] * (len(call.outputs) - 1)


def _product(left_name: str, right_name: str) -> Rule:
    """Return the rule of a matrix product `.. M K` times `.. K N`, plus a term that may depend on the clip too."""

    def rule(call: Call) -> Sequence[Field | None]:
        left, right = call.field(left_name), call.field(right_name)
        shape = call.shape
        spans = unite_spans(field.spans for field in call.known)
        batch = [next((f.dims[i] for f in (left, right) if f), plain(shape[i])) for i in range(len(shape) - 2)]
        rows = left.dims[-2] if left else plain(shape[-2])
        columns = right.dims[-1] if right else plain(shape[-1])
        summed = (axes_of(left.dims[-1]) if left else set()) | (axes_of(right.dims[-2]) if right else set())
        return [Field((*batch, rows, columns), spans).unbounded(summed)]

    return rule


def _view(call: Call) -> Sequence[Field | None]:
    return [regroup(call.known[0], call.shape)]


def _permutation(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    count = len(field.dims)
    if "dims" in call.arguments:
        order = [index % count for index in call.arguments["dims"]]
    else:
        first, second = (call.arguments.get(name, default) % count for name, default in (("dim0", 0), ("dim1", -1)))
        order = list(range(count))
        order[first], order[second] = second, first
    return [Field(tuple(field.dims[index] for index in order), field.spans)]


def _slice(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    index = call.arguments.get("dim", 0) % len(field.dims)
    size = size_of(field.dims[index])
    start = min(max(_from_end(call.arguments.get("start") or 0, size), 0), size)
    return [slide(field, index, _cut(start, call.arguments.get("step", 1)), call.shape[index])]


def _from_end(index: int, size: int) -> int:
    return index + size if index < 0 else index


def _cut(start: int, stride: int = 1) -> Window:
    return lambda step: (start * step, start * step, step * stride)


def _select(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    index = call.arguments["dim"] % len(field.dims)
    place = _from_end(call.arguments["index"], size_of(field.dims[index]))
    return [_without(slide(field, index, _cut(place), 1), index)]


def _without(field: Field, index: int) -> Field:
    return Field((*field.dims[:index], *field.dims[index + 1 :]), field.spans)


def _split(call: Call) -> Sequence[Field | None]:
    """Rule of split and unbind: pieces one after the other along `dim`."""
    field = call.known[0]
    index = call.arguments.get("dim", 0) % len(field.dims)
    removed = len(call.shape) < len(field.dims)
    pieces, start = [], 0
    for output in call.outputs:
        size = 1 if removed else output.shape[index]
        piece = slide(field, index, _cut(start), size)
        pieces.append(_without(piece, index) if removed else piece)
        start += size
    return pieces


def _concatenation(call: Call) -> Sequence[Field | None]:
    index = call.arguments.get("dim", 0) % len(call.shape)
    start, pieces = 0, []
    for tensor in call.arguments["tensors"]:
        field = call.fields(tensor)
        if field is not None and len(field.dims) == len(call.shape):
            pieces.append(slide(field, index, _cut(-start), call.shape[index]))
        start += tensor.shape[index] if tensor.ndim == len(call.shape) else 0
    return [unite(pieces, call.shape)] if pieces else unknown(call)


def _stack(call: Call) -> Sequence[Field | None]:
    index = call.arguments.get("dim", 0) % len(call.shape)
    shape = [size for place, size in enumerate(call.shape) if place != index]
    field = unite(call.known, shape)
    return [Field((*field.dims[:index], plain(call.shape[index]), *field.dims[index:]), field.spans)]


def _padding(call: Call) -> Sequence[Field | None]:
    field, pad = call.known[0], call.arguments.get("pad", call.arguments.get("padding"))
    assert pad is not None  # every padding operation has one of the two
    for place in range(len(pad) // 2):
        index = len(field.dims) - 1 - place
        if pad[2 * place] or pad[2 * place + 1]:
            field = slide(field, index, _cut(-pad[2 * place]), call.shape[index])
    return [field]


def _expansion(call: Call) -> Sequence[Field | None]:
    field = call.known[0]
    added = len(call.shape) - len(field.dims)
    dims = [plain(size) for size in call.shape[:added]]
    for dim, size in zip(field.dims, call.shape[added:], strict=True):
        dims.append(dim if size_of(dim) == size else plain(size))
    return [Field(tuple(dims), field.spans)]


def _embedding(call: Call) -> Sequence[Field | None]:
    field = call.field("indices")
    return unknown(call) if field is None else [Field((*field.dims, plain(call.shape[-1])), field.spans)]


def _rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {"convolution": _convolution, "cat": _concatenation, "stack": _stack, "slice": _slice}
    rules |= dict.fromkeys(("clone", "detach", "alias", "_to_copy", "copy", "lift_fresh", "native_dropout"), pointwise)
    rules |= dict.fromkeys(("view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "_reshape_alias"), _view)
    rules |= dict.fromkeys(("permute", "transpose", "t"), _permutation)
    rules |= dict.fromkeys(("split", "split_with_sizes", "unbind"), _split)
    rules |= dict.fromkeys(
        (
            *("mean", "sum", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "var", "std", "any", "all"),
            *("logsumexp", "linalg_vector_norm", "norm"),
        ),
        _reduction,
    )
    rules |= dict.fromkeys(
        ("_softmax", "_log_softmax", "_safe_softmax", "flip", "roll", "sort", "topk", "cumsum", "index_select"), _along
    )
    norms = ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training")
    rules |= dict.fromkeys((*norms, "cudnn_batch_norm", "miopen_batch_norm"), _batch_norm)
    rules |= {"native_group_norm": _statistics_norm, "native_layer_norm": _layer_norm}
    rules |= {"mm": _product("self", "mat2"), "bmm": _product("self", "mat2"), "addmm": _product("mat1", "mat2")}
    rules |= {"baddbmm": _product("batch1", "batch2"), "select": _select, "expand": _expansion, "embedding": _embedding}
    rules |= dict.fromkeys([f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)], _padding)
    rules["constant_pad_nd"] = _padding
    for count in (1, 2, 3):
        names = (f"max_pool{count}d_with_indices", f"max_pool{count}d", f"avg_pool{count}d")
        rules |= dict.fromkeys(names, _pool(count))
        names = (f"_adaptive_avg_pool{count}d", f"adaptive_avg_pool{count}d", f"adaptive_max_pool{count}d")
        rules |= dict.fromkeys(names, _adaptive_pool(count))
        rules |= dict.fromkeys(
            (f"upsample_nearest{count}d", f"_upsample_nearest_exact{count}d"), _enlargement(count, 1)
        )
    for name, count in (("upsample_linear1d", 1), ("upsample_bilinear2d", 2), ("upsample_trilinear3d", 3)):
        rules[name] = _enlargement(count, 2)
    return rules


RULES: Mapping[str, Rule] = _rules()
