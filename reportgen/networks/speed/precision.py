"""Which precision a device computes in, and whether its bfloat16 convolutions are right.

Vendor libraries have shipped some that are not: cuDNN 9.8 to 9.10.2 returned wrong values for large clips in
bfloat16. torch then keeps such convolutions from cuDNN and takes a way that is slow and needs several times the
memory. Neither shows in a search: it would end at a worse clip, or late. So every shape of convolution on the way to a
target is computed once in bfloat16 at the full batch, forward and back, and its first, middle and last clip are
compared with float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from reportgen.networks.core.observing import Observer
from reportgen.networks.core.out_of_memory import is_out_of_memory

_TOLERANCE = 0.1
"""Largest error of a single value, in root mean squares of all: bfloat16's rounding alone reaches 0.02."""

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


@dataclass(frozen=True)
class Convolution:
    """A convolution as torch calls it: all that it depends on but the values; `clips` is `N C T H W` or `N C H W`."""

    device: torch.device
    clips: tuple[int, ...]
    kernels: tuple[int, ...]
    channels_last: tuple[bool, bool]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int

    @property
    def title(self) -> str:
        """Name the shape for people."""
        kernel, clips = ("x".join(map(str, sizes)) for sizes in (self.kernels, self.clips))
        return f"{kernel} kernels on {clips} values"

    def forward(self, clips: Tensor, kernels: Tensor) -> Tensor:
        """Return the convolution of `clips` in their own precision."""
        found: Tensor = torch.ops.aten.convolution.default(clips, kernels, None, *self._geometry)
        return found

    def backward(self, gradient: Tensor, clips: Tensor, kernels: Tensor) -> Tensor:
        """Return the gradient with respect to `clips`."""
        found: Tensor = torch.ops.aten.convolution_backward.default(
            gradient, clips, kernels, None, *self._geometry, [True, False, False]
        )[0]
        return found

    def draw(self, sizes: tuple[int, ...], seed: int, *, channels_last: bool) -> Tensor:
        """Return bfloat16 values of variance 1 in the given memory order.

        Clips, kernels and gradients need seeds of their own: a clip that equals a kernel drives it so much that
        rounding the one response looks like an error.
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        values = torch.randn(sizes, generator=generator, device=self.device, dtype=torch.bfloat16)
        return values.contiguous(memory_format=_CHANNELS_LAST[len(sizes)]) if channels_last else values

    @property
    def _geometry(self) -> tuple[Any, ...]:
        lists = (list(self.stride), list(self.padding), list(self.dilation))
        return (*lists, self.transposed, list(self.output_padding), self.groups)


class _Watch(Observer):
    """Notes in `found` the bfloat16 convolutions that run within it."""

    def __init__(self, found: dict[Convolution, None]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten.convolution.default and args[0].dtype == torch.bfloat16:
            self.found[_called(*args)] = None
        return func(*args, **(kwargs or {}))


def _called(clips: Tensor, kernels: Tensor, _bias: Tensor | None, *geometry: Any) -> Convolution:
    stride, padding, dilation, transposed, output_padding, groups = geometry
    return Convolution(
        device=clips.device,
        clips=tuple(clips.shape),
        kernels=tuple(kernels.shape),
        channels_last=(_lies_channels_last(clips), _lies_channels_last(kernels)),
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        transposed=transposed,
        output_padding=tuple(output_padding),
        groups=groups,
    )


def _lies_channels_last(values: Tensor) -> bool:
    order = _CHANNELS_LAST.get(values.ndim)
    return order is not None and values.is_contiguous(memory_format=order) and not values.is_contiguous()


def bfloat16_convolutions(forward: Callable[[], object], times: int) -> tuple[Convolution, ...]:
    """Return the bfloat16 convolutions that `forward` makes in the caller's autocast, with `times` as many clips."""
    found: dict[Convolution, None] = {}
    with _Watch(found), torch.no_grad():
        forward()
    return _times(found, times)


