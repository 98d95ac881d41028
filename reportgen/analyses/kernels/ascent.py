"""Gradient ascent on many samples at once, each as if it were alone.

A climber is one kernel's clips on their way up; a batch of climbers shares the forward and backward passes and nothing
else: each has its own random numbers, its own step count in Adam and its own end, after which its slot is free for the
next. When memory runs out, the batch is halved and the climbers that have lost their slot wait. A block of steps is a
pure function of the climbers' state, so that they go on later exactly where they were.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from reportgen.analyses.common.undefined import numbers_alone
from reportgen.analyses.kernels.schedules import Level, converged
from reportgen.networks.core.out_of_memory import is_out_of_memory, out_of_memory, release_memory
from reportgen.networks.speed.precision import rounded_precision
from reportgen.progress import Task

Score = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(parameters N ..., kernels N, draws N 8) -> (loss N, activations N); each sample's loss is its own."""

Extent = Callable[[Tensor], Tensor]
"""Parameters N ... -> the root mean square N of the unbounded pixels that they stand for."""

Fade = Callable[[Tensor, Tensor], Tensor]
"""(parameters N ..., shares N 1 ...) -> parameters of the same clips, of whose patterns that share is left."""

_LARGEST_CHANGE = 0.5  # of a step, in the units of Extent: a sigmoid runs from 0.1 to 0.9 over 4.4
_FIRST_DECAY, _SECOND_DECAY, _EPSILON = 0.9, 0.999, 1e-12  # as in Adam (Kingma and Ba 2015, algorithm 1)
_BLOCK = 10
_RATE, _CORRECTION, _KEPT, _DRAWS = 0, 1, 2, 3


@dataclass(eq=False)
class Climber:
    """One kernel's clips on their way up, with everything that is theirs alone.

    `parameters` are `F ...`, one set per facet; `draws` are `S F 8`, the random numbers of each of all S steps;
    `start` is the activation of each facet before the first step, once it is asked for, and `number` says which of its
    kernel's starts this is; `curve` holds one list of F activations per step; `taken` counts all steps, `step` those of
    the present level; `undefined` says whether the gradient of some was not a number, so that they changed nothing.
    """

    kernel: int
    parameters: Tensor
    draws: Tensor
    start: Sequence[float]
    first: Tensor = field(init=False)
    second: Tensor = field(init=False)
    taken: int = 0
    step: int = 0
    curve: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    undefined: bool = False
    number: int = 0

    def __post_init__(self) -> None:
        self.restart(self.parameters)

    def restart(self, parameters: Tensor) -> None:
        """Begin a level with `parameters`, without the momentum of what was before."""
        self.parameters = parameters
        self.first = torch.zeros_like(parameters)
        self.second = torch.zeros_like(parameters)
        self.step = 0

    def go_on(self) -> None:
        """Go on as before in a level that differs in precision alone."""
        self.step = 0

    def again(self, parameters: Tensor, steps: int) -> Climber:
        """Return a climber that goes on from other `parameters` for `steps` more, in the views of its last ones."""
        climber = Climber(self.kernel, parameters, self.draws, self.start)
        climber.draws = torch.cat([self.draws[: self.taken], self.draws[-steps:]])
        climber.taken, climber.curve, climber.undefined = self.taken, list(self.curve), self.undefined
        return climber

    def means(self) -> list[float]:
        """Return the activation at each step of the present level, averaged over the facets."""
        return [sum(values) / len(values) for values in self.curve[len(self.curve) - self.step :]]


