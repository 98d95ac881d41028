"""Networks that take so many clips, mix them, draw random numbers or remember: handled and said, or refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from every_analysis import put_through_everything, reasons
from torch import Tensor

from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.kernels.maximize import maximize_activation
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.zoo.load import load_network

NETWORKS = """
import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self, then):
        super().__init__()
        self.then = then
        self.stem, self.body, self.head = nn.Conv3d(3, 4, 3, 2, 1), nn.Conv3d(4, 6, 3, 1, 1), nn.Linear(6, 5)
        self.norm = nn.BatchNorm1d(6, track_running_stats=False)
        self.query = nn.Linear(6, 6)
        self.hidden, self.frames, self.calls = None, None, 0
        self.register_buffer("cache", torch.zeros(6))

    def forward(self, clip):
        maps = torch.relu(self.body(torch.relu(self.stem(clip))))
        return self.head(THEN[self.then](self, maps, maps.mean((2, 3, 4))))


def apart(net, maps, features):
    return features


def four(net, maps, features):
    return maps.contiguous().view(4, 6, -1).mean(2)


def two(net, maps, features):
    return features.view(2, 6)


def one(net, maps, features):
    return features[0].view(1, 6)


def statistics(net, maps, features):
    return net.norm(features)


def train_mode(net, maps, features):
    return functional.batch_norm(maps, None, None, training=True).mean((2, 3)).amax(2)


def attention(net, maps, features):
    return features + (net.query(features) @ features.T).softmax(1) @ features


def flipped(net, maps, features):
    return features.flip(0)


def largest(net, maps, features):
    return features / features.abs().amax()


def dropout(net, maps, features):
    return functional.dropout(features, 0.5, training=True)


def noise(net, maps, features):
    return features + torch.randn_like(features)


def sampled(net, maps, features):
    return maps[:, :, torch.randperm(maps.shape[2])[:2]].mean((2, 3, 4))


def shuffled(net, maps, features):
    return features[torch.randperm(len(features))]


def hidden(net, maps, features):
    net.hidden = features if net.hidden is None or net.hidden.shape != features.shape else features + net.hidden / 2
    return net.hidden


def running(net, maps, features):
    net.cache.add_(features.mean(0))
    return features + net.cache


def counting(net, maps, features):
    net.calls += 1
    return features * net.calls


def last_frames(net, maps, features):
    before, net.frames = net.frames, maps[:, :, -2:]
    return torch.cat([maps[:, :, :2] * 0 if before is None else before, maps], 2).mean((2, 3, 4))


def chance_of_others(net, maps, features):
    return features * np.random.rand()


def last_maps(net, maps, features):
    net.hidden = maps
    return features


class FourPair(nn.Module):
    '''Four clips a call, and the answer to each depends on its neighbour.'''

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv3d(3, 4, 3, 2, 1), nn.Linear(4, 5)

    def forward(self, clip):
        features = torch.relu(self.stem(clip)).mean((2, 3, 4)).view(4, 4)
        return self.head(features + features.roll(1, 0))


THEN = {one.__name__: one for one in (
    apart, four, two, one, statistics, train_mode, attention, flipped, largest, dropout, noise, sampled, shuffled,
    hidden, running, counting, last_frames, chance_of_others, last_maps,
)}


class PerFrame(nn.Module):
    '''A picture network over the frames: a row for each.'''

    def __init__(self, order):
        super().__init__()
        self.order, self.stem, self.head = order, nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(4, 5)

    def forward(self, clip):
        frames = clip.transpose(1, 2) if self.order == "clips" else clip.permute(2, 0, 1, 3, 4)
        return self.head(torch.relu(self.stem(frames.flatten(0, 1))).mean((2, 3)))


class TimeLast(nn.Module):
    '''N C H W T of one size.'''

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, 5)
        self.positions = nn.Parameter(torch.zeros(4, 16, 16, 8))

    def forward(self, clip):
        return self.head(torch.relu(self.stem(clip) + self.positions).mean((2, 3, 4)))