def _times(found: Iterable[Convolution], times: int) -> tuple[Convolution, ...]:
    return tuple(replace(call, clips=(call.clips[0] * times, *call.clips[1:])) for call in found)


def bfloat16_steps_fault(values: Callable[[Tensor], Tensor], given: Tensor, times: int) -> str | None:
    """Return what speaks against steps along the gradient of `values` in the caller's autocast, or None.

    `values` are computed of `given` once, there and back; of their convolutions `times` as many clips are looked into.
    A network's own code may take one kind of number alone, by what it writes into or in a function with a gradient of
    its own. Raises what torch raises when memory runs out.
    """
    asked = given.detach().requires_grad_()
    found: dict[Convolution, None] = {}
    try:
        with _Watch(found), torch.enable_grad():
            reached = values(asked).sum()
        if reached.requires_grad:
            torch.autograd.grad(reached, asked)
    except (RuntimeError, TypeError) as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"the network does not run in bfloat16 ({reason})"
    return next(filter(None, map(bfloat16_fault, _times(found, times))), None)


def full_precision() -> AbstractContextManager[None]:
    """Compute convolutions in float32 proper within the context, as everything that is reported is.

    A GPU otherwise rounds their factors to TF32, which has 10 bits.
    """
    return _convolutions(tf32=False)


def rounded_precision() -> AbstractContextManager[None]:
    """Let a GPU round convolutions' factors to TF32 within the context: for steps on the way to what is reported."""
    return _convolutions(tf32=True)


@contextmanager
def _convolutions(*, tf32: bool) -> Iterator[None]:
    cudnn = torch.backends.cudnn
    kept = {"enabled": cudnn.enabled, "benchmark": cudnn.benchmark, "deterministic": cudnn.deterministic}
    with cudnn.flags(**kept, allow_tf32=tf32):
        yield


@lru_cache(maxsize=4096)
def bfloat16_fault(call: Convolution) -> str | None:
    """Return what speaks against a convolution in bfloat16, or None; each is looked into once in a process.

    Raises what torch raises when memory runs out.
    """
    clips = call.draw(call.clips, 0, channels_last=call.channels_last[0])
    kernels = call.draw(call.kernels, 1, channels_last=call.channels_last[1])
    if _leaves_the_library(call, clips[:1], kernels):
        return f"torch computes {call.title} without the vendor's library in bfloat16"
    try:
        found = call.forward(clips, kernels)
        gradient = call.draw(tuple(found.shape), 2, channels_last=_lies_channels_last(found))
        back = call.backward(gradient, clips, kernels)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"{call.title} cannot be computed in bfloat16 ({reason})"
    with full_precision():
        exact = kernels.float()
        for place in sorted({0, len(clips) // 2, len(clips) - 1}):
            own = slice(place, place + 1)
            wanted = call.forward(clips[own].float(), exact)
            if not _agree(found[own], wanted):
                return f"{call.title} differ from float32"
            if not _agree(back[own], call.backward(gradient[own].float(), clips[own].float(), exact)):
                return f"the gradient of {call.title} differs from float32"
    return None


def _agree(found: Tensor, wanted: Tensor) -> bool:
    """Return whether every value is right; one that is not a number never is."""
    scale = wanted.square().mean().sqrt()
    return bool((found.float() - wanted).abs().max() <= _TOLERANCE * scale)


def _leaves_the_library(call: Convolution, clips: Tensor, kernels: Tensor) -> bool:
    """Return whether torch takes its own, slow way in bfloat16 where it would not in float32."""
    select = getattr(torch._C, "_select_conv_backend", None)
    if select is None or call.device.type != "cuda":
        return False
    reduced, full = (
        str(select(one, other, None, *call._geometry))
        for one, other in ((clips, kernels), (clips.float(), kernels.float()))
    )
    return "Slow" in reduced and "Slow" not in full
