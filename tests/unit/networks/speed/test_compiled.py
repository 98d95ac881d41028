"""The way to a layer as a compiled program: the same numbers, and a clear error where it cannot be had."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.errors import NetworkError
from reportgen.networks.core.network import as_network
from reportgen.networks.speed.compiled import _WORTH_COMPILING, can_compile, compiled_inputs, compiling_pays

needs_compiler = pytest.mark.skipif(not can_compile(torch.device("cpu")), reason="needs a C++ compiler")


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.Conv3d(4, 6, 3), nn.Linear(7, 2)]
    return nn.Sequential(*layers).eval().requires_grad_(False)  # the last layer could not take what comes to it


class Asking(nn.Module):
    """A network whose path depends on what it sees: no program holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = network()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(-x if float(x.detach().mean()) > 0.4 else x)


@pytest.mark.long
@needs_compiler
@pytest.mark.filterwarnings("default")  # the compiler's own
def test_a_program_computes_what_the_network_does() -> None:
    one, clips = as_network(network()), torch.rand(2, 3, 4, 8, 8, requires_grad=True)
    program = compiled_inputs(one, "3", torch.zeros(2, 3, 4, 8, 8))
    wanted = one.module[:3](clips)
    assert torch.allclose(program(clips), wanted, atol=1e-5)
    (slope,) = torch.autograd.grad(program(clips).square().sum(), clips)
    assert torch.allclose(slope, torch.autograd.grad(wanted.square().sum(), clips)[0], atol=1e-4)


@pytest.mark.long
@needs_compiler
@pytest.mark.filterwarnings("default")
def test_a_compiled_search_finds_the_same() -> None:
    options = {"clip_shape": (4, 8, 8), "steps": 16, "objective": "firing", "early_stop": False}
    plain = maximize_activation(network(), "3", [0, 1, 2], compile="never", **options)
    compiled = maximize_activation(network(), "3", [0, 1, 2], compile="always", **options)
    assert compiled.activations == pytest.approx(plain.activations, rel=1e-3)
    assert torch.allclose(compiled.clips, plain.clips, atol=0.02)


def test_what_cannot_be_compiled_says_so_or_runs_as_it_is() -> None:
    with pytest.raises(NetworkError, match="cannot be compiled up to"):
        compiled_inputs(as_network(Asking()), "layers.3", torch.zeros(1, 3, 4, 8, 8))


def test_short_work_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr("reportgen.analyses.kernels.search.compiled_inputs", never)
    maximize_activation(network(), "3", [0], clip_shape=(4, 8, 8), steps=4)


def test_long_work_that_cannot_be_compiled_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_WORTH_COMPILING, "cpu", 0.0)
    options = {"clip_shape": (4, 8, 8), "steps": 4}
    found = maximize_activation(Asking(), "layers.3", [0], **options)
    assert torch.equal(found.clips, maximize_activation(Asking(), "layers.3", [0], compile="never", **options).clips)


def test_compiling_pays_for_long_work_on_networks_with_norms() -> None:
    assert compiling_pays(as_network(network()), 1e15)
    assert not compiling_pays(as_network(network()), 1e12)
    assert not compiling_pays(replace(as_network(network()), device=torch.device("cuda")), 1e15)
    assert not compiling_pays(as_network(nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU())), 1e15)
