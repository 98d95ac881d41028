"""What foreign networks return: time is no class, one logit is a yes or no, and of several outputs one is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from reportgen import class_pyramid
from reportgen.errors import NetworkError, OptionError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.zoo.load import load_network

NETWORKS = '''
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm


class LessItsMean(nn.Module):
    """A parametrization that cannot be undone."""

    def forward(self, weight):
        return weight - weight.mean()


def centred(layer):
    nn.utils.parametrize.register_parametrization(layer, "weight", LessItsMean())
    return layer


class Net(nn.Module):
    """Clips to whatever `GIVES` names."""

    def __init__(self, gives, classes=5, norm="none"):
        super().__init__()
        self.gives = gives
        wrap = {"none": lambda layer: layer, "old weight": weight_norm, "old spectral": spectral_norm,
                "weight": parametrizations.weight_norm, "spectral": parametrizations.spectral_norm,
                "orthogonal": parametrizations.orthogonal, "centred": centred}[norm]
        self.stem, self.head = wrap(nn.Conv3d(3, 4, 3, padding=1)), wrap(nn.Linear(4, classes))

    def forward(self, clip):
        return GIVES[self.gives](self, torch.relu(self.stem(clip)))


def whole(net, maps):
    return net.head(maps.mean((2, 3, 4)))


def steps(net, maps):
    return net.head(maps.mean((3, 4)).transpose(1, 2))


class Fixed(Net):
    """Takes eight frames and no other number."""

    def forward(self, clip):
        if clip.shape[2] != 8:
            raise ValueError("eight frames, please")
        return super().forward(clip)


GIVES = {
    "N K": whole,
    "N T K": steps,
    "N K T": lambda net, maps: steps(net, maps).transpose(1, 2),
    "half as many steps": lambda net, maps: steps(net, maps)[:, ::2],
    "N": lambda net, maps: whole(net, maps)[:, 0],
    "N 1": lambda net, maps: whole(net, maps)[:, :1],
    "N of sigmoid": lambda net, maps: net.head(maps.mean((2, 3, 4)))[:, 0].sigmoid(),
    "N T": lambda net, maps: steps(net, maps)[..., 0],
    "N T 1": lambda net, maps: steps(net, maps)[..., :1],
    "maps": lambda net, maps: maps,
    "places": lambda net, maps: maps.mean(2),
    "by key": lambda net, maps: {"embedding": net.head(maps.amax((2, 3, 4))), "logits": whole(net, maps), "aux": maps},
    "features": lambda net, maps: {"features": maps.mean((2, 3, 4)), "per_frame": steps(net, maps)},
    "two heads": lambda net, maps: (whole(net, maps), net.head(maps.amax((2, 3, 4)))),
    "softmax first": lambda net, maps: (whole(net, maps).softmax(1), whole(net, maps)),
    "steps and softmax": lambda net, maps: [steps(net, maps), steps(net, maps).softmax(2)],
    "maps and scores": lambda net, maps: (maps, whole(net, maps)),
    "by labels": lambda net, maps: (maps.mean((2, 3, 4)), whole(net, maps)),
    "classes times steps": lambda net, maps: steps(net, maps).flatten(1),
    "tokens": lambda net, maps: net.head(maps[..., ::8, ::8].flatten(2).transpose(1, 2)),
    "places as tokens": lambda net, maps: net.head(maps.mean(2)[..., ::4, ::4].flatten(2).transpose(1, 2)),
    "times by times": lambda net, maps: steps(net, maps) @ steps(net, maps).transpose(1, 2),
    "views": lambda net, maps: whole(net, maps)[:, None].expand(-1, 3, -1),
    "segments": lambda net, maps: nn.functional.interpolate(steps(net, maps)[..., :1].transpose(1, 2), 10)[:, 0],
    "largest": lambda net, maps: whole(net, maps).topk(3).values,
    "K of sigmoid": lambda net, maps: whole(net, maps).sigmoid(),
    "K of softmax": lambda net, maps: whole(net, maps).softmax(1),
    "sigmoid beside": lambda net, maps: {"logits": whole(net, maps), "probs": whole(net, maps).sigmoid()},
    "two signals": lambda net, maps: (steps(net, maps)[..., 0], steps(net, maps)[..., 1]),
    "logarithms": lambda net, maps: whole(net, maps).log_softmax(1),
    "logarithms at a temperature": lambda net, maps: (whole(net, maps) / 2).log_softmax(1),
    "softmax at a temperature": lambda net, maps: (whole(net, maps) / 2).softmax(1),
    "logarithms of two heads": lambda net, maps: (whole(net, maps) + net.head(maps.amax((2, 3, 4)))).log_softmax(1),
    "softmax of two heads": lambda net, maps: (whole(net, maps) - 2 * net.head(maps.amax((2, 3, 4)))).softmax(1),
    "mean of sigmoids": lambda net, maps: steps(net, 9 * maps[:, :, 1:-1]).sigmoid().mean(1),
    "mean of softmaxes": lambda net, maps: steps(net, 9 * maps[:, :, 1:-1]).softmax(2).mean(1),
    "logarithms of a mean": lambda net, maps: steps(net, 9 * maps[:, :, 1:-1]).softmax(2).mean(1).log(),
    "steps of logarithms": lambda net, maps: steps(net, maps).log_softmax(2),
    "steps beside a signal": lambda net, maps: (steps(net, maps)[..., 0], steps(net, maps)),
    "scores beside a depth": lambda net, maps: (whole(net, maps), maps.mean(1, keepdim=True)),
    "numbers": lambda net, maps: whole(net, maps).argmax(1),
    "complex": lambda net, maps: torch.complex(whole(net, maps), whole(net, maps)),
    "not finite": lambda net, maps: whole(net, maps) / 0 * 0,
}


def make(gives, classes=5, norm="none", fixed=False):
    return (Fixed if fixed else Net)(gives, classes, norm)
'''

CLIP = {"frames": 8, "height": 16, "width": 16, "mean": (0.0,) * 3, "std": (1.0,) * 3}

FOUND: dict[str, tuple[int | None, str | None, tuple[int | str, ...]]] = {
    "N K": (5, "N K", ()),
    "N T K": (5, "N T K", ()),
    "N K T": (5, "N K T", ()),
    "half as many steps": (5, "N T K", ()),
    "N": (2, "N", ()),
    "N 1": (2, "N 1", ()),
    "N T": (None, "N T", ()),
    "N T 1": (None, "N T 1", ()),
    "maps": (None, "N C T H W", ()),
    "places": (None, "N C H W", ()),
    "by key": (5, "N K", ("logits",)),
    "features": (5, "N T K", ("per_frame",)),
    "softmax first": (5, "N K", (1,)),
    "steps and softmax": (5, "N T K", (0,)),
    "maps and scores": (5, "N K", (1,)),
    "two signals": (None, None, ()),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "gives.py"
    path.write_text(NETWORKS)
    return path


def load(file: Path, gives: str, labels: Sequence[str] | None = None, adapter: Any = None, **args: Any) -> Network:
    return load_network(
        f"{file}:make", untrained=True, model_args={"gives": gives, **args}, clip=CLIP, adapter=adapter, labels=labels
    )


def maps_of(network: Network, clips: Tensor) -> Tensor:
    stem: torch.nn.Module = network.submodule("stem")
    maps: Tensor = torch.relu(stem(clips))
    return maps


def head(network: Network, features: Tensor) -> Tensor:
    scores: Tensor = network.submodule("head")(features)
    return scores


CLIPS = torch.rand(2, 3, 8, 16, 16, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("gives", FOUND)
def test_the_answer_is_read_for_what_it_is(file: Path, gives: str) -> None:
    network = load(file, gives)
    assert network.card is not None
    classes, answer, output = FOUND[gives]
    assert (network.card.classes, network.adapter.answer, network.adapter.output) == (classes, answer, output)
    assert network.has_classes == (classes is not None)
    assert any("`adapter" in note for note in network.card.notes if "output" in note or "classes" in note)


@pytest.mark.parametrize("gives", ["N K", "N T K", "N K T", "by key", "features", "maps and scores"])
def test_class_scores_are_means_over_time(file: Path, gives: str) -> None:
    network = load(file, gives)
    with torch.no_grad():
        wanted = head(network, maps_of(network, CLIPS).mean((2, 3, 4)))
        assert torch.allclose(network.logits(CLIPS), wanted, atol=1e-5)


def test_classes_at_each_time(file: Path) -> None:
    with torch.no_grad():
        for gives in ("N T K", "N K T"):
            network = load(file, gives)
            wanted = head(network, maps_of(network, CLIPS).mean((3, 4)).transpose(1, 2)).transpose(1, 2)
            assert torch.allclose(network.logits_over_time(CLIPS), wanted, atol=1e-5)
        with pytest.raises(NetworkError, match="once per clip"):
            load(file, "N K").logits_over_time(CLIPS)


@pytest.mark.parametrize(("gives", "classes"), [("N", 5), ("N 1", 5), ("N of sigmoid", 1)])
def test_one_logit_is_asked_for_and_against(file: Path, gives: str, classes: int) -> None:
    network = load(file, gives, classes=classes)
    with torch.no_grad():
        logits = network.logits(CLIPS)
        wanted = head(network, maps_of(network, CLIPS).mean((2, 3, 4)))[:, 0]
    assert torch.allclose(logits, torch.stack([-wanted, wanted], 1), atol=1e-5)
    assert torch.allclose(network.probabilities(logits)[:, 1], wanted.sigmoid(), atol=1e-5)
    assert network.labels == ("against", "for")
    assert load(file, gives, labels=["cut"], classes=classes).labels == ("not cut", "cut")


#: What makes probabilities of the logits, as far as the network shows it.
PROBABILITIES: dict[str, tuple[str, str | None]] = {
    "N K": ("logits", None),
    "K of sigmoid": ("probabilities", "sigmoid"),
    "K of softmax": ("probabilities", "softmax"),
    "sigmoid beside": ("logits", "sigmoid"),
    "softmax first": ("logits", "softmax"),
}


@pytest.mark.parametrize("gives", PROBABILITIES)
def test_what_makes_probabilities_is_found_or_not_known(file: Path, gives: str) -> None:
    network = load(file, gives)
    assert (network.adapter.scores, network.adapter.probabilities) == PROBABILITIES[gives]
    assert network.card is not None
    said = " ".join(network.card.notes)
    assert ("no probabilities are told" in said) == (PROBABILITIES[gives][1] is None)
    with torch.no_grad():
        logits = network.logits(CLIPS)
        assert torch.allclose(logits, head(network, maps_of(network, CLIPS).mean((2, 3, 4))), atol=1e-5)
        told = network.probabilities(logits)
    wanted = {"softmax": logits.softmax(1), "sigmoid": logits.sigmoid(), None: None}[PROBABILITIES[gives][1]]
    assert (told is None) == (wanted is None)
    assert told is None or torch.equal(told, wanted)


def test_logits_are_read_in_front_of_the_softmax_whose_logarithms_are_returned(file: Path) -> None:
    network = load(file, "logarithms")
    assert network.card is not None
    assert any("logarithms of probabilities" in note for note in network.card.notes)
    with torch.no_grad():
        wanted = head(network, maps_of(network, CLIPS).mean((2, 3, 4)))
        logits = network.logits(CLIPS)
    torch.testing.assert_close(logits, wanted)
    told = network.probabilities(logits)
    assert told is not None
    torch.testing.assert_close(told, wanted.softmax(1))
    pyramid = class_pyramid(network, CLIPS[0], 2)
    assert pyramid.logit == pytest.approx(float(wanted[0, 2]), rel=1e-4)


def test_what_no_single_layer_returns_is_no_logit(file: Path) -> None:
    logarithms, softmax = load(file, "logarithms of two heads"), load(file, "softmax of two heads")
    assert logarithms.card is not None
    assert softmax.card is not None
    with torch.no_grad():
        assert torch.allclose(logarithms.logits(CLIPS).exp().sum(1), torch.ones(len(CLIPS)))
    assert "explained as logits are" in " ".join(logarithms.card.notes)
    assert not softmax.has_classes
    assert "no layer of it returns the logits" in " ".join(softmax.card.notes)


@pytest.mark.parametrize("gives", ["mean of sigmoids", "mean of softmaxes"])
def test_means_of_the_probabilities_of_frames_are_not_those_of_the_mean_logits(file: Path, gives: str) -> None:
    network = load(file, gives)
    assert network.card is not None
    assert network.adapter.probabilities is None
    assert "Its probabilities are means over parts of the clip" in " ".join(network.card.notes)
    with torch.no_grad():
        assert torch.allclose(
            network.logits(CLIPS), head(network, 9 * maps_of(network, CLIPS)[:, :, 1:-1].mean((2, 3, 4))), atol=1e-5
        )


def test_the_logarithm_of_a_mean_of_probabilities_is_explained_as_it_is(file: Path) -> None:
    network = load(file, "logarithms of a mean")
    with torch.no_grad():
        each = head(network, 9 * maps_of(network, CLIPS)[:, :, 1:-1].mean((3, 4)).transpose(1, 2)).softmax(2)
        logits = network.logits(CLIPS)
        told = network.probabilities(logits)
    assert told is not None
    torch.testing.assert_close(told, each.mean(1))


def test_probabilities_at_a_temperature_are_the_networks_or_none(file: Path) -> None:
    with torch.no_grad():
        logarithms, softmax = load(file, "logarithms at a temperature"), load(file, "softmax at a temperature")
        told = logarithms.probabilities(logarithms.logits(CLIPS))
        wanted = head(softmax, maps_of(softmax, CLIPS).mean((2, 3, 4)))
        torch.testing.assert_close(softmax.logits(CLIPS), wanted)
    assert told is not None
    torch.testing.assert_close(told, softmax.module(CLIPS))
    assert softmax.probabilities(wanted) is None


def test_logarithms_at_each_time_are_told_at_each_time(file: Path) -> None:
    network = load(file, "steps of logarithms")
    with torch.no_grad():
        told = network.logits_over_time(CLIPS)
    torch.testing.assert_close(told.exp().sum(1), torch.ones(len(CLIPS), 8))


def test_of_scores_beside_a_signal_either_can_be_said(file: Path) -> None:
    answer = {"output": (1,), "answer": "N T K"}
    with pytest.raises(NetworkError, match=r"'output': \[1\], 'answer': 'N T K'.*'output': \[0\], 'scores': 'none'"):
        load(file, "steps beside a signal")
    assert load(file, "steps beside a signal", adapter=answer).card.classes == 5  # type: ignore[union-attr]
    signal = load(file, "steps beside a signal", adapter={"output": (0,), "scores": "none"})
    assert (signal.has_classes, signal.adapter.answer) == (False, "N T")


@pytest.mark.parametrize(
    ("gives", "words"),
    [("numbers", "returns int64"), ("complex", "returns complex64"), ("not finite", "no finite number")],
)
def test_an_answer_without_real_numbers_is_refused(file: Path, gives: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        load(file, gives)


def test_what_makes_probabilities_can_be_said(file: Path) -> None:
    network = load(file, "N K", adapter={"probabilities": "sigmoid"})
    assert network.adapter.probabilities == "sigmoid"
    assert network.card is not None
    assert "no probabilities" not in " ".join(network.card.notes)


def test_a_signal_has_its_own_times(file: Path) -> None:
    with torch.no_grad():
        for gives in ("N T", "N T 1"):
            network = load(file, gives)
            wanted = head(network, maps_of(network, CLIPS).mean((3, 4)).transpose(1, 2))[..., 0]
            assert torch.allclose(network.signal(CLIPS), wanted, atol=1e-5)
            assert network.has_signal
            with pytest.raises(NetworkError, match="has no classes"):
                network.logits(CLIPS)


def test_labels_tell_the_scores_from_features(file: Path) -> None:
    with pytest.raises(NetworkError, match=r"\[0\] is N 4; \[1\] is N 5.*`adapter="):
        load(file, "by labels")
    assert load(file, "by labels", labels=list("abcde")).adapter.output == (1,)


@pytest.mark.parametrize("gives", ["two heads", "by labels", "steps beside a signal", "scores beside a depth"])
def test_scores_that_nothing_tells_apart_are_asked_for(file: Path, gives: str) -> None:
    with pytest.raises(NetworkError, match=r"not certain where .* returns class scores.*`adapter="):
        load(file, gives)


@pytest.mark.parametrize(
    ("gives", "answer"),
    [("classes times steps", "N K"), ("tokens", "N . K"), ("places as tokens", "N . K"), ("times by times", "N . K")],
)
def test_an_axis_of_several_things_is_neither_time_nor_classes(file: Path, gives: str, answer: str) -> None:
    with pytest.raises(NetworkError, match=rf"is made of places, or of several things\).*'answer': '{answer}'"):
        load(file, gives)
    assert load(file, gives, adapter={"answer": answer}).has_classes
    assert not load(file, gives, adapter={"scores": "none"}).has_classes


@pytest.mark.parametrize(("gives", "size"), [("segments", 10), ("largest", 3)])
def test_numbers_that_no_layer_has_kernels_for_are_not_taken_for_classes(file: Path, gives: str, size: int) -> None:
    with pytest.raises(NetworkError, match=r"not certain where .* returns class scores.*`adapter="):
        load(file, gives)
    assert load(file, gives, adapter={"answer": "N K"}).logits(CLIPS).shape == (2, size)
    assert load(file, gives, labels=[str(label) for label in range(size)]).has_classes


def test_what_is_averaged_is_said(file: Path) -> None:
    card = load(file, "views").card
    assert card is not None
    assert card.adapter.answer == "N . K"
    assert any("N 3 5, holds the scores of 5 classes, averaged over its axis 1" in note for note in card.notes)


@pytest.mark.parametrize("gives", ["N T", "half as many steps"])
def test_what_may_be_time_is_asked_for(file: Path, gives: str) -> None:
    with pytest.raises(NetworkError, match=r"not certain where .* returns class scores"):
        load(file, gives, classes=8, fixed=True)
    known = load(file, gives, classes=8, fixed=True, adapter={"scores": "none"})
    assert not known.has_classes


@pytest.mark.parametrize("classes", [5, 11])
def test_classes_of_a_network_of_one_length_are_known_by_its_last_layer(file: Path, classes: int) -> None:
    card = load(file, "N K", classes=classes, fixed=True).card
    assert card is not None
    assert (card.classes, card.adapter.answer) == (classes, "N K")


def test_an_answer_that_is_said_is_taken(file: Path) -> None:
    assert load(file, "N T K", adapter={"average": [1]}).card.classes == 5  # type: ignore[union-attr]
    swapped = load(file, "N T K", adapter={"answer": "N K T"}).card
    assert swapped is not None
    assert swapped.classes == 8
    quantity = load(file, "N", adapter={"scores": "none"})
    assert (quantity.has_classes, quantity.has_signal, quantity.adapter.answer) == (False, True, "N")


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ({"answer": "N K T"}, "answer 'N K T' names 3 axes, but N 5"),
        ({"answer": "N T"}, "has no axis K of classes"),
        ({"answer": "N K K"}, "names an axis twice"),
        ({"answer": "N X"}, "`adapter` is not valid: answer"),
        ({"answer": "N 1"}, "leaves N 5"),
        ({"average": [3]}, r"average is \[3\]"),
        ({"output": [1]}, r"there is no output \[1\], the network returns \[\] \(N 5\)"),
    ],
)
def test_an_answer_that_is_not_there_is_an_error(file: Path, adapter: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        load(file, "N K", adapter=adapter)
    assert caught.value.exit_code == 11


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("norm", ["old weight", "old spectral", "weight", "spectral"])
def test_weights_that_are_computed_from_others_are_drawn_and_counted_whole(file: Path, norm: str) -> None:
    network = load(file, "N K", norm=norm)
    again, other = load(file, "N K", norm=norm), load(file, "N K", norm=norm)
    assert network.weights == again.weights == other.weights
    facts = {layer.name: layer for layer in describe_layers(network)}
    lengths = {"stem": 4, "head": 5} if "weight" in norm else {"stem": 0, "head": 0}
    assert facts["stem"].parameters == 4 * 3 * 27 + 4 + lengths["stem"]
    assert facts["head"].parameters == 4 * 5 + 5 + lengths["head"]
    with torch.no_grad():
        network.logits(CLIPS)
    weight = network.submodule("stem").weight
    assert isinstance(weight, Tensor)
    if "spectral" in norm:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2) == pytest.approx(1.0, abs=1e-3)
    else:
        assert weight.std() == pytest.approx((2 / 81) ** 0.5, rel=0.15)


@pytest.mark.parametrize("norm", ["orthogonal", "centred"])
def test_a_weight_that_cannot_be_set_is_a_function_of_the_seed_all_the_same(file: Path, norm: str) -> None:
    network = load(file, "N K", norm=norm)
    assert network.weights == load(file, "N K", norm=norm).weights
    weight = network.submodule("stem").weight
    assert isinstance(weight, Tensor)
    if norm == "orthogonal":
        assert torch.allclose(weight @ weight.mT, torch.eye(3).expand(4, 3, 3, 3, 3), atol=1e-4)
    else:
        assert float(weight.mean()) == pytest.approx(0.0, abs=1e-6)
        assert float(weight.std()) == pytest.approx((2 / 81) ** 0.5, rel=0.15)
