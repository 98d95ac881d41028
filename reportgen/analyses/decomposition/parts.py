"""Clips of which a part moves while the rest stands still.

Where the rest has the higher contrast, a still picture explains nearly all of such a clip, and a motion that lowers
its error finds nothing to gain: the part is searched where every place has the same contrast. And the speed of such a
clip is that of the part: a mean over all of it is the speed of nothing.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.forward_motion import MotionSummary, summarise_motion

LEAST_CHANGE = 1e-4
"""Share of a clip's variance; what a still picture leaves beyond it is a change and no rounding."""

_WINDOW = 9  # px; contrast is evened out over as much
_LEAST_CONTRAST = 1 / 255  # standard deviation; less is not scaled up
_HIDES = 0.8  # of the variance; a still picture that explains more hides what moves
_SAMPLED = 2**14  # places of which the highest speed is taken
_LEFT = 0.2  # of the variance of a place; what a still picture leaves there at least
_SLOW = 0.1  # px/frame; what does not move faster may hide a part that does
_ORDERED = 0.2  # correlation of changes with those of the next frame or the next pixel; noise has none
_HIGHEST = 0.95  # quantile of the speeds
_MOVES, _RESTS = 0.5, 0.25  # of the highest speed; a part moves by more, and the rest by less
_LEAST_PART, _LEAST_REST, _MOST_BETWEEN = 0.02, 0.2, 0.15  # of the places
_MOST_FRAMES = 0.75
_ONE_WAY = 0.6  # coherence of the part


def may_hide_a_part(clips: Tensor, motion: Tensor, evidence: Tensor, still: Tensor) -> Tensor:
    """Return whether (bool N) a part may move in clips ``N C T H W`` otherwise than was found.

    It may where nothing moves or a part does by the `motion` ``N T-1 2 H W``, seen at the `evidence` ``N T-1 H W``.
    `still` is the share of the variance that a still picture explains, most of it where it hides a part. Noise on it is
    none that moves: what does changes alike from frame to frame, or from pixel to pixel.
    """
    found = (still > _HIDES) & (1 - still > LEAST_CHANGE)
    if not found.any():
        return found
    summary, share = part_that_moves(motion, evidence, summarise_motion(motion, evidence))
    change = clips - clips.mean(2, keepdim=True)
    power = change.square().flatten(1).sum(1).clamp_min(1e-12)
    pairs = [(change[:, :, 1:], change[:, :, :-1]), (change[..., 1:, :], change[..., :-1, :])]
    ordered = torch.stack([(after * before).flatten(1).sum(1) / power for after, before in pairs]).amax(0) > _ORDERED
    return found & ((summary.mean_speed < _SLOW) | ~share.isnan()) & ordered


def changing_share(clips: Tensor) -> Tensor:
    """Return the share (N) of the frame where clips ``N C T H W`` are no still picture, whatever the rest is.

    There the best still picture leaves a fifth of the variance of the surroundings over all frames, and more than
    grey levels.
    """
    change = (clips - clips.mean(2, keepdim=True)).square().mean((1, 2))[:, None]
    left = F.avg_pool2d(change, _WINDOW, 1, _WINDOW // 2, count_include_pad=False)
    counts = (left >= _LEFT * _contrast(clips)[1].square()) & (left >= (2 * _LEAST_CONTRAST) ** 2)
    return counts.flatten(1).float().mean(1)


def evened(clips: Tensor) -> Tensor:
    """Return clips ``N C T H W`` with the same contrast about every place, of unit variance."""
    mean, contrast = _contrast(clips)
    return (clips - mean[:, :, None]) / contrast.clamp_min(_LEAST_CONTRAST)[:, :, None]


def _contrast(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean colour ``N C H W`` about every place, over all frames, and the standard deviation ``N 1 H W``."""
    mean = F.avg_pool2d(clips.mean(2), _WINDOW, 1, _WINDOW // 2, count_include_pad=False)
    power = (clips - mean[:, :, None]).square().mean((1, 2))[:, None]
    return mean, F.avg_pool2d(power, _WINDOW, 1, _WINDOW // 2, count_include_pad=False).sqrt()


def part_that_moves(motion: Tensor, evidence: Tensor, whole: MotionSummary) -> tuple[MotionSummary, Tensor]:
    """Return the motion of the part that moves in numbers, and that part's share (N) of the frame.

    `motion` is ``N K 2 H W``, `evidence` ``N K H W``. The share is not a number, and the summary that of the `whole`,
    where it moves as a whole, or parts move in several ways.
    """
    speed = motion.square().sum(2).sqrt()
    masked = torch.where(evidence, speed, torch.nan).flatten(1)
    some = masked[:, :: max(1, masked.shape[1] // _SAMPLED)]
    highest = some.nanquantile(_HIGHEST, dim=1)[:, None, None, None]
    moves, rests = evidence & (speed >= _MOVES * highest), evidence & (speed < _RESTS * highest)
    seen = evidence.flatten(2).sum(2).clamp_min(1)
    moving, resting = (one.flatten(2).sum(2) / seen for one in (moves, rests))
    apart = (moving >= _LEAST_PART) & (resting >= _LEAST_REST) & (1 - moving - resting <= _MOST_BETWEEN)
    part = summarise_motion(motion, moves)
    told = (apart.float().mean(1) >= _MOST_FRAMES) & (part.coherence >= _ONE_WAY) & (part.mean_speed >= _SLOW)
    share = moves.flatten(1).float().mean(1)
    chosen = {
        name: torch.where(told, getattr(part, name), getattr(whole, name))
        for name in ("mean_speed", "speed_margin", "direction", "coherence")
    }
    return replace(whole, **chosen), torch.where(told, share, torch.nan)
