"""Networks whose input or output form is not certain: refused in words that name the flag, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from every_analysis import put_through_everything

from reportgen.commands.layers import list_layers
from reportgen.errors import CardError, NetworkError, OptionError
from reportgen.networks.core import said
from reportgen.networks.core.network import Network
from reportgen.progress import SilentProgress
from reportgen.zoo.load import load_network

NETWORKS = '''
import torch
from torch import nn


class Net(nn.Module):
    """A convolution over clips and a head; `take` brings the input to N C T H W, `give` makes the output."""

    def __init__(self, take, give, classes=5):
        super().__init__()
        self.take, self.give = take, give
        self.stem, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, classes)

    def forward(self, given):
        maps = torch.relu(self.stem(self.take(given)))
        return self.give(self, maps)


def scores(net, maps):
    return net.head(maps.mean((2, 3, 4)))


def per_frame(net, maps):
    return net.head(maps.mean((3, 4)).transpose(1, 2))


def clip(x):
    return x


class Pictures(nn.Module):
    """Takes whatever has three colours somewhere for pictures, and the mean over them."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, x):
        pictures = x.reshape(-1, 3, *x.shape[-2:])
        return self.head(torch.relu(self.stem(pictures)).mean((2, 3)).view(len(x), -1, 4).mean(1))


def mixing_pictures():
    return Pictures()


def two_heads():
    return Net(clip, lambda net, maps: (scores(net, maps), scores(net, -maps)))


def signal():
    return Net(clip, lambda net, maps: maps.mean((1, 3, 4)))


def scores_and_frames():
    return Net(clip, lambda net, maps: {"a": scores(net, maps), "b": per_frame(net, maps)})


def half_as_many_steps():
    return Net(clip, lambda net, maps: maps[:, :, ::2].mean((1, 3, 4)))


class OneLength(Net):
    """Takes eight frames only, and returns eight numbers: classes or times?"""

    def __init__(self):
        super().__init__(clip, lambda net, maps: maps.mean((1, 3, 4)))

    def forward(self, given):
        assert given.shape[2] == 8
        return super().forward(given)


def one_length():
    return OneLength()


def grey_first():
    return Net(lambda x: x.mean(1, keepdim=True).expand(-1, 3, -1, -1, -1), scores)


def named():
    return Net(clip, lambda net, maps: {"embedding": maps.mean((2, 3, 4)), "logits": scores(net, maps)})


def clips():
    return Net(clip, scores)


class ByFunctions(Net):
    """Two of its three convolutions are no layers, and its linear map is none."""

    def __init__(self):
        super().__init__(clip, scores)
        self.kernel, self.mix = nn.Parameter(torch.ones(4, 3, 1, 1, 1)), nn.Parameter(torch.eye(4))

    def forward(self, given):
        extra = nn.functional.conv3d(given, self.kernel) + nn.functional.conv3d(given, self.kernel)
        maps = nn.functional.linear(torch.relu(self.stem(given) + extra).movedim(1, -1), self.mix)
        return self.give(self, maps.movedim(-1, 1))


def by_functions():
    return ByFunctions()


def scripted():
    return torch.jit.script(nn.Conv3d(3, 4, 3))


made = Net(clip, scores)


class Fault(Exception):
    """An error of a package's own kind."""


def faulty():
    def take(x):
        raise Fault("einops, please")

    return Net(take, scores)


def overwriting():
    def take(x):
        x -= 0.5
        return x

    return Net(take, scores)


def detached():
    return Net(lambda x: x.detach(), scores)


def lazy():
    net = Net(clip, scores)
    net.head = nn.LazyLinear(5)
    return net
