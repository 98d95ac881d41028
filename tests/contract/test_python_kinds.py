"""Kinds of values that a notebook has at hand: taken for what they are, or refused; never another answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import reportgen
from reportgen.errors import ReportgenError
from reportgen.networks.core.network import Network
from reportgen.records.card import ClipSpec, ModelCard

FRAMES, SIDE = 4, 12
SPEC = {"frames": FRAMES, "height": SIDE, "width": SIDE}
NAMES = ("walking", "running", "running")
CLIP = (torch.randint(0, 256, (1, 3, FRAMES, SIDE, SIDE), generator=torch.Generator().manual_seed(3)) / 255).float()


class Small(nn.Module):
    """One convolution and three classes."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.conv = nn.Conv3d(3, 4, 3, padding=1)
            self.head = nn.Linear(4, len(NAMES))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).relu().mean((2, 3, 4)))


def network(names: tuple[str, ...] = NAMES) -> Network:
    spec = ClipSpec(frames=FRAMES, height=SIDE, width=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    module = Small().eval().requires_grad_(False)
    return Network(module, ModelCard(name="small", title="Small", clip=spec, classes=len(names)), names)


def mapped(clip: Any, wanted: Any = 0) -> Tensor:
    found = reportgen.attribute(network(), clip, wanted, "gradients")
    assert isinstance(found, reportgen.Attribution)
    return found.attribution


class Named:
    """A path of somebody else's making."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return self.path


def backwards(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values[:, :, ::-1].copy()[:, :, ::-1]


SAME: dict[str, Callable[[Tensor], Any]] = {
    "float64": lambda clip: clip.numpy().astype(np.float64),
    "big-endian": lambda clip: clip.numpy().astype(">f4"),
    "strides that go backwards": lambda clip: backwards(clip.numpy()),
    "not contiguous": lambda clip: clip.transpose(3, 4).contiguous().transpose(3, 4),
    "channels last": lambda clip: clip.to(memory_format=torch.channels_last_3d),
    "a leaf that asks for gradients": lambda clip: clip.clone().requires_grad_(),
    "the result of others": lambda clip: clip.clone().requires_grad_() * 1,
    "sparse": lambda clip: clip.to_sparse(),
    "masked nowhere": lambda clip: np.ma.masked_array(clip.numpy(), mask=False),
    "a tuple": lambda clip: (clip[0],),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_numbers_have_the_same_answer(kind: str) -> None:
    torch.testing.assert_close(mapped(SAME[kind](CLIP)), mapped(CLIP), atol=1e-6, rtol=1e-5)


def test_half_precision_is_computed_in_single() -> None:
    half = CLIP.numpy().astype(np.float16)
    torch.testing.assert_close(mapped(half), mapped(half.astype(np.float32)), atol=1e-6, rtol=1e-5)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "masked values": (lambda: mapped(np.ma.masked_array(CLIP.numpy(), mask=CLIP.numpy() > 0.5)), "masked"),
    "bool": (lambda: mapped(CLIP > 0.5), "bool"),
    "complex": (lambda: mapped(CLIP.to(torch.complex64)), "complex64"),
    "one channel": (lambda: mapped(CLIP[:, :1]), "no axis of colours"),
    "RGBA": (lambda: mapped(torch.cat([CLIP, CLIP[:, :1]], 1)), "no axis of colours"),
    "sizes that differ": (lambda: mapped([CLIP, CLIP[..., :6, :6]]), "of one size"),
    "a device without values": (lambda: mapped([CLIP, CLIP.to("meta")]), "no values"),
    "a generator": (lambda: mapped(one for one in [CLIP]), "generator"),
    "bytes for a path": (lambda: reportgen.read_clip(b"clip", SPEC), "text or a path"),  # type: ignore[arg-type]
    "a class of truth": (lambda: mapped(CLIP, np.bool_(True)), "one whole number"),
    "a tensor of truth": (lambda: mapped(CLIP, torch.tensor(True)), "one whole number"),
    "a class beyond all": (lambda: mapped(CLIP, np.int64(3)), "0 to 2"),
    "a name of two classes": (lambda: mapped(CLIP, "running"), r"2 classes named 'running' ([1, 2])"),
    "no layer": (lambda: reportgen.response_maps(network(), CLIP, []), "no layer"),
    "labels without an order": (lambda: Network.from_module(Small(), labels=set(NAMES)), "order"),
    "labels in a table of facts": (lambda: Network.from_module(Small(), labels={"categories": NAMES}), "'categories'"),  # type: ignore[arg-type, dict-item]
    "numbers for labels": (lambda: Network.from_module(Small(), labels=range(3)), "names"),  # type: ignore[arg-type]
    "nothing to require": (lambda: reportgen.require([None]), "NoneType"),  # type: ignore[list-item]
    "nothing to compare": (lambda: reportgen.compare([None], [None]), "NoneType"),  # type: ignore[list-item]
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_one_meaning_is_refused(kind: str) -> None:
    call, words = REFUSED[kind]
    with pytest.raises(ReportgenError) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize("wanted", [np.uint8(0), torch.tensor([[0]]), np.array(0), "0", "WALKING"])
def test_a_class_in_any_form_is_the_same(wanted: Any) -> None:
    assert mapped(CLIP, wanted).equal(mapped(CLIP, 0))


@pytest.mark.parametrize(
    "labels", [{0: "a", 1: "b", 2: "c"}, {"2": "c", "0": "a", "1": "b"}, iter("abc"), np.array(list("abc"))]
)
def test_labels_come_in_the_order_of_the_classes(labels: Any) -> None:
    assert Network.from_module(Small(), labels=labels, frames=FRAMES, size=SIDE).labels == ("a", "b", "c")


def test_layers_may_come_one_by_one_or_alone() -> None:
    several = reportgen.response_maps(network(), CLIP, (one for one in ["conv"]))
    assert several == reportgen.response_maps(network(), CLIP, "conv")
    alone = reportgen.weight_gradients(network(), CLIP, 0, layers="conv")
    assert alone == reportgen.weight_gradients(network(), CLIP, 0, layers=["conv"])
    tests = [reportgen.concept_tests(network(), {"own": CLIP}, CLIP.flip(2), layers=one) for one in ("conv", ["conv"])]
    assert tests[0] == tests[1]


def test_a_clip_of_pictures_is_read_by_any_path(tmp_path: Path) -> None:
    for frame in range(FRAMES):
        values = (CLIP[0, :, frame].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(values).save(tmp_path / f"{frame}.png")
    for path in (str(tmp_path), tmp_path, Named(os.fspath(tmp_path))):
        np.testing.assert_allclose(reportgen.read_clip(path, SPEC).pixels, CLIP.numpy(), atol=1e-6)
        torch.testing.assert_close(mapped(path), mapped(CLIP), atol=1e-5, rtol=1e-4)


def test_loading_a_network_draws_nothing_of_the_caller(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    reportgen.load_network("texture_motion")
    reportgen.load_network(Small(), untrained=True)
    reportgen.plan(reportgen.BuildOptions(preset="quick", runs=tmp_path / "runs", analyses="motion"))
    assert torch.get_rng_state().equal(before)
