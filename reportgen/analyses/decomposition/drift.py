"""How fast the pattern that dominates a clip moves, by the phases of its frequencies from frame to frame.

A displacement field follows pixels. Hard edges on a grid of pixels stand still for a frame or two and then jump, and
the harmonics of fine stripes in black and white alias into patterns that seem to move along the stripes. The phases of
the frequencies that hold most power know neither: the mean over a clip is exact to a few thousandths of a pixel, and
what is left of each frame's place about a straight course says how exact (Kuglin and Hines 1975, "The phase correlation
image alignment method"; here all frames are matched to their common mean, by weighted least squares).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reportgen.analyses.decomposition.forward_motion import MotionSummary, direction_of, margin_of

FEWEST_FRAMES = 5
"""Of which a straight line leaves something to judge it by."""

_STRONGEST = 256  # frequencies that are looked at; squared power leaves nothing to the others
_STRIPED = 0.1  # of the squared frequency along the pattern's axis that lies across it, at most, in stripes
_FEWEST_CYCLES = 3  # over the shorter side; of fewer, too much fades out at the borders
_NEARLY_HALF = 0.48  # of a period from frame to frame, from which stripes move either way
_ROUNDS = 6
_LONGEST_STEP = 0.2  # of a period, of one round
_STEADY = 0.5  # rad; frames whose phases lie further about a straight course have none
_DAMPING = 1e-3
_ONE_WAY = 0.6  # of the mean speed is the mean velocity, at least, of what drifts
_APART, _APART_SHARE = 0.05, 0.1  # px/frame, and of the speed, by which two estimates of one motion differ


@dataclass(frozen=True)
class Drift:
    """The common motion of N clips.

    `velocity` is `N 2`, (dx, dy) in px/frame, `error` (N) the standard error of its length. Of what is `striped` (bool
    N), one orientation alone, it is the velocity across the stripes that is least. `steady` (bool N) says whether all
    frames lie along one straight course; the error has `freedom` degrees of freedom.
    """

    velocity: Tensor
    error: Tensor
    striped: Tensor
    steady: Tensor
    freedom: int

    def agrees(self, velocity: Tensor) -> Tensor:
        """Return whether (bool N) another estimate ``N 2`` of the velocity is nearly the same."""
        apart = (self.velocity - velocity).norm(dim=1)
        near: Tensor = apart <= _APART + _APART_SHARE * self.velocity.norm(dim=1)
        return near

    def displacement(self, shape: tuple[int, int, int], reference: int) -> Tensor:
        """Return the displacement `N T 2 H W` of clips of `shape` (T, H, W) that move as a whole."""
        frames, height, width = shape
        ahead = torch.arange(frames, dtype=self.velocity.dtype, device=self.velocity.device) - reference
        moved = -self.velocity[:, None] * ahead[:, None]
        return moved[:, :, :, None, None].expand(-1, -1, -1, height, width)


def with_drift(summary: MotionSummary, drift: Drift, velocity: Tensor) -> MotionSummary:
    """Return a summary of motion with the speed, its margin and the direction of the drift, where it is steady and
    agrees with the mean `velocity` (``N 2``) of the motion.

    What turns or grows has no mean velocity either, and moves all the same: there the motion is no drift.
    """
    one_way = velocity.norm(dim=1) >= _ONE_WAY * summary.mean_speed - _APART
    exact = drift.steady & drift.agrees(velocity) & one_way
    speed = drift.velocity.norm(dim=1)
    margin = margin_of(drift.error, torch.full_like(speed, drift.freedom), speed)
    return replace(
        summary,
        mean_speed=torch.where(exact, speed, summary.mean_speed),
        speed_margin=torch.where(exact, margin, summary.speed_margin),
        direction=torch.where(exact, direction_of(drift.velocity), summary.direction),
    )


def drift_of(clips: Tensor, guess: Tensor) -> Drift:
    """Return the common motion of clips ``N C T H W``; `guess` (``N 2``) is where the search begins.

    Stripes need none: of all velocities that differ by a period, the least is taken.
    """
    spectra, frequencies = _strongest(clips)  # N T C M, N M 2
    power = spectra.abs().square().mean((1, 2))
    weight = power / power.square().sum(1, keepdim=True).clamp_min(torch.finfo(power.dtype).tiny)
    shares = weight * power
    spread, axes = torch.linalg.eigh(torch.einsum("nm,nmk,nml->nkl", shares, frequencies, frequencies))
    striped, axis = spread[:, 0] < _STRIPED * spread[:, 1], axes[:, :, 1]
    along = (frequencies @ axis[:, :, None])[:, :, 0]
    cycles = (shares * along.abs()).sum(1).clamp_min(torch.finfo(power.dtype).tiny)
    turn = _turn(spectra, weight, along)
    start = torch.where(striped[:, None], -(turn / (2 * math.pi * cycles))[:, None] * axis, guess.to(power))
    lines = torch.where(
        striped[:, None, None], axis[:, :, None] * axis[:, None], torch.eye(2, dtype=power.dtype, device=power.device)
    )
    velocity, rest = _straight_course(spectra, weight, frequencies, (start, lines, cycles))
    way = velocity / velocity.norm(dim=1, keepdim=True).clamp_min(torch.finfo(power.dtype).tiny)
    ahead = _times(clips.shape[2], power)
    freedom = max(1, clips.shape[2] - 2)
    off = (rest * way[:, None]).sum(2).square().sum(1) / freedom
    phase_off = 2 * math.pi * cycles * rest.square().sum(2).mean(1).sqrt()
    judged = (cycles * min(clips.shape[-2:]) >= _FEWEST_CYCLES) & (clips.shape[2] >= FEWEST_FRAMES)
    judged &= ~striped | (turn.abs() < _NEARLY_HALF * 2 * math.pi)
    steady = (phase_off < _STEADY) & judged
    return Drift(velocity, (off / ahead.square().sum()).sqrt(), striped, steady, freedom)


def _strongest(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Return the coefficients `N T C M` of the M strongest spatial frequencies `N M 2` (x, y) in cycles/px of clips.

    Frames fade out towards their borders.
    """
    height, width = clips.shape[-2:]
    fade = [torch.hann_window(size + 2, periodic=False).to(clips)[1:-1] for size in (height, width)]
    window = fade[0][:, None] * fade[1]
    mean = (clips * window).sum((-2, -1), keepdim=True) / window.sum()
    spectrum = torch.fft.rfft2((clips - mean) * window).movedim(1, 2).flatten(3)  # N T C F
    power = spectrum.abs().square().mean((1, 2))
    power[:, 0] = 0
    places = power.topk(min(_STRONGEST, power.shape[1]), dim=1).indices
    down, right = torch.meshgrid(torch.fft.fftfreq(height), torch.fft.rfftfreq(width), indexing="ij")
    frequencies = torch.stack([right, down], -1).flatten(0, 1).to(clips)[places]
    return spectrum.gather(3, places[:, None, None].expand(-1, *spectrum.shape[1:3], -1)), frequencies