'''

SMALL = {"frames": 8, "height": 16, "width": 16}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "forms.py"
    path.write_text(NETWORKS)
    return path


def load(file: Path, name: str, adapter: Mapping[str, Any] | None = None) -> Network:
    return load_network(f"{file}:{name}", meta=True, clip=SMALL, adapter=adapter)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grey_first", r"mixed at its first layer.*`adapter="),
        ("faulty", r"Fault: einops, please.*`adapter="),
        ("two_heads", r"\[0\] is N 5; \[1\] is N 5.*`adapter="),
        ("one_length", r"not certain where.*N 8.*`adapter="),
        ("scores_and_frames", r'\["b"\] is N 8 5, whose axis 1 follows.*`adapter='),
    ],
)
def test_what_is_not_certain_is_refused_in_words_that_name_the_flag(file: Path, name: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        load(file, name)


def test_a_network_that_overwrites_its_input_is_read_as_any_other(file: Path) -> None:
    assert load(file, "overwriting").adapter.layout == "N C T H W"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "words"),
    [("scripted", r"TorchScript program.*torch.export"), ("made", r"is a network, not what makes one")],
)
def test_what_makes_no_network_is_refused(file: Path, name: str, words: str) -> None:
    with pytest.raises(CardError, match=words):
        load(file, name)


def test_an_answer_without_a_gradient_is_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no gradient with respect to its clip: it detaches it"):
        put_through_everything(f"{file}:detached", {}, (8, 16), tmp_path)


def test_lazy_layers_are_refused(file: Path) -> None:
    with pytest.raises(CardError, match=r"lazy layers.*call it once"):
        load(file, "lazy")


def test_what_is_certain_is_taken(file: Path) -> None:
    card = load(file, "clips").card
    assert card is not None
    assert (card.adapter.input, card.adapter.output, card.classes) == ("clip", (), 5)
    named = load(file, "named").card
    assert named is not None
    assert (named.adapter.output, named.classes) == (("logits",), 5)


def test_pictures_that_a_reshape_makes_of_anything_are_not_mixed(file: Path) -> None:
    card = load(file, "mixing_pictures").card
    assert card is not None
    assert card.adapter.layout == "N T C H W"


def test_what_was_found_is_told_where_layers_are_listed(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(said, "_said", set())
    told: list[str] = []

    class Listening(SilentProgress):
        def note(self, message: str) -> None:
            told.append(message)

    list_layers(f"{file}:by_functions", clip=SMALL, progress=Listening())
    told += [record.getMessage() for record in caplog.records]
    for part in (
        "takes a clip N C T H W",
        "5 classes",
        "Not seen: 2 convolutions by functions, not layers (weights 3D, 4 3 1 1 1 (2 times))",
        "Not seen: 1 linear map by functions, not layers (weights 4 4)",
    ):
        assert any(part in note for note in told), part
    told.clear()
    caplog.clear()
    list_layers("texture_motion", progress=Listening())
    assert not told
    assert not caplog.records


def test_an_output_that_is_said_is_taken(file: Path) -> None:
    second = load(file, "two_heads", {"output": [1]}).card
    assert second is not None
    assert (second.adapter.input, second.adapter.output, second.classes) == ("clip", (1,), 5)
    averaged = load(file, "scores_and_frames", {"output": ["b"], "average": [1]}).card
    assert averaged is not None
    assert (averaged.adapter.average, averaged.classes) == ((1,), 5)
    without = load(file, "signal", {"scores": "none"})
    assert not without.has_classes


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ({"output": ["logitz"]}, r'there is no output \["logitz"\].*\["logits"\] \(N 5\)'),
        ({"output": ["logits", 0]}, "there is no output"),
        ({"output": ["logits"], "average": [2]}, r"average is \[2\].*axes 1 to 1"),
        ({"output": ["logits"], "average": [1]}, r"leaves N\."),
        ({"outputs": ["logits"]}, r"no field 'outputs' \(did you mean output\?\)"),
        ({"input": "sound"}, r"`adapter` is not valid: input"),
        ({"strides": "fast"}, r"`adapter` is not valid: strides"),
    ],
)
def test_a_bad_adapter_is_one_sentence(file: Path, adapter: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        load(file, "named", adapter)
    assert caught.value.exit_code == 11
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ({"framez": 8}, r"no field 'framez' \(did you mean frames\?\)"),
        ({"frames": 0}, "frames: .*greater than or equal to 1"),
        ({"frames": "many", "height": [1]}, "frames: .*; height: "),
        ({"mean": [0.5], "std": [0.0]}, r"std\.0: .*greater than"),
        ({"std": [1e-320, 1, 1]}, r"std\.0: .*greater than"),
        ({"mean": [1e308, 0, 0]}, r"mean\.0: .*less than"),
        ({"frames": True, "resize": -1}, "frames: .*valid integer; resize"),
        ({"frame_rate": -5}, "frame_rate: .*greater than 0"),
        ({"value_range": [0, 1e39]}, r"value_range\.1: .*less than"),
        ({"channel_order": "GRB"}, "channel_order"),
        ({"mean": 0.5}, "mean"),
    ],
)
def test_a_bad_clip_spec_is_one_sentence(file: Path, clip: dict[str, Any], words: str) -> None:
    for model in (f"{file}:clips", "texture_motion"):
        with pytest.raises(OptionError, match=f"`clip` is not valid: .*{words}") as caught:
            load_network(model, meta=True, clip=clip)
        assert caught.value.exit_code == 11
