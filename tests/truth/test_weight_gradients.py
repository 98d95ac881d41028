"""Weight gradients whose values are known: by hand, by differences, and by what was planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as old_weight_norm

from reportgen.analyses.weight_gradients import differences
from reportgen.analyses.weight_gradients.confusion import AskedReference, compare_classes
from reportgen.analyses.weight_gradients.differences import GradientCheck, check_gradients
from reportgen.analyses.weight_gradients.gradients import WeightGradients, weight_gradients
from reportgen.analyses.weight_gradients.ordering import ordered_by
from reportgen.analyses.weight_gradients.removal import SHARES, AskedClip, Removal, remove_filters
from reportgen.clips import ClipReference
from reportgen.networks.trace.build import connection_graph

CLASSES = 3


class Smooth(nn.Module):
    """Layers with a smooth activation between them, and a classifier on the global average."""

    def __init__(self, layers: Sequence[nn.Module], width: int, *, twice: int | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.classifier = nn.Linear(width, CLASSES)
        self.twice = twice

    def forward(self, x: Tensor) -> Tensor:
        for place, layer in enumerate(self.layers):
            for _ in range(2 if place == self.twice else 1):
                x = torch.tanh(layer(x))
        logits: Tensor = self.classifier(x.flatten(2).mean(2))
        return logits


class FramesAsSamples(nn.Module):
    """Frames go through as samples of a batch, and the logits are the mean over a clip's frames."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.classifier = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        maps = torch.tanh(self.conv(x.transpose(1, 2).flatten(0, 1)))
        logits: Tensor = self.classifier(maps.flatten(2).mean(2))
        return logits.unflatten(0, (len(x), -1)).mean(1)


def _shared() -> nn.Module:
    return Smooth([nn.Conv3d(3, 4, 1), nn.Conv3d(4, 4, 3, padding=1)], 4, twice=1)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain 3D": lambda: Smooth([nn.Conv3d(3, 4, 3), nn.Conv3d(4, 5, (1, 3, 3), stride=(1, 2, 2), dilation=1)], 5),
    "plain 2D": lambda: Smooth([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3, stride=2)], 5),
    "grouped": lambda: Smooth([nn.Conv3d(3, 6, 1), nn.Conv3d(6, 4, 3, groups=2)], 4),
    "depthwise": lambda: Smooth([nn.Conv3d(3, 6, 1), nn.Conv3d(6, 6, 3, groups=6, padding=1), nn.Conv3d(6, 4, 1)], 4),
    "transposed": lambda: Smooth([nn.Conv3d(3, 6, 1), nn.ConvTranspose3d(6, 4, 3, stride=2, groups=2)], 4),
    "called twice": _shared,
    "weight norm": lambda: Smooth([parametrizations.weight_norm(nn.Conv3d(3, 4, 3)), nn.Conv3d(4, 4, 1)], 4),
    "old weight norm": lambda: Smooth([old_weight_norm(nn.Conv3d(3, 4, 3)), nn.Conv3d(4, 4, 1)], 4),
    "weight norm, called twice": lambda: Smooth(
        [nn.Conv3d(3, 4, 1), parametrizations.weight_norm(nn.Conv3d(4, 4, 3, padding=1))], 4, twice=1
    ),
    "frames as samples": FramesAsSamples,
}


def seeded(name: str) -> tuple[nn.Module, Tensor]:
    """Return one of the networks with seeded weights, and a clip for it."""
    torch.manual_seed(1)
    with pytest.warns(FutureWarning) if name == "old weight norm" else _nothing():
        network = NETWORKS[name]().eval().requires_grad_(False)
    shape = (1, 3, 9, 9) if name == "plain 2D" else (1, 3, 5, 9, 9)
    return network, torch.rand(shape, generator=torch.Generator().manual_seed(2))


