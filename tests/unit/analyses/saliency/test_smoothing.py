"""SmoothGrad in bfloat16: only where the first noisy clips are told there as in float32, and with the same map then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common import reducing
from reportgen.analyses.saliency.attribution import MapSettings, attribute_with
from reportgen.analyses.saliency.smoothing import NOISE_SHARE, smoothed, smoothing_reduced
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.result import required

CLIP = torch.rand(1, 3, 4, 20, 20, generator=torch.Generator().manual_seed(1))


@contextmanager
def in_bfloat16() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16):
        yield


class Asked:
    """Attributes to a noisy clip its square, off by `off` of its size in bfloat16, and notes in which it was asked."""

    def __init__(self, off: float = 0.0) -> None:
        self.off, self.calls = off, list[str]()

    def __call__(self, noisy: Tensor) -> Tensor:
        rounded = torch.is_autocast_enabled("cpu")
        self.calls.append("bfloat16" if rounded else "float32")
        found = noisy.square()
        return found + self.off * found.std() * torch.randn_like(found) if rounded else found


def mean_of_squares(samples: int) -> Tensor:
    spread = NOISE_SHARE * float(CLIP.max() - CLIP.min())
    noises = [torch.randn(CLIP.shape, generator=torch.Generator().manual_seed(n)) for n in range(samples)]
    return sum(((CLIP + spread * noise).square() for noise in noises), torch.zeros_like(CLIP)) / samples


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_mean_over_noisy_clips_does_not_depend_on_the_batch(batch_size: int) -> None:
    found = smoothed(CLIP, Asked(), samples=8, seed=0, batch_size=batch_size)
    torch.testing.assert_close(found, mean_of_squares(8))


@pytest.mark.parametrize(("off", "rest"), [(0.1, "bfloat16"), (1.0, "float32")])
def test_clips_behind_the_first_are_asked_in_bfloat16_where_it_says_the_same(off: float, rest: str) -> None:
    asked, tried = Asked(off), Asked(off)
    found = smoothed(CLIP, asked, samples=8, seed=0, batch_size=1, rounding=in_bfloat16, tried=tried)
    assert asked.calls == ["float32", *[rest] * 7]
    assert tried.calls == ["bfloat16"]
    if rest == "float32":
        torch.testing.assert_close(found, mean_of_squares(8))


def test_few_clips_are_not_asked_twice() -> None:
    asked, tried = Asked(), Asked()
    smoothed(CLIP, asked, samples=3, seed=0, batch_size=1, rounding=in_bfloat16, tried=tried)
    assert (asked.calls, tried.calls) == (["float32"] * 3, [])


def test_a_network_that_refuses_bfloat16_is_asked_in_float32() -> None:
    def refusing(_noisy: Tensor) -> Tensor:
        raise NetworkError("not in bfloat16")

    asked = Asked()
    smoothed(CLIP, asked, samples=8, seed=0, batch_size=1, rounding=in_bfloat16, tried=refusing)
    assert asked.calls == ["float32"] * 8


def network() -> Network:
    torch.manual_seed(2)
    layers: list[nn.Module] = [nn.Conv3d(3, 16, 3, (1, 2, 2), 1), nn.BatchNorm3d(16), nn.ReLU()]
    layers += [nn.Conv3d(16, 32, (1, 3, 3), padding=(0, 1, 1)), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten()]
    return Network(nn.Sequential(*layers, nn.Linear(32, 4)).eval().requires_grad_(False))


@pytest.mark.parametrize("method", ["smoothgrad", "smoothgrad_guided"])
def test_a_map_in_bfloat16_is_that_in_float32(method: str) -> None:
    def told(samples: int, *, reduced: bool) -> Tensor:
        settings = MapSettings(samples=samples, batch_size=1, reduced=reduced)
        return required(attribute_with(network(), CLIP, 1, method, settings)).heat

    exact, rough = told(8, reduced=False), told(8, reduced=True)
    assert not torch.equal(rough, exact), "it was asked in bfloat16"
    assert float(torch.cosine_similarity(rough.flatten(), exact.flatten(), dim=0)) > 0.999
    assert torch.equal(told(3, reduced=True), told(3, reduced=False))


def test_large_networks_are_smoothed_in_bfloat16_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reducing, "reduced_precision_pays", lambda _device: True)
    monkeypatch.setattr(reducing, "forward_work", lambda _layers: 28.0)
    assert smoothing_reduced({}, 16, torch.device("cpu"))
    assert not smoothing_reduced({}, 8, torch.device("cpu"))
