"""How a clip goes on from frame to frame: whether its motion turns back again and again, or its brightness does.

A displacement that is smooth in time cannot follow a texture that jumps to and fro every frame or two; between two
neighbouring frames its motion is plain. And what turns dark and bright again moves nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.decomposition.forward_motion import forward_motion, texture_evidence
from reportgen.analyses.decomposition.warping import lands_inside, warp
from reportgen.result import ShownResult

SMOOTH_ENOUGH = 0.5
"""Share of what a still picture leaves from which the smooth motion is the one that is told about."""

_CHANGES = 1e-3  # share of a clip's variance that a still picture must leave for there to be a course at all
_MOVING = 0.25  # of the largest step or brightness; smaller ones count for no turn
_LEAST = 1e-12

Find = Callable[[Tensor, int], tuple[Tensor, int]]


@dataclass(frozen=True, eq=False)
class Course(ShownResult):
    """What happens between neighbouring frames of N clips; one number each, nan where there is nothing to tell.

    `step` is the usual length of a step in px, over all places; `step_explained` the share of the change from frame to
    frame that motion explains; `step_coherence` how far all steps are one motion, forwards or backwards (0 to 1; what
    goes round in a circle has 0.7); `reversals` how often that motion turns back; `drift` how much of the way is left
    at the end (0 to 1). `flicker_explained` is the share of the clip's variance that one still picture explains
    together with one pattern that turns brighter and darker, `flicker_reversals` how often that pattern changes its
    sign.
    """

    step: Tensor
    step_explained: Tensor
    step_coherence: Tensor
    reversals: Tensor
    drift: Tensor
    flicker_explained: Tensor
    flicker_reversals: Tensor


def course_of(
    clips: Tensor, scaled: Tensor, still: Tensor, beyond: Tensor, smooth: tuple[Tensor, Tensor], find: Find
) -> Course:
    """Return the course of clips ``N C T H W``.

    `scaled` are the clips of unit variance that `find` takes; `still` (N) is the share of variance that a still
    picture explains and `beyond` (N) the share of the rest that the smooth motion does; `smooth` is that motion
    ``N T-1 2 H W`` with its evidence ``N T-1 H W``.
    """
    rows = [
        _course(clips[i], scaled[i], float(still[i]), float(beyond[i]), (smooth[0][i], smooth[1][i]), find)
        for i in range(len(clips))
    ]
    return Course(*(torch.tensor(column, device=clips.device) for column in zip(*rows, strict=True)))


def _course(
    clip: Tensor, scaled: Tensor, still: float, beyond: float, smooth: tuple[Tensor, Tensor], find: Find
) -> tuple[float, ...]:
    if 1 - still < _CHANGES:
        return (float("nan"),) * 7
    if beyond >= SMOOTH_ENOUGH:
        motion, evidence, explained = *smooth, beyond
    else:
        motion, evidence, explained = _from_frame_to_frame(clip, scaled, find)
    return (*_steps(motion, evidence, explained), *_flicker(clip, still))


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


def _steps(motion: Tensor, evidence: Tensor, explained: float) -> tuple[float, float, float, float, float]:
    """Return step, share explained, coherence, reversals and drift of motion ``T-1 2 H W``.

    The steps are compared as whole fields, so that what turns or grows and shrinks again goes back and forth too: of
    the one field that, scaled by a number for each step, comes nearest to all of them, the numbers tell.
    """
    weight = evidence[:, None].to(motion.dtype)
    places = weight.sum((1, 2, 3)).clamp_min(1)
    fields = (motion * weight).flatten(1)
    energies, ways = torch.linalg.eigh(fields @ fields.T)
    along = ways[:, -1] * (energies[-1].clamp_min(0) / places).sqrt()
    coherence = (energies[-1] / energies.sum().clamp_min(_LEAST)).clamp_min(0).sqrt()
    way = along[along.abs() >= _MOVING * along.abs().max().clamp_min(_LEAST)]
    drift = along.sum().abs() / along.abs().sum().clamp_min(_LEAST)
    return float(way.abs().median()), explained, float(coherence), _turns(way), float(drift)


def _flicker(clip: Tensor, still: float) -> tuple[float, float]:
    """Return what a still picture and one pattern of changing brightness explain, and how often that changes sign."""
    changes = (clip - clip.mean(1, keepdim=True)).movedim(1, 0).flatten(1).double()
    values, vectors = torch.linalg.eigh(changes @ changes.T)
    share = float(values[-1] / values.sum().clamp_min(_LEAST))
    course = vectors[:, -1]
    return still + (1 - still) * share, _turns(course[course.abs() >= _MOVING * course.abs().max()])


def _turns(values: Tensor) -> float:
    return float((values[1:] * values[:-1] < 0).sum())