"""

CLIP = {"frames": 8, "height": 16, "width": 16}
#: With weights, and as `reportgen layers` asks for a network, without.
HOW = [pytest.param(False, id="built"), pytest.param(True, id="described", marks=pytest.mark.long)]
FIXED = {"four": 4, "two": 2, "one": 1}
MIXING = ("train_mode", "attention", "flipped", "largest")
DRAWING = ("dropout", "noise", "sampled", "shuffled")
REMEMBERING = ("hidden", "running", "counting", "last_frames")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "nets.py"
    path.write_text(NETWORKS)
    return path


def load(file: Path, then: str, **options: Any) -> Network:
    given = {"untrained": True, "clip": CLIP} | options
    return load_network(f"{file}:Net", model_args={"then": then}, **given)


def clips(count: int = 5) -> Tensor:
    noise = torch.rand(count, 3, 8, 16, 16, generator=torch.Generator().manual_seed(1))
    return noise * torch.linspace(0.3, 1, count).view(-1, 1, 1, 1, 1)


def notes(network: Network) -> str:
    assert network.card is not None
    return " ".join(network.card.notes)


def apart(network: Network, file: Path) -> Network:
    """Return the network of the same weights that takes any number of clips and keeps them apart."""
    plain = load(file, "apart")
    plain.module.load_state_dict(network.module.state_dict())
    return plain


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("then", FIXED)
def test_a_fixed_number_of_clips_is_found(file: Path, then: str, meta: bool) -> None:
    network = load(file, then, meta=meta, untrained=not meta)
    assert network.adapter.batch == FIXED[then]
    held = "one clip a call" if then == "one" else f"{FIXED[then]} clips a call, so each is repeated"
    assert f"Found: it takes {held}" in notes(network)


@pytest.mark.parametrize("then", FIXED)
def test_any_number_of_clips_is_answered_as_each_alone(file: Path, then: str) -> None:
    network = load(file, then)
    plain = apart(network, file)
    with torch.no_grad():
        for count in (1, 2, 4, 5, 9):
            assert torch.allclose(network.logits(clips(count)), plain.logits(clips(count)), atol=1e-5), count
    for objective in ("firing", "channel"):
        own, known = (kernel_responses(one, clips(), ["stem", "body"], objective=objective) for one in (network, plain))
        assert all(torch.allclose(own[layer], known[layer], atol=1e-5) for layer in known)


def test_a_gradient_of_one_clip_is_that_of_its_copies_together(file: Path) -> None:
    network = load(file, "four")
    plain = apart(network, file)
    slopes = []
    for one in (network, plain):
        asked = clips(1).requires_grad_()
        slopes.append(torch.autograd.grad(one.logits(asked)[0, 2], asked)[0])
    assert torch.allclose(*slopes, atol=1e-6)


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("then", MIXING)
def test_a_network_that_mixes_the_clips_of_a_batch_is_given_one_at_a_time(file: Path, then: str, meta: bool) -> None:
    network = load(file, then, meta=meta, untrained=not meta)
    assert (network.adapter.batch, network.adapter.seed) == (1, None)
    assert "depends on the other clips of the batch, so it is given one clip a call" in notes(network)


@pytest.mark.parametrize("then", ["attention", "largest", "flipped"])
def test_each_clip_of_a_mixing_network_is_answered_as_if_it_were_alone(file: Path, then: str) -> None:
    network = load(file, then)
    with torch.no_grad():
        together = network.logits(clips())
        alone = torch.cat([network.logits(clip) for clip in clips().split(1)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("then", DRAWING)
def test_a_network_that_draws_begins_every_call_with_the_same_numbers(file: Path, then: str, meta: bool) -> None:
    network = load(file, then, meta=meta, untrained=not meta)
    assert (network.adapter.batch, network.adapter.seed) == (1, 0)
    assert "draws random numbers" in notes(network)
    if meta:
        return
    before = torch.random.get_rng_state()
    with torch.no_grad():
        found = [network.logits(clips()) for _ in range(2)]
        alone = torch.cat([network.logits(clip) for clip in clips().split(1)])
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], alone)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_draw_can_be_asked_for(file: Path) -> None:
    first, second = (load(file, "noise", adapter=said) for said in ({}, {"seed": 7, "batch": 1}))
    assert second.adapter.seed == 7
    with torch.no_grad():
        assert not torch.allclose(first.logits(clips()), second.logits(clips()), atol=1e-2)


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("then", REMEMBERING)
def test_every_call_of_a_network_that_remembers_begins_as_its_first_one(file: Path, then: str, meta: bool) -> None:
    network = load(file, then, meta=meta, untrained=not meta)
    assert "answers by what it keeps of earlier calls" in notes(network)
    if meta:
        return
    with torch.no_grad():
        first = load(file, then).module(network.prepare(clips(1)).args[0])
        assert torch.allclose(network.logits(clips(1)), first, atol=1e-6)
        network.logits(clips(3))
        assert torch.allclose(network.logits(clips(1)), first, atol=1e-6)


@pytest.mark.parametrize("then", REMEMBERING)
def test_a_module_that_remembers_is_searched_and_traced_as_if_nothing_came_before(file: Path, then: str) -> None:
    module = load(file, then).module
    first, again = (maximize_activation(module, "head", [0], clip_shape=(8, 16, 16), steps=4) for _ in range(2))
    assert torch.equal(first.clips, again.clips)
    with torch.no_grad():
        told = module(first.clips[:1])[0, 0]
    assert float(first.activations[0]) == pytest.approx(float(told), rel=1e-4)


def test_a_network_that_draws_elsewhere_is_refused(file: Path) -> None:
    with pytest.raises(NetworkError, match=r"answers the same clip differently each time.*begin anew") as caught:
        load(file, "chance_of_others")
    assert "\n" not in str(caught.value)


def test_keeping_something_that_changes_no_answer_is_no_memory(file: Path) -> None:
    for meta in (False, True):
        network = load(file, "last_maps", meta=meta, untrained=not meta)
        assert (network.adapter.batch, network.adapter.seed) == (None, None)


def test_a_plain_network_is_left_as_it_is(file: Path) -> None:
    for meta in (False, True):
        network = load(file, "apart", meta=meta, untrained=not meta)
        assert (network.adapter.batch, network.adapter.seed) == (None, None)
        assert "Found: it takes one clip" not in notes(network)


def test_a_fixed_number_of_clips_that_depend_on_each_other_is_refused(file: Path) -> None:
    with pytest.raises(NetworkError, match="of 4 clips a call, each row of its output is not of one clip"):
        load_network(f"{file}:FourPair", untrained=True, clip=CLIP)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("then", FIXED)
def test_a_program_exported_for_a_number_of_clips_is_asked_with_that(file: Path, then: str, tmp_path: Path) -> None:
    network = load(file, then)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of itself
        program = torch.export.export(network.module, (torch.rand(FIXED[then], 3, 8, 16, 16),))
        torch.export.save(program, tmp_path / "net.pt2")
    found = load_network(str(tmp_path / "net.pt2"))
    assert found.adapter.batch == FIXED[then]
    with torch.no_grad():
        assert torch.allclose(found.logits(clips(7)), network.logits(clips(7)), atol=1e-5)


def test_a_network_that_mixes_clips_and_takes_none_alone_is_refused(file: Path) -> None:
    with pytest.raises(NetworkError, match=r"cannot run on a clip of 8x16x16 \(Expected more than 1 value per channel"):
        load(file, "statistics")


def test_rows_of_frames_are_read_clip_by_clip(file: Path) -> None:
    network = load_network(f"{file}:PerFrame", untrained=True, clip=CLIP, model_args={"order": "clips"})
    assert (network.adapter.rows, network.adapter.answer) == ("frames", "N T K")
    assert "a row for each of a clip's times, clip by clip" in notes(network)
    prepared = network.prepare(clips()).args[0]
    with torch.no_grad():
        rows = network.module(prepared).view(5, 8, 5)
        assert torch.allclose(network.logits(clips()), rows.mean(1), atol=1e-6)
        assert torch.allclose(network.logits_over_time(clips()), rows.transpose(1, 2), atol=1e-6)


def test_rows_of_frames_in_another_order_are_refused_by_the_flag(file: Path) -> None:
    with pytest.raises(NetworkError, match=r"several rows a clip, which are not found one behind.*'rows': 'frames'"):
        load_network(f"{file}:PerFrame", untrained=True, clip=CLIP, model_args={"order": "frames"})


def test_time_behind_height_and_width_is_found_where_only_that_is_taken(file: Path) -> None:
    network = load_network(f"{file}:TimeLast", untrained=True, clip=CLIP)
    assert network.adapter.layout == "N C H W T"
    assert network.prepare(clips(2)).args[0].shape == (2, 3, 16, 16, 8)
    assert "Assumed: it takes a clip N C H W T" in notes(network)
    plain = load(file, "apart")
    assert "takes N C H W T as well, and nothing tells which of the three axes is time" in notes(plain)
    said = load(file, "apart", adapter={"layout": "N C H W T"})
    assert said.prepare(clips(2)).args[0].shape == (2, 3, 16, 16, 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "then", ["four", *(pytest.param(one, marks=pytest.mark.long) for one in ("largest", "dropout"))]
)
def test_every_analysis_answers_for_it(file: Path, then: str, tmp_path: Path) -> None:
    outcomes = put_through_everything(f"{file}:Net", {"then": then}, (8, 16), tmp_path)
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert not reasons(found), f"{analysis}: {reasons(found)}"


@pytest.mark.long
def test_every_analysis_answers_for_rows_of_frames(file: Path, tmp_path: Path) -> None:
    outcomes = put_through_everything(f"{file}:PerFrame", {"order": "clips"}, (8, 16), tmp_path)
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert analysis == "decomposition" or not reasons(found), f"{analysis}: {reasons(found)}"
