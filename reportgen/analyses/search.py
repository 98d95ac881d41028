"""The search for the maxima of a layer's kernels, from noise to the measured clip."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.ascent import Ascent, Climber, Score
from reportgen.analyses.objectives import facet_similarity
from reportgen.analyses.options import AscentOptions
from reportgen.analyses.parametrization import Canvas
from reportgen.analyses.robustness import DRAWS
from reportgen.analyses.schedules import Level, levels
from reportgen.networks.network import Network
from reportgen.networks.preactivation import clip_channels, native_shape, placement, preactivation, summary
from reportgen.progress import Task

_NOISE_CLIPS = 2
_LEAK = 0.1


@dataclass(frozen=True)
class Maximum:
    """The clip that drives one kernel most.

    `clip` is `C T H W` float32 on the CPU, in [0, 1] RGB (or in the ball). `activation` is the kernel's objective
    (pre-activation, batch norm included) of that clip, and `start` of the noise it began with, both on the full
    native clip without transforms. `curve` is the objective per step, under that step's random view; `seconds` is
    this kernel's share of the time of its batches.
    """

    kernel: int
    facet: int
    clip: Tensor
    activation: float
    start: float
    curve: tuple[float, ...]
    steps: int
    seconds: float


class Search:
    """Finds the maxima of kernels of one layer.

    Raises UnknownNameError for a layer or kernel that does not exist, OptionError when a bare module comes without
    `clip_shape`, NetworkError when the network cannot take the clip.
    """

    def __init__(self, network: Network, layer: str, kernels: Sequence[int], options: AscentOptions) -> None:
        self.network = network
        self.options = options
        self.kernels = list(dict.fromkeys(kernels))
        self.shape = options.clip_shape or native_shape(network)
        self.target = preactivation(network, layer, self.shape, clip_channels(network))
        self.target.check(self.kernels)
        self.levels = levels(self.shape, options.steps, early_stop=options.early_stop, reduced_precision=False)
        self.spread = self._spread_over_noise()

    def run(self, task: Task) -> Iterator[Maximum]:
        """Yield each kernel's maximum, its facets one after the other, as soon as it is found."""
        slots = self.options.batch_size or 4
        for first in range(0, len(self.kernels), 4 * slots):
            climbers = [self._begin(kernel) for kernel in self.kernels[first : first + 4 * slots]]
            *early, last = [self._ascent(level, slots, task) for level in self.levels]
            for ascent in early:
                climbers = list(ascent.run(climbers))
                for climber in climbers:
                    climber.restart(climber.parameters)
            for climber in last.run(climbers):
                yield from self._finish(climber)
                task.advance(self.options.steps - climber.taken)

    def canvas(self, shape: tuple[int, int, int]) -> Canvas:
        """Return the parametrisation of clips of `shape` (T, H, W)."""
        options = self.options
        return Canvas(
            channels=clip_channels(self.network),
            shape=shape,
            basis=options.basis,
            constraint=options.constraint,
            radius=options.radius,
            power=options.power,
            temporal_weight=options.temporal_weight,
            decorrelated=options.decorrelated,
            **placement(self.network),
        )

    def score(self, level: Level) -> Score:
        """Return the loss and the activation of parameters on the canvas of `level`."""
        canvas, options = self.canvas(level.shape), self.options

        def scored(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
            pixels = canvas.unbounded(parameters, options.views.shifts(draws, canvas.shape))
            clips = canvas.bounded(options.views.turn(pixels, draws))
            loss = options.penalties(clips)
            with torch.autocast(clips.device.type, torch.bfloat16, enabled=level.reduced_precision):
                if options.facets > 1:
                    maps = self.target.maps(clips)
                    own = maps[torch.arange(len(kernels), device=kernels.device), kernels]
                    loss = loss + options.diversity * facet_similarity(maps.float(), options.facets)
                else:
                    own = self.target.own_maps(clips, kernels)
            activations = summary(own.to(clips.dtype), options.objective, leak=_LEAK)
            return loss - activations / self.spread[kernels], activations

        return scored

    def measure(self, clips: Tensor, kernels: Sequence[int]) -> Tensor:
        """Return the objective `N` of native clips, each of its own kernel, one at a time in full precision."""
        where = placement(self.network)
        with torch.no_grad():
            return torch.cat(
                [
                    self.target.activations(
                        clip[None].to(**where), torch.tensor([kernel], device=where["device"]), self.options.objective
                    ).cpu()
                    for clip, kernel in zip(clips, kernels, strict=True)
                ]
            )

    def _begin(self, kernel: int) -> Climber:
        options, canvas = self.options, self.canvas(self.levels[0].shape)
        generators = [_generator(options.seed, kernel, facet) for facet in range(options.facets)]
        parameters = torch.stack([canvas.initial(generator, options.contrast) for generator in generators])
        draws = [torch.rand(options.steps, DRAWS, generator=generator) for generator in generators]
        start = self.measure(self._clips(canvas, parameters), [kernel] * options.facets).tolist()
        return Climber(kernel, parameters, torch.stack(draws, dim=1), start)

    def _clips(self, canvas: Canvas, parameters: Tensor) -> Tensor:
        """Return the native clips `F C T H W` float32 of the canvas, on the CPU."""
        return canvas.bounded(canvas.unbounded(parameters)).float().cpu()

    def _ascent(self, level: Level, slots: int, task: Task) -> Ascent:
        return Ascent(
            self.score(level),
            level,
            learning_rate=self.options.learning_rate,
            elementwise=self.options.basis == "pixels",
            slots=slots,
            task=task,
        )

    def _finish(self, climber: Climber) -> Iterator[Maximum]:
        began = time.perf_counter()
        canvas = self.canvas(self.levels[-1].shape)
        clips = self._clips(canvas, climber.parameters)
        facets = len(clips)
        activations = self.measure(clips, [climber.kernel] * facets)
        seconds = (climber.seconds + time.perf_counter() - began) / facets
        for facet in range(facets):
            curve = tuple(values[facet] for values in climber.curve)
            yield Maximum(
                kernel=climber.kernel,
                facet=facet,
                clip=clips[facet],
                activation=float(activations[facet]),
                start=climber.start[facet],
                curve=curve,
                steps=climber.taken,
                seconds=seconds,
            )

    def _spread_over_noise(self) -> Tensor:
        """Return the standard deviation `K` of each kernel's pre-activation over positions of noise clips.

        It is the unit in which activations are set against the penalties; 1 for a kernel that noise does not move.
        """
        canvas = self.canvas(self.shape)
        generator = _generator(self.options.seed, -1, 0)
        with torch.no_grad():
            noise = torch.stack([canvas.initial(generator, 1.0) for _ in range(_NOISE_CLIPS)])
            clips = canvas.bounded(canvas.unbounded(noise))
            maps = torch.cat([self.target.maps(clip[None]) for clip in clips])
        spread = maps.transpose(0, 1).flatten(1).std(dim=1, correction=0)
        return torch.where(spread > torch.finfo(spread.dtype).eps, spread, torch.ones_like(spread))


def _generator(seed: int, kernel: int, facet: int) -> torch.Generator:
    """Return a facet's own generator: what it draws does not depend on what else is in the batch."""
    digest = hashlib.sha256(f"{seed}/{kernel}/{facet}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
