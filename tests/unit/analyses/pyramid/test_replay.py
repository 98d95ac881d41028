"""Passes that are resumed behind what they remember give what whole passes give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.pyramid.ablation import Passes, ablate
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.replay import Recorder, Replay
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import class_output, connection_graph


class Skipping(nn.Module):
    """Skip paths over several layers, in-place operations on them, views, branches, frames as a batch, constants."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.stem = nn.Conv3d(3, 8, 3, padding=1)
        self.frames = nn.Conv2d(8, 8, 3, padding=1)
        self.left = nn.Conv3d(8, 4, 1)
        self.right = nn.Conv3d(8, 4, 3, padding=1)
        self.last = nn.Conv3d(8, 8, 1)
        self.classifier = nn.Linear(8, 3)

    def forward(self, clips: Tensor) -> Tensor:
        stem = F.relu_(self.stem(clips))
        n, c, t, h, w = stem.shape
        frames = F.relu(self.frames(stem.transpose(1, 2).reshape(n * t, c, h, w)))
        joined = frames.reshape(n, t, c, h, w).transpose(1, 2)
        level = frames.detach().reshape(n, -1).mean(1)
        joined = joined * (1 + torch.arange(t)).view(t, 1, 1) + level.view(n, 1, 1, 1, 1)
        both = torch.cat([F.relu(self.left(joined)), F.relu(self.right(joined))], 1)
        both += stem
        out = F.relu_(self.last(both))
        out = out + stem
        scores: Tensor = self.classifier(out.mean((2, 3, 4)))
        return scores


@pytest.fixture
def clip() -> Tensor:
    return torch.randn(1, 3, 4, 6, 6, generator=torch.Generator().manual_seed(1))


@contextmanager
def silenced(module: nn.Module, indices: tuple[int, ...]) -> Iterator[None]:
    """Make a layer's kernels answer what is zero behind the rectifier."""

    def zero(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        output[:, list(indices)] = 0.0
        return output

    handle = module.register_forward_hook(zero)
    yield
    handle.remove()


def test_resumed_ablation_equals_whole_passes_with_zeroed_kernels(clip: Tensor) -> None:
    network = Skipping()
    pyramid = class_pyramid(network, clip, 0, depth=None, mass=0.6)
    kept = pyramid.kept()
    assert set(kept) >= {"stem", "frames", "left", "last"}
    found = {row.layer: row.drop for row in ablate(network, clip, 0, pyramid, draws=3, batch=2).layers}
    with torch.no_grad():
        for name, indices in kept.items():
            with silenced(network.get_submodule(name), indices):
                without = float(network(clip)[0, 0])
            assert found[name] == pytest.approx(pyramid.logit - without, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("layer", ["frames", "left", "right", "last", "classifier"])
def test_a_replay_computes_nothing_in_front_of_its_start(clip: Tensor, layer: str) -> None:
    network = Network(Skipping())
    graph = connection_graph(network, tuple(clip.shape))
    clips = clip.expand(2, -1, -1, -1, -1)
    recorder = Recorder(graph, network.module, [layer])
    with torch.no_grad(), recorder:
        whole = class_output(network, clips).numpy()
    recording = recorder.recording
    place = recording.start([layer])
    capture = Replay(recording, capture=place)
    with torch.no_grad(), capture:
        class_output(network, clips)
    nothing = torch.full_like(clips, torch.nan)
    with torch.no_grad(), Replay(recording, place, capture.captured):
        resumed = class_output(network, nothing).numpy()
    np.testing.assert_array_equal(resumed, whole)
    assert 1 <= len(capture.captured) <= 4


def test_passes_resumed_where_kernels_can_be_silenced_first_give_what_whole_passes_give() -> None:
    network = Network(Skipping().eval().requires_grad_(False))
    clips = torch.randn(3, 3, 4, 6, 6, generator=torch.Generator().manual_seed(2))
    graph = connection_graph(network, clips.shape)
    layers = ["stem", "right", "last"]
    conditions = [{"stem": np.array([1, 4])}, {"right": np.array([0])}, {name: np.array([2, 3]) for name in layers}]
    whole, resumed = (Passes(network, clips, graph, layers) for _ in range(2))
    resumed.resume(layers)
    for condition in conditions:
        expected = whole.without(condition)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(resumed.without(condition), expected, rtol=1e-5, atol=1e-6)