class _Batch:
    """The stacked state of some climbers, moved on in place, one step at a time.

    All that changes from step to step lies in buffers of fixed size, so that a step can be recorded as a CUDA graph.
    A recorded batch has room for fewer climbers than it was made for: the last one is then repeated.
    """

    def __init__(
        self,
        score: Score,
        extent: Extent,
        climbers: Sequence[Climber],
        *,
        elementwise: bool,
        recorded: bool,
        fade: Fade | None = None,
    ) -> None:
        self.score = score
        self.extent = extent
        self.fade = fade
        self.elementwise = elementwise
        self.size = len(climbers)
        self.parameters, self.first, self.second = self._states(climbers)
        self.kernels = self._kernels(climbers).to(self.parameters.device)
        facets, draws = climbers[0].draws.shape[1:]
        self.controls = self.parameters.new_zeros(self.size * facets, _DRAWS + draws)
        self.activations = self.parameters.new_zeros(self.size * facets)
        self.undefined = torch.zeros_like(self.activations, dtype=torch.bool)
        self.graph = self._record() if recorded else None

    def holds(self, count: int) -> bool:
        """Return whether the batch can be used again for so many climbers."""
        return self.graph is not None and self.size < 2 * count and count <= self.size

    def load(self, climbers: Sequence[Climber]) -> None:
        """Put the state of other climbers in place of the present one."""
        for buffer, state in zip((self.parameters, self.first, self.second), self._states(climbers), strict=True):
            buffer.copy_(state)
        self.kernels.copy_(self._kernels(climbers))
        self.undefined.zero_()

    def set_controls(self, controls: Tensor) -> None:
        """Set rates, corrections, shares kept and draws of the next step, `N 3+8`.

        What repeated climbers do is never read.
        """
        self.controls[: len(controls)].copy_(controls)

    def step(self) -> None:
        """Take one step, recorded or not."""
        if self.graph is not None:
            self.graph.replay()
        else:
            self._step()

    def _states(self, climbers: Sequence[Climber]) -> tuple[Tensor, Tensor, Tensor]:
        filled = [*climbers, *[climbers[-1]] * (self.size - len(climbers))]
        return (
            torch.cat([climber.parameters for climber in filled]),
            torch.cat([climber.first for climber in filled]),
            torch.cat([climber.second for climber in filled]),
        )

    def _kernels(self, climbers: Sequence[Climber]) -> Tensor:
        filled = [*climbers, *[climbers[-1]] * (self.size - len(climbers))]
        return torch.tensor([climber.kernel for climber in filled for _ in climber.parameters])

    def _record(self) -> torch.cuda.CUDAGraph:
        """Return a step as a CUDA graph; the state is as it was before."""
        buffers = (self.parameters, self.first, self.second)
        before = [buffer.clone() for buffer in buffers]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):  # plans and workspaces are made before the recording
                self._step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        for buffer, state in zip(buffers, before, strict=True):
            buffer.copy_(state)
        self.undefined.zero_()
        return graph

    def _step(self) -> None:
        """Take one step up, with the rates and draws in `controls`.

        It is Adam, but for its second moment, of which a sample has one value and not one per parameter (unless
        `elementwise`). A value per frequency would raise the noise of all frequencies to the same height.
        """
        parameters = self.parameters.detach().requires_grad_()
        with torch.enable_grad():
            loss, activations = self.score(parameters, self.kernels, self.controls[:, _DRAWS:])
            (gradient,) = torch.autograd.grad(loss.sum(), parameters)
        gradient, finite = numbers_alone(gradient)
        self.undefined.logical_or_(~finite)
        self.activations.copy_(activations.detach())
        shape = (-1,) + (1,) * (gradient.ndim - 1)
        square = gradient.square() if self.elementwise else gradient.square().flatten(1).mean(1).view(shape)
        self.first.lerp_(gradient, 1 - _FIRST_DECAY)
        self.second.lerp_(square.expand_as(self.second), 1 - _SECOND_DECAY)
        scale = (self.second * self.controls[:, _CORRECTION].view(shape)).sqrt_().add_(_EPSILON)
        change = self.first * self.controls[:, _RATE].view(shape) / scale
        # A gradient on a few frequencies alone (the mean colour, say) would else saturate all pixels in a single step.
        shorter = (_LARGEST_CHANGE / self.extent(change).clamp_min(_EPSILON)).clamp_max(1)
        self.parameters.sub_(change * shorter.view(shape))
        if self.fade is not None:
            self.parameters.copy_(self.fade(self.parameters, self.controls[:, _KEPT].view(shape)))


