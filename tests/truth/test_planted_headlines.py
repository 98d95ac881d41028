"""Headlines of planted kernels: what they answer to is known, and so is what the reference clips must say of it."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.evidence.reference_pass import change
from reportgen.analyses.kernels.pattern import pattern
from reportgen.analyses.motion.kernel_motion import VARIANTS
from reportgen.audit.headline import KernelHeadline, headline
from reportgen.audit.limits import Limits
from reportgen.networks.core.network import as_network
from reportgen.reading.figures import KernelFigures
from tests.truth.test_course import figures as decomposed
from tests.truth.test_kernel_motion import audited

SIZE, FRAMES, PERIOD = 32, 10, 8.0
RIGHT, DOWN, STILL, EITHER_WAY, FLICKER, ANY = range(6)
WAYS = {RIGHT: (1.0, 0.0), DOWN: (0.0, 1.0), STILL: (0.0, 0.0), EITHER_WAY: (1.0, 0.0)}
"""Velocities (x, y) in px/frame of the gratings that the kernels answer to."""


def wave(shape: tuple[int, int, int], across: tuple[float, float], speed: float, phase: float = 0.0) -> Tensor:
    """Return a grating `T H W` of PERIOD px along a direction (x, y) that moves along it, in px/frame."""
    t, y, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
    return torch.cos(2 * math.pi / PERIOD * (across[0] * x + across[1] * y - speed * t) + phase)


def planted() -> nn.Module:
    """Kernels that answer to a grating to the right, one down, a still one, one that moves either way, one that
    flickers, and a kernel of one frame, which does not mind motion."""
    size = (7, 9, 9)
    t, y, x = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in size], indexing="ij")
    window = torch.exp(-((1.2 * t) ** 2) - (1.2 * y) ** 2 - (1.2 * x) ** 2)
    sideways = (1.0, 0.0)
    turns = torch.cos(math.pi * torch.arange(size[0]))[:, None, None]
    own = [
        wave(size, sideways, 1.0),
        wave(size, (0.0, 1.0), 1.0),
        wave(size, (math.sqrt(0.5), math.sqrt(0.5)), 0.0),
        wave(size, sideways, 1.0) + wave(size, sideways, -1.0),
        wave(size, sideways, 0.0) * turns,
        wave(size, sideways, 0.0) * (torch.arange(size[0]) == 3)[:, None, None],
    ]
    layer = nn.Conv3d(1, len(own), size, bias=False)
    for kernel, each in zip(layer.weight.data, own, strict=True):
        kernel[0] = window * (each - (window * each).sum() / window.sum())
    return nn.Sequential(layer).requires_grad_(False)


def reference() -> list[Tensor]:
    """Return gratings `1 1 T H W` in four directions, moving either way and standing still."""
    shape = (FRAMES, SIZE, SIZE)
    angles = [math.pi * k / 4 for k in range(4)]
    return [
        (0.5 + 0.4 * wave(shape, (math.cos(angle), math.sin(angle)), speed, 1.0))[None, None]
        for angle in angles
        for speed in (-1.0, 0.0, 1.0)
    ]


@pytest.fixture(scope="module")
def said() -> list[KernelHeadline]:
    """The headline of each kernel, from its own search, decomposition and probes."""
    network, clips = planted(), reference()
    found = maximize_activation(network, "0", range(6), objective="firing", clip_shape=(FRAMES, SIZE, SIZE), steps=40)
    probed = audited(as_network(network), ["0"], clips).layers["0"]
    kept = dict(zip(VARIANTS, probed.kept, strict=True))
    headlines = []
    for kernel, clip in enumerate(found.clips):
        parts = decompose(clip[None])
        backwards = network(clip.flip(1)[None]).relu().mean((0, 2, 3, 4))[kernel]
        best = network(torch.cat(clips)).relu().mean((2, 3, 4))[:, kernel]
        texture = parts.texture[0][:, None].expand_as(clip) if parts.texture.dim() == 4 else parts.texture[0]
        headlines.append(
            headline(
                KernelFigures(
                    **{
                        **vars(decomposed(parts)),
                        "activation": float(found.activations[kernel]),
                        "contrast": float(clip.std()),
                        "pattern": pattern(clip.permute(1, 2, 3, 0).numpy()),
                        "best_real": float(best.max()),
                        "reference_clips": len(clips),
                        "reversed_activation": float(backwards),
                        "texture_activation": float(network(texture[None]).relu().mean((0, 2, 3, 4))[kernel]),
                        "real_kept_frozen": float(kept["frozen"][kernel]),
                        "real_kept_reversed": float(kept["reversed"][kernel]),
                        "dissolved_loss": 1 - float(kept["dissolved"][kernel]),
                        "best_change": tuple(change(clips[place]) for place in best.topk(3).indices.tolist()),
                    }
                ),
                Limits(),
            )
        )
    return headlines


@pytest.mark.parametrize(
    ("kernel", "stripes", "direction"), [(RIGHT, "vertical", "right"), (DOWN, "horizontal", "down")]
)
def test_a_kernel_of_a_moving_grating_is_told_with_its_stripes_direction_and_speed(
    said: list[KernelHeadline], kernel: int, stripes: str, direction: str
) -> None:
    found = re.match(
        rf"Responds most to {stripes} stripes ([\d.]+) px apart moving {direction} at ([\d.]+)", said[kernel].claim
    )
    assert found, said[kernel].sentence
    assert float(found[1]) == pytest.approx(PERIOD, rel=0.25)
    assert float(found[2]) == pytest.approx(1.0, rel=0.2)
    assert said[kernel].state == "pass"
    assert "bear this out: frozen" in said[kernel].support


def test_a_kernel_of_a_still_grating_is_told_to_stand_still(said: list[KernelHeadline]) -> None:
    assert "falling diagonal stripes" not in said[STILL].claim, "x + y grows across: the stripes rise"
    assert re.search(r"rising diagonal stripes [\d.]+ px apart standing still", said[STILL].claim), said[STILL].claim
    assert said[STILL].state == "pass"


def test_a_kernel_that_is_symmetric_in_time_is_given_no_direction(said: list[KernelHeadline]) -> None:
    for kernel in (EITHER_WAY, FLICKER, ANY):
        assert not re.search(r"moving (right|left|up|down)", said[kernel].claim), said[kernel].sentence


def test_a_kernel_of_one_frame_is_never_told_to_need_motion(said: list[KernelHeadline]) -> None:
    """Whatever its clip does, its own still texture and the frozen clips say that motion hardly matters."""
    moves = re.search("moving|flickering|back and forth", said[ANY].claim)
    assert said[ANY].state == ("warn" if moves else "pass"), said[ANY].sentence
