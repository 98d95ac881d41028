"""Geirhos et al. 2024: a circuit that makes pictures of a kernel lie, and the check that must see it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common.natural_path import LEAST_NATURAL_CLIPS, NaturalPath, natural_path
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.common.running import Moments
from reportgen.analyses.kernels.maximize import maximize_activation
from reportgen.analyses.kernels.options import AscentKeywords
from reportgen.audit.limits import Limits
from reportgen.audit.paths import path_state
from reportgen.records.answers.path import PathAnswer

FRAMES, SIDE, ORIENTATIONS = 2, 16, 6


def grating(degrees: float, phase: float, size: int = SIDE) -> Tensor:
    """A smooth grating H W about 0, eight pixels a period."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    angle = math.radians(degrees)
    return torch.cos(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / 8 + phase)


def natural_clips() -> Tensor:
    """Gratings of every orientation and four phases, with a little noise, N 1 T H W in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    stills = [grating(180 * i / 12, phase) for i in range(12) for phase in (0.0, 0.8, 1.5, 2.2)]
    clips = 0.5 + 0.3 * torch.stack(stills)[:, None, None].expand(-1, 1, FRAMES, -1, -1)
    return (clips + 0.02 * torch.randn(clips.shape, generator=generator)).clamp(0, 1)


def kernels() -> tuple[Tensor, Tensor]:
    """Six detectors of gratings, and four of single-pixel patterns that no natural clip shows, K 1 1 5 5."""
    seen = torch.stack([grating(180 * i / ORIENTATIONS, 0.0, 5) for i in range(ORIENTATIONS)])
    y, x = torch.meshgrid(torch.arange(5), torch.arange(5), indexing="ij")
    fine = torch.stack([(-1.0) ** (x + y), -((-1.0) ** (x + y)), (-1.0) ** x, (-1.0) ** y])
    both = (torch.cat([kernel - kernel.mean(dim=(1, 2), keepdim=True)]) for kernel in (seen, fine))
    first, second = (kernel[:, None, None] for kernel in both)
    return first, second


class Circuit(nn.Module):
    """Second-layer kernel i detects gratings of orientation i; with `fooled`, a hidden path drives it far more."""

    def __init__(self, *, fooled: bool) -> None:
        super().__init__()
        seen, hidden = kernels()
        self.first = nn.Conv3d(1, ORIENTATIONS + 4, (1, 5, 5))
        self.second = nn.Conv3d(ORIENTATIONS + 4, ORIENTATIONS, 1, bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.cat([seen, hidden]))
            self.first.bias = nn.Parameter(torch.cat([torch.zeros(ORIENTATIONS), torch.full((4,), -3.0)]))
            self.second.weight.zero_()
            self.second.weight[:, :ORIENTATIONS] = torch.eye(ORIENTATIONS)[..., None, None, None]
            if fooled:
                self.second.weight[:, ORIENTATIONS:] = 20.0

    def forward(self, clips: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(clips)))).mean(dim=(2, 3, 4))


def path_of(network: nn.Module, kernel: int) -> NaturalPath:
    options: AscentKeywords = {
        "objective": "firing",
        "basis": "pixels",
        "contrast": 3.0,
        "learning_rate": 0.3,
        "steps": 120,
        "clip_shape": (FRAMES, SIDE, SIDE),
    }
    found = maximize_activation(network, "second", [kernel], **options)
    synthetic = kernel_responses(network, found.clips, ["first"])
    real = kernel_responses(network, natural_clips(), ["first", "second"])
    path = natural_path({"first": synthetic["first"][0]}, {"first": real["first"]}, real["second"][:, kernel])
    assert path is not None
    assert float(found.activations[0]) > float(real["second"][:, kernel].max()), "the optimum must outdo real clips"
    return path


def test_the_circuit_is_invisible_on_natural_clips() -> None:
    answers = [
        kernel_responses(Circuit(fooled=fooled), natural_clips(), ["second"])["second"] for fooled in (False, True)
    ]
    assert torch.equal(*answers)


@pytest.mark.parametrize("kernel", [0, 2])
def test_the_check_flags_the_circuit_and_not_the_honest_network(kernel: int) -> None:
    for fooled, state in ((True, "fail"), (False, "pass")):
        path = path_of(Circuit(fooled=fooled), kernel)
        answer = PathAnswer(path_natural=path.natural, path_kernels=path.kernels, path_told=path.told)
        assert path_state(answer, Limits()) == state


def test_nothing_is_said_without_enough_clips_or_drivers() -> None:
    real = {"first": torch.rand((9, 6))}
    assert natural_path({"first": torch.rand(6)}, real, torch.rand(9)) is None
    many = {"first": torch.rand((20, 6))}
    assert natural_path({"first": torch.rand(6)}, many, torch.zeros(20)) is None
    assert natural_path({"first": torch.rand(3)}, {"first": torch.rand((20, 3))}, torch.rand(20)) is None


def test_planted_dead_and_duplicate_kernels_are_found() -> None:
    responses = torch.rand((30, 6), generator=torch.Generator().manual_seed(0))
    responses[:, 2] = 0.0
    responses[:, 4] = 3 * responses[:, 1] + 0.5
    moments = Moments(6)
    for part in responses.split(7):
        moments.add(part)
    assert moments.dead() == (2,)
    assert [(a, b) for a, b, _ in moments.duplicates(0.99, LEAST_NATURAL_CLIPS)] == [(1, 4)]
    assert moments.duplicates(0.99, 31) == (), "a correlation over few clips says too little"
