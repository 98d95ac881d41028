"""bfloat16 convolutions are looked into before they are relied on, once for each shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.speed import precision
from reportgen.networks.speed.precision import (
    Convolution,
    bfloat16_convolutions,
    bfloat16_fault,
    full_precision,
    rounded_precision,
)

Way = Callable[[Convolution, Tensor, Tensor], Tensor]


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    bfloat16_fault.cache_clear()
    yield
    bfloat16_fault.cache_clear()


def forward() -> None:
    clips, kernels = torch.rand(1, 3, 4, 8, 8), torch.rand(5, 3, 3, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        functional.conv3d(clips, kernels, stride=(1, 2, 2), padding=1)


def fault_of(call: Callable[[], object], times: int) -> str | None:
    return next(filter(None, map(bfloat16_fault, bfloat16_convolutions(call, times))), None)


def spoiled(original: Way, clip: int, value: float) -> Way:
    """Return a convolution that gets one value of one clip wrong, in bfloat16 only."""

    def convolution(call: Convolution, clips: Tensor, kernels: Tensor) -> Tensor:
        found = original(call, clips, kernels)
        if found.dtype == torch.bfloat16 and len(found) > clip:
            found[clip, -1, -1, -1, -1] = value
        return found

    return convolution


def test_right_convolutions_have_no_fault() -> None:
    assert fault_of(forward, 3) is None


@pytest.mark.parametrize("value", [90.0, float("nan")])
@pytest.mark.parametrize("clip", [0, 2, 4])
def test_a_single_wrong_value_is_a_fault(monkeypatch: pytest.MonkeyPatch, clip: int, value: float) -> None:
    monkeypatch.setattr(Convolution, "forward", spoiled(Convolution.forward, clip, value))
    assert fault_of(forward, 5) == "5x3x3x3x3 kernels on 5x3x4x8x8 values differ from float32"


def test_clips_of_a_kernels_size_have_no_fault() -> None:
    """As deep layers have them on small pictures: 512 channels of 3 x 3."""
    clips, kernels = torch.rand(1, 512, 3, 3), torch.rand(512, 512, 3, 3)

    def small() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            functional.conv2d(clips, kernels, padding=1)

    assert fault_of(small, 2) is None


def test_what_goes_wrong_only_in_large_batches_is_found_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Convolution, "forward", spoiled(Convolution.forward, 3, 90.0))
    assert fault_of(forward, 3) is None
    assert fault_of(forward, 4) is not None


def test_a_wrong_gradient_is_a_fault_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def backward(call: Convolution, gradient: Tensor, clips: Tensor, kernels: Tensor) -> Tensor:
        found = original(call, gradient, clips, kernels)
        return -found if found.dtype == torch.bfloat16 else found

    original = Convolution.backward
    monkeypatch.setattr(Convolution, "backward", backward)
    fault = fault_of(forward, 2)
    assert fault is not None
    assert fault.startswith("the gradient of 5x3x3x3x3")


def test_each_shape_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Convolution] = []

    def counted(call: Convolution, clips: Tensor, kernels: Tensor) -> Tensor:
        calls.append(call)
        return original(call, clips, kernels)

    original = Convolution.forward
    monkeypatch.setattr(Convolution, "forward", counted)
    for _ in range(2):
        fault_of(forward, 2)
    assert len(calls) == 3  # in bfloat16, and the first and the last clip in float32
    fault_of(forward, 1)
    assert len(calls) == 5


def test_a_convolution_that_bfloat16_does_not_have_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(call: Convolution, clips: Tensor, kernels: Tensor) -> Tensor:
        if clips.dtype == torch.bfloat16:
            raise RuntimeError("no engine for this configuration")
        return original(call, clips, kernels)

    original = Convolution.forward
    monkeypatch.setattr(Convolution, "forward", refused)
    assert "no engine for this configuration" in str(fault_of(forward, 1))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_every_kind_of_convolution_is_seen(dimensions: int) -> None:
    convolution: Any = (nn.Conv2d, nn.Conv3d)[dimensions - 2]
    turned: Any = (nn.ConvTranspose2d, nn.ConvTranspose3d)[dimensions - 2]
    network = nn.Sequential(convolution(4, 6, 3, groups=2, dilation=2), turned(6, 4, 2, 2, output_padding=1))
    clips = torch.rand(1, 4, *[9] * dimensions)
    found: dict[Convolution, None] = {}
    with torch.autocast("cpu", torch.bfloat16), precision._Watch(found), torch.no_grad():
        network(clips)
    assert [(call.transposed, call.groups) for call in found] == [(False, 2), (True, 1)]
    with torch.autocast("cpu", torch.bfloat16):
        assert fault_of(lambda: network(clips), 2) is None


def test_precisions_can_be_nested_and_are_left_behind_as_they_were() -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.enabled, cudnn.benchmark, cudnn.deterministic
    with full_precision():
        assert cudnn.allow_tf32 is False
        with rounded_precision():
            assert cudnn.allow_tf32 is True
        assert cudnn.allow_tf32 is False
        assert cudnn.enabled is before[1]
    assert before == (cudnn.allow_tf32, cudnn.enabled, cudnn.benchmark, cudnn.deterministic)


@pytest.mark.parametrize(("reduced", "full", "leaves"), [("Slow", "Cudnn", True), ("Cudnn", "Cudnn", False)])
def test_what_torch_keeps_from_the_vendors_library_in_bfloat16_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, reduced: str, full: str, leaves: bool
) -> None:
    def select(clips: Tensor, kernels: Tensor, *_geometry: object) -> str:
        return reduced if clips.dtype == kernels.dtype == torch.bfloat16 else full

    found: dict[Convolution, None] = {}
    with precision._Watch(found):
        forward()
    (call,) = found
    clips, kernels = (
        call.draw(sizes, seed, channels_last=False) for seed, sizes in enumerate((call.clips, call.kernels))
    )
    monkeypatch.setattr(torch._C, "_select_conv_backend", select, raising=False)
    on_a_gpu = replace(call, device=torch.device("cuda"))
    assert precision._leaves_the_library(on_a_gpu, clips, kernels) is leaves
    assert not precision._leaves_the_library(call, clips, kernels)
