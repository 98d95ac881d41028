"""Shapes on the meta device are those that torch itself finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as fn
from torch.utils._python_dispatch import TorchDispatchMode

from reportgen.networks.trace.operations import meta_result


class Answered(TorchDispatchMode):
    """Answers what `meta_result` answers, and counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        arguments = dict(zip((one.name for one in func._schema.arguments), args, strict=False)) | (kwargs or {})
        result = meta_result(func, arguments)
        self.answers += result is not None
        return func(*args, **(kwargs or {})) if result is None else result


CASES: dict[str, tuple[Callable[..., Tensor | tuple[Tensor, Tensor]], tuple[tuple[int, ...], ...]]] = {
    "conv3d": (lambda x, w: fn.conv3d(x, w, stride=(1, 2, 3), padding=(1, 0, 2)), ((2, 4, 7, 9, 11), (5, 4, 3, 2, 4))),
    "groups": (lambda x, w: fn.conv3d(x, w, groups=2, dilation=2), ((1, 6, 9, 9, 9), (4, 3, 3, 1, 3))),
    "conv2d": (lambda x, w: fn.conv2d(x, w, stride=2, padding=3), ((2, 3, 15, 16), (8, 3, 7, 7))),
    "conv1d": (fn.conv1d, ((2, 3, 15), (8, 3, 4))),
    "transposed": (
        lambda x, w: fn.conv_transpose3d(x, w, stride=2, padding=1, output_padding=1, groups=2),
        ((2, 4, 3, 4, 5), (4, 3, 3, 3, 3)),
    ),
    "max pool": (lambda x: fn.max_pool3d(x, 3, 2, 1), ((1, 2, 7, 8, 9),)),
    "max pool, rounded up": (
        lambda x: fn.max_pool3d(x, (1, 3, 2), (1, 2, 3), (0, 1, 1), ceil_mode=True),
        ((1, 2, 7, 8, 9),),
    ),
    "max pool with places": (
        lambda x: fn.max_pool2d(x, 3, 2, dilation=2, return_indices=True),
        ((1, 2, 17, 18),),
    ),
    "adaptive pool": (lambda x: fn.adaptive_avg_pool2d(x, (3, 2)), ((2, 3, 7, 9),)),
    "softmax": (lambda x: x.softmax(-1), ((2, 3, 4),)),
    "sum": (lambda x: x.sum((0, -1), keepdim=True), ((2, 3, 4),)),
    "mean pool": (lambda x: fn.avg_pool3d(x, (2, 7, 7), stride=1), ((1, 2, 4, 7, 9),)),
    "mean pool, rounded up": (lambda x: fn.avg_pool2d(x, 2, ceil_mode=True, padding=1), ((1, 2, 7, 9),)),
}


@pytest.mark.parametrize("case", CASES)
def test_shapes_and_types_are_those_of_the_operation_itself(case: str) -> None:
    operation, shapes = CASES[case]
    expected = operation(*(torch.ones(shape) for shape in shapes))
    with Answered() as answered:
        found = operation(*(torch.empty(shape, device="meta") for shape in shapes))
    assert answered.answers
    pairs = [(found, expected)] if isinstance(expected, Tensor) else zip(found, expected, strict=True)
    for own, true in pairs:
        assert isinstance(own, Tensor)
        assert (own.shape, own.dtype, own.device.type) == (true.shape, true.dtype, "meta")


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("asking", [False, True])
def test_a_batch_norm_of_a_fake_tensor_lies_as_torch_lays_it(layout: torch.memory_format, asking: bool) -> None:
    norm, maps = nn.BatchNorm3d(4).eval(), torch.ones(2, 4, 3, 5, 6).to(memory_format=layout)
    expected = norm(maps)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.set_grad_enabled(asking):
        given = mode.from_tensor(maps)
        with Answered() as answered:
            found = norm(given)
    assert answered.answers == 1
    assert (found.shape, found.dtype, found.device) == (expected.shape, expected.dtype, expected.device)
    assert found.stride() == expected.stride()
    assert found.requires_grad == asking


@pytest.mark.parametrize("ceil", [False, True])
def test_every_small_pool_is_rounded_as_torch_does(ceil: bool) -> None:
    for size in range(1, 9):
        for window, stride, padding in [(2, 2, 0), (3, 2, 1), (2, 3, 1), (3, 3, 1), (1, 2, 0)]:
            if size + 2 * padding < window:
                continue
            expected = fn.max_pool2d(torch.ones(1, 1, size, size), window, stride, padding, ceil_mode=ceil)
            with Answered():
                found = fn.max_pool2d(
                    torch.empty(1, 1, size, size, device="meta"), window, stride, padding, ceil_mode=ceil
                )
            assert found.shape == expected.shape


@pytest.mark.parametrize("case", ["conv3d", "max pool"])
def test_what_cannot_be_is_refused_by_torch(case: str) -> None:
    operation, shapes = CASES[case]
    small = [torch.empty(*shapes[0][:2], 1, 1, 1, device="meta"), *(torch.empty(s, device="meta") for s in shapes[1:])]
    if case == "max pool":
        small = [torch.empty(1, 2, 0, 1, 1, device="meta")]
    with Answered(), pytest.raises(RuntimeError):
        operation(*small)
