"""Activation maximisation on small networks: the same whatever the company, the slots and the threads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.base import Arrays, Subject, Unit
from reportgen.analyses.kernels.analysis import KernelAnalysis
from reportgen.analyses.kernels.maximize import maximize_stream
from reportgen.analyses.kernels.objectives import facet_similarity
from reportgen.analyses.kernels.options import AscentKeywords, AscentOptions
from reportgen.analyses.kernels.parameters import KernelParameters
from reportgen.errors import NetworkError, OptionError, OutOfMemoryError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.speed.precision import Convolution, bfloat16_fault
from reportgen.progress import SILENT
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.card import ClipSpec, ModelCard

SHAPE = (4, 12, 12)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(1)
    layers: list[nn.Module] = [nn.Conv3d(3, 6, 3, (1, 2, 2), 1), nn.ReLU(inplace=True), nn.Conv3d(6, 5, 3, padding=1)]
    layers += [nn.BatchNorm3d(5), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(5, 4)]
    return nn.Sequential(*layers).double()


def test_every_kernel_rises_and_stays_in_the_box(network: nn.Module) -> None:
    found = maximize_activation(network, "2", [0, 3], clip_shape=SHAPE, steps=30)
    assert found.clips.shape == (2, 3, *SHAPE)
    assert found.clips.dtype == torch.float32
    assert float(found.clips.min()) >= 0
    assert float(found.clips.max()) <= 1
    assert torch.all(found.activations > found.starts)
    assert [len(curve) for curve in found.curves] == found.steps.tolist()


def test_the_reported_activation_is_that_of_the_clip_in_the_untouched_network(network: nn.Module) -> None:
    found = maximize_activation(network, "2", [1, 4], clip_shape=SHAPE, steps=12)
    maps = network.eval()[:4](found.clips.double()).detach()
    assert found.activations.tolist() == pytest.approx([float(maps[0, 1].mean()), float(maps[1, 4].mean())])


@pytest.mark.slow
def test_company_slots_and_repetition_do_not_change_a_kernel(network: nn.Module) -> None:
    options = {"clip_shape": SHAPE, "steps": 60, "seed": 3}
    alone = maximize_activation(network, "2", [3], batch_size=1, **options)
    assert torch.equal(maximize_activation(network, "2", [3], batch_size=1, **options).clips, alone.clips)
    for batch_size in (2, 5):
        together = maximize_activation(network, "2", [0, 3, 1, 4, 2], batch_size=batch_size, **options)
        assert together.kernels == (0, 3, 1, 4, 2)
        assert torch.allclose(together.clips[1], alone.clips[0], atol=1e-5)
        assert float(together.activations[1]) == pytest.approx(float(alone.activations[0]), rel=1e-6)


@pytest.mark.long
def test_threads_do_not_change_a_kernel(network: nn.Module) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = maximize_activation(network, "2", [0, 1], clip_shape=SHAPE, steps=20)
        torch.set_num_threads(2)
        two = maximize_activation(network, "2", [0, 1], clip_shape=SHAPE, steps=20)
    finally:
        torch.set_num_threads(threads)
    assert torch.allclose(one.clips, two.clips, atol=1e-5)


def test_seeds_and_kernels_begin_differently(network: nn.Module) -> None:
    first = maximize_activation(network, "2", [0, 1], clip_shape=SHAPE, steps=1)
    second = maximize_activation(network, "2", [0, 1], clip_shape=SHAPE, steps=1, seed=1)
    assert not torch.allclose(first.clips[0], first.clips[1])
    assert not torch.allclose(first.clips, second.clips)


@pytest.mark.slow
def test_a_kernel_that_has_arrived_stops_early(network: nn.Module) -> None:
    found = maximize_activation(network, "2", [0], clip_shape=SHAPE, steps=600, learning_rate=0.3)
    assert int(found.steps) < 600
    whole = maximize_activation(network, "2", [0], clip_shape=SHAPE, steps=80, learning_rate=0.3, early_stop=False)
    assert int(whole.steps) == 100  # with a second cool-down


def test_facets_of_a_kernel_come_together_and_differ_more_with_diversity(network: nn.Module) -> None:
    likeness = []
    for diversity in (0.0, 20.0):
        found = maximize_activation(
            network, "2", [2, 0], clip_shape=SHAPE, steps=40, facets=2, diversity=diversity, contrast=1.0
        )
        assert found.kernels == (2, 2, 0, 0)
        maps = network.eval()[:4](found.clips.double()).detach()
        likeness.append(float(facet_similarity(maps, 2).mean()))
    assert likeness[1] < likeness[0]


def test_a_stream_yields_kernels_one_by_one(network: nn.Module) -> None:
    stream = maximize_stream(network, "2", [4, 2], clip_shape=SHAPE, steps=4, batch_size=1)
    assert [next(stream).kernel, next(stream).kernel] == [4, 2]


def test_the_unit_of_the_neuron_objective_sees_only_its_region(network: nn.Module) -> None:
    (found,) = maximize_stream(network, "0", [2], clip_shape=(9, 16, 16), steps=8, objective="neuron")
    assert found.region == ((3, 6), (6, 10), (6, 10))
    outside = found.clip.clone()
    outside[:, 3:6, 6:10, 6:10] = 0.5
    assert torch.equal(outside, torch.full_like(outside, 0.5))
    maps = network.eval()[0](found.clip[None].double()).detach()
    assert found.activation == pytest.approx(float(maps[0, 2, 4, 4, 4]))


def test_growing_tiles_the_clip_and_reaches_a_like_activation(network: nn.Module) -> None:
    options = {"clip_shape": (8, 32, 32), "objective": "firing", "steps": 40, "learning_rate": 0.1}
    whole = maximize_activation(network, "0", [0, 1], **options)
    grown = maximize_activation(network, "0", [0, 1], grow=True, **options)
    assert grown.clips.shape == whole.clips.shape
    assert torch.all(grown.activations > 0.85 * whole.activations)


def test_the_network_is_left_as_it_was(network: nn.Module) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    maximize_activation(network, "2", [0], clip_shape=SHAPE, steps=3)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert type(network[0]) is nn.Conv3d


def test_a_classifier_is_a_layer_too(network: nn.Module) -> None:
    found = maximize_activation(network, "7", [0, 2], clip_shape=SHAPE, steps=30)
    logits = network.eval()(found.clips.double()).detach()
    assert found.activations.tolist() == pytest.approx(logits[[0, 1], [0, 2]].tolist())


def test_a_network_of_single_frames_has_maxima_too() -> None:
    torch.manual_seed(0)
    flat = nn.Sequential(nn.Flatten(1, 2), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    found = maximize_activation(flat, "3", [1], clip_shape=(1, 16, 16), steps=30)
    assert float(found.activations) > float(found.starts)


def test_every_option_is_a_keyword() -> None:
    assert set(AscentOptions.model_fields) == set(AscentKeywords.__annotations__)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("objective", "loudest"),
        ("basis", "wavelets"),
        ("constraint", "cone"),
        ("precision", "float16"),
        ("steps", 0),
        ("facets", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("contrast", -1.0),
        ("total_variation", -1.0),
        ("clip_shape", (0, 8, 8)),
        ("jitter", (-1, 2)),
        ("scale", (1.2, 0.8)),
    ],
)
def test_bad_options_are_named(option: str, value: object) -> None:
    with pytest.raises(OptionError, match=option):
        AscentOptions.of({option: value})


def test_bad_layers_kernels_and_clips_are_named(network: nn.Module) -> None:
    with pytest.raises(UnknownNameError, match="layer"):
        maximize_activation(network, "conv9", [0], clip_shape=SHAPE)
    with pytest.raises(UnknownNameError, match="no kernel 5: choose from 0 to 4"):
        maximize_activation(network, "2", [5], clip_shape=SHAPE)
    with pytest.raises(OptionError, match="clip_shape"):
        maximize_activation(network, "2", [0])
    valid = nn.Sequential(nn.Conv3d(3, 2, 7))
    with pytest.raises(NetworkError, match="cannot take a clip"):
        maximize_activation(valid, "0", [0], clip_shape=(3, 3, 3))


def test_mixed_precision_still_reports_in_full_precision(network: nn.Module) -> None:
    network = network.float()
    found = maximize_activation(network, "2", [1], clip_shape=SHAPE, steps=20, precision="mixed")
    maps = network.eval()[:4](found.clips).detach()
    assert float(found.activations) == pytest.approx(float(maps[0, 1].mean()), rel=1e-5)
    assert float(found.activations) > float(found.starts)


def test_what_bfloat16_gets_wrong_is_explored_in_float32_and_said_in_the_record(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(call: Convolution, clips: Tensor, kernels: Tensor) -> Tensor:
        found = right(call, clips, kernels)
        return found * 2 if found.dtype == torch.bfloat16 else found

    right = Convolution.forward
    monkeypatch.setattr(Convolution, "forward", wrong)
    bfloat16_fault.cache_clear()
    facts = {layer.name: layer for layer in describe_layers(network.float(), clip_shape=(3, *SHAPE))}
    spec = ClipSpec(frames=SHAPE[0], height=SHAPE[1], width=SHAPE[2], mean=(0.0,) * 3, std=(1.0,) * 3)
    taken = Network(network, ModelCard(name="net", title="A network", clip=spec))
    subject = Subject(taken, facts, ("2",), objective="channel")
    unit = Unit("net/2/0001", "2", {"kernel": 1})

    def no_answers(analysis: str, unit: str, role: str) -> Arrays:
        raise KeyError(analysis)

    parameters = KernelParameters(steps=20, precision="mixed")
    ((_, result),) = KernelAnalysis().run(subject, [unit], parameters, no_answers, SILENT)
    bfloat16_fault.cache_clear()
    plain = maximize_activation(network, "2", [1], clip_shape=SHAPE, steps=20, precision="float32")
    assert isinstance(result.answer, KernelAnswer)
    assert result.answer.activation == float(plain.activations[0])
    (note,) = result.notes
    assert note.startswith("Explored in float32, not in bfloat16: 6x")
    assert note.endswith("differ from float32.")


def test_a_full_memory_while_looking_into_bfloat16_halves_the_batch(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cramped(call: Convolution, clips: Tensor, kernels: Tensor) -> Tensor:
        if len(clips) > 2:
            raise torch.OutOfMemoryError("no room")
        return right(call, clips, kernels)

    right = Convolution.forward
    monkeypatch.setattr(Convolution, "forward", cramped)
    bfloat16_fault.cache_clear()
    options = {"clip_shape": SHAPE, "steps": 8, "precision": "mixed"}
    found = list(maximize_stream(network.float(), "2", [0, 1, 2, 3, 4], batch_size=5, **options))
    bfloat16_fault.cache_clear()
    assert [one.notes for one in found] == [()] * 5


def test_memory_that_does_not_hold_one_clip_is_an_error_that_says_what_to_do() -> None:
    class Huge(nn.Module):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("no room")

    with pytest.raises(OutOfMemoryError, match="smaller clip_shape"):
        maximize_activation(nn.Sequential(nn.Conv3d(3, 2, 1), Huge(), nn.Conv3d(2, 2, 1)), "2", [0], clip_shape=SHAPE)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("cuda_graphs", [False, True])
def test_a_gpu_reaches_the_same_activation(network: nn.Module, cuda_graphs: bool) -> None:
    network = network.float()
    options = {"clip_shape": SHAPE, "steps": 40, "precision": "float32"}
    here = maximize_activation(network, "2", [0, 1, 2], **options)
    there = maximize_activation(network.cuda(), "2", [0, 1, 2], cuda_graphs=cuda_graphs, **options)
    assert there.activations.tolist() == pytest.approx(here.activations.tolist(), rel=0.02)


class OneSize(nn.Module):
    """A network that takes clips of 8x64x64 only."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv3d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != (8, 64, 64):
            raise AssertionError("another size")
        return self.conv(x)


def test_a_network_of_one_size_is_not_explored_on_smaller_clips() -> None:
    options = {"clip_shape": (8, 64, 64), "steps": 8, "grow": True}
    found = maximize_activation(OneSize().requires_grad_(False), "conv", [0], **options)
    assert float(found.activations[0]) > float(found.starts[0])