class _nothing:  # noqa: N801 (a context without effect)
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def checked(network: nn.Module, clip: Tensor, **options: int) -> GradientCheck:
    """Return the check of all convolutions."""
    graph = connection_graph(network, clip.shape)
    return check_gradients(network, clip, 1, graph, list(weight_gradients(network, clip, 1).layers), **options)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_central_differences(name: str) -> None:
    network, clip = seeded(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    found = checked(network, clip, weights=40)
    for layer, row in found.layers.items():
        assert row.error is not None
        assert row.error <= 1e-6, layer
        assert row.direction is not None
        assert row.direction <= 1e-6, layer
        assert row.smaller_steps == 0, "nothing bends in a smooth network"
    assert found.single <= 1e-4
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", ["plain 3D", "plain 2D", "grouped", "transposed", "called twice"])
def test_gradients_are_those_of_weights_that_are_changed_in_the_network_itself(name: str) -> None:
    network, clip = seeded(name)
    network, clip = network.double(), clip.double()
    for layer, found in weight_gradients(network, clip, 1).layers.items():
        module = network.get_submodule(layer)
        weight = module.get_parameter("weight")
        step = 1e-5
        expected = torch.zeros_like(weight)
        for place in np.ndindex(*weight.shape):
            both = []
            for sign in (1, -1):
                with torch.no_grad():
                    weight[place] += sign * step
                    both.append(float(network(clip)[0, 1]))
                    weight[place] -= sign * step
            expected[place] = (both[0] - both[1]) / (2 * step)
        if isinstance(module, nn.ConvTranspose3d):  # laid out by input channel first
            expected = expected.unflatten(0, (module.groups, -1)).transpose(1, 2).flatten(0, 1)
        np.testing.assert_allclose(found.gradients, expected.numpy(), rtol=1e-6, atol=1e-9)


def test_a_linear_networks_gradient_is_what_one_computes_by_hand() -> None:
    network = nn.Sequential(nn.Conv3d(2, 2, 1, bias=False), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2))
    conv, readout = network[0].weight, network[3].weight
    with torch.no_grad():
        conv.copy_(torch.tensor([[1.0, 2.0], [-1.0, 0.5]]).reshape(2, 2, 1, 1, 1))
        readout.copy_(torch.tensor([[3.0, -4.0], [0.0, 0.0]]))
    clip = torch.zeros(1, 2, 1, 1, 2)
    clip[0, 0] = torch.tensor([1.0, 3.0])  # mean 2
    clip[0, 1] = torch.tensor([0.5, 0.5])  # mean 0.5
    found = weight_gradients(network, clip, 0).layers["0"]
    # dy/dW_kc = readout_k * mean of channel c
    assert found.gradients.reshape(2, 2).tolist() == [[6.0, 1.5], [-8.0, -2.0]]
    assert found.norms.tolist() == pytest.approx([np.hypot(6, 1.5), np.hypot(8, 2)])
    assert found.first_order.tolist() == pytest.approx([abs(1 * 6 + 2 * 1.5), abs(-1 * -8 + 0.5 * -2)])
    assert found.weight_norms.tolist() == pytest.approx([np.hypot(1, 2), np.hypot(1, 0.5)])


def test_a_wrong_gradient_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    network, clip = seeded("plain 3D")

    def off(*args: object, **options: object) -> WeightGradients:
        found = weight_gradients(*args, **options)  # type: ignore[arg-type]
        for own in found.layers.values():
            own.gradients[0] *= 1.01
        return found

    monkeypatch.setattr(differences, "weight_gradients", off)
    found = checked(network, clip, weights=60)
    assert all((row.error or 0) > 1e-4 for row in found.layers.values())


