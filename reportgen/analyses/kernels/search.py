"""The search for the maxima of a layer's kernels, from noise to the measured clip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reportgen.analyses.common.batching import first_fault, saved_bytes, slots_for
from reportgen.analyses.common.quickened import LEAST_WORK, quickened
from reportgen.analyses.kernels.ascent import Ascent, Climber, Score
from reportgen.analyses.kernels.ends import Begun, End, Ends
from reportgen.analyses.kernels.even_clips import held_against_even
from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.rivals import Rivals
from reportgen.analyses.kernels.robustness import DRAWS, SCALE_AND_ROTATION
from reportgen.analyses.kernels.schedules import Level, on_small_clips, on_whole_clips
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.search_levels import PASSES, SmallClips, search_levels
from reportgen.analyses.kernels.sharpening import sharpened
from reportgen.analyses.kernels.simple_optima import Drive, RatedPattern, SimpleOptima, SimpleOptimum, tiled
from reportgen.analyses.kernels.starts import Starts
from reportgen.analyses.kernels.unread import UnreadChannels
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.clip_form import clip_preactivation
from reportgen.networks.kernels.preactivation import clip_channels, native_shape, placement
from reportgen.networks.speed.compiled import can_compile, compiled_inputs, compiling_pays
from reportgen.networks.speed.precision import (
    Convolution,
    bfloat16_convolutions,
    bfloat16_fault,
    bfloat16_steps_fault,
)
from reportgen.networks.speed.quick_copy import NetworkAnswers
from reportgen.progress import Task, TaskInParts

_WAVE = 4
_FURTHER = 2  # cool-downs from rivals
_STATES = 3  # parameters and two moments


class Search:
    """Finds the maxima of kernels of one layer.

    Raises UnknownNameError for a layer or kernel that does not exist, OptionError when a bare module comes without
    `clip_shape`, NetworkError when the network cannot take the clip.
    """

    def __init__(self, network: Network, layer: str, kernels: Sequence[int], options: AscentOptions) -> None:
        self.options = options
        self.kernels = list(dict.fromkeys(kernels))
        shape = options.clip_shape or native_shape(network)
        self.target = clip_preactivation(network, layer, shape)
        self.network = self.target.network
        self.target.check(self.kernels)
        #: What the network has answered so far, until a quick copy is held against it.
        self._answered = NetworkAnswers(self.network, self.target.layer)
        self.scoring = ClipScoring(self.target, options, self._answered)
        self.window, self.shape = self.scoring.window, self.scoring.shape
        self._small_clips = SmallClips(self.scoring)
        self.levels = search_levels(self.scoring, options, self._small_clips)
        self._starts = Starts(self.scoring, self.levels)
        self.notes: tuple[str, ...] = ()
        self._simple: SimpleOptima | None = None
        self._rivals: Rivals | None = None

    def quicken(self) -> None:
        """Let what climbs ask a quick copy of the network, where it has one and there is work enough for it.

        To be called before the network is arranged for a search. The copy's gradient in bfloat16 is held against the
        network's in float32, which is what explores where they differ. What is measured asks the network itself.
        """
        answered, self._answered = self._answered, NetworkAnswers(self.network, self.target.layer)
        if self.scoring.sees_pixels or sum(map(self.work, self.levels)) < LEAST_WORK:
            return
        mixed = any(level.reduced_precision for level in self.levels)
        shapes = [level.shape for level in self.levels]
        quick, fault = quickened(answered, shapes, seed=self.options.seed, reduced_precision=mixed)
        if quick is not None:
            self.scoring.climbed = replace(self.target, network=quick)
        if fault is not None:
            self._explore_in_float32(fault)

    def run(self, task: Task) -> Iterator[Maximum]:
        """Yield each kernel's maximum, its facets one after the other, as soon as it is found."""
        slots = self.settle_precision(self.slots())
        self._compile(slots)
        if self.levels[0].reduced_precision and not self.scoring.sees_pixels:
            self.scoring.rated_at = self.levels[0]
        if self.scoring.has_simple_optima:
            self._simple = SimpleOptima(self.scoring, self.kernels, self.levels[0].shape)
            self.scoring.within_stride = bool(self._simple.filters)
            if self._further:
                self._rivals = Rivals(self.scoring, self._simple, self.levels, self._small_clips.shape or self.shape)
        unread = UnreadChannels(self.scoring, self.kernels, self.levels[0])
        for first in range(0, len(self.kernels), _WAVE * slots):
            explored = self._explored(self.kernels[first : first + _WAVE * slots], slots, task)
            for end in self._cooled(explored, slots, task):
                yield from unread.evened(held_against_even(self.scoring, end.facets))

    def _explored(self, kernels: Sequence[int], slots: int, task: Task) -> dict[Climber, Begun]:
        """Return a climber of each kernel that is about to cool down, from the best of its starts."""
        exploring = self.levels[0]
        if exploring.cools:
            return {self._starts.begun(self._starts.begin(kernel)): Begun() for kernel in kernels}
        climbers = [self._starts.begin(kernel, start) for kernel in kernels for start in range(self._starts.of(kernel))]
        ended: dict[int, list[Climber]] = {kernel: [] for kernel in kernels}
        for climber in self._climbed(exploring, slots, task, climbers):
            ended[climber.kernel].append(climber)
            task.advance((exploring.steps - climber.taken) / self._starts.of(climber.kernel))
        every = [climber for starts in ended.values() for climber in starts]
        patterns = {climber: self._patterns(climber, exploring) for climber in every}
        level = exploring
        if (small := on_small_clips(self.levels)) is not None:
            canvas = self.scoring.canvas(small)
            for climber in every:
                climber.restart(canvas.parameters_of(self.scoring.canvas(exploring).unbounded(climber.parameters)))
            every, level = list(self._climbed(small, slots, task, every)), small
        return dict(self._passed_on(starts, level, patterns) for starts in ended.values())

    def _patterns(self, climber: Climber, level: Level) -> Sequence[RatedPattern]:
        """Return the simple patterns about what a climber has found at a level, where these may be rivals."""
        if self._rivals is None:
            return []
        pixels = self.scoring.canvas(level).unbounded(climber.parameters)
        return self._rivals.explored(pixels, climber.kernel, self.options.seed)

    def _passed_on(
        self, starts: Sequence[Climber], level: Level, explored: Mapping[Climber, Sequence[RatedPattern]]
    ) -> tuple[Climber, Begun]:
        """Return the best of a kernel's starts at the end of a `level`, as it goes on to cool down on whole clips.

        Which that is what the clips are like tells, and not how high they are: a silent kernel has climbed through
        another network than its own. Clips that have cooled down on small ones are held against their rivals before
        they are tiled: it is the best alone that cools down again.
        """
        kernel, seed, following = starts[0].kernel, self.options.seed, on_whole_clips(self.levels)[0]
        every = [self.scoring.canvas(level).unbounded(climber.parameters) for climber in starts]
        about = [[] if level.cools else explored[climber] for climber in starts]
        best = max(range(len(starts)), key=lambda one: self._promise(starts[one], every[one], about[one]))
        patterns = [one for climber in starts for one in explored[climber]] if level.cools else about[best]
        climber, pixels = self._starts.begun(starts[best]), every[best]
        climber.seconds = sum(one.seconds for one in starts)
        if self.scoring.sees_pixels and self.options.constraint == "box":
            pixels = self._sharpened(pixels, kernel, level)
        given = reached = tiled(pixels, following.shape)
        if self.scoring.sees_pixels and self._simple is not None:
            simple = self._simple.best(pixels, kernel, level, following, seed)
            if simple is not None:
                given, reached = simple.begun, simple.reached
        if level.cools and self._rivals is not None:
            rival = self._rivals.best(torch.sigmoid(given)[0], kernel, seed, patterns)
            if rival is not None:
                given, reached = rival.begun, rival.reached
        canvas = self.scoring.canvas(following)
        climber.restart(canvas.parameters_of(given))
        kept = canvas.parameters_of(reached) if self.options.facets == 1 else None
        return climber, Begun(kept, patterns)

    def _promise(self, climber: Climber, pixels: Tensor, patterns: Sequence[RatedPattern]) -> Drive:
        """Return how far unbounded pixels `F C T H W` of a start, or one of the patterns about them, drive a kernel."""
        if self._simple is None:
            return climber.means()[-1], 0.0
        own = self._simple.rate(torch.sigmoid(pixels), climber.kernel)
        return max([own, *(rate for rate, _ in patterns)])

    def _cooled(self, begun: Mapping[Climber, Begun], slots: int, task: Task) -> Iterator[End]:
        """Yield what climbers end with after their cool-down, or after further ones from rivals that drive more."""
        cooling = on_whole_clips(self.levels)
        steps = sum(level.steps for level in cooling)
        ends = Ends(self.scoring, self.scoring.canvas(cooling[-1]), self.notes)
        for further in range(self._further, -1, -1):
            beaten: dict[Climber, Begun] = {}
            for climber in self._down(cooling, slots, task, list(begun)):
                own = begun[climber]
                end = ends.of(climber, own.reached)
                if own.before is not None:
                    end = own.before.or_better(end)
                # What drives the kernel less than what it was to take the place of has no other rivals than that.
                rival = self._rival(end, own) if further and end.climber is climber else None
                if rival is None:
                    task.advance(further * steps)
                    yield end
                else:
                    given, reached = (ends.canvas.parameters_of(pixels) for pixels in (rival.begun, rival.reached))
                    beaten[climber.again(given, steps)] = replace(own, reached=reached, before=end)
            begun = beaten

    @property
    def _further(self) -> int:
        """How many cool-downs from rivals a kernel may have beside its first."""
        if not self.scoring.may_have_rivals:
            return 0
        from_a_rival = on_small_clips(self.levels) is not None  # its first may be that
        return _FURTHER - from_a_rival

    @property
    def most_steps(self) -> int:
        """How many steps all kernels may take together; what a task hears of those that are not taken is their sum."""
        cooling = sum(level.steps for level in on_whole_clips(self.levels))
        return len(self.kernels) * (self.options.steps + self._further * cooling)

    def _rival(self, end: End, own: Begun) -> SimpleOptimum | None:
        """Return what a kernel's search goes on from, as it drives the kernel clearly more than what it ends with."""
        return (
            self._rivals.best(end.clip, end.climber.kernel, self.options.seed, own.patterns) if self._rivals else None
        )

    def _down(self, cooling: Sequence[Level], slots: int, task: Task, climbers: Sequence[Climber]) -> Iterator[Climber]:
        """Yield climbers as they end a cool-down."""
        *early, last = cooling
        for level in early:
            climbers = list(self._climbed(level, slots, task, climbers))
            for climber in climbers:
                climber.go_on()
        yield from self._climbed(last, slots, task, climbers)

    def _climbed(self, level: Level, slots: int, task: Task, climbers: Sequence[Climber]) -> Iterator[Climber]:
        """Yield the climbers as they end a level, first those of kernels that noise does not leave silent.

        All starts of a silent kernel together explore for no more than one on whole clips would cost.
        """
        for silent in (False, True):
            own = [climber for climber in climbers if self.scoring.silent[climber.kernel] == silent]
            starts = self._starts.count(silent=silent) if level not in on_whole_clips(self.levels) else 1
            shared = level
            if silent and not level.cools:
                room = math.prod(self.shape) / math.prod(level.shape) if on_small_clips(self.levels) else 1
                shared = replace(level, steps=max(1, round(level.steps * min(1, room / starts))))
            yield from self._ascent(shared, slots, TaskInParts(task, starts), silent=silent).run(own)

    def slots(self) -> int:
        """Return how many kernels are optimised at once: as asked for, or as many as memory holds of the last level."""
        if self.network.at_once(2) == 1:
            return 1
        if self.options.batch_size is not None:
            return min(self.options.batch_size, len(self.kernels))
        if len(self.kernels) == 1:
            return 1
        last = self.levels[-1]
        # What is kept for the way back grows as the clip does: a small one tells it, and is asked sooner.
        small = replace(last, shape=self.levels[0].shape)
        score, parameters, kernels, draws = self._first_step(small)
        parameters.requires_grad_()
        kept = saved_bytes(lambda: score(parameters, kernels, draws)[0], self.network.module)
        times = math.prod(last.shape) / math.prod(small.shape)
        waiting = _WAVE * max(map(self._starts.of, self.kernels)) * _STATES * parameters.nbytes
        return min(len(self.kernels), slots_for(int(kept * times), parameters.device, waiting=int(waiting * times)))

    def settle_precision(self, slots: int) -> int:
        """Explore in float32 where bfloat16 is not to be trusted; return how many slots memory was seen to hold."""
        reduced = [level for level in self.levels if level.reduced_precision]
        slots, fault = first_fault(reduced, slots, lambda level, count: self._fault(level, count, level is reduced[0]))
        if fault:
            self._explore_in_float32(fault)
        return slots

    def _explore_in_float32(self, why: str) -> None:
        self.notes = (f"Explored in float32, not in bfloat16: {why}.",)
        self.levels = tuple(replace(level, reduced_precision=False) for level in self.levels)

    def _fault(self, level: Level, slots: int, back: bool) -> str | None:
        """Return what speaks against bfloat16 at a level, where a step is taken there and, if asked for, `back`."""
        if not back:
            return next(filter(None, map(bfloat16_fault, self.convolutions(level, slots))), None)
        score, parameters, kernels, draws = self._first_step(level)
        return bfloat16_steps_fault(lambda given: score(given, kernels, draws)[0], parameters, slots)

    def convolutions(self, level: Level, slots: int) -> tuple[Convolution, ...]:
        """Return the bfloat16 convolutions of a level's forward pass for `slots` kernels at once."""
        score, parameters, kernels, draws = self._first_step(level)
        return bfloat16_convolutions(lambda: score(parameters, kernels, draws), slots)

    def _first_step(self, level: Level) -> tuple[Score, Tensor, Tensor, Tensor]:
        """Return the score of a level, and grey parameters, kernels and draws of the first kernel's facets for it."""
        where, facets = placement(self.network), self.options.facets
        parameters = torch.zeros((facets, *self.scoring.canvas(level).parameter_shape), **where)
        kernels = torch.tensor([self.kernels[0]] * facets, device=where["device"])
        return self.scoring.score(level), parameters, kernels, torch.zeros(facets, DRAWS, **where)

    def work(self, level: Level) -> float:
        """Return the multiply-adds of all kernels' steps at a level."""
        share = math.prod(level.shape) / math.prod(self.target.clip_shape)
        work: float = (
            PASSES * share * self.scoring.multiply_adds * level.steps * len(self.kernels) * self.options.facets
        )
        return work

    def _compile(self, slots: int) -> None:
        """Compile the way to the target for full batches of each level; others, and the last ones, run as they are.

        Under "auto" a network that cannot be compiled runs as it is: the results are the same.
        """
        wanted, device = self.options.compile, self.network.device
        if wanted == "auto" and self.scoring.climbed is not self.target:
            return  # the quick copy is faster than what is compiled
        if wanted == "never" or not self.target.splits or (wanted == "auto" and not can_compile(device)):
            return
        count = slots * self.options.facets
        for level in self.levels:
            if wanted == "auto" and not compiling_pays(self.network, self.work(level)):
                continue
            clips = torch.zeros((count, clip_channels(self.network), *level.shape), **placement(self.network))
            try:
                with self.scoring.precision(level):
                    self.scoring.programs[level] = count, compiled_inputs(self.network, self.target.layer, clips)
            except NetworkError:
                if wanted == "always":
                    raise

    def _sharpened(self, pixels: Tensor, kernel: int, level: Level) -> Tensor:
        """Return unbounded pixels `F C T H W` of a level with the contrast that drives the kernel most."""
        canvas, score = self.scoring.canvas(level), self.scoring.score(level)
        kernels = torch.full((len(pixels),), kernel, device=pixels.device)
        draws = pixels.new_zeros(len(pixels), DRAWS)
        draws[:, SCALE_AND_ROTATION] = 0.5
        return sharpened(pixels, lambda given: score(canvas.parameters_of(given), kernels, draws)[0].sum())

    def _ascent(self, level: Level, slots: int, task: Task, *, silent: bool) -> Ascent:
        return Ascent(
            self.scoring.score(level, silent=silent),
            self.scoring.canvas(level).deviation,
            level,
            learning_rate=self.options.learning_rate,
            elementwise=self.options.basis == "pixels",
            slots=slots,
            recorded=self.options.cuda_graphs and self.network.device.type == "cuda",
            task=task,
            fade=self.scoring.canvas(level).faded,
        )
