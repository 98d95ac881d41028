"""Known answers of the methods that make pictures: synthetic clips, grown pictures, texture and motion, words."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.kernels.maximize import Maximization, maximize_activation
from reportgen.analyses.kernels.options import AscentKeywords
from reportgen.analyses.kernels.parametrization import Constraint
from reportgen.analyses.kernels.pattern import pattern
from reportgen.analyses.known_answers.case import Case
from reportgen.analyses.multiscale.maximize import maximize_over_scales
from reportgen.analyses.multiscale.schedule import scale_sizes
from reportgen.networks.core.network import Network
from reportgen.records.answers.known_answers import KnownFigure
from reportgen.records.card import Adapter, ClipSpec, ModelCard

_CLIP = (4, 6, 8)
_STEPS: tuple[tuple[Constraint, int], ...] = (("ball", 160), ("box", 48))

_SIDE, _FRAMES, _VELOCITY = 40, 8, (1.0, -0.5)
_PERIOD, _ORIENTATION = 8.0, 30.0


def _kernels() -> tuple[Tensor, ...]:
    """Search the optimum of two kernels as large as the clip, whose optimum is the kernel (in a ball) or its sign."""
    layer = nn.Conv3d(3, 2, _CLIP, bias=False)
    layer.weight.data = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(layer).requires_grad_(False)
    ball, box = (_maximised(network, constraint, steps) for constraint, steps in _STEPS)
    weight = layer.weight.flatten(1)
    alike = functional.cosine_similarity(ball.clips.flatten(1), weight)
    best = weight.clamp_min(0).sum(1)
    return alike, box.activations / best


def _maximised(network: nn.Module, constraint: Constraint, steps: int) -> Maximization:
    """Maximise both kernels; they are white noise, and the priors for natural clips would only slow the way there."""
    asked: AscentKeywords = {
        "power": 0.0,
        "decorrelated": False,
        "jitter": (0, 0),
        "learning_rate": 0.2,
        "clip_shape": _CLIP,
        "early_stop": False,
        "constraint": constraint,
        "steps": steps,
    }
    return maximize_activation(network, "0", [0, 1], **asked)


def _kernel_figures() -> tuple[KnownFigure, ...]:
    alike, reached = _kernels()
    return (
        KnownFigure(
            what="cosine between the clip found and the kernel, under a norm constraint",
            found=float(alike.min()),
            asked="least",
            known=0.999,
        ),
        KnownFigure(
            what="share of the largest possible activation, with pixels from black to white",
            found=float(reached.min()),
            asked="least",
            known=0.97,
        ),
    )


def _grown_figures() -> tuple[KnownFigure, ...]:
    layer = nn.Conv2d(3, 2, 9, bias=False)
    layer.weight.data = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(layer).double().requires_grad_(False)
    spec = ClipSpec(frames=1, height=32, width=32, mean=(0.0,) * 3, std=(1.0,) * 3)
    card = ModelCard(name="planted", title="Planted", clip=spec, adapter=Adapter(input="frame"))
    grown = maximize_over_scales(Network(network, card), "0", [0, 1], objective="neuron", start=16, sizes=3)
    best = layer.weight.clamp_min(0).flatten(1).sum(1)
    reached = torch.tensor([one.activations[-1] for one in grown.pictures], dtype=torch.float64) / best
    return (
        KnownFigure(
            what="share of the centre unit's largest possible response, at the last of three sizes",
            found=float(reached.min()),
            known=1.0,
            margin=1e-4,
        ),
        KnownFigure(what="last of the twelve published sizes", found=float(scale_sizes()[-1]), known=408.0, unit="px"),
    )


def _texture(x: Tensor, y: Tensor) -> Tensor:
    """Return colours 3 H W of a random texture of 24 plane waves (0.02 to 0.12 cycles/px) at real coordinates."""
    draw = np.random.default_rng(1)
    frequency = torch.from_numpy(2 * math.pi * 0.02 * 6 ** draw.random(24))
    angle = torch.from_numpy(2 * math.pi * draw.random(24))
    phase, amplitude = torch.from_numpy(2 * math.pi * draw.random((3, 24))), torch.from_numpy(draw.random((3, 24)))
    amplitude = amplitude / amplitude.norm(dim=1, keepdim=True)
    wave = frequency * (x[..., None] * angle.cos() + y[..., None] * angle.sin())
    return torch.stack([(torch.cos(wave + phase[c]) * amplitude[c]).sum(-1) for c in range(3)]) * 0.13 + 0.5


def _motion_figures() -> tuple[KnownFigure, ...]:
    y, x = torch.meshgrid(*(torch.arange(_SIDE, dtype=torch.float64) - (_SIDE - 1) / 2,) * 2, indexing="ij")
    frames = [_texture(x - _VELOCITY[0] * t, y - _VELOCITY[1] * t) for t in range(_FRAMES)]
    found = decompose(torch.stack(frames, dim=1).float()[None])
    off = (found.motion[0].double() - torch.tensor(_VELOCITY).view(2, 1, 1)).norm(dim=1).mean()
    return (
        KnownFigure(
            what="mean end-point error of the motion", found=float(off), asked="most", known=0.05, unit="px/frame"
        ),
        KnownFigure(what="PSNR of the moved texture", found=float(found.psnr[0]), asked="least", known=40.0, unit="dB"),
    )


def _stripes() -> np.ndarray:
    """Return a clip T H W C of grey stripes whose lines run at an angle, falling to the right."""
    y, x = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    across = math.radians(_ORIENTATION + 90)
    frame = 0.5 + 0.4 * np.cos(2 * math.pi * (x * math.cos(across) + y * math.sin(across)) / _PERIOD)
    return np.broadcast_to(frame[None, :, :, None], (4, 64, 64, 3))


def _word_figures() -> tuple[KnownFigure, ...]:
    found = pattern(_stripes())
    return (
        KnownFigure(what="clips of stripes that are called so", found=float(found.kind == "stripes"), known=1.0),
        KnownFigure(what="period of the stripes", found=found.size, known=_PERIOD, margin=0.4, unit="px"),
        KnownFigure(
            what="angle of the stripes", found=found.orientation, known=_ORIENTATION, margin=3.0, unit="degrees"
        ),
    )


PICTURE_CASES = {
    "kernels": Case(
        "kernels",
        "Two kernels of random weights, as large as the clip: under a norm constraint the clip that drives each most "
        "is the kernel itself, and in black and white it is the sign of its weights.",
        _kernel_figures,
    ),
    "multiscale": Case(
        "multiscale",
        "Two kernels of random weights on still pictures: the picture that drives the centre unit most is white where "
        "a weight is positive and black where it is negative.",
        _grown_figures,
    ),
    "decomposition": Case(
        "decomposition",
        f"A random texture that moves by {_VELOCITY[0]:g} px/frame to the right and {-_VELOCITY[1]:g} px/frame up.",
        _motion_figures,
    ),
    "headlines": Case(
        "kernels",
        f"A drawn clip of stripes with a period of {_PERIOD:g} px, whose lines fall to the right by "
        f"{_ORIENTATION:g} degrees.",
        _word_figures,
    ),
}
