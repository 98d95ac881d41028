"""The closed form of a first convolution: its optimum needs no search, since the kernel is the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.errors import NetworkError
from reportgen.networks.core.network import no_weight_gradients
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.kernels.arrangement import PLAIN
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement, summary


@dataclass(frozen=True)
class ClosedForm:
    """What a kernel that sees pixels directly weighs, and the patch that drives it most.

    `weights` `N C T H W` are the kernels as they act on pixels in [0, 1] RGB (preparation and batch norm included);
    `optima`, of the same shape, are 1 where a weight is positive and 0 elsewhere; `activations` `N` are what these
    patches reach. float32 on the CPU; T H W is the kernel's reach, smaller only at the clip's border.
    """

    layer: str
    kernels: tuple[int, ...]
    weights: Tensor
    optima: Tensor
    activations: Tensor


def closed_form(target: Preactivation, kernels: Sequence[int], shape: tuple[int, int, int] | None = None) -> ClosedForm:
    """Return the closed form of `kernels` of a layer whose pre-activation is linear in the pixels.

    It is that which the unit in the middle of a clip of `shape` (T, H, W) tells, or of a whole one. Raises NetworkError
    when the layer is not linear (any behind a non-linearity), UnknownNameError for a kernel that does not exist.
    """
    target.check(kernels)
    subject = target.network
    where = placement(subject)
    own = torch.tensor(list(kernels), device=where["device"])
    whole = shape is None or shape == target.clip_shape
    grey = torch.full((1, clip_channels(subject), *(shape or target.clip_shape)), 0.5, **where)
    noise = torch.rand(grey.shape, generator=torch.Generator().manual_seed(0)).to(**where)

    def middle(maps: Tensor) -> Tensor:
        return summary(maps, "neuron", unit=target.centre if whole else None)

    def slope(kernel: Tensor, clip: Tensor) -> tuple[Tensor, Tensor]:
        pixels = clip.clone().requires_grad_()
        activation = middle(target.own_maps(pixels, kernel[None]))
        (gradient,) = torch.autograd.grad(activation.sum(), pixels)
        return gradient[0], activation.detach()[0]

    def slope_of_all(clip: Tensor) -> Tensor:
        if len(own) == 1:
            return slope(own[0], clip)[0]
        pixels = clip.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(middle(target.maps(pixels)[0, own]).sum(), pixels)
        return gradient[0]

    with no_weight_gradients(subject):
        pairs = [slope(kernel, grey) for kernel in own]
        elsewhere = slope_of_all(noise)  # of all: a pruned kernel is linear in anything
    gradients = torch.stack([gradient for gradient, _ in pairs])
    if not torch.allclose(gradients.sum(0), elsewhere, rtol=1e-4, atol=1e-6 * float(elsewhere.abs().amax())):
        raise NetworkError(f"{target.layer} is not linear in the pixels: closed forms exist for first layers only.")
    optima = (gradients > 0).to(gradients)
    rise = (gradients * (optima - 0.5)).flatten(1).sum(1)
    activations = torch.stack([activation for _, activation in pairs]) + rise
    box = reach_of(gradients)
    return ClosedForm(
        layer=target.layer,
        kernels=tuple(kernels),
        weights=gradients[box].float().cpu(),
        optima=optima[box].float().cpu(),
        activations=activations.float().cpu(),
    )


def filters(
    target: Preactivation, kernels: Sequence[int], shape: tuple[int, int, int] | None = None
) -> dict[int, Tensor]:
    """Return the weights `C T H W` of each kernel as it acts on pixels; none of a layer that is not linear in them.

    They are read off a clip of `shape` (T, H, W), by default a whole one; where the layers before take no such clip,
    there are none.
    """
    if target.calls != (PLAIN,) or shape == target.clip_shape:
        shape = None  # where the middle of calls is on a smaller clip is not known
    try:
        found = closed_form(target, kernels, shape)
    except NetworkError:
        return {}
    except REFUSALS as error:
        if shape is None or is_out_of_memory(error):
            raise
        return {}  # it is too small for the layers before
    return dict(zip(found.kernels, found.weights, strict=True))


def reach_of(gradients: Tensor) -> tuple[slice, ...]:
    """Return the smallest box of `N C T H W` that holds all that is not zero."""
    used = gradients.abs().amax(dim=(0, 1)) > 0
    slices = [slice(None), slice(None)]
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hits = used.any(dim=others[1]).any(dim=others[0]).nonzero().flatten()
        slices.append(slice(int(hits.min()), int(hits.max()) + 1) if len(hits) else slice(0, 1))
    return tuple(slices)
