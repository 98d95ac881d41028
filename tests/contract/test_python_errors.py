"""What Python calls say of wrong input: one error of ours, in one sentence that names keyword arguments and calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import reportgen
from reportgen import BuildOptions, Network
from reportgen.errors import ReportgenError

CLIP = torch.rand(1, 3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
SPEC = {"frames": 4, "height": 12, "width": 12}


class Small(nn.Module):
    """One convolution and three classes."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).relu().mean((2, 3, 4))) * self.factor


class Pair(Small):
    """A network that takes two inputs."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x) + super().forward(y)


FACTORIES = """
import torch
from torch import nn

class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3)
    def forward(self, x, y):
        return self.conv(x) + y

class Two(Pair):
    def forward(self, x):
        found = self.conv(x)
        return found.mean((3, 4)), found.mean((2, 3, 4)), found[:, :2].mean((2, 3, 4))

def pair():
    return Pair()

def two():
    return Two()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, a video in the place of weights, several state dicts, factories and an own file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign" / "mine.txt").write_text("mine")
    (tmp_path / "factories.py").write_text(FACTORIES)
    (tmp_path / "video.pth").write_bytes(b"\0\0\0\x18ftypisom" + bytes(64))
    torch.save({"a": Small().state_dict(), "b": Small().state_dict()}, tmp_path / "two.pth")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "still.png")
    return tmp_path


def options(**given: Any) -> BuildOptions:
    return BuildOptions(**{"preset": "quick", "runs": "runs", "site": "site", **given})


