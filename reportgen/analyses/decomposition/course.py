"""How a clip goes on from frame to frame: whether its motion turns back again and again, or its brightness does.

A displacement that is smooth in time cannot follow a texture that jumps to and fro every frame or two; between two
neighbouring frames its motion is plain. And what turns dark and bright again moves nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.decomposition.forward_motion import forward_motion, texture_evidence
from reportgen.analyses.decomposition.steadiness import Steadiness
from reportgen.analyses.decomposition.warping import lands_inside, warp
from reportgen.result import ShownResult

SMOOTH_ENOUGH = 0.5
"""Share of what a still picture leaves from which the smooth motion is the one that is told about."""

_CHANGES = 1e-3  # share of a clip's variance that a still picture must leave for there to be a course at all
_MOVING = 0.25  # of the largest step or brightness; smaller ones count for no turn
_LEAST = 1e-12
_OFTEN = 0.55  # of the steps, in which it moves; a swing is slow where it turns
_FREQUENCIES = 8  # that are tried, for each that the frames can tell apart

Find = Callable[[Tensor, int], tuple[Tensor, int]]


@dataclass(frozen=True, eq=False)
class Course(ShownResult):
    """What happens between neighbouring frames of N clips; one number each, nan where there is nothing to tell.

    `step` is the usual length of a step in px, over all places; `step_explained` the share of the change from frame to
    frame that motion explains; `step_coherence` how far all steps are one motion, forwards or backwards (0 to 1; what
    goes round in a circle has 0.7); `reversals` how often that motion turns back; `drift` how much of the way is left
    at the end (0 to 1). `flicker_explained` is the share of the clip's variance that one still picture explains
    together with one pattern that comes and goes, `flicker_reversals` how often that pattern changes its sign, and
    `brightness_explained` the share that one picture explains whose contrast changes, as does its mean colour: two
    places of one texture, in turn, are a pattern that comes and goes, and no change of brightness.

    `swing_explained` is the share of the places to and fro, and of the steps between them, that one even swing
    explains, `swing_chance` the probability with which places or steps at random are explained as well.
    `steady_explained` is the share of what a still picture leaves that one steady motion explains, `steady_chance`
    the probability with which frames that jump at random are explained as well (see `steadiness`).
    """

    step: Tensor
    step_explained: Tensor
    step_coherence: Tensor
    reversals: Tensor
    drift: Tensor
    flicker_explained: Tensor
    flicker_reversals: Tensor
    brightness_explained: Tensor
    swing_explained: Tensor
    swing_chance: Tensor
    steady_explained: Tensor
    steady_chance: Tensor


def course_of(
    clips: Tensor,
    scaled: Tensor,
    shares: tuple[Tensor, Tensor],
    smooth: tuple[Tensor, Tensor],
    steady: Steadiness,
    find: Find,
) -> Course:
    """Return the course of clips ``N C T H W``.

    `scaled` are the clips of unit variance that `find` takes; `shares` are that of the variance which a still picture
    explains (N), and that of the rest which the smooth motion does (N); `smooth` is that motion ``N T-1 2 H W`` with
    its evidence ``N T-1 H W``, and `steady` how steady it is.
    """
    still, beyond = shares
    rows = [
        _course(clips[i], scaled[i], float(still[i]), float(beyond[i]), (smooth[0][i], smooth[1][i]), find)
        for i in range(len(clips))
    ]
    columns = [torch.tensor(column, device=clips.device) for column in zip(*rows, strict=True)]
    return Course(*[*columns, steady.explained, steady.chance])


def _course(
    clip: Tensor, scaled: Tensor, still: float, beyond: float, smooth: tuple[Tensor, Tensor], find: Find
) -> tuple[float, ...]:
    if 1 - still < _CHANGES:
        return (float("nan"),) * 10
    if beyond >= SMOOTH_ENOUGH:
        motion, evidence, explained = *smooth, beyond
    else:
        motion, evidence, explained = _from_frame_to_frame(clip, scaled, find)
    told, steps = _steps(motion, evidence, explained)
    places = torch.cat([steps.new_zeros(1), steps.cumsum(0)])
    # The places of a random walk lie on a slow wave, and the steps between places at random on a quick one.
    shares, chances = zip(even_swing(places), even_swing(steps), strict=True)
    return (*told, *_flicker(clip, still), min(shares), max(chances))


def _from_frame_to_frame(clip: Tensor, scaled: Tensor, find: Find) -> tuple[Tensor, Tensor, float]:
    """Return the motion between neighbouring frames, each pair by itself, and how much of their change it explains."""
    before, after = clip[:, :-1].movedim(1, 0), clip[:, 1:].movedim(1, 0)  # T-1 C H W
    pairs = torch.stack([scaled[:, :-1].movedim(1, 0), scaled[:, 1:].movedim(1, 0)], dim=2)
    displacement, _ = find(pairs, 0)
    motion = forward_motion(displacement)[:, 0]
    shown = warp(before, displacement[:, 1:])[:, :, 0]
    seen = lands_inside(displacement[:, 1:])[:, 0].unsqueeze(1)
    left = ((after - shown).square() * seen).sum()
    change = ((after - before).square() * seen).sum()
    evidence = texture_evidence(before, displacement[:, :1])[:, 0]
    return motion, evidence, float(1 - left / change.clamp_min(_LEAST))


def _steps(motion: Tensor, evidence: Tensor, explained: float) -> tuple[tuple[float, ...], Tensor]:
    """Return step, share explained, coherence, reversals and drift of motion ``T-1 2 H W``, and its steps in turn,
    without the rests where it rests often: of frames that repeat, each counts once.

    The steps are compared as whole fields, so that what turns or grows and shrinks again goes back and forth too: of
    the one field that, scaled by a number for each step, comes nearest to all of them, the numbers tell.
    """
    weight = evidence[:, None].to(motion.dtype)
    places = weight.sum((1, 2, 3)).clamp_min(1)
    fields = (motion * weight).flatten(1)
    # In single precision the eigenvalues of frames that repeat need not converge.
    energies, ways = (part.to(motion.dtype) for part in torch.linalg.eigh((fields @ fields.T).double()))
    along = ways[:, -1] * (energies[-1].clamp_min(0) / places).sqrt()
    coherence = (energies[-1] / energies.sum().clamp_min(_LEAST)).clamp_min(0).sqrt()
    moves = along.abs() >= _MOVING * along.abs().max().clamp_min(_LEAST)
    way = along[moves]
    drift = along.sum().abs() / along.abs().sum().clamp_min(_LEAST)
    steps = along if moves.float().mean() >= _OFTEN else way
    return (float(way.abs().median()), explained, float(coherence), _turns(way), float(drift)), steps


def even_swing(values: Tensor) -> tuple[float, float]:
    """Return how far values in turn lie on one sine (0 to 1), and with what probability those at random lie so, too.

    The sine has any frequency from one turn on. The test is Fisher's of the highest peak of a spectrum (1929), fitted
    to 3,000 draws of 6 to 24 places at random, or a random walk, whose steps lie on a sine too: one in a thousand is
    told as 0.0007 to 0.0015.
    """
    count, free = len(values), (len(values) - 1) // 2
    about = (values - values.mean()).double()
    if free < 1 or not about.any():
        return 0.0, 1.0
    finer = _FREQUENCIES * count
    turns = torch.arange(_FREQUENCIES, finer // 2 + 1, dtype=torch.float64, device=values.device) / finer
    angles = 2 * math.pi * turns[:, None] * torch.arange(count, dtype=torch.float64, device=values.device)
    waves = torch.stack([angles.cos(), angles.sin(), torch.ones_like(angles)], 2)
    fitted = (waves @ torch.linalg.pinv(waves, rtol=1e-6) @ about[:, None])[:, :, 0]
    left = float(((about - fitted).square().sum(1).min() / about.square().sum()).clamp_min(0))
    return 1 - left, min(1.0, count * free * left ** (free - 0.5))


def _flicker(clip: Tensor, still: float) -> tuple[float, float, float]:
    """Return what a still picture and one pattern that comes and goes explain, how often that changes sign, and what
    one picture of changing contrast and mean colour explains.
    """
    changes = (clip - clip.mean(1, keepdim=True)).movedim(1, 0).flatten(1).double()
    values, vectors = torch.linalg.eigh(changes @ changes.T)
    share = float(values[-1] / values.sum().clamp_min(_LEAST))
    course = vectors[:, -1]
    own = (clip - clip.mean((2, 3), keepdim=True)).movedim(1, 0).flatten(1).double()
    contrasts = torch.linalg.eigvalsh(own @ own.T)
    variance = (clip - clip.mean((1, 2, 3), keepdim=True)).double().square().sum().clamp_min(_LEAST)
    brightness = float(1 - (contrasts.sum() - contrasts[-1]) / variance)
    turns = _turns(course[course.abs() >= _MOVING * course.abs().max()])
    return still + (1 - still) * share, turns, brightness


def _turns(values: Tensor) -> float:
    return float((values[1:] * values[:-1] < 0).sum())
