"""Networks as people bring them, each odd in one way: what is found of each, or the sentence that refuses it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from reportgen.commands.layers import list_layers
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.zoo.load import load_network

NETWORKS = '''
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import torch
from torch import nn


class Base(nn.Module):
    def __init__(self, channels=3, classes=5):
        super().__init__()
        self.stem, self.body = nn.Conv3d(channels, 4, 3, (1, 2, 2), 1), nn.Conv3d(4, 6, 3, 1, 1)
        self.head = nn.Linear(6, classes)

    def maps(self, clip):
        return torch.relu(self.body(torch.relu(self.stem(clip))))

    def scores(self, clip):
        return self.head(self.maps(clip).mean((2, 3, 4)))

    def forward(self, clip):
        return self.scores(clip)


class Flow(Base):
    """A second stream that may be left out."""

    def forward(self, rgb, flow=None):
        return self.scores(rgb if flow is None else rgb + flow)


Pair = namedtuple("Pair", "hidden scores")


class NamedTuple(Base):
    def forward(self, clip):
        return Pair(self.maps(clip).mean((2, 3, 4)), self.scores(clip))


@dataclass
class Answer:
    loss: object
    logits: object


class DataClass(Base):
    def forward(self, clip):
        return Answer(None, self.scores(clip))


class Nested(Base):
    def forward(self, clip):
        return OrderedDict(aux=self.maps(clip), out={"cls": {"logits": self.scores(clip)}})


class FiveColours(Base):
    def __init__(self):
        super().__init__(channels=5)


class AsksForValues(Base):
    """Scales its pixels only where they look like bytes."""

    def forward(self, clip):
        return self.scores(clip / 255 if clip.max() > 20 else clip)


class MadeOnTheProcessor(Base):
    """Makes a tensor without saying where."""

    def forward(self, clip):
        return self.scores(clip) + torch.linspace(0, 1, 5)


class Still(Base):
    """Five axes, and one frame."""

    def forward(self, clip):
        assert clip.shape[2] == 1
        return self.scores(clip)


class EachAlone(Base):
    """A list of what it found in each clip, as detectors return it."""

    def forward(self, clip):
        return [{"boxes": boxes[None, :4], "scores": boxes[None, 4:]} for boxes in self.scores(clip)]


class TimeFirst(Base):
    """T N K, as recurrent layers have it."""

    def forward(self, clip):
        return self.head(self.maps(clip).mean((3, 4)).permute(2, 0, 1))


class ThreeSteps(Base):
    """T N K of three steps, as many as a tried call has clips."""

    def forward(self, clip):
        return self.head(self.maps(clip)[:, :, :3].mean((3, 4)).permute(2, 0, 1))


class TwoHeads(Base):
    def __init__(self):
        super().__init__()
        self.noun = nn.Linear(6, 9)

    def forward(self, clip):
        return {"verb": self.scores(clip), "noun": self.noun(self.maps(clip).mean((2, 3, 4)))}


class Mean(Base):
    def forward(self, clip):
        return self.scores(clip).mean()


class Decided(Base):
    def forward(self, clip):
        return self.scores(clip).argmax(1)


class TwoInputs(Base):
    def forward(self, rgb, flow):
        return self.scores(rgb) + self.scores(flow)
'''

CLIP = {"frames": 8, "height": 16, "width": 16}
#: With weights, and as `reportgen layers` asks for a network, without.
HOW = [pytest.param(False, id="built"), pytest.param(True, id="described", marks=pytest.mark.long)]
#: What of the adapter is not as it mostly is, and what is said of the network.
FOUND: dict[str, tuple[dict[str, Any], str]] = {
    "Flow": ({}, "Left at their defaults: its arguments flow"),
    "NamedTuple": (
        {"output": ("scores",)},
        r"\['scores'\], N 5, holds .*5 classes; if they are quantities",
    ),
    "DataClass": ({"output": ("logits",)}, r"\['logits'\], N 5"),
    "Nested": ({"output": ("out", "cls", "logits")}, r"\['out'\]\['cls'\]\['logits'\]"),
    "FiveColours": ({}, "5 classes"),
    "AsksForValues": ({}, "5 classes"),
    "MadeOnTheProcessor": ({}, "5 classes"),
    "EachAlone": ({"batch": 1, "output": (0, "scores"), "answer": "N 1"}, "Found: it takes one clip a call"),
}
REFUSED = {
    "TimeFirst": "has the clips of a call along its axis 1: let it return them along the first one",
    "ThreeSteps": "has the clips of a call along its axis 1",
    "TwoHeads": r'\["verb"\] is N 5; \["noun"\] is N 9\): say it, such as with `adapter=',
    "Decided": "returns int64, and what is explained must be real numbers with a gradient",
    "Mean": "its output has another number of samples than its input",
    "Still": "the first try ended with AssertionError",
    "TwoInputs": r"takes 2 inputs \(rgb, flow\)\).*as_arguments",
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "nets.py"
    path.write_text(NETWORKS)
    return path


def load(file: Path, name: str, **options: Any) -> Network:
    return load_network(f"{file}:{name}", clip=CLIP, **options)


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("name", FOUND)
def test_what_is_odd_is_found_and_said(file: Path, name: str, meta: bool) -> None:
    wanted, words = FOUND[name]
    network = load(file, name, meta=meta, untrained=not meta)
    found = network.adapter.model_dump(exclude_defaults=True)
    assert found.pop("probabilities") is None
    assert found == wanted
    assert network.card is not None
    assert any(re.search(words, note) for note in network.card.notes)


@pytest.mark.parametrize("name", ["NamedTuple", "DataClass", "Nested", "AsksForValues", "MadeOnTheProcessor", "Flow"])
def test_and_it_answers_as_it_would_by_itself(file: Path, name: str) -> None:
    network = load(file, name, untrained=True)
    clips = torch.rand(2, 3, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = network.module.scores(network.prepare(clips).args[0])
        more = torch.linspace(0, 1, 5) if name == "MadeOnTheProcessor" else 0
        assert torch.allclose(network.logits(clips), own + more, atol=1e-6)


@pytest.mark.parametrize("meta", HOW)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_refused_in_a_sentence(file: Path, name: str, meta: bool) -> None:
    with pytest.raises(NetworkError, match=REFUSED[name]) as caught:
        load(file, name, meta=meta, untrained=not meta)
    assert "\n" not in str(caught.value)


def test_one_frame_of_five_axes_is_the_last_resort(file: Path) -> None:
    network = load_network(f"{file}:Still", untrained=True, clip=CLIP | {"frames": 1})
    assert (network.adapter.input, network.adapter.layout) == ("clip", "N C T H W")


@pytest.mark.parametrize("name", ["AsksForValues", "MadeOnTheProcessor", "EachAlone"])
def test_its_layers_are_listed(file: Path, name: str) -> None:
    rows = list_layers(f"{file}:{name}", clip=CLIP)
    assert [row.facts.name for row in rows] == ["stem", "body", "head"]
    assert all(row.facts.output is not None for row in rows)
