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

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import (
    Interpolation,
    double_displacement,
    image_gradient,
    inside,
    picture_pyramid,
    warp,
    warp_field,
)

_SOFTNESS = 0.05  # e: where the square roots turn quadratic, in standard deviations of the clip and in px
_SMALLEST_SIDE = 12  # px; the coarsest pictures of the pyramid
_LONGEST_STEP = 1.5  # px; a linearised picture cannot be trusted further
# Pixels of all pairs of frames that are matched at once; pairs are independent, and on a CPU few at a time stay in its
# cache: 30% less time for 64 frames of 224x224 px.
_PAIR_POSITIONS = {"cpu": 2**18, "cuda": 2**25}
_FLAT = 0.005  # share of the squared slopes under which a direction has none
_AS_HIGH = 0.95  # share of the highest correlation that is as good
_PREFER_SLOWER = 0.95  # a start that moves more must lower the energy by 5% to be taken


@dataclass(frozen=True)
class Smoothness:
    """How much a field's variation costs, in units of the data term.

    `space` weighs differences between neighbouring pixels (a), `time` second differences between frames (b), and
    `slow` squared speed (px^-2), which keeps motion along stripes, for which there is no evidence, at zero.
    """

    space: float = 0.3
    time: float = 0.2
    slow: float = 0.003


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
    period. The number of systems is the most that a clip can need: one that stands still has no such velocity.
    """
    smoothness = smoothness or Smoothness()
    picture = clips[:, :, reference]
    levels = _pyramid_levels(*clips.shape[-2:])
    joint = replace(smoothness, slow=0.0)  # a displacement may grow from frame to frame
    start = torch.zeros_like(clips[:, :1]).repeat(1, 2, 1, 1, 1).transpose(1, 2)
    lowest = field_energy(picture, clips, start, joint, JOINT_EFFORT.interpolation)
    systems = JOINT_EFFORT.systems
    for depth, last in ((1, DIRECT_EFFORT), (levels, PAIR_EFFORT)):
        candidate = _chained_motion(clips, reference, depth, last, smoothness)
        energy = field_energy(picture, clips, candidate, joint, JOINT_EFFORT.interpolation)
        better = energy < _PREFER_SLOWER * lowest
        start = torch.where(better.view(-1, 1, 1, 1, 1), candidate, start)
        lowest = torch.where(better, energy, lowest)
        systems += (depth - 1) * PAIR_EFFORT.systems + last.systems
    velocity = common_velocity(clips)
    moving = velocity.abs().amax(1).nonzero().flatten()
    systems += DIRECT_EFFORT.systems
    if len(moving):
        some = clips[moving]
        candidate = _chained_motion(some, reference, 1, DIRECT_EFFORT, smoothness, velocity[moving])
        energy = field_energy(picture[moving], some, candidate, joint, JOINT_EFFORT.interpolation)
        better = energy < _PREFER_SLOWER * lowest[moving]
        start[moving] = torch.where(better.view(-1, 1, 1, 1, 1), candidate, start[moving])
    free = torch.ones(clips.shape[2], dtype=clips.dtype, device=clips.device)
    free[reference] = 0
    return refine_displacement(picture, clips, start, JOINT_EFFORT, joint, free=free), systems


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
        system, energy = _linearise(picture, gradient, frames, displacement, smoothness, effort.interpolation, margin)
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
    seen = _seen(displacement, margin)
    roots = _Roots.of(residual, displacement)
    return roots.energy(seen, displacement, smoothness)


def common_velocity(clips: Tensor) -> Tensor:
    """Return the velocity (dx, dy) that neighbouring frames of a clip agree on most, ``N 2`` in px/frame.

    In whole pixels, it is where the cross-correlation of neighbouring frames, summed over all of them, is highest
    within a quarter of the picture. Frames fade out towards their borders: of velocities that differ by a period of
    the texture, which look the same, the slowest correlates most. Of nearly equal places, as along stripes, the
    slowest is taken, and what it has in a direction in which the picture does not change is left out. Where the
    opposite velocity agrees as well, as with a grating that moves by half its period, or flickers, the direction is
    not known: 0.
    """
    height, width = clips.shape[-2:]
    fade = [torch.hann_window(size + 2, periodic=False).to(clips)[1:-1] for size in (height, width)]
    spectrum = torch.fft.rfft2((clips - clips.mean((-2, -1), keepdim=True)) * fade[0][:, None] * fade[1])
    product = (spectrum[:, :, :-1].conj() * spectrum[:, :, 1:]).sum((1, 2))
    reach = height // 4, width // 4
    correlation = torch.fft.irfft2(product, s=(height, width)).roll(reach, (-2, -1))
    window = correlation[:, : 2 * reach[0] + 1, : 2 * reach[1] + 1]
    highest = window.amax((1, 2), keepdim=True)
    high = window >= highest - (1 - _AS_HIGH) * highest.abs()
    down, right = (torch.arange(-far, far + 1, device=clips.device).to(clips.dtype) for far in reach)
    distance = torch.where(high, down[:, None].square() + right.square(), torch.inf)
    place = distance.flatten(1).argmin(1)
    velocity = torch.stack([right[place % len(right)], down[place // len(right)]], 1)
    either_way = high.flip(1, 2).flatten(1).gather(1, place[:, None])
    velocity = torch.where(either_way, 0.0, velocity)
    slopes = torch.stack(image_gradient(clips.transpose(1, 2).flatten(0, 1)), 1).unflatten(0, (len(clips), -1))
    slopes = slopes.transpose(1, 2).flatten(2)
    tensor = slopes @ slopes.mT
    slack = _FLAT * tensor.diagonal(dim1=1, dim2=2).sum(1).clamp_min(torch.finfo(clips.dtype).tiny)
    damped = tensor + slack[:, None, None] * torch.eye(2, dtype=clips.dtype, device=clips.device)
    across: Tensor = tensor @ torch.linalg.solve(damped, velocity[:, :, None])
    return across[:, :, 0]


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
    velocity: Tensor | None = None,
) -> Tensor:
    """Chain the motion between neighbouring frames to a displacement ``N T 2 H W`` to the reference frame.

    The search begins with no motion, or with a `velocity` for each clip (``N 2``).
    """
    frames = [t for t in range(clips.shape[2]) if t != reference]
    towards = [t - 1 if t > reference else t + 1 for t in frames]
    pictures = clips[:, :, towards].transpose(1, 2).flatten(0, 1)
    seen = clips[:, :, frames].transpose(1, 2).flatten(0, 1)
    at_once = max(1, _PAIR_POSITIONS.get(clips.device.type, _PAIR_POSITIONS["cpu"]) // pictures[0, 0].numel())
    if velocity is None:
        velocity = torch.zeros_like(clips[:, :2, 0, 0, 0])
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


def _seen(displacement: Tensor, margin: int) -> Tensor:
    """Weigh pixels (``B K H W``) 1 where both they and what they show lie in the picture, else 0."""
    seen = inside(displacement, margin=margin)
    if margin:
        seen = seen & inside(torch.zeros_like(displacement), margin=margin)
    return seen.to(displacement.dtype)


@dataclass(frozen=True)
class _Roots:
    """The square roots of the energy, per pixel: data and space ``B K H W``, time ``B K-2 H W`` or None."""

    data: Tensor
    space: Tensor
    time: Tensor | None

    @staticmethod
    def of(residual: Tensor, displacement: Tensor) -> _Roots:
        across = (displacement[..., :, 1:] - displacement[..., :, :-1]).square().sum(2)
        down = (displacement[..., 1:, :] - displacement[..., :-1, :]).square().sum(2)
        space = F.pad(across, (0, 1)) + F.pad(down, (0, 0, 0, 1))
        time = None
        if displacement.shape[1] > 2:
            bend = displacement[:, 2:] - 2 * displacement[:, 1:-1] + displacement[:, :-2]
            time = (bend.square().sum(2) + _SOFTNESS**2).sqrt()
        return _Roots((residual.square().mean(1) + _SOFTNESS**2).sqrt(), (space + _SOFTNESS**2).sqrt(), time)

    def energy(self, seen: Tensor, displacement: Tensor, smoothness: Smoothness) -> Tensor:
        """Return the energy per clip (B); unseen pixels cost what a seen one costs on average."""
        pixels = seen[0].numel()
        energy = pixels * (self.data * seen).flatten(1).sum(1) / seen.flatten(1).sum(1).clamp_min(1)
        energy = energy + smoothness.space * self.space.flatten(1).sum(1)
        energy = energy + smoothness.slow / 2 * displacement.square().flatten(1).sum(1)
        if self.time is not None:
            energy = energy + smoothness.time * self.time.flatten(1).sum(1)
        return energy


def _linearise(
    picture: Tensor,
    gradient: Tensor,
    frames: Tensor,
    displacement: Tensor,
    smoothness: Smoothness,
    interpolation: Interpolation,
    margin: int,
) -> tuple[_System, Tensor]:
    """Return the reweighted linear system about a displacement, and the energy (B) there.

    `gradient` holds the picture's x and y derivatives, ``B 2C H W``. An error in them slows the descent but does not
    move its end, so they are interpolated the cheap way.
    """
    gx, gy = warp(gradient, displacement).chunk(2, 1)
    residual = frames - warp(picture, displacement, mode=interpolation)
    seen = _seen(displacement, margin)
    roots = _Roots.of(residual, displacement)
    weight = seen / (roots.data * frames.shape[1])
    system = _System(
        xx=(gx * gx).sum(1) * weight,
        xy=(gx * gy).sum(1) * weight,
        yy=(gy * gy).sum(1) * weight,
        space=smoothness.space / roots.space[:, :, None],
        time=None if roots.time is None else smoothness.time / roots.time[:, :, None],
        slow=smoothness.slow,
        pull=torch.stack([(gx * residual).sum(1) * weight, (gy * residual).sum(1) * weight], 2),
        displacement=displacement,
    )
    return system, roots.energy(seen, displacement, smoothness)


@dataclass(frozen=True)
class _System:
    """The normal equations of one Gauss-Newton step for all pixels of all frames: (J + S) step = pull - S D.

    J is the structure tensor of each pixel (xx, xy, yy: ``B K H W``), S the reweighted smoothness.
    """

    xx: Tensor
    xy: Tensor
    yy: Tensor
    space: Tensor
    time: Tensor | None
    slow: float
    pull: Tensor
    displacement: Tensor

    def smooth(self, field: Tensor) -> Tensor:
        """Apply S to a field ``B K 2 H W``."""
        result = self.slow * field
        edge = (field[..., :, 1:] - field[..., :, :-1]).mul_(self.space[..., :, :-1])
        result[..., :, 1:] += edge
        result[..., :, :-1] -= edge
        edge = (field[..., 1:, :] - field[..., :-1, :]).mul_(self.space[..., :-1, :])
        result[..., 1:, :] += edge
        result[..., :-1, :] -= edge
        if self.time is not None:
            bend = (field[:, 2:] + field[:, :-2]).sub_(field[:, 1:-1], alpha=2).mul_(self.time)
            result[:, 2:] += bend
            result[:, 1:-1].sub_(bend, alpha=2)
            result[:, :-2] += bend
        return result

    def apply(self, field: Tensor) -> Tensor:
        """Apply J + S to a field ``B K 2 H W``."""
        x, y = field.unbind(2)
        result = self.smooth(field)
        result[:, :, 0].addcmul_(self.xx, x).addcmul_(self.xy, y)
        result[:, :, 1].addcmul_(self.xy, x).addcmul_(self.yy, y)
        return result

    def diagonal(self) -> Tensor:
        """Return the diagonal of S, ``B K H W``."""
        space = self.space[:, :, 0]
        diagonal = torch.full_like(space, self.slow)
        diagonal[..., :, 1:] += space[..., :, :-1]
        diagonal[..., :, :-1] += space[..., :, :-1]
        diagonal[..., 1:, :] += space[..., :-1, :]
        diagonal[..., :-1, :] += space[..., :-1, :]
        if self.time is not None:
            time = self.time[:, :, 0]
            diagonal[:, 2:] += time
            diagonal[:, 1:-1].add_(time, alpha=4)
            diagonal[:, :-2] += time
        return diagonal

    def solve(self, steps: int, free: Tensor | None) -> Tensor:
        """Return the step ``B K 2 H W`` after so many conjugate gradient steps from zero.

        Everything is updated in place: at this size fresh memory costs as much as the arithmetic.
        """
        diagonal = self.diagonal()
        xx, yy = self.xx + diagonal, self.yy + diagonal
        determinant = xx * yy - self.xy * self.xy
        inverse = yy / determinant, -self.xy / determinant, xx / determinant
        keep = None if free is None else free.view(1, -1, 1, 1, 1)
        tiny = torch.finfo(diagonal.dtype).tiny

        residual = self.pull - self.smooth(self.displacement)
        if keep is not None:
            residual *= keep
        towards = _precondition(inverse, residual, torch.empty_like(residual))
        direction = towards.clone()
        step = torch.zeros_like(residual)
        slope = _dot(residual, towards)
        for _ in range(steps):
            curved = self.apply(direction)
            if keep is not None:
                curved *= keep
            length = slope / _dot(direction, curved).clamp_min(tiny)
            step.addcmul_(direction, length)
            residual.addcmul_(curved, -length)
            _precondition(inverse, residual, towards)
            before, slope = slope, _dot(residual, towards)
            direction.mul_(slope / before.clamp_min(tiny)).add_(towards)
        return step


def _precondition(inverse: tuple[Tensor, Tensor, Tensor], field: Tensor, result: Tensor) -> Tensor:
    """Write each pixel's inverse 2x2 block (xx, xy, yy) times a field ``B K 2 H W`` into `result`."""
    xx, xy, yy = inverse
    x, y = field.unbind(2)
    torch.mul(xx, x, out=result[:, :, 0]).addcmul_(xy, y)
    torch.mul(xy, x, out=result[:, :, 1]).addcmul_(yy, y)
    return result


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product of each clip's fields, as ``B 1 1 1 1``."""
    products: Tensor = torch.linalg.vecdot(a.flatten(1), b.flatten(1))
    return products.view(-1, 1, 1, 1, 1)
