"""How much of a clip one steady motion explains, and whether frames that jump at random would be explained so, too.

A displacement that is free from frame to frame follows jumps as well as motion; of a pattern that repeats, it even
finds jumps in one direction, since each may be a period longer or shorter. So the motion is averaged over time, and the
clip is shown once more as that one flow moves it. What no single flow explains has no speed and no direction.

Chance is judged as for a peak in a spectrum (Fisher 1929, "Tests of significance in harmonic analysis"): of T frames
that lie anywhere, one velocity explains a share g or more with a probability of about T (1 - g)^(T - 1). A motion that
becomes faster or slower is not explained so over a whole clip, but from each frame to the next: there one velocity is
the mean of T - 1 steps, and of random ones it explains g or more with a probability of about exp(-(T - 1) g^2)
(Rayleigh's test of a mean direction).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.decomposition.drift import Drift
from reportgen.analyses.decomposition.fitting import explained_share, fit_texture
from reportgen.analyses.decomposition.warping import lands_inside, warp, warp_field

_FEWEST_FRAMES = 3  # of which motion is steady or not: two frames have one step
_WORTH_JUDGING = 0.5  # share of what a still picture leaves that any motion explains
_FIXED_POINT_STEPS = 10
_LEAST = 1e-12
_SURELY, _MOSTLY = 1e-3, 0.7  # from frame to frame; then the whole clip, which costs more, is not asked
_A_STEP = 0.25  # of the largest change from frame to frame


@dataclass(frozen=True)
class Steadiness:
    """Of N clips, the share of what a still picture leaves that one steady motion explains (`explained`, N), and with
    what probability frames that jump at random are explained as well (`chance`, N); not a number where no motion
    explains much.
    """

    explained: Tensor
    chance: Tensor


def steady_share(
    clips: Tensor, still: Tensor, beyond: Tensor, shown: tuple[Tensor, Tensor], drift: Drift, reference: int
) -> Steadiness:
    """Return how steady the motion of clips ``N C T H W`` is.

    `still` (N) is the share of variance that a still picture explains, `beyond` (N) the share of the rest that motion
    does; `shown` is that motion ``N T-1 2 H W`` with its evidence ``N T-1 H W``, `drift` the motion of the whole.
    """
    frames = clips.shape[2]
    nothing = torch.full_like(still, torch.nan)
    found = Steadiness(nothing, nothing.clone())
    tried = beyond >= _WORTH_JUDGING
    if frames < _FEWEST_FRAMES or not tried.any():
        return found
    flow, steps = _mean_flow(shown[0][tried], shown[1][tried]), _changes(clips[tried])
    by_step = _between_frames(clips[tried], flow)
    found.explained[tried] = by_step
    found.chance[tried] = torch.exp(-steps * by_step.clamp_min(0) ** 2)
    unsure = tried & ~((found.chance <= _SURELY) & (found.explained >= _MOSTLY))
    if not unsure.any():
        return found
    some, rest = clips[unsure], (1 - still[unsure]).clamp_min(_LEAST)
    carried = _carried(flow[unsure[tried]], frames, reference)
    over_clip = _beyond(some, carried, reference, still[unsure], rest)
    whole = drift.steady[unsure]
    if whole.any():
        moved = drift.displacement((frames, *clips.shape[3:]), reference)[unsure][whole]
        told = _beyond(some[whole], moved, reference, still[unsure][whole], rest[whole])
        over_clip[whole] = torch.maximum(over_clip[whole], told)
    own = steps[unsure[tried]]
    chance = ((own + 1) * (1 - over_clip).clamp_min(0) ** own).clamp_max(1)
    better = chance <= found.chance[unsure]
    found.explained[unsure] = torch.where(better, over_clip, found.explained[unsure])
    found.chance[unsure] = torch.where(better, chance, found.chance[unsure])
    return found


def _mean_flow(motion: Tensor, evidence: Tensor) -> Tensor:
    """Return the mean over time ``N 2 H W`` of motion ``N T-1 2 H W``, where there is evidence of it if anywhere."""
    weight = evidence[:, :, None] + 1e-3
    flow: Tensor = (motion * weight).sum(1) / weight.sum(1)
    return flow


def _carried(flow: Tensor, frames: int, reference: int) -> Tensor:
    """Return the displacement ``N T 2 H W`` of clips through which one flow ``N 2 H W`` goes on and on."""
    back = _backwards(flow)
    chain = {reference: torch.zeros_like(flow)}
    for t in range(reference + 1, frames):
        chain[t] = back + warp_field(chain[t - 1], back)
    for t in range(reference - 1, -1, -1):
        chain[t] = flow + warp_field(chain[t + 1], flow)
    return torch.stack([chain[t] for t in range(frames)], 1)


def _backwards(flow: Tensor) -> Tensor:
    """Return where what is at each place came from: the flow ``N 2 H W`` that takes a flow back."""
    back = -flow
    for _ in range(_FIXED_POINT_STEPS):
        back = -warp_field(flow, back)
    return back


def _changes(clips: Tensor) -> Tensor:
    """Return how many steps (N) clips ``N C T H W`` take: a frame that stays as it was tells nothing of them."""
    change = clips.diff(dim=2).square().mean((1, 3, 4)).sqrt()
    return (change >= _A_STEP * change.amax(1, keepdim=True)).sum(1).to(clips.dtype)


def _beyond(clips: Tensor, displacement: Tensor, reference: int, still: Tensor, rest: Tensor) -> Tensor:
    """Return the share (N) of what a still picture leaves of clips that a displacement ``N T 2 H W`` explains."""
    canvas, margin = fit_texture(clips, displacement, reference)
    shown = warp(canvas, displacement, mode="bicubic", margin=margin).clamp(0, 1)
    return (explained_share(clips, shown) - still) / rest


def _between_frames(clips: Tensor, flow: Tensor) -> Tensor:
    """Return the share (N) of the change from each frame to the next that one flow ``N 2 H W`` explains."""
    back = _backwards(flow)[:, None]
    before, after = clips[:, :, :-1].transpose(1, 2).flatten(0, 1), clips[:, :, 1:]
    moved = warp(before, back.repeat_interleave(clips.shape[2] - 1, 0), mode="bicubic")[:, :, 0]
    moved = moved.unflatten(0, (len(clips), -1)).transpose(1, 2)
    seen = lands_inside(back)[:, :, None]
    left = ((after - moved).square() * seen).flatten(1).sum(1)
    change = ((after - clips[:, :, :-1]).square() * seen).flatten(1).sum(1)
    share: Tensor = 1 - left / change.clamp_min(_LEAST)
    return share
