"""Networks built from input form x body x output form, each with a known answer: read right, or refused by the flag."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from every_analysis import put_through_everything, reasons
from torch import Tensor

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.zoo.load import load_network

NETWORKS = """
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Fields:
    hidden: torch.Tensor
    logits: torch.Tensor


class Volume(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.late = nn.Conv3d(4, 6, 3, padding=1)
        self.early = nn.Conv3d(channels, 4, 3, padding=1)

    def forward(self, clip):
        return torch.relu(self.late(torch.relu(self.early(clip)))).mean((3, 4))


class Pictures(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.memory = nn.Conv2d(channels, 5, 3, stride=2), nn.GRUCell(5, 6)

    def forward(self, clip):
        state, states = clip.new_zeros(len(clip), 6), []
        for frame in clip.unbind(2):
            state = self.memory(torch.relu(self.conv(frame)).mean((2, 3)), state)
            states.append(state)
        return torch.stack(states, 2)


class Patches(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.embed = nn.Linear(channels * 16, 6)

    def forward(self, clip):
        tokens = clip.transpose(1, 2).unfold(3, 4, 4).unfold(4, 4, 4).permute(0, 1, 3, 4, 2, 5, 6).flatten(4)
        return torch.tanh(self.embed(tokens)).mean((2, 3)).transpose(1, 2)


class Tubelets(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.embed, self.mix = nn.Conv3d(channels, 6, (2, 4, 4), stride=(2, 4, 4)), nn.Linear(6, 6)

    def forward(self, clip):
        tokens = self.embed(clip).flatten(3).mean(3).transpose(1, 2)
        return (tokens + torch.nn.functional.gelu(self.mix(tokens))).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.embed = nn.Conv3d(channels, 6, (2, 4, 4), stride=(2, 4, 4))
        self.mix = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, clip):
        maps = self.embed(clip)
        tokens = maps.flatten(2).transpose(1, 2)
        mixed = tokens + self.mix(tokens, tokens, tokens, need_weights=False)[0]
        return mixed.transpose(1, 2).reshape_as(maps).mean((3, 4))


class Mixed(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.space = nn.utils.parametrizations.spectral_norm(nn.Conv3d(channels, 6, (1, 3, 3), padding=(0, 1, 1)))
        self.norm, self.time = nn.GroupNorm(2, 6), nn.Conv3d(6, 6, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, clip):
        return nn.functional.elu(self.time(self.norm(self.space(clip)))).mean((3, 4))


def bytes_last(x):
    if x.dtype != torch.uint8:
        raise TypeError("bytes, please")
    return x.permute(0, 4, 1, 2, 3).float() / 255


def listed(x):
    if not isinstance(x, list):
        raise TypeError("a list, please")
    return x[0]


def a_tuple(x):
    if not isinstance(x, tuple):
        raise TypeError("a tuple, please")
    return x[0]


def of_clips(x):
    if not isinstance(x, list):
        raise TypeError("a list, please")
    return torch.stack([clip.view(clip.shape) for clip in x])


def one_view(x):
    n, views = x.shape[:2]
    return x.view(n * views, *x.shape[2:]) if x.ndim == 6 else None


TAKES = {
    "N C T H W": lambda x: x,
    "N T C H W": lambda x: x.transpose(1, 2),
    "N T H W C": lambda x: x.permute(0, 4, 1, 2, 3),
    "bytes": bytes_last,
    "list": listed,
    "by name": lambda x: x,
    "tuple": a_tuple,
    "clips": of_clips,
    "dictionary": lambda x: x["frames"].view(x["frames"].shape).transpose(1, 2),
    "views": one_view,
}


def overall(net, features):
    return net.head(features.mean(2))


def each(net, features):
    return net.head(features.transpose(1, 2))


GIVES = {
    "N K": overall,
    "N T K": each,
    "N K T": lambda net, f: each(net, f).transpose(1, 2),
    "N": lambda net, f: overall(net, f)[:, 0],
    "N 1": lambda net, f: overall(net, f)[:, :1],
    "N T": lambda net, f: each(net, f)[..., 0],
    "N T 1": lambda net, f: each(net, f)[..., :1],
    "key": lambda net, f: {"hidden_states": f.mean(2), "logits": overall(net, f)},
    "softmax": lambda net, f: (overall(net, f).softmax(1), overall(net, f)),
    "two": lambda net, f: (overall(net, f), net.head(f.amax(2))),
    "rows": lambda net, f: each(net, f).flatten(0, 1),
    "fields": lambda net, f: Fields(f.mean(2), overall(net, f)),
    "T N K": lambda net, f: each(net, f).transpose(0, 1),
    "logarithms": lambda net, f: overall(net, f).log_softmax(1),
    "beside a signal": lambda net, f: (each(net, f)[..., 0], each(net, f)),
    "numbers": lambda net, f: overall(net, f).argmax(1),
}


HOLDS = {
    "any": lambda f: f,
    "two": lambda f: f.contiguous().view(2, 6, -1),
    "mixing": lambda f: f / f.abs().amax(),
    "drawing": lambda f: f * (1 + torch.rand(1, device=f.device)),
}


BODIES = {"volume": Volume, "pictures": Pictures, "patches": Patches, "tubelets": Tubelets, "attention": Attention,
          "mixed": Mixed}


class Whole(nn.Module):
    def __init__(self, take, body, give, channels=3, hold="any"):
        super().__init__()
        self.take, self.give, self.hold = take, give, hold
        self.body = BODIES[body](channels)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        return GIVES[self.give](self, HOLDS[self.hold](self.body(TAKES[self.take](x))))


class Named(Whole):
    def forward(self, *, pixel_values):
        return super().forward(pixel_values)


def make(take, body, give, channels=3, hold="any"):
    return (Named if take == "by name" else Whole)(take, body, give, channels, hold)
"""

TAKES: dict[str, dict[str, Any]] = {
    "N C T H W": {},
    "N T C H W": {"layout": "N T C H W"},
    "N T H W C": {"layout": "N T H W C"},
    "bytes": {"layout": "N T H W C", "numbers": "uint8"},
    "list": {"as_list": True},
    "by name": {"keywords": ("pixel_values",)},
    "tuple": {"as_tuple": True},
    "clips": {"input": "clips"},
    "dictionary": {"keys": ("frames",), "layout": "N T C H W"},
    "views": {"layout": "N 1 C T H W"},
}
GIVES: dict[str, dict[str, Any] | None] = {
    "N K": {},
    "N T K": {"answer": "N T K"},
    "N K T": {"answer": "N K T"},
    "N": {"answer": "N"},
    "N 1": {"answer": "N 1"},
    "N T": {"scores": "none", "answer": "N T"},
    "N T 1": {"scores": "none", "answer": "N T 1"},
    "key": {"output": ("logits",)},
    "softmax": {"output": (1,)},
    "two": None,
    "rows": {"rows": "frames", "answer": "N T K"},
    "fields": {"output": ("logits",)},
    "T N K": None,
    "logarithms": {"scores": "probabilities"},
    "beside a signal": None,
    "numbers": None,
}
#: What is said of a form that is refused.
SAID = {"T N K": r"along its axis 1.*`adapter=", "numbers": r"returns int64"}
#: What is found of a network that takes two clips a call, mixes its clips, or draws random numbers.
HOLDS: dict[str, dict[str, Any]] = {
    "any": {},
    "two": {"batch": 2},
    "mixing": {"batch": 1},
    "drawing": {"batch": 1, "seed": 0},
}
BODIES = ("volume", "pictures", "patches", "tubelets", "attention", "mixed")


@dataclass(frozen=True)
class Case:
    """One network; `channels` of its clips."""

    take: str
    body: str
    give: str
    channels: int
    hold: str = "any"

    def __str__(self) -> str:
        return f"{self.take}, {self.body}, {self.give}, {self.channels}, {self.hold}"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"take": self.take, "body": self.body, "give": self.give, "channels": self.channels, "hold": self.hold}


def cases(count: int) -> list[Case]:
    """Return a seeded draw in which every input form, body and output form has its turn."""
    chance = random.Random(7)
    every = list(itertools.product(TAKES, BODIES, GIVES))
    chance.shuffle(every)
    drawn: list[tuple[str, str, str]] = []
    for wanted in (*TAKES, *BODIES, *GIVES):
        drawn += [next(one for one in every if wanted in one and one not in drawn)]
    drawn += [one for one in every if one not in drawn][: count - len(drawn)]
    # Patches of linear layers do not say how many colours they are of.
    found = [Case(*one, 3 if one[1] == "patches" else chance.choice((3, 3, 1, 5))) for one in drawn]
    once = [one for one in found if GIVES[one.give] is not None and one.give != "rows"]
    return found + [replace(one, hold=hold) for hold in list(HOLDS)[1:] for one in chance.sample(once, 4)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "nets.py"
    path.write_text(NETWORKS)
    return path


def expected(network: Network, case: Case, clips: Tensor) -> Tensor:
    """Return what the network answers of clips in [0, 1], computed by its parts: class scores `N K`, or a signal."""
    assert network.card is not None
    spec = network.card.clip
    mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (spec.mean, spec.std))
    own = (clips * (spec.value_range[1] - spec.value_range[0]) + spec.value_range[0] - mean) / std
    features = network.submodule("body")(own / 255 if case.take == "bytes" else own)
    if case.hold == "mixing":
        features = features / features.abs().amax()
    elif case.hold == "drawing":
        features = features * (1 + torch.rand(1, generator=torch.Generator().manual_seed(0)))
    each = network.submodule("head")(features.transpose(1, 2))
    if case.give in {"N T", "N T 1"}:
        signal: Tensor = each[..., 0]
        return signal
    if case.give in {"N", "N 1"}:
        logit = each.mean(1)[:, 0]
        return torch.stack([-logit, logit], 1)
    scores: Tensor = each.mean(1)
    return scores


DRAWN = cases(44)


@pytest.mark.parametrize(
    "case", [*DRAWN[::2], *(pytest.param(case, marks=pytest.mark.long) for case in DRAWN[1::2])], ids=str
)
def test_a_network_of_any_form_is_read_right_or_refused(case: Case, file: Path) -> None:
    model = f"{file}:make"
    clip = {"frames": 6, "height": 16, "width": 16}
    known = GIVES[case.give]
    if known is None:
        with pytest.raises(NetworkError, match=SAID.get(case.give, r"not certain where.*`adapter=")):
            load_network(model, untrained=True, model_args=case.arguments, clip=clip)
        return
    network = load_network(model, untrained=True, model_args=case.arguments, clip=clip)
    # A softmax beside the logits tells what makes probabilities, and so do their logarithms, of which these are read.
    told = {} if case.give in {"softmax", "logarithms"} else {"probabilities": None}
    found = network.adapter.model_dump(exclude_defaults=True)
    assert found == TAKES[case.take] | told | known | HOLDS[case.hold]
    clips = torch.rand(2, case.channels, 6, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        clips = clips.mul(255).round().div(255)
        answer = network.logits(clips) if network.has_classes else network.signal(clips)
        wanted = torch.cat([expected(network, case, clip) for clip in clips.split(1)])
        assert torch.allclose(answer, wanted, atol=1e-4)


WHOLE = [
    Case("N T C H W", "tubelets", "N T K", 3),
    Case("bytes", "volume", "N T", 3),
    Case("by name", "pictures", "N 1", 3),
    Case("list", "patches", "N K T", 3),
    Case("dictionary", "attention", "N T", 3),
    Case("clips", "mixed", "logarithms", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [pytest.param(one, id=str(one), marks=[pytest.mark.long] if one in WHOLE[2:] else []) for one in WHOLE]
)
def test_the_whole_report_of_such_a_network_fails_nowhere(case: Case, file: Path, tmp_path: Path) -> None:
    outcomes = put_through_everything(f"{file}:make", case.arguments, (6, 16), tmp_path)
    for analysis in ("saliency", "pyramid", "motion"):
        assert outcomes[analysis]
        assert not reasons(outcomes[analysis]), analysis
