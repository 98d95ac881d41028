"""How foreign networks take their clips: found by what arrives at their first layer, never because shapes fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from reportgen.errors import NetworkError, OptionError, for_pages
from reportgen.networks.core.network import Network
from reportgen.zoo.load import load_network

NETWORKS = '''
import torch
from torch import nn


class Volume(nn.Module):
    """Clips to scores, by convolutions over space and time; the first one that is registered runs last."""

    def __init__(self, channels=3):
        super().__init__()
        self.last = nn.Conv3d(4, 6, 3, padding=1)
        self.stem, self.head = nn.Conv3d(channels, 4, (2, 3, 3), padding=(0, 1, 1)), nn.Linear(6, 5)

    def scores(self, clip):
        return self.head(torch.relu(self.last(torch.relu(self.stem(clip)))).mean((2, 3, 4)))


class Pictures(nn.Module):
    """Clips to scores, by convolutions over the frames one by one and a memory of them."""

    def __init__(self, channels=3):
        super().__init__()
        self.stem, self.memory, self.head = nn.Conv2d(channels, 4, 3), nn.GRUCell(4, 6), nn.Linear(6, 5)

    def scores(self, clip):
        state = clip.new_zeros(len(clip), 6)
        for frame in clip.unbind(2):
            state = self.memory(torch.relu(self.stem(frame)).mean((2, 3)), state)
        return self.head(state)


class Patches(nn.Module):
    """Clips to scores, by a linear layer over patches; there is no convolution."""

    def __init__(self, channels=3):
        super().__init__()
        self.embed, self.head = nn.Linear(channels * 16, 6), nn.Linear(6, 5)

    def scores(self, clip):
        tokens = clip.transpose(1, 2).unfold(3, 4, 4).unfold(4, 4, 4).permute(0, 1, 3, 4, 2, 5, 6).flatten(4)
        return self.head(torch.tanh(self.embed(tokens)).mean((1, 2, 3)))


def form(body, forward):
    """Return a class that takes its clip by `forward`."""
    return type(body.__name__, (body,), {"forward": forward})


FORMS = {
    "channels_first": lambda self, clip: self.scores(clip),
    "frames_first": lambda self, pixel_values: self.scores(pixel_values.transpose(1, 2)),
    "channels_last": lambda self, x: self.scores(x.permute(0, 4, 1, 2, 3)),
    "listed": lambda self, clips: self.scores(clips[0]) if isinstance(clips, list) else None,
    "in a tuple": lambda self, clips: self.scores(clips[0]) if isinstance(clips, tuple) else None,
    "list of clips": lambda self, clips: self.scores(torch.stack(clips)) if isinstance(clips, list) else None,
    "list of frames first": lambda self, clips: self.scores(torch.stack(listed(clips)).transpose(1, 2)),
    "dictionary": lambda self, batch: self.scores(batch["video"]),
    "dictionary of frames first": lambda self, batch: self.scores(batch.get("imgs").transpose(1, 2)),
    "named dictionary": lambda self, *, inputs: self.scores(inputs["clip"]),
    "views": lambda self, clip: self.scores(clip.flatten(0, 1)) if clip.ndim == 6 else None,
}


def listed(clips):
    if not isinstance(clips, list):
        raise TypeError("a list, please")
    return clips


def frames_of_bytes(self, frames):
    if frames.dtype != torch.uint8:
        raise TypeError("bytes, please")
    return self.scores(frames.permute(0, 4, 1, 2, 3).float() / 255 - 0.5)


def scaled(self, clip):
    return self.scores((clip - 127.5) / 127.5)


def by_keyword(self, *, video, mask=None):
    return self.scores(video)


def one_of_many(self, input_ids=None, pixel_values=None, return_dict=None):
    if input_ids is not None:
        raise ValueError("no text")
    return self.scores(pixel_values.transpose(1, 2))


def first_and_second(self, slow, fast):
    return self.scores(slow) + self.scores(fast)


def both(self, slow, fast):
    if fast.shape[2] != 4 * slow.shape[2]:
        raise ValueError("four fast frames for each slow one")
    return self.scores(slow) + self.scores(fast)


def told(self, clip, *, mode):
    if mode != "test":
        raise ValueError("test, please")
    return self.scores(clip)


def the_first_of(self, clips):
    if listed(clips)[0].shape[2] != 2:
        raise ValueError("two frames, please")
    return self.scores(clips[0])


FORMS |= {
    "the first of several": the_first_of,
    "slow, fast": lambda self, clips: both(self, *listed(clips)),
    "fast, slow": lambda self, clips: both(self, *listed(clips)[::-1]),
    "slow and fast": lambda self, batch: both(self, batch["slow_path"], batch["fast_path"]),
    "rgb and flow": lambda self, batch: self.scores(batch["rgb"]) + self.scores(batch["flow"]),
    "told": told,
}


def just_two(self, first, second):
    return self.scores(torch.stack([first, second], 2))


def threes(self, x):
    """Three colours and three frames: nothing but what arrives where tells them apart."""
    return self.scores(x.transpose(1, 2))


def differences(self, clip):
    return self.scores(clip[:, :, 1:] - clip[:, :, :-1])


def less_its_mean(self, clip):
    return self.scores(clip - clip.mean((2, 3, 4), keepdim=True))


FORMS |= {"differences": differences, "less_its_mean": less_its_mean}
FORMS |= {
    f.__name__: f for f in (frames_of_bytes, scaled, by_keyword, one_of_many, first_and_second, just_two, threes)
}


def make(body, name, channels=3):
    return form({"volume": Volume, "pictures": Pictures, "patches": Patches}[body], FORMS[name])(channels)
'''

SMALL = {"frames": 8, "height": 16, "width": 16}
BODIES = ("volume", "pictures", "patches")
FOUND: dict[str, dict[str, Any]] = {
    "channels_first": {},
    "frames_first": {"layout": "N T C H W"},
    "channels_last": {"layout": "N T H W C"},
    "listed": {"as_list": True},
    "frames_of_bytes": {"layout": "N T H W C", "numbers": "uint8"},
    "scaled": {},
    "by_keyword": {"keywords": ("video",)},
    "one_of_many": {"layout": "N T C H W", "keywords": ("pixel_values",)},
    "in a tuple": {"as_tuple": True},
    "list of clips": {"input": "clips"},
    "list of frames first": {"input": "clips", "layout": "N T C H W"},
    "dictionary": {"keys": ("video",)},
    "dictionary of frames first": {"keys": ("imgs",), "layout": "N T C H W"},
    "named dictionary": {"keywords": ("inputs",), "keys": ("clip",)},
    "views": {"layout": "N 1 C T H W"},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forms") / "takes.py"
    path.write_text(NETWORKS)
    return path


def load(file: Path, body: str, name: str, channels: int = 3, **options: Any) -> Network:
    arguments = {"body": body, "name": name, "channels": channels}
    return load_network(
        f"{file}:make", untrained=True, model_args=arguments, clip=SMALL | options.pop("clip", {}), **options
    )


def clips(network: Network) -> Tensor:
    assert network.card is not None
    return torch.rand(2, *network.card.clip.shape, generator=torch.Generator().manual_seed(1))


def plain_scores(network: Network, given: Tensor) -> Tensor:
    """Return what the body computes of a clip N C T H W in its own range."""
    scores: Tensor = network.module.scores(given)  # type: ignore[operator]
    return scores


@pytest.mark.parametrize(
    ("body", "name"),
    [
        pytest.param(body, name, marks=[pytest.mark.long] if body == "pictures" and at % 2 else [])
        for at, name in enumerate(FOUND)
        for body in BODIES
    ],
)
def test_the_form_is_found_and_the_network_answers_as_it_would_alone(file: Path, body: str, name: str) -> None:
    network = load(file, body, name)
    assert network.card is not None
    told = network.adapter.model_dump(exclude_defaults=True, exclude={"output", "probabilities"})
    assert told == FOUND[name]
    given = clips(network).mul(255).round().div(255)
    with torch.no_grad():
        found = network.logits(given)
        spec = network.card.clip
        mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (spec.mean, spec.std))
        low, high = spec.value_range
        own = (given * (high - low) + low - mean) / std
        centred = {"frames_of_bytes": own / 255 - 0.5, "scaled": (own - 127.5) / 127.5}.get(name, own)
        assert torch.allclose(found, plain_scores(network, centred), atol=1e-5)
    note = next(note for note in network.card.notes if "arrives apart" in note)
    assert "`adapter" in note


@pytest.mark.parametrize("body", BODIES)
def test_a_network_that_scales_pixels_itself_is_given_them_unscaled(file: Path, body: str) -> None:
    card = load(file, body, "scaled").card
    assert card is not None
    assert (card.clip.value_range, card.clip.mean, card.clip.std) == ((0.0, 1.0), (0.0,) * 3, (1.0,) * 3) or (
        card.clip.value_range == (0.0, 255.0) and card.clip.std == (1.0,) * 3
    )
    assert card.clip.value_range == (0.0, 255.0)
    assert any("scales them itself" in note for note in card.notes)


@pytest.mark.parametrize("name", ["differences", "less_its_mean"])
def test_a_network_to_which_plain_grey_is_nothing_is_not_taken_to_scale_pixels(file: Path, name: str) -> None:
    card = load(file, "volume", name).card
    assert card is not None
    assert card.clip.value_range == (0.0, 1.0)
    assert not any("scales them itself" in note for note in card.notes)


@pytest.mark.parametrize("body", ["volume", "pictures"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_are_those_of_the_first_convolution_that_runs(file: Path, body: str, channels: int) -> None:
    card = load(file, body, "frames_first", channels).card
    assert card is not None
    assert card.clip.shape == (channels, 8, 16, 16)
    assert card.adapter.layout == "N T C H W"


@pytest.mark.parametrize("body", BODIES)
def test_three_frames_of_three_colours_are_told_apart(file: Path, body: str) -> None:
    network = load(file, body, "threes", clip={"frames": 3})
    assert network.adapter.layout == "N T C H W"


@pytest.mark.parametrize("body", BODIES)
def test_a_wrong_pairing_that_was_said_is_refused(file: Path, body: str) -> None:
    with pytest.raises(OptionError, match="says that it takes a clip N C T H W, but it takes a clip N T C H W"):
        load(file, body, "threes", clip={"frames": 3}, adapter={"input": "clip", "layout": "N C T H W"})


@pytest.mark.parametrize("body", ["volume", "pictures"])
def test_a_network_of_clips_is_no_network_of_single_frames(file: Path, body: str) -> None:
    for name in ("channels_first", "frames_first"):
        arguments = {"body": body, "name": name}
        card = load_network(f"{file}:make", meta=True, model_args=arguments).card
        assert card is not None
        assert card.clip.frames == 16


TWO_INPUTS: list[tuple[str, Mapping[str, Any]]] = [
    ("first_and_second", {"input": "pathways", "strides": (4, 1), "as_arguments": True}),
    ("first_and_second", {"input": "pathways", "strides": (2, 1), "keywords": ("slow", "fast"), "as_arguments": True}),
]


@pytest.mark.parametrize(("name", "adapter"), TWO_INPUTS)
def test_two_inputs_are_taken_as_said(file: Path, name: str, adapter: Mapping[str, Any]) -> None:
    network = load(file, "volume", name, adapter=adapter, clip={"mean": (0.0,) * 3, "std": (1.0,) * 3})
    given = clips(network)
    with torch.no_grad():
        slow, fast = plain_scores(network, given[:, :, :: adapter["strides"][0]]), plain_scores(network, given)
        assert torch.allclose(network.logits(given), slow + fast, atol=1e-6)


def test_two_pictures_are_arguments_of_their_own(file: Path) -> None:
    adapter = {"input": "frames", "as_arguments": True}
    network = load(file, "volume", "just_two", adapter=adapter, clip={"frames": 2})
    assert any("its frames, each N C H W, as arguments of their own" in note for note in network.card.notes)  # type: ignore[union-attr]
    with torch.no_grad():
        assert network.logits(clips(network)).shape == (2, 5)


def test_two_inputs_are_asked_for(file: Path) -> None:
    with pytest.raises(NetworkError, match=r"takes 2 inputs \(slow, fast\).*`adapter=.*as_arguments"):
        load(file, "volume", "first_and_second")


RATES: list[tuple[str, dict[str, Any]]] = [
    ("slow, fast", {"strides": (4, 1)}),
    ("fast, slow", {"strides": (1, 4)}),
    ("slow and fast", {"strides": (4, 1), "keys": ("slow_path", "fast_path")}),
]


@pytest.mark.parametrize(("name", "found"), RATES)
def test_which_pathway_is_the_slow_one_is_found(file: Path, name: str, found: dict[str, Any]) -> None:
    network = load(file, "volume", name, clip={"mean": (0.0,) * 3, "std": (1.0,) * 3})
    assert network.adapter.model_dump(exclude_defaults=True, exclude={"probabilities"}) == {
        "input": "pathways",
        **found,
    }
    given = clips(network)
    with torch.no_grad():
        slow, fast = plain_scores(network, given[:, :, ::4]), plain_scores(network, given)
        assert torch.allclose(network.logits(given), slow + fast, atol=1e-6)


def test_a_clip_that_is_not_read_is_no_pathway(file: Path) -> None:
    with pytest.raises(NetworkError, match="reads only some of the clips that it is given"):
        load(file, "volume", "the first of several")


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("rgb and flow", {"input": "pathways", "strides": [1, 1], "keys": ["rgb", "flow"]}),
    ("first_and_second", {"input": "pathways", "strides": [4, 1], "as_arguments": True}),
    ("told", {"constants": {"mode": "test"}}),
]


@pytest.mark.parametrize(("name", "adapter"), REFUSED)
def test_a_refusal_names_the_line_that_mends_it(file: Path, name: str, adapter: dict[str, Any]) -> None:
    with pytest.raises(NetworkError) as caught:
        load(file, "volume", name)
    line = for_pages(caught.value).partition("--adapter '")[2].partition("'")[0]
    proposed = json.loads(line)
    assert proposed.keys() == adapter.keys()
    assert load(file, "volume", name, adapter=adapter).has_classes


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ({"keys": ["a", "b"]}, "adapter.keys names 2 inputs, but there are 1"),
        ({"keys": ["a"], "as_list": True}, "leave out as_list"),
        ({"input": "frames", "layout": "N 1 C T H W"}, "N 1 C T H W is of clips"),
    ],
)
def test_an_adapter_that_contradicts_itself_is_one_sentence(file: Path, adapter: dict[str, Any], words: str) -> None:
    with pytest.raises((NetworkError, OptionError), match=words):
        load(file, "volume", "dictionary", adapter=adapter)


@pytest.mark.parametrize("precision", ["half", "bfloat16", "double"])
def test_another_precision_is_converted_and_said(tmp_path: Path, precision: str) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\n\ndef make():\n    return nn.Sequential(nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), "
        f"nn.Flatten(), nn.Linear(4, 5)).{precision}()\n"
    )
    network = load_network(f"{tmp_path / 'nets.py'}:make", untrained=True, clip=SMALL)
    assert {one.dtype for one in network.module.parameters()} == {torch.float32}
    assert any("computed in float32" in note for note in network.card.notes)  # type: ignore[union-attr]


@pytest.mark.parametrize("precision", ["half", "bfloat16"])
@pytest.mark.parametrize("cast", ["clip.{}()", "clip.to(torch.{})", "clip.to(self.stem.weight.dtype)"])
def test_a_network_that_casts_its_own_input_is_taken_or_told_how(tmp_path: Path, precision: str, cast: str) -> None:
    """A cast to a fixed type contradicts the converted weights; one to the weights' own type does not."""
    kind = {"half": "float16"}.get(precision, precision) if "torch" in cast else precision
    (tmp_path / "nets.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.stem, self.top = nn.Conv3d(3, 4, 3), nn.Linear(4, 5)\n\n"
        f"    def forward(self, clip):\n        clip = {cast.format(kind)}\n"
        "        return self.top(torch.relu(self.stem(clip)).mean((2, 3, 4)))\n\n\n"
        f"def make():\n    return Net().{precision}()\n"
    )
    if "weight" in cast:
        network = load_network(f"{tmp_path / 'nets.py'}:make", untrained=True, clip=SMALL)
        assert any("computed in float32" in note for note in network.card.notes)  # type: ignore[union-attr]
        return
    with pytest.raises(NetworkError, match=r"were converted from .*let it take its input as it comes") as caught:
        load_network(f"{tmp_path / 'nets.py'}:make", untrained=True, clip=SMALL)
    assert "\n" not in str(caught.value)


def test_weights_without_values_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef make():\n    with torch.device('meta'):\n"
        "        return nn.Sequential(nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 5))\n"
    )
    with pytest.raises(NetworkError, match=r"weights without values.*on the CPU"):
        load_network(f"{tmp_path / 'nets.py'}:make", untrained=True, clip=SMALL)
