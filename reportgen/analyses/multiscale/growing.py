"""Growing pictures of a layer's kernels from noise through many sizes, many kernels at a time.

After the VGG-16 article ("Visualizing Convolutional Neural Network Features with 40 Lines of Python Code"), with its
faults mended: pixels stay between black and white, so that the network is shown what the reader is shown; what is
reported is measured on a clip of the network's own size; only the layers up to the target run, no weight has a
gradient, and kernels climb together, each as it would alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from reportgen.analyses.common.batching import reduced_precision_pays, saved_bytes, slots_for
from reportgen.analyses.common.budget import GRADIENT_PASSES
from reportgen.analyses.common.draws import own_generator
from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.common.quickened import LEAST_WORK, quickened
from reportgen.analyses.common.undefined import UNDEFINED, numbers_alone
from reportgen.analyses.multiscale.canvas import enlarged, noise_clip
from reportgen.analyses.multiscale.options import GrowthOptions
from reportgen.analyses.multiscale.schedule import ClipShape, reachable_schedule, scale_sizes
from reportgen.analyses.multiscale.simple_end import simple_end
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS, run_through
from reportgen.networks.kernels.arrangement import PLAIN, centre, joined_maps
from reportgen.networks.kernels.clip_form import clip_preactivation
from reportgen.networks.kernels.preactivation import (
    Preactivation,
    clip_channels,
    native_shape,
    placement,
    preactivation,
    summary,
)
from reportgen.networks.kernels.receptive_field import Field, Window, centre_window, receptive_field, same_on
from reportgen.networks.speed.multiply_adds import MultiplyAdds
from reportgen.networks.speed.precision import bfloat16_steps_fault, rounded_precision
from reportgen.networks.speed.quick_copy import NetworkAnswers
from reportgen.progress import Task
from reportgen.records.answers.multiscale import MeasuredOn

_LEAK = 0.1
_TOGETHER = 8
"""Kernels whose pictures lie in memory at once."""


@dataclass
class GrowingKernel:
    """A kernel's picture on its way, and what is known of it.

    `pixels` are `C T H W`, beyond [0, 1] too where they are not bounded. `activations` are those of the noise and of
    the picture at the end of each size, all of it, and `curve` those before each step. `middles` are the middle frames
    `C H W` in [0, 1] at the end of each size.
    """

    kernel: int
    pixels: Tensor
    activations: list[float] = field(default_factory=list)
    middles: list[Tensor] = field(default_factory=list)
    curve: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Grower:
    """Grows pictures of kernels of one layer.

    Raises UnknownNameError for a layer or kernel that does not exist, OptionError when a bare module comes without
    `clip_shape`, NetworkError when the network takes no size of the schedule and not its own clip.
    """

    def __init__(self, network: Network, layer: str, kernels: Sequence[int], options: GrowthOptions) -> None:
        self.options = options
        self.kernels = list(dict.fromkeys(kernels))
        self.native = options.clip_shape or native_shape(network)
        self.target = clip_preactivation(network, layer, self.native)
        self.network = self.target.network
        self.target.check(self.kernels)
        self._targets: dict[ClipShape, Preactivation | None] = {}
        with MultiplyAdds() as counted:
            self._without_arithmetic = self._map_of(self.native, meta=True) is not None
        self._multiply_adds = counted.count
        wanted = scale_sizes(options.start, options.growth, options.sizes)
        self.schedule = reachable_schedule(
            self.native, wanted, lambda shape: self._target(shape) is not None, self.target.layer
        )
        self.field: Field | None = receptive_field(self.target)
        window = centre_window(self.target, self.field) if options.objective == "neuron" else None
        self._crops = options.objective == "neuron" and (window is None or same_on(self.target, window))
        self._bytes_per_pixel: float | None = None
        self.mixed = options.precision == "mixed" or (
            options.precision == "auto" and reduced_precision_pays(network.device)
        )
        self._faults: list[str] = []
        self._climbed: Network | None = None

    @property
    def shapes(self) -> tuple[ClipShape, ...]:
        """The shapes (T, H, W) of the schedule."""
        return self.schedule.shapes

    @property
    def notes(self) -> tuple[str, ...]:
        """What was otherwise than asked for, so far."""
        return (*self.schedule.notes, *self._faults)

    def quicken(self) -> None:
        """Let steps ask a quick copy of the network, where it has one and there is work enough for it.

        To be called before the network is arranged for a search. What is measured asks the network itself.
        """
        clips = sum(map(_volume, self.shapes)) / _volume(self.native) * self.options.steps * len(self.kernels)
        if GRADIENT_PASSES * self._multiply_adds * clips < LEAST_WORK:
            return
        self._climbed, fault = quickened(
            NetworkAnswers(self.network, self.target.layer),
            (self.shapes[0], self.native),
            seed=self.options.seed,
            reduced_precision=self.mixed,
        )
        if fault is not None:
            self.mixed = False
            self._faults.append(f"Grown in float32, not in bfloat16: {fault}.")

    def run(self, task: Task) -> Iterator[GrowingKernel]:
        """Yield each kernel with its picture at the last size, as soon as some are there."""
        self.settle_precision(self.shapes[0], 1)  # before memory is looked at
        for first in range(0, len(self.kernels), _TOGETHER):
            growing = [self._begin(kernel) for kernel in self.kernels[first : first + _TOGETHER]]
            for place, shape in enumerate(self.shapes):
                if place:
                    self._enlarge(growing, shape)
                slots = min(len(growing), self.slots(shape))
                subject = f"{self.target.layer} at {shape[1]}x{shape[2]} px"
                with_less_memory(partial(self._raise_all, growing, shape), slots, subject)
                task.advance(self.options.steps * len(growing))
            for one in growing:
                self._simplify(one)
            yield from growing

    def _simplify(self, one: GrowingKernel) -> None:
        """Put a simple pattern in the place of a grown picture that drives the kernel less: patches with seams."""
        if self.options.objective == "neuron":
            return
        target, began = self._known(self.shapes[-1]), time.perf_counter()

        def measure(clip: Tensor) -> float:
            return self.measure(target, clip[None], [one.kernel])[0]

        found = simple_end(target, one.pixels.clamp(0, 1), one.kernel, self.options.seed, measure)
        if found is not None:
            one.pixels, one.activations[-1] = found
            one.middles[-1] = one.pixels[:, one.pixels.shape[1] // 2].float().cpu()
        one.seconds += time.perf_counter() - began

    def native_clip(self, clip: Tensor) -> tuple[Tensor, MeasuredOn]:
        """Return the part or the enlargement of a clip `C T H W` that is of the network's own size.

        A part is cut from the middle, at whole strides of the layer, so that its grid lies on it as on the whole.
        """
        if tuple(clip.shape[1:]) == self.native:
            return clip, "whole"
        if any(size < own for size, own in zip(clip.shape[1:], self.native, strict=True)):
            return enlarged(clip[None], self.native)[0].clamp(0, 1), "enlarged"
        places = []
        for axis, (size, own) in enumerate(zip(clip.shape[1:], self.native, strict=True)):
            step = self.field[axis].jump if self.field is not None else 1
            first = (size - own) // 2 // step * step
            places.append(slice(first, first + own))
        return clip[(slice(None), *places)], "part"

    def measure(self, target: Preactivation, clips: Tensor, kernels: Sequence[int]) -> list[float]:
        """Return the objective of each clip of `N C T H W`, of its own kernel, one at a time in full precision."""
        return target.measured(clips, kernels, self.options.objective).tolist()

    def _begin(self, kernel: int) -> GrowingKernel:
        noise = noise_clip(clip_channels(self.network), self.shapes[0], own_generator(self.options.seed, kernel, 0))
        clip = noise.to(**placement(self.network))[None]
        (start,) = self.measure(self._known(self.shapes[0]), clip, [kernel])
        return GrowingKernel(kernel, clip[0], [start])

    def _enlarge(self, growing: Sequence[GrowingKernel], shape: ClipShape) -> None:
        for one in growing:
            pixels = enlarged(one.pixels[None], shape, self.options.blur)
            one.pixels = (pixels.clamp(0, 1) if self.options.bounded else pixels)[0]

    def _raise_all(self, growing: Sequence[GrowingKernel], shape: ClipShape, batch: int) -> None:
        """Take the steps of one size with all kernels, `batch` at a time; on an error they are as they were."""
        self.settle_precision(shape, batch)
        climbed = []
        for first in range(0, len(growing), batch):
            began = time.perf_counter()
            part = growing[first : first + batch]
            pixels, curve = self.climb(torch.stack([one.pixels for one in part]), [one.kernel for one in part], shape)
            clips = pixels.clamp(0, 1)
            reached = self.measure(self._known(shape), clips, [one.kernel for one in part])
            seconds = (time.perf_counter() - began) / len(part)
            climbed += [(pixels[i], clips[i], curve[:, i].tolist(), reached[i], seconds) for i in range(len(part))]
        for one, (own, clip, values, activation, seconds) in zip(growing, climbed, strict=True):
            one.pixels = own
            one.middles.append(clip[:, shape[0] // 2].float().cpu())
            one.curve += values
            one.activations.append(activation)
            one.seconds += seconds

    def settle_precision(self, shape: ClipShape, batch: int) -> None:
        """Take steps in float32 from this size on where bfloat16 is not to be trusted with `batch` clips of it."""
        if not self.mixed:
            return
        target = self._known(shape)
        where = placement(self.network)
        window = self._window(target)
        size = window.shape if window else shape
        pixels = torch.zeros((1, clip_channels(self.network), *size), **where)
        kernels = torch.tensor(self.kernels[:1], device=where["device"])
        unit = window.unit if window else target.centre
        fault = bfloat16_steps_fault(lambda given: self._objective(target, given, kernels, unit), pixels, batch)
        if fault:
            self.mixed = False
            self._faults.append(f"Grown in float32, not in bfloat16, from {min(shape[1:])} px on: {fault}.")

    def climb(self, pixels: Tensor, kernels: Sequence[int], shape: ClipShape) -> tuple[Tensor, Tensor]:
        """Return pixels `N C T H W` after the steps of one size, and the objective `S N` before each step.

        Adam has a mean and a variance of its own for every pixel of every sample, and the loss is the sum over samples:
        each climbs as it would alone.
        """
        target = self._known(shape)
        window = self._window(target)
        unit = window.unit if window else target.centre
        if self._climbed is not None:
            target = replace(target, network=self._climbed)
        own = (pixels[window.slices()] if window else pixels).clone().requires_grad_()
        indices = torch.tensor(kernels, device=own.device)
        optimiser = torch.optim.Adam([own], lr=self.options.learning_rate, weight_decay=self.options.weight_decay)
        curve, undefined = [], torch.zeros(len(own), dtype=torch.bool, device=own.device)
        with rounded_precision():
            for _ in range(self.options.steps):
                with torch.enable_grad():
                    values = self._objective(target, own, indices, unit)
                    (found,) = torch.autograd.grad(-values.sum(), own)
                own.grad, kept = numbers_alone(found)
                undefined |= ~kept
                curve.append(values.detach())
                optimiser.step()
                if self.options.bounded:
                    own.data.clamp_(0, 1)
        if bool(undefined.any()) and UNDEFINED not in self._faults:
            self._faults.append(UNDEFINED)
        if window is None:
            return own.detach(), torch.stack(curve).cpu()
        whole = pixels.clone()
        whole[window.slices()] = own.detach()
        return whole, torch.stack(curve).cpu()

    def _objective(self, target: Preactivation, pixels: Tensor, kernels: Tensor, unit: tuple[int, ...]) -> Tensor:
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.mixed, cache_enabled=False):
            maps = target.own_maps(pixels, kernels)
        return summary(maps.to(pixels.dtype), self.options.objective, leak=_LEAK, unit=unit)

    def _window(self, target: Preactivation) -> Window | None:
        """Return what the centre unit sees, where it alone is raised: the rest of the clip has no gradient."""
        return centre_window(target, self.field) if self._crops else None

    def slots(self, shape: ClipShape) -> int:
        """Return how many kernels memory holds at a size, from what a step at the first size keeps.

        One of a network that is given one clip a call.
        """
        if self.network.at_once(2) == 1:
            return 1
        if self.options.batch_size is not None:
            return self.options.batch_size
        if self._bytes_per_pixel is None:
            first = self._known(self.shapes[0])
            where = placement(self.network)
            pixels = torch.zeros((1, clip_channels(self.network), *first.clip_shape), requires_grad=True, **where)
            kernels = torch.tensor(self.kernels[:1], device=where["device"])
            kept = saved_bytes(lambda: self._objective(first, pixels, kernels, first.centre), self.network.module)
            self._bytes_per_pixel = kept / _volume(first.clip_shape)
        window = self._window(self._known(shape))
        return slots_for(int(self._bytes_per_pixel * _volume(window.shape if window else shape)), self.network.device)

    def _known(self, shape: ClipShape) -> Preactivation:
        target = self._target(shape)
        assert target is not None  # shapes are those of the schedule, which the network takes
        return target

    def _target(self, shape: ClipShape) -> Preactivation | None:
        """Return how the layer is read on clips of a shape; None where the network cannot be run up to it."""
        if shape not in self._targets:
            self._targets[shape] = self._target_at(shape)
        return self._targets[shape]

    def _target_at(self, shape: ClipShape) -> Preactivation | None:
        if shape == self.native:
            return self.target
        outputs = self._map_of(shape, meta=self._without_arithmetic)
        if outputs is None:
            return None
        if self.target.calls != (PLAIN,):
            with suppress(NetworkError):
                return preactivation(self.network, self.target.layer, shape, clip_channels(self.network))
            return None
        maps = self.target.own(outputs, 1)
        return replace(self.target, clip_shape=shape, map_shape=tuple(joined_maps(maps).shape[1:]), centre=centre(maps))

    def _map_of(self, shape: ClipShape, *, meta: bool) -> list[Tensor] | None:
        """Return what the layer's calls return for a clip of a shape; None where it is not reached, or has no place."""
        where = {**placement(self.network), **({"device": torch.device("meta")} if meta else {})}
        clip = torch.full((1, clip_channels(self.network), *shape), 0.5, **where)
        try:
            with torch.no_grad():
                outputs = run_through(self.network, clip, self.target.layer, len(self.target.calls))
        except (NetworkError, *REFUSALS):
            return None
        return outputs if all(output.numel() for output in outputs) else None


def _volume(shape: Sequence[int]) -> int:
    return shape[0] * shape[1] * shape[2]
