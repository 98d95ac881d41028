"""What is said of kernels' pictures: texture plus motion, the activation that it keeps, motion as in reference clips.

Kernels weigh a whole clip, so that their optima are known: the sign of each weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import torch
from torch import Tensor, nn

from reportgen.analyses.common.responses import Meter, kernel_responses
from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.motion.kernel_motion import VARIANTS, probe_clip
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.moving import texture_and_motion
from reportgen.networks.core.network import Network, as_network
from reportgen.reading.figures import KernelFigures

LIMITS = Limits()
FRAMES, SIDE, WAVES, KERNELS = 8, 24, 6, 4


def texture_plus_motion(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a kernel's clip is told to be one moving texture."""
    for found in _explained(seed, planted=planted):
        yield texture_and_motion(found, LIMITS) is True


def activation_kept(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether the moved texture keeps a kernel's activation."""
    for found in _explained(seed, planted=planted):
        yield _badge(found, "driven by the moved texture")


def motion_as_in_real_clips(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a clip and the reference clips that drive the kernel agree; on nulls those of another."""
    generator = torch.Generator().manual_seed(seed)
    drifting = _moved(_texture(generator), *_velocity(generator))
    resting = _moved(_texture(generator), 0.0, 0.0)
    kernels = [drifting - drifting.mean(0), _centred(resting)]  # the first one answers no frozen clip
    clips = [_optimum(one) for one in kernels]
    meter = Meter(_network(kernels), ["0"], (FRAMES, SIDE, SIDE), 1, "firing")
    for kernel in range(2):
        shown = _taken_apart([kernels[kernel]], [clips[kernel if planted else 1 - kernel]])[0]
        real = 0.5 + 0.4 * (clips[kernel] - 0.5)
        kept = dict(zip(VARIANTS, probe_clip(meter, real, draws=1).responses["0"][:, kernel].tolist(), strict=True))
        whole = kept["clip"]
        shown = replace(shown, real_kept_frozen=kept["frozen"] / whole, dissolved_loss=1 - kept["dissolved"] / whole)
        yield _badge(shown, "motion as in reference clips")


def _badge(found: KernelFigures, name: str) -> bool:
    return next(verdict.state for verdict in kernel_verdicts(found, LIMITS) if verdict.name == name) == "pass"


def _explained(seed: int, *, planted: bool) -> list[KernelFigures]:
    """The figures of kernels whose optimum is one moving texture, or is none: see `_unexplained`."""
    generator = torch.Generator().manual_seed(seed)
    made = [
        _moved(_texture(generator), *_velocity(generator)) if planted else _unexplained(generator, kind)
        for kind in range(KERNELS)
    ]
    kernels = [_centred(one) for one in made]
    return _taken_apart(kernels, [_optimum(one) for one in kernels])


def _unexplained(generator: torch.Generator, kind: int) -> Tensor:
    """Weights `T H W` of no single moving texture: one a frame, two that pass each other, one that turns, or noise."""
    if kind == 0:
        return torch.cat([_texture(generator)(0.0, 0.0)[None] for _ in range(FRAMES)])
    if kind == 1:
        x, y = _velocity(generator)
        return _moved(_texture(generator), x, y) + _moved(_texture(generator), -x, -y)
    if kind == 2:
        first, second, turn = _texture(generator)(0.0, 0.0), _texture(generator)(0.0, 0.0), 2 * math.pi / FRAMES
        return torch.stack([first * math.cos(turn * t) + second * math.sin(turn * t) for t in range(FRAMES)])
    return torch.randn((FRAMES, SIDE, SIDE), generator=generator)


def _taken_apart(kernels: list[Tensor], clips: list[Tensor]) -> list[KernelFigures]:
    """Return what taking each kernel's clip `1 1 T H W` apart finds, as the decomposition's answer has it."""
    shown = torch.cat(clips)
    found = decompose(shown)
    network = _network(kernels)
    whole, kept = (
        kernel_responses(network, some, ["0"])["0"].diagonal().tolist() for some in (shown, found.reconstruction)
    )
    course = {one.name: getattr(found.course, one.name).tolist() for one in fields(found.course)}
    return [
        KernelFigures(
            activation=whole[place],
            explained_variance=float(found.explained_variance[place]),
            still_variance=float(found.still_variance[place]),
            motion_explains=float(found.motion_explains[place]),
            evidence_share=float(found.evidence[place].float().mean()),
            mean_speed=float(found.mean_speed[place]),
            direction=float(found.direction[place]),
            coherence=float(found.coherence[place]),
            activation_kept=kept[place] / whole[place] if whole[place] > 0 else None,
            **{name: values[place] for name, values in course.items()},
        )
        for place in range(len(clips))
    ]


def _network(kernels: list[Tensor]) -> Network:
    layer = nn.Conv3d(1, len(kernels), (FRAMES, SIDE, SIDE))
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(torch.stack(kernels)[:, None])
        layer.bias.zero_()
    return as_network(nn.Sequential(layer, nn.ReLU()))


def _centred(weights: Tensor) -> Tensor:
    """Return weights that even brightness does not drive."""
    return weights - weights.mean()


def _optimum(weights: Tensor) -> Tensor:
    """Return the clip 1 1 T H W in [0, 1] that drives a kernel `T H W` most."""
    return weights.sign().mul(0.5).add(0.5)[None, None]


def _velocity(generator: torch.Generator) -> tuple[float, float]:
    angle, speed = torch.rand(2, generator=generator).tolist()
    size = 1 + speed
    return size * math.cos(2 * math.pi * angle), size * math.sin(2 * math.pi * angle)


def _texture(generator: torch.Generator) -> Callable[[float, float], Tensor]:
    """A sum of gratings of periods of 6 to 12 px, as a function of where it is moved to: `H W`."""
    angle, period, phase = torch.rand((3, WAVES, 1, 1), generator=generator)
    angle, frequency, phase = 2 * math.pi * angle, 1 / (6 + 6 * period), 2 * math.pi * phase
    y, x = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")

    def moved(right: float, down: float) -> Tensor:
        along = (x - right) * angle.cos() + (y - down) * angle.sin()
        return torch.cos(2 * math.pi * frequency * along + phase).sum(0)

    return moved


def _moved(texture: Callable[[float, float], Tensor], right: float, down: float) -> Tensor:
    """Return a texture that moves by so many px/frame, `T H W`."""
    return torch.stack([texture(right * frame, down * frame) for frame in range(FRAMES)])
