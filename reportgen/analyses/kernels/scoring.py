"""How the clips of a layer's search are written, viewed and scored, level by level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from reportgen.analyses.common.draws import own_generator
from reportgen.analyses.kernels.ascent import Score
from reportgen.analyses.kernels.layer_traits import has_time, sees_pixels
from reportgen.analyses.kernels.noise import NoiseAnswers
from reportgen.analyses.kernels.objectives import facet_similarity
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.parametrization import Canvas
from reportgen.analyses.kernels.schedules import Level
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement, summary
from reportgen.networks.kernels.receptive_field import centre_window, geometry, same_on
from reportgen.networks.kernels.unit_extent import unit_extent
from reportgen.networks.speed.compiled import Program
from reportgen.networks.speed.multiply_adds import MultiplyAdds
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.speed.quick_copy import NetworkAnswers
from reportgen.networks.trace.smoothed import SmoothedRectifiers

_NOISE_CLIPS = 2
_LEAK = 0.1
_RARE = 0.1  # of the standard deviation: as a normal variable that is positive once in six times
_SILENT = 0.01  # once in forty times
_NEAREST = 1 / 4  # of a silent kernel's places


class ClipScoring:
    """The canvases of a layer's clips `shape` (T, H, W), their views, and what a kernel makes of them.

    What the network answers to noise is kept in `answered`.
    `programs` hold the compiled way to the layer for full batches of a level. With `within_stride` the views of the
    cool-down are shifted within the layer's stride alone.
    """

    def __init__(self, target: Preactivation, options: AscentOptions, answered: NetworkAnswers) -> None:
        self.target = target
        #: What climbs asks: the target, or a quick copy of it.
        self.climbed = target
        self.network = target.network
        self.options = options
        placed = geometry(target)
        self.field = placed.field
        #: Where units lie that share nothing, on the clip or on each of its frames alike.
        self.tiles = placed.field or placed.frames
        window = centre_window(target, placed.field) if options.objective == "neuron" else None
        self.window = window if window and same_on(target, window) else None
        self.shape = self.window.shape if self.window else target.clip_shape
        self.in_time = has_time(self.network, target)
        #: Whether a layer on the way tells places apart: each has units of its own, which nothing else wakes.
        self.weighs_places = self.target.clip_shape[1:] == placed.steps[1:]
        seen = self.shape
        if options.objective == "neuron" and options.jitter is None and self.window is None:
            seen = unit_extent(target, placed)
        self.views = options.views(seen, in_time=self.in_time, steps=placed.steps)
        self.sees_pixels = sees_pixels(target, placed)
        self.programs: dict[Level, tuple[int, Program]] = {}
        self.within_stride = False
        #: The level in whose precision smaller clips are rated, where that is not the full one.
        self.rated_at: Level | None = None
        self._canvases: dict[tuple[tuple[int, int, int], bool], Canvas] = {}
        with MultiplyAdds() as counted:
            self.noise = NoiseAnswers.of(self._noise_maps(answered))
        self.multiply_adds = counted.count / _NOISE_CLIPS

    @property
    def has_simple_optima(self) -> bool:
        """Whether a kernel's optimum may be one simple pattern over the whole clip."""
        options = self.options
        return options.objective != "neuron" and options.constraint == "box" and options.facets == 1

    @property
    def may_have_rivals(self) -> bool:
        """Whether what a search finds is held against others: a first layer's optima are known from its weights."""
        return self.has_simple_optima and not self.sees_pixels

    @cached_property
    def rare(self) -> list[bool]:
        """Whether each kernel is to fire, and seldom does on noise."""
        firing = self.options.objective == "firing"
        return [firing and share < _RARE for share in self.noise.fires.tolist()]

    @cached_property
    def silent(self) -> list[bool]:
        """Whether noise shows no way up: it does not move a kernel, or one that is to fire hardly does."""
        firing = self.options.objective == "firing"
        pairs = zip(self.noise.fires.tolist(), self.noise.moved.tolist(), strict=True)
        return [not moves or (firing and share < _SILENT) for share, moves in pairs]

    def canvas(self, level: Level) -> Canvas:
        """Return the parametrisation of a level's clips, one and the same whenever asked."""
        key = level.shape, level.prior
        if key not in self._canvases:
            self._canvases[key] = self.new_canvas(*key)
        return self._canvases[key]

    def new_canvas(self, shape: tuple[int, int, int], prior: bool = True) -> Canvas:
        """Return the parametrisation of clips of `shape` (T, H, W), with or without the prior for natural clips."""
        options = self.options
        return Canvas(
            channels=clip_channels(self.network),
            shape=shape,
            basis=options.basis,
            constraint=options.constraint,
            radius=options.radius,
            power=options.power,
            prior=prior,
            temporal_weight=options.temporal_weight if self.in_time else 0.0,
            decorrelated=options.decorrelated and (prior or not self.sees_pixels),
            **placement(self.network),
        )

    def score(self, level: Level, *, silent: bool = False) -> Score:
        """Return the loss and the activation of parameters on the canvas of `level`.

        Of `silent` kernels it is what brings them nearer to firing; while they explore, through a network whose
        rectifiers are smoothed, which also wakes the layers before. So do all kernels behind a layer that weighs
        places: where no view is shifted, a unit that noise leaves silent would remain so.
        """
        canvas, options = self.canvas(level), self.options
        unit = self.window.unit if self.window else self.target.centre
        smoothed = (silent or self.weighs_places) and not level.cools

        def scored(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
            pixels = canvas.unbounded(parameters, self._shifts(level, draws))
            clips = canvas.bounded(self.views.turn(pixels, draws), leads_back=not level.cools)
            loss = options.penalties(clips)
            with self.precision(level), SmoothedRectifiers() if smoothed else nullcontext():
                if options.facets > 1:
                    maps = self.climbed.maps(clips)
                    own = maps[torch.arange(len(kernels), device=kernels.device), kernels]
                    loss = loss + options.diversity * facet_similarity(maps.float(), options.facets)
                else:
                    count, program = self.programs.get(level, (0, None)) if not smoothed else (0, None)
                    own = self.climbed.own_maps(clips, kernels, program if len(clips) == count else None)
            own = own.to(clips.dtype)
            if silent and options.objective == "firing":
                activations = approached(own)
            else:
                activations = summary(own, options.objective, leak=_LEAK, unit=unit)
            return loss - activations / self.noise.spread[kernels], activations

        return scored

    def _shifts(self, level: Level, draws: Tensor) -> Tensor:
        """Return the shifts `N 3` of a level's views; a first layer settles without a seam where the canvas repeats."""
        if level.cools and self.within_stride and self.field is not None:
            return self.views.shifts_within(draws, [axis.jump for axis in self.field])
        return self.views.shifts(draws, level.shape)

    def precision(self, level: Level) -> torch.autocast:
        """Return the context in which a level's passes run."""
        kind = self.network.device.type
        return torch.autocast(kind, torch.bfloat16, enabled=level.reduced_precision, cache_enabled=False)

    def _noise_maps(self, answered: NetworkAnswers) -> Iterator[Tensor]:
        """Yield the pre-activations `1 K ...` of all kernels of noise clips."""
        canvas = self.new_canvas(self.target.clip_shape)
        generator = own_generator(self.options.seed, -1, 0)
        noise = [canvas.initial(generator, 1.0)[None] for _ in range(_NOISE_CLIPS)]
        for place, one in enumerate(noise):
            clip = canvas.bounded(canvas.unbounded(one))
            with torch.no_grad():
                if place == 0 and len(self.target.calls) == 1:
                    yield self.target.of_outputs([answered.there(clip)], 1)
                else:
                    yield self.target.maps(clip)

    def measure(self, clips: Tensor, kernels: Sequence[int]) -> Tensor:
        """Return the objective `N` of native clips, each of its own kernel, one at a time in full precision."""
        return self.target.measured(clips, kernels, self.options.objective)

    def gauge(self, clips: Tensor, kernels: Sequence[int]) -> Tensor:
        """Return the same of what climbs ask, which rounds otherwise: for what is compared, not for what is shown."""
        return self.climbed.measured(clips, kernels, self.options.objective)

    def settle(self, gauged: Tensor, clips: Tensor, kernels: Sequence[int]) -> Tensor:
        """Return what `measure` does of clips that were gauged: the same, where it was the network that was asked."""
        return gauged if self.climbed is self.target else self.measure(clips, kernels)

    def native(self, canvas: Canvas, parameters: Tensor) -> Tensor:
        """Return the native clips `F C T H W` float32 on the CPU; around a window they are grey (or 0 in a ball)."""
        shape, window = self.shape, self.window
        shown = canvas.bounded(canvas.unbounded(parameters)).float().cpu()
        if canvas.shape != shape:
            shown = shown.repeat(1, 1, *(-(-a // b) for a, b in zip(shape, canvas.shape, strict=True)))
            shown = shown[..., : shape[0], : shape[1], : shape[2]]
        if window is None:
            return shown
        grey = 0.5 if canvas.constraint == "box" else 0.0
        clips = torch.full((*shown.shape[:2], *self.target.clip_shape), grey)
        clips[window.slices()] = shown
        return clips

    def own_map(self, clips: Tensor, kernel: int) -> Tensor:
        """Return a kernel's pre-activation `N ...` of clips `N C T H W`, of what climbs ask.

        Of whole clips it is exact, and for kernels near whose threshold a little decides; else of smaller ones, which
        say what is likely, as exact as the steps that explore.
        """
        where = placement(self.network)
        exact = self.rare[kernel] or tuple(clips.shape[2:]) == self.shape
        rough = None if exact else self.rated_at
        with torch.no_grad(), full_precision(), nullcontext() if rough is None else self.precision(rough):
            kernels = torch.full((len(clips),), kernel, device=where["device"])
            own = self.climbed.own_maps(clips.to(**where), kernels)
        return own.to(where["dtype"])

    def all_maps(self, clip: Tensor) -> Tensor:
        """Return the pre-activations `1 K ...` of all kernels of a clip `1 C T H W`, like `own_map`."""
        with torch.no_grad(), full_precision():
            return self.climbed.maps(clip.to(**placement(self.network)))

    def summed(self, own: Tensor) -> float:
        """Return the objective of one kernel's map `1 ...` of the native clip."""
        return float(summary(own, self.options.objective, unit=self.target.centre))

    def penalty(self, clip: Tensor, kernel: int) -> float:
        """Return what the penalties on a clip `1 C T H W` take off a kernel's objective, in its own units."""
        return float(self.options.penalties(clip)) * float(self.noise.spread[kernel])


def approached(maps: Tensor) -> Tensor:
    """Return the mean `N` of maps `N ...` of silent kernels above the threshold of a quarter of their places.

    The threshold is 0 as soon as so many fire; until then the places nearest to it rise, and not the mean of all. A
    layer without places, as a classifier's, has one.
    """
    values = maps.flatten(1) if maps.ndim > 1 else maps.unsqueeze(1)
    threshold = values.detach().float().quantile(1 - _NEAREST, dim=1, keepdim=True).clamp_max(0).to(values)
    return (threshold + functional.leaky_relu(values - threshold, _LEAK)).mean(1)