def test_weights_at_a_bend_are_asked_with_a_smaller_step() -> None:
    network = nn.Sequential(nn.Conv3d(1, 1, 1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
    with torch.no_grad():
        network[0].weight.fill_(1e-6)  # the rectifier's bend lies within the step 6e-6 and beyond the smallest one
    graph = connection_graph(network, (1, 1, 1, 1, 1))
    row = check_gradients(network, torch.ones(1, 1, 1, 1, 1), 0, graph, ["0"]).layers["0"]
    assert row.smaller_steps == 1
    assert row.error is not None
    assert row.error <= 1e-6


class Planted(nn.Module):
    """Twelve filters of which the first six make class 1, and the others are read by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 12, 1, bias=False)
        self.classifier = nn.Linear(12, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(0.5)
            self.classifier.weight.zero_()
            self.classifier.weight[1, :6] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(functional.relu(self.conv(x)).flatten(2).mean(2))
        return logits


@pytest.mark.parametrize("measure", ["accuracy", "logit"])
def test_removing_planted_filters_costs_the_class_and_removing_unused_ones_nothing(measure: str) -> None:
    network = Planted().eval()
    clips = [torch.rand(1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(seed)) + 0.1 for seed in range(8)]
    graph = connection_graph(network, clips[0].shape)
    asked = [AskedClip(lambda clip=clip: clip, 1) for clip in clips]  # type: ignore[misc]
    found = remove_filters(_network(network), asked, graph, measure, draws=40)  # type: ignore[arg-type]
    assert found.removed == (1, 1, 1, 3, 6)
    for score in ("norm", "first_order"):
        np.testing.assert_allclose(found.least[score], np.broadcast_to(found.intact[:, None], (8, len(SHARES))))
        assert (found.most[score][:, -1] < 1e-6).all(), "all six are gone"
        assert (found.most[score] <= found.intact[:, None]).all()
        row = next(row for row in ordered_by(found) if row.score == score)
        assert row.p_least == 1 / 41 or measure == "accuracy", "one planted filter is enough to be recognised"
        assert row.p_most == 1 / 41


def _network(module: nn.Module):  # type: ignore[no-untyped-def]
    from reportgen.networks.core.network import borrow

    return borrow(module)


def _references(logits: np.ndarray, labels: Sequence[int]) -> list[AskedReference]:
    """Return clips with these logits and labels; they are never loaded."""

    def load():  # type: ignore[no-untyped-def]
        raise AssertionError("not asked")

    return [
        AskedReference(ClipReference(f"clip{place}", str(place), label, load), own)
        for place, (label, own) in enumerate(zip(labels, logits, strict=True))
    ]


def test_permuting_the_classes_permutes_the_comparison() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        labels = generator.integers(0, 5, 40).tolist()
        logits = generator.normal(size=(40, 5)) + 1.5 * np.eye(5)[labels]
        found = compare_classes(_references(logits, labels), "abcde", given={})
        order = generator.permutation(5)  # class c becomes order[c]
        moved = np.empty_like(logits)
        moved[:, order] = logits
        other = compare_classes(_references(moved, [int(order[one]) for one in labels]), "abcde", given={})
        assert other.classes == {role: int(order[one]) for role, one in found.classes.items() if one is not None}
        assert [case.clip.clip.name for case in other.cases] == [case.clip.clip.name for case in found.cases]
        assert {case.outcome for case in found.cases} == {"correct", "wrong"}


def test_the_class_that_is_taken_for_the_reference_is_similar_and_the_one_that_never_is_dissimilar() -> None:
    # Class 1 is taken for class 0 and the other way round; class 2 never is, and class 3 lies between.
    labels = [0, 0, 1, 1, 2, 2, 3, 3]
    rows = ["5 1 -4 0", "2 3 -4 0", "1 5 -4 0", "3 2 -4 0", "-4 -4 5 0", "-4 -4 5 0", "1 1 0 5", "1 1 0 5"]
    logits = np.array([row.split() for row in rows], float)
    found = compare_classes(_references(logits, labels), "abcd", given={"reference": 0})
    assert found.classes == {"reference": 0, "similar": 1, "dissimilar": 2}
    assert [(case.role, case.outcome, case.clip.clip.name) for case in found.cases] == [
        ("reference", "correct", "clip0"),
        ("reference", "wrong", "clip1"),
        ("similar", "correct", "clip2"),
        ("similar", "wrong", "clip3"),
        ("dissimilar", "correct", "clip4"),
    ]
    assert found.missing == (
        "a wrongly classified clip of the dissimilar class c: the network recognises all of its 2",
    )


def _removal(least: float, most: float, drawn: Sequence[float], clips: int = 10) -> Removal:
    """Return removals of which every clip keeps the same, by each score."""
    shares = len(SHARES)
    return Removal(
        measure="logit",
        intact=np.ones(clips),
        least={name: np.full((clips, shares), least) for name in ("norm", "first_order", "weight_norm")},
        most={name: np.full((clips, shares), most) for name in ("norm", "first_order", "weight_norm")},
        drawn=np.array(drawn)[:, None, None] * np.ones((len(drawn), clips, shares)),
        removed=(1,) * shares,
        filters=10,
    )


def test_an_order_is_judged_by_how_many_random_draws_do_as_well() -> None:
    row = ordered_by(_removal(0.9, 0.1, np.linspace(0.2, 0.8, 19).tolist()))[0]
    assert (row.p_least, row.p_most) == (1 / 20, 1 / 20)
    assert row.area == pytest.approx(0.8)
    row = ordered_by(_removal(0.5, 0.5, np.linspace(0.2, 0.8, 19).tolist()))[0]
    assert (row.p_least, row.p_most) == (11 / 20, 11 / 20)
