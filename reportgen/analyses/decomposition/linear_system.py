"""The energy of a displacement field, and the sparse linear system of one Gauss-Newton step about it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import Interpolation, lands_inside, warp

_SOFTNESS = 0.05  # e: where the square roots turn quadratic, in standard deviations of the clip and in px


@dataclass(frozen=True)
class Smoothness:
    """How much a field's variation costs, in units of the data term.

    `space` weighs differences between neighbouring pixels (a), `time` second differences between frames (b), and
    `slow` squared speed (px^-2), which keeps motion along stripes, for which there is no evidence, at zero.
    """

    space: float = 0.3
    time: float = 0.2
    slow: float = 0.003


def seen_pixels(displacement: Tensor, margin: int) -> Tensor:
    """Weigh pixels (``B K H W``) 1 where both they and what they show lie in the picture, else 0."""
    seen = lands_inside(displacement, margin=margin).to(displacement.dtype)
    if margin:
        sides = seen[..., :margin], seen[..., -margin:], seen[..., :margin, :], seen[..., -margin:, :]
        for side in sides:
            side.zero_()
    return seen


@dataclass(frozen=True)
class Roots:
    """The square roots of the energy, per pixel: data and space ``B K H W``, time ``B K-2 H W`` or None."""

    data: Tensor
    space: Tensor
    time: Tensor | None

    @staticmethod
    def of(residual: Tensor, displacement: Tensor) -> Roots:
        """Return the roots at a displacement ``B K 2 H W`` that leaves a residual ``B C K H W``."""
        across = (displacement[..., :, 1:] - displacement[..., :, :-1]).square().sum(2)
        down = (displacement[..., 1:, :] - displacement[..., :-1, :]).square().sum(2)
        space = F.pad(across, (0, 1)) + F.pad(down, (0, 0, 0, 1))
        time = None
        if displacement.shape[1] > 2:
            bend = displacement[:, 2:] - 2 * displacement[:, 1:-1] + displacement[:, :-2]
            time = (bend.square().sum(2) + _SOFTNESS**2).sqrt()
        return Roots((residual.square().mean(1) + _SOFTNESS**2).sqrt(), (space + _SOFTNESS**2).sqrt(), time)

    def energy(self, seen: Tensor, displacement: Tensor, smoothness: Smoothness) -> Tensor:
        """Return the energy per clip (B); unseen pixels cost what a seen one costs on average."""
        pixels = seen[0].numel()
        energy = pixels * (self.data * seen).flatten(1).sum(1) / seen.flatten(1).sum(1).clamp_min(1)
        energy = energy + smoothness.space * self.space.flatten(1).sum(1)
        energy = energy + smoothness.slow / 2 * displacement.square().flatten(1).sum(1)
        if self.time is not None:
            energy = energy + smoothness.time * self.time.flatten(1).sum(1)
        return energy


def least_energy(displacement: Tensor, smoothness: Smoothness) -> float:
    """Return what no displacement of the same shape as one ``B K 2 H W`` comes below: nothing is left over, and
    everything moves alike.
    """
    frames, _, height, width = displacement.shape[1:]
    bends = smoothness.time * max(0, frames - 2)
    return _SOFTNESS * height * width * (frames * (1 + smoothness.space) + bends)


def linearise(
    picture: Tensor,
    gradient: Tensor,
    frames: Tensor,
    displacement: Tensor,
    smoothness: Smoothness,
    interpolation: Interpolation,
    margin: int,
) -> tuple[LinearSystem, Tensor]:
    """Return the reweighted linear system about a displacement, and the energy (B) there.

    `gradient` holds the picture's x and y derivatives, ``B 2C H W``. An error in them slows the descent but does not
    move its end, so they are interpolated the cheap way.
    """
    gx, gy = warp(gradient, displacement).chunk(2, 1)
    residual = frames - warp(picture, displacement, mode=interpolation)
    seen = seen_pixels(displacement, margin)
    roots = Roots.of(residual, displacement)
    weight = seen / (roots.data * frames.shape[1])
    down = smoothness.space / roots.space
    across = down.clone()
    across[..., -1] = 0
    own = down + across + smoothness.slow
    own[..., -1, :] -= down[..., -1, :]
    own[..., 1:, :] += down[..., :-1, :]
    own[..., 1:] += across[..., :-1]
    system = LinearSystem(
        xx=(gx * gx).sum(1) * weight,
        xy=(gx * gy).sum(1) * weight,
        yy=(gy * gy).sum(1) * weight,
        own=own[:, :, None],
        across=across.flatten(2)[:, :, None],
        down=down.flatten(2)[:, :, None],
        time=None if roots.time is None else smoothness.time / roots.time[:, :, None],
        pull=torch.stack([(gx * residual).sum(1) * weight, (gy * residual).sum(1) * weight], 2),
        displacement=displacement,
    )
    return system, roots.energy(seen, displacement, smoothness)


@dataclass(frozen=True)
class LinearSystem:
    """The normal equations of one Gauss-Newton step for all pixels of all frames: (J + S) step = pull - S D.

    J is the structure tensor of each pixel (xx, xy, yy: ``B K H W``), S the reweighted smoothness: between each pixel
    and the next one to the right (`across`) and down (`down`: both ``B K 1 H*W``, `across` 0 at the end of each row),
    with what these and slowness put on its diagonal (`own`: ``B K 1 H W``), and between frames (`time`: ``B K-2 1 H
    W``).
    """

    xx: Tensor
    xy: Tensor
    yy: Tensor
    own: Tensor
    across: Tensor
    down: Tensor
    time: Tensor | None
    pull: Tensor
    displacement: Tensor

    def smooth(self, field: Tensor) -> Tensor:
        """Apply S to a field ``B K 2 H W``."""
        field = field.contiguous()
        result = self.own * field
        # Rows one behind the other: long slices take half the time of one slice for each row.
        flat, smoothed = field.flatten(3), result.flatten(3)
        for gap, weight in ((1, self.across), (field.shape[-1], self.down)):
            smoothed[..., gap:].addcmul_(weight[..., :-gap], flat[..., :-gap], value=-1)
            smoothed[..., :-gap].addcmul_(weight[..., :-gap], flat[..., gap:], value=-1)
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
        diagonal = self.own[:, :, 0].clone()
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