#: What is called, by what is wrong, and what the sentence names.
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    # networks
    "an unknown model": (lambda: reportgen.load_network("textur"), "`reportgen.list_models()`"),
    "weights that are not here": (lambda: reportgen.load_network("i3d_r50"), "`reportgen.fetch('i3d_r50')`"),
    "a video for weights": (lambda: reportgen.load_network(Small(), weights="video.pth"), "`BuildOptions(clips=...)`"),
    "several state dicts": (lambda: reportgen.load_network(Small(), weights="two.pth"), "`weights_key`"),
    "a key without weights": (lambda: reportgen.load_network(Small(), weights_key="a"), "`weights`"),
    "two origins of weights": (
        lambda: reportgen.load_network(Small(), weights="two.pth", untrained=True),
        "`untrained=True`",
    ),
    "a spec out of range": (lambda: reportgen.load_network(Small(), clip={"frames": 0}), "`clip`"),
    "no layout": (lambda: reportgen.load_network(Small(), adapter={"layout": "T"}), "`adapter`"),
    "two inputs": (lambda: reportgen.load_network(Pair()), "`adapter={'input': 'pathways'"),
    "several outputs": (lambda: reportgen.load_network("factories.py:two", untrained=True), "`adapter={'output': "),
    "no network": (lambda: reportgen.load_network(3), "`?torch.nn.Module"),  # type: ignore[arg-type]
    "a live one of two inputs": (lambda: Network.from_module(Pair()), "`adapter={'input': 'pathways'"),
    "no frames": (lambda: Network.from_module(Small(), frames=0), "`frames`"),
    "a mean of two channels": (lambda: Network.from_module(Small(), mean=(0.5, 0.5), std=(1, 1)), "`mean` and `std`"),
    "no deviation": (lambda: Network.from_module(Small(), mean=0.5, std=0), "`std`"),
    "no size": (lambda: Network.from_module(Small(), size=0), "`size`"),
    "a live one of NaN": (lambda: Network.from_module(Small(float("nan"))), "`frames` and `size`"),
    "layers of two inputs": (lambda: reportgen.list_layers("factories.py:pair"), "`adapter="),
    "layers of a spec": (lambda: reportgen.list_layers(Small(), clip={"height": "tall"}), "`clip`"),  # type: ignore[arg-type]
    "a card of a card": (lambda: reportgen.card("texture_motion"), "`reportgen.list_models()`"),
    "a card of two inputs": (lambda: reportgen.card("factories.py:pair"), "`adapter="),
    # clips
    "a picture for a clip": (lambda: reportgen.read_clip("still.png", SPEC), "`spec` with frames=1"),
    "half a spec": (lambda: reportgen.read_clip("still.png", {"frames": 1}), "`spec` is not valid: height"),
    "a path for a module": (lambda: reportgen.attribute(Small(), "still.png"), "`reportgen.read_clip"),
    "no references": (lambda: reportgen.concept_tests(Small(), {"own": CLIP}, CLIP), "give others"),
    "no concepts": (lambda: reportgen.concept_tests(Small(), {}, CLIP), "by name"),
    "an unknown layer": (lambda: reportgen.response_maps(Small(), CLIP, "x"), "`reportgen.list_layers('Small')`"),
    # folders
    "no runs": (lambda: reportgen.check("empty"), "`reportgen.compute()`"),
    "no folders": (lambda: reportgen.render([]), "one or more"),
    "no path": (lambda: reportgen.status(3), "text or a path"),  # type: ignore[arg-type]
    "no site": (lambda: reportgen.serve("empty"), "`reportgen.build()`"),
    "an export without a size": (lambda: reportgen.export("empty", "zip", max_size="big"), "`max_size='big'`"),
    "an export of one page": (lambda: reportgen.export("empty", "zip", page="x"), "`page`"),
    "an export to a folder": (lambda: reportgen.export("empty", "zip", to="foreign"), "`to='foreign'`"),
    "a name of no folder": (lambda: reportgen.publish("empty", name="../x"), "`name='../x'`"),
    "latest of no name": (lambda: reportgen.publish("empty", latest=True), "`latest=True`"),
    "no root digest": (lambda: reportgen.verify("empty", digest="ab"), "`digest='ab'`"),
    # builds
    "no options": (lambda: reportgen.build({"preset": "quick"}), "BuildOptions"),  # type: ignore[arg-type]
    "names for no models": (lambda: options(names=["a", "b"]), "as many `names` as `models`"),
    "an unknown field": (lambda: options(clip_spec={"frame": 4}), "`clip_spec`"),
    "no kernels": (lambda: options(kernels=0), "`analyses`"),
    "folders in one another": (lambda: reportgen.build(options(site="runs/site")), "`runs` and `site`"),
    "a folder of others": (lambda: reportgen.build(options(site="foreign")), "`site`"),
    "missing weights": (lambda: reportgen.build(options(models="i3d_r50")), "`untrained=True`"),
    "a build of two inputs": (lambda: reportgen.build(options(models="factories.py:pair")), "`adapter="),
    "a build of a picture": (lambda: reportgen.build(options(clips="still.png")), "`clip_spec={'frames': 1"),
    "a target of no classes": (lambda: reportgen.build(options(targets="mean")), "`targets='mean'`"),
    "nothing selected": (lambda: reportgen.build(options(select="zzz")), "`select='zzz'`"),
    "no concepts at all": (lambda: reportgen.build(options(analyses="concepts")), "`concepts`"),
    "no time": (lambda: reportgen.plan(options(), times=0), "`times=0`"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.usefixtures("here")
def test_a_python_call_says_what_is_wrong_in_words_of_python(what: str) -> None:
    call, named = WRONG[what]
    with pytest.raises(ReportgenError) as caught:
        call()
    sentence = str(caught.value)
    assert re.search(named if named.startswith("`?") else re.escape(named), sentence), sentence
    assert not re.search(r"(?<![\w-])--[a-z]", sentence), f"it names a flag: {sentence}"
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_a_network_assumes_is_said_in_words_of_the_call() -> None:
    live, loaded = Network.from_module(Small()), reportgen.load_network(Small())
    assert "change it with `frames` and `size`" in " ".join(live.assumptions)
    assert "change it with `clip`" in " ".join(loaded.assumptions)
    assert not any("--" in note for note in (*live.assumptions, *loaded.assumptions))