class Ascent:
    """Raises climbers through one level, `slots` at a time."""

    def __init__(
        self,
        score: Score,
        extent: Extent,
        level: Level,
        *,
        learning_rate: float,
        elementwise: bool,
        slots: int,
        task: Task,
        recorded: bool = False,
        fade: Fade | None = None,
    ) -> None:
        self.score = score
        self.extent = extent
        self.level = level
        self.learning_rate = learning_rate
        self.elementwise = elementwise
        self.slots = slots
        self.recorded = recorded
        self.fade = fade if level.forgets else None
        self.task = task
        #: How many steps are taken before progress, memory and who has arrived are looked at.
        self.block = _BLOCK
        self._recorded: _Batch | None = None

    def run(self, climbers: Iterable[Climber]) -> Iterator[Climber]:
        """Yield each climber when it has ended the level; the free slot goes to the next.

        Raises OutOfMemoryError when memory does not suffice for a single climber.
        """
        waiting = deque(climbers)
        climbing: list[Climber] = []
        while waiting or climbing:
            while waiting and len(climbing) < self.slots:
                climbing.append(waiting.popleft())
            if not self._fits(climbing):
                # Behind the error, whose traceback holds the memory of the block that failed.
                climbing, lost = self._halve(climbing)
                waiting.extendleft(reversed(lost))
                continue
            ended = [climber for climber in climbing if self._has_ended(climber)]
            climbing = [climber for climber in climbing if climber not in ended]
            yield from ended

    def _fits(self, climbers: Sequence[Climber]) -> bool:
        """Take a block of steps and return True, or False where memory holds no such block and fewer can be tried."""
        try:
            with rounded_precision():
                self._block(climbers)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(climbers) == 1:
                raise out_of_memory() from error
            return False
        return True

    def _block(self, climbers: Sequence[Climber]) -> None:
        """Take a block of steps with all climbers, or up to the end of the level; on an error they are as they were."""
        began = time.perf_counter()
        steps = min(self.block, *(self.level.steps - climber.step for climber in climbers))
        batch = self._batch_of(climbers)
        controls = self._controls(climbers, steps).to(batch.controls.device, batch.controls.dtype)
        activations = []
        for ahead in range(steps):
            batch.set_controls(controls[ahead])
            batch.step()
            activations.append(batch.activations.clone())
        values, undefined = torch.stack(activations).cpu(), batch.undefined.cpu()
        share = (time.perf_counter() - began) / len(climbers)
        facets = len(climbers[0].parameters)
        for index, climber in enumerate(climbers):
            own = slice(index * facets, (index + 1) * facets)
            climber.parameters = batch.parameters[own].clone()
            climber.first = batch.first[own].clone()
            climber.second = batch.second[own].clone()
            climber.curve += values[:, own].tolist()
            climber.step += steps
            climber.taken += steps
            climber.seconds += share
            climber.undefined |= bool(undefined[own].any())
        self.task.advance(steps * len(climbers))

    def _batch_of(self, climbers: Sequence[Climber]) -> _Batch:
        """Return a batch with the state of the climbers; a recorded one is used again while it fits."""
        if self._recorded is not None and self._recorded.holds(len(climbers)):
            self._recorded.load(climbers)
            return self._recorded
        self._recorded = None  # its memory is free before another is made
        batch = _Batch(
            self.score,
            self.extent,
            climbers,
            elementwise=self.elementwise,
            recorded=self.recorded,
            fade=self.fade,
        )
        self._recorded = batch if self.recorded else None
        return batch

    def _controls(self, climbers: Sequence[Climber], steps: int) -> Tensor:
        """Return `S N 3+8` for each of the next steps: rate, Adam's correction, share kept, draws.

        All steps of a block at once: a few calls a climber and step would keep a GPU waiting for its host.
        """
        paces, draws = [], []
        for climber in climbers:
            own = climber.draws[climber.taken : climber.taken + steps]
            pace = own.new_tensor([self._pace(climber.step + ahead) for ahead in range(steps)])
            paces.append(pace[:, None].expand(-1, own.shape[1], -1))
            draws.append(own)
        return torch.cat([torch.cat(paces, dim=1), torch.cat(draws, dim=1)], dim=2)

    def _pace(self, step: int) -> tuple[float, float, float]:
        """Return the rate of a step of the level, its first moment's bias taken off, its second moment's, and what
        the clip keeps of itself.
        """
        taken = self.level.taken + step + 1
        rate = self.learning_rate * self.level.rate(step) / (1 - _FIRST_DECAY**taken)
        return rate, 1 / (1 - _SECOND_DECAY**taken), self.level.kept(step)

    def _has_ended(self, climber: Climber) -> bool:
        if climber.step >= self.level.steps:
            return True
        return self.level.stops_early and converged(climber.means())

    def _halve(self, climbers: list[Climber]) -> tuple[list[Climber], list[Climber]]:
        """Return the climbers that keep their slot and those that lose it."""
        self.slots = len(climbers) // 2
        self._recorded = None
        release_memory()
        return climbers[: self.slots], climbers[self.slots :]
