"""Displacement fields by Gauss-Newton steps: which part of one picture does each pixel of a clip show?

The energy of a displacement D of clip frames V_k against a picture I is, summed over frames and pixels,

    r(|V_k(p) - I(p + D_k(p))| / sqrt(C)) + a r(|grad D_k|) + b r(|D_{k-1} - 2 D_k + D_{k+1}|)

with r(x) = sqrt(x^2 + e^2) and pictures scaled to unit variance, so that contrast does not decide how smooth a field
is. Each step linearises I about the present D (Lucas and Kanade 1981), replaces r by weighted squares (iteratively
reweighted least squares, as in Brox et al. 2004) and solves the sparse linear system of all pixels of all frames by
conjugate gradients with 2x2 block preconditioning. Every clip has its own step lengths and its own choice of start, so
that its result does not depend on the batch that it is in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.linear_system import (
    Roots,
    Smoothness,
    least_energy,
    linearise,
    seen_pixels,
)
from reportgen.analyses.decomposition.warping import (
    Interpolation,
    double_displacement,
    image_gradient,
    picture_pyramid,
    warp,
    warp_field,
)

_SMALLEST_SIDE = 12  # px; the coarsest pictures of the pyramid
_LONGEST_STEP = 1.5  # px; a linearised picture cannot be trusted further
# Pixels of all pairs of frames that are matched at once; pairs are independent, and on a CPU few at a time stay in its
# cache: 30% less time for 64 frames of 224x224 px.
_PAIR_POSITIONS = {"cpu": 2**18, "cuda": 2**25}
_FLAT = 0.005  # share of the squared slopes under which a direction has none
_AS_HIGH = 0.85  # share of the highest correlation that is as good
_EDGE = 1.0  # px, the blur under which hard edges move evenly
_PARTS = 4  # of a pixel
_LEVEL = 1e-3  # share of the highest correlation by which a ridge is level
_AGREE = 0.2  # least correlation of neighbouring frames; noise of 16 frames of 16x16 px reaches 0.15 by chance
_PREFER_SLOWER = 0.95  # a start that moves more must lower the energy by 5% to be taken
_ONE_MOTION, _NEARLY_ALL = 0.5, 0.9  # px/frame; share of the places


@dataclass(frozen=True)
class SolverEffort:
    """How long to search, and how finely: reweighted linear systems, conjugate gradient steps for each, and how
    pictures are interpolated. Bicubic costs four times as much as bilinear and has a fifth of its bias.
    """

    systems: int
    inner_steps: int
    interpolation: Interpolation


PAIR_EFFORT = SolverEffort(systems=2, inner_steps=8, interpolation="bilinear")
DIRECT_EFFORT = SolverEffort(systems=3, inner_steps=8, interpolation="bilinear")
JOINT_EFFORT = SolverEffort(systems=4, inner_steps=8, interpolation="bicubic")


def displacement_by_gauss_newton(
    clips: Tensor, reference: int, *, smoothness: Smoothness | None = None
) -> tuple[Tensor, int]:
    """Find where each pixel of each frame lies in the reference frame.

    `clips` is ``N C T H W`` of about unit variance. Returns the displacement ``N T 2 H W`` in px (zero in the
    reference frame) and the number of linear systems that were solved.

    Motion from frame to neighbouring frame is found first and chained to the reference frame: a fine texture may move
    by several of its own periods within a clip, but seldom by half a period within a frame. Of no motion, chained
    motion from full-size pictures, from a pyramid and from one velocity for the whole clip, each clip starts from the
    slowest that explains it, and all frames are then refined together against the reference frame. The last is for
    what has neither long waves, which a pyramid follows, nor small steps: a fine grating that moves by a third of its
    period; a clip whose motion is that velocity already needs no search from there. The number of systems is the most
    that a clip can need.
    """
    smoothness = smoothness or Smoothness()
    picture = clips[:, :, reference]
    levels = _pyramid_levels(*clips.shape[-2:])
    joint = replace(smoothness, slow=0.0)  # a displacement may grow from frame to frame
    start = torch.zeros_like(clips[:, :1]).repeat(1, 2, 1, 1, 1).transpose(1, 2)
    lowest = field_energy(picture, clips, start, joint, JOINT_EFFORT.interpolation)
    improvable = least_energy(start, joint) / _PREFER_SLOWER
    velocity = common_velocity(clips)
    at_rest = torch.zeros_like(velocity)
    systems = JOINT_EFFORT.systems
    for depth, last, begin in (
        (1, DIRECT_EFFORT, at_rest),
        (levels, PAIR_EFFORT, at_rest),
        (1, DIRECT_EFFORT, velocity),
    ):
        systems += (depth - 1) * PAIR_EFFORT.systems + last.systems
        tried = lowest > improvable
        if begin is velocity:
            tried &= velocity.any(1) & ~_moves_by(velocity, start)
        some = tried.nonzero().flatten()
        if not len(some):
            continue
        candidate = _chained_motion(clips[some], reference, depth, last, smoothness, begin[some])
        energy = field_energy(picture[some], clips[some], candidate, joint, JOINT_EFFORT.interpolation)
        better = energy < _PREFER_SLOWER * lowest[some]
        start[some[better]] = candidate[better]
        lowest[some[better]] = energy[better]
    free = torch.ones(clips.shape[2], dtype=clips.dtype, device=clips.device)
    free[reference] = 0
    return refine_displacement(picture, clips, start, JOINT_EFFORT, joint, free=free), systems


def _moves_by(velocity: Tensor, displacement: Tensor) -> Tensor:
    """Return whether (bool N) nearly all of a displacement ``N T 2 H W`` moves by one velocity ``N 2`` in px/frame."""
    apart = (displacement.diff(dim=1) + velocity[:, None, :, None, None]).square().sum(2)
    return (apart <= _ONE_MOTION**2).flatten(1).to(velocity.dtype).mean(1) >= _NEARLY_ALL


def refine_displacement(
    picture: Tensor,
    frames: Tensor,
    displacement: Tensor,
    effort: SolverEffort,
    smoothness: Smoothness,
    *,
    free: Tensor | None = None,
    margin: int = 0,
) -> Tensor:
    """Lower the energy of a displacement ``B K 2 H W`` of frames ``B C K H W`` against pictures ``B C H W``.

    Frames whose entry in `free` (K) is 0 keep their displacement; data closer than `margin` to the border count
    nothing. Returns, for each of the B, the displacement of lowest energy that was met on the way.
    """
    gradient = torch.cat(image_gradient(picture), 1)
    best, lowest = displacement, torch.full_like(displacement[:, 0, 0, 0, 0], torch.inf)
    for _ in range(effort.systems):
        system, energy = linearise(picture, gradient, frames, displacement, smoothness, effort.interpolation, margin)
        best, lowest = _keep_lower(best, lowest, displacement, energy)
        step = system.solve(effort.inner_steps, free)
        displacement = displacement + step.clamp(-_LONGEST_STEP, _LONGEST_STEP)
    energy = field_energy(picture, frames, displacement, smoothness, effort.interpolation, margin=margin)
    return _keep_lower(best, lowest, displacement, energy)[0]


def field_energy(
    picture: Tensor,
    frames: Tensor,
    displacement: Tensor,
    smoothness: Smoothness,
    interpolation: Interpolation,
    *,
    margin: int = 0,
) -> Tensor:
    """Return the energy (B) of a displacement ``B K 2 H W`` of frames ``B C K H W`` against pictures ``B C H W``."""
    residual = frames - warp(picture, displacement, mode=interpolation)
    seen = seen_pixels(displacement, margin)
    roots = Roots.of(residual, displacement)
    return roots.energy(seen, displacement, smoothness)


def common_velocity(clips: Tensor) -> Tensor:
    """Return the velocity (dx, dy) that neighbouring frames of a clip agree on most, ``N 2`` in px/frame.

    In quarters of a pixel, it is where the cross-correlation of neighbouring frames, summed over all of them, is
    highest within a quarter of the picture. On whole pixels, a period of the texture too many could fall nearer to one.
    Frames fade out towards their borders: of velocities that differ by a period of the texture, which look the same,
    the slowest correlates most. Of nearly equal peaks the slowest is taken, and what it has in a direction in which
    the picture does not change is left out: hard edges on a grid of pixels match best where they have moved by whole
    pixels. Where the opposite velocity agrees as well, as with a grating that moves by half its period, or flickers,
    the direction is not known: 0, as it is where neighbouring frames have next to nothing in common.
    """
    height, width = clips.shape[-2:]
    fade = [torch.hann_window(size + 2, periodic=False).to(clips)[1:-1] for size in (height, width)]
    spectrum = torch.fft.rfft2((clips - clips.mean((-2, -1), keepdim=True)) * fade[0][:, None] * fade[1])
    level = _level_edges(height, width).to(clips)
    product = (spectrum[:, :, :-1].conj() * spectrum[:, :, 1:]).sum((1, 2)) * level
    half = (spectrum.abs().square() * level).sum((1, 3))  # each frequency but those of the first column stands for two
    power = 2 * half.sum(2) - half[:, :, 0]
    most = (power[:, :-1] * power[:, 1:]).sqrt().sum(1)
    reach = _PARTS * (height // 4), _PARTS * (width // 4)
    correlation = _interpolated(product, height, width).roll(reach, (-2, -1))
    window = correlation[:, : 2 * reach[0] + 1, : 2 * reach[1] + 1]
    highest = window.amax((1, 2), keepdim=True)
    around = F.max_pool2d(window[:, None], 2 * _PARTS + 1, stride=1, padding=_PARTS)[:, 0]
    high = window >= torch.maximum(highest - (1 - _AS_HIGH) * highest.abs(), around - _LEVEL * highest.abs())
    down, right = (torch.arange(-far, far + 1, device=clips.device).to(clips.dtype) for far in reach)
    distance = torch.where(high, down[:, None].square() + right.square(), torch.inf)
    place = distance.flatten(1).argmin(1)
    velocity = torch.stack([right[place % len(right)], down[place // len(right)]], 1) / _PARTS
    either_way = high.flip(1, 2).flatten(1).gather(1, place[:, None])
    alike = highest.flatten() * _PARTS**2 * height * width >= _AGREE * most
    velocity = torch.where(either_way | ~alike[:, None], 0.0, velocity)
    slopes = torch.stack(image_gradient(clips.transpose(1, 2).flatten(0, 1)), 1).unflatten(0, (len(clips), -1))
    slopes = slopes.transpose(1, 2).flatten(2)
    tensor = slopes @ slopes.mT
    slack = _FLAT * tensor.diagonal(dim1=1, dim2=2).sum(1).clamp_min(torch.finfo(clips.dtype).tiny)
    damped = tensor + slack[:, None, None] * torch.eye(2, dtype=clips.dtype, device=clips.device)
    across: Tensor = tensor @ torch.linalg.solve(damped, velocity[:, :, None])
    return across[:, :, 0]


def _level_edges(height: int, width: int) -> Tensor:
    """Return the gains `H W//2+1` of a blur of both pictures, in which staircases of hard edges do not match."""
    squared = torch.fft.fftfreq(height).square()[:, None] + torch.fft.rfftfreq(width).square()
    return torch.exp(-((2 * math.pi * _EDGE) ** 2) * squared)


def _interpolated(spectrum: Tensor, height: int, width: int) -> Tensor:
    """Return the pictures `N 4H 4W` whose real Fourier coefficients `N H W//2+1` are those of `spectrum`."""
    finer = spectrum.new_zeros(len(spectrum), _PARTS * height, _PARTS * width // 2 + 1)
    below = -(-height // 2)
    finer[:, :below, : spectrum.shape[2]] = spectrum[:, :below]
    finer[:, finer.shape[1] - (height - below) :, : spectrum.shape[2]] = spectrum[:, below:]
    fine: Tensor = torch.fft.irfft2(finer, s=(_PARTS * height, _PARTS * width))
    return fine


def _pyramid_levels(height: int, width: int) -> int:
    levels, side = 1, min(height, width)
    while side >= 2 * _SMALLEST_SIDE:
        side, levels = side // 2, levels + 1
    return levels


def _chained_motion(
    clips: Tensor,
    reference: int,
    levels: int,
    last: SolverEffort,
    smoothness: Smoothness,
    velocity: Tensor,
) -> Tensor:
    """Chain the motion between neighbouring frames to a displacement ``N T 2 H W`` to the reference frame.

    The search begins with a `velocity` for each clip (``N 2``), in px/frame.
    """
    frames = [t for t in range(clips.shape[2]) if t != reference]
    towards = [t - 1 if t > reference else t + 1 for t in frames]
    pictures = clips[:, :, towards].transpose(1, 2).flatten(0, 1)
    seen = clips[:, :, frames].transpose(1, 2).flatten(0, 1)
    at_once = max(1, _PAIR_POSITIONS.get(clips.device.type, _PAIR_POSITIONS["cpu"]) // pictures[0, 0].numel())
    back = torch.tensor([earlier - t for t, earlier in zip(frames, towards, strict=True)]).to(velocity)
    starts = (velocity[:, None] * back[:, None]).flatten(0, 1)
    pairs = zip(pictures.split(at_once), seen.split(at_once), starts.split(at_once), strict=True)
    step = torch.cat([_pair_motion(*some, levels, last, smoothness) for some in pairs])
    step = step.unflatten(0, (len(clips), len(frames)))
    chain = {reference: torch.zeros_like(step[:, 0])}
    for t in [*range(reference + 1, clips.shape[2]), *range(reference - 1, -1, -1)]:
        index = frames.index(t)
        hop = step[:, index]
        chain[t] = hop + warp_field(chain[towards[index]], hop)
    return torch.stack([chain[t] for t in range(clips.shape[2])], 1)


def _pair_motion(
    pictures: Tensor, frames: Tensor, starts: Tensor, levels: int, last: SolverEffort, smoothness: Smoothness
) -> Tensor:
    """Find the displacement ``B 2 H W`` of each frame ``B C H W`` against its own picture, coarse to fine.

    `starts` (``B 2``) is where the coarsest level begins.
    """
    displacement: Tensor | None = None
    pyramid = list(zip(picture_pyramid(pictures, levels), picture_pyramid(frames, levels), strict=True))
    for level in reversed(range(levels)):
        picture, frame = pyramid[level]
        if displacement is None:
            displacement = (starts / 2**level)[:, None, :, None, None].expand(-1, 1, 2, *frame.shape[-2:])
        else:
            displacement = double_displacement(displacement, *frame.shape[-2:])
        # The outermost pixel of a blurred picture is made of continued border and has a false direction.
        displacement = refine_displacement(
            picture,
            frame[:, :, None],
            displacement,
            last if level == 0 else PAIR_EFFORT,
            smoothness,
            margin=min(level, 1),
        )
    assert displacement is not None
    return displacement[:, 0]


def _keep_lower(best: Tensor, lowest: Tensor, candidate: Tensor, energy: Tensor) -> tuple[Tensor, Tensor]:
    lower = energy < lowest
    return torch.where(lower.view(-1, 1, 1, 1, 1), candidate, best), torch.where(lower, energy, lowest)