def _turn(spectra: Tensor, weight: Tensor, along: Tensor) -> Tensor:
    """Return by how much the phase turns from frame to frame (N, in radians, -pi to pi), seen along one axis."""
    steps = (spectra[:, 1:] * spectra[:, :-1].conj()).sum((1, 2))
    return (torch.where(along > 0, steps, steps.conj()) * weight).sum(1).angle()


def _straight_course(
    spectra: Tensor, weight: Tensor, frequencies: Tensor, begin: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the velocity ``N 2`` and what is left of each frame's place about its course, ``N T 2`` in px.

    `begin` is the velocity to begin with, what projects a step onto the ways that are told apart (``N 2 2``), and the
    cycles/px by which steps are bounded.
    """
    velocity, lines, cycles = begin
    ahead = _times(spectra.shape[1], weight)
    rest = torch.zeros_like(velocity)[:, None].repeat(1, len(ahead), 1)
    for _ in range(_ROUNDS):
        phases = 2 * math.pi * (velocity[:, None] * ahead[:, None] + rest) @ frequencies.mT  # N T M
        aligned = spectra * torch.polar(torch.ones_like(phases), phases)[:, :, None]
        others = aligned.sum(1, keepdim=True) - aligned  # a frame is not matched with itself
        match = (aligned * others.conj()).sum(2) * weight[:, None]
        slopes = -2 * math.pi * match.imag @ frequencies
        curve = (2 * math.pi) ** 2 * torch.einsum(
            "nm,nmk,nml->nkl", match.real.clamp_min(0).mean(1), *[frequencies] * 2
        )
        tiny = torch.finfo(weight.dtype).tiny
        damping = (_DAMPING * curve.diagonal(dim1=1, dim2=2).sum(1) + tiny)[:, None, None]
        curve = curve + damping * torch.eye(2, dtype=weight.dtype, device=weight.device)
        step = torch.linalg.solve(curve, lines @ slopes.mT).mT @ lines
        most = (_LONGEST_STEP / cycles)[:, None, None]
        rest = rest + step.clamp(-most, most)
        tilt = (rest * ahead[:, None]).sum(1) / ahead.square().sum()
        velocity = velocity + tilt
        rest = rest - tilt[:, None] * ahead[:, None] - rest.mean(1, keepdim=True)
    return velocity, rest


def _times(frames: int, like: Tensor) -> Tensor:
    return torch.arange(frames, dtype=like.dtype, device=like.device) - (frames - 1) / 2
