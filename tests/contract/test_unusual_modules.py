"""Modules that are quantised, scripted, lazy or cut gradients off: each public call answers or says why not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import reportgen
from reportgen.errors import ReportgenError
from reportgen.networks.core.network import Network

CLIP = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    """Two convolutions and a classifier; a subclass says what lies between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.deep, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 4, 3, padding=1), nn.Linear(4, 3)

    def between(self, values: Tensor) -> Tensor:
        return torch.relu(values)

    def forward(self, clip: Tensor) -> Tensor:
        return self.head(torch.relu(self.deep(self.between(self.conv(clip)))).mean((2, 3, 4)))


class Cut(Small):
    def between(self, values: Tensor) -> Tensor:
        return super().between(values).detach()


class Quantised(Small):
    def __init__(self) -> None:
        super().__init__()
        self.quant, self.dequant = torch.ao.quantization.QuantStub(), torch.ao.quantization.DeQuantStub()

    def forward(self, clip: Tensor) -> Tensor:
        return self.dequant(super().forward(self.quant(clip)))


def dynamic() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Small().eval(), {nn.Linear}, dtype=torch.qint8)


def static() -> nn.Module:
    module = Quantised().eval()
    module.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    torch.ao.quantization.prepare(module, inplace=True)
    module(CLIP)
    return torch.ao.quantization.convert(module, inplace=True)


KINDS: dict[str, Callable[[], nn.Module]] = {
    "quantised dynamic": dynamic,
    "quantised static": static,
    "scripted": lambda: torch.jit.script(Small().eval()),
    "lazy": lambda: nn.Sequential(nn.LazyConv3d(4, 3), nn.Flatten(), nn.LazyLinear(3)),
    "cut": Cut,
}
CALLS: dict[str, Callable[[nn.Module], Any]] = {
    **{
        f"attribute by {method}": lambda module, method=method: reportgen.attribute(module, CLIP, 1, method)
        for method in ("gradients", "grad_cam", "guided_grad_cam", "occlusion", "integrated_gradients", "smoothgrad")
    },
    "audit": lambda module: reportgen.audit(module, CLIP),
    "class_pyramid": lambda module: reportgen.class_pyramid(module, CLIP, 1),
    "class_pyramid, published": lambda module: reportgen.class_pyramid(module, CLIP, 1, scoring="published"),
    "concept_tests": lambda module: reportgen.concept_tests(module, {"one": CLIP}, CLIP.flip(2), layers=["conv"]),
    "connection_graph": lambda module: reportgen.connection_graph(module, CLIP.shape),
    "contrast": lambda module: reportgen.contrast(module, 0, 1),
    "evaluate_maps": lambda module: reportgen.evaluate_maps(
        reportgen.probe(module, CLIP, 1), {"occlusion": reportgen.attribute(module, CLIP, 1, "occlusion")}
    ),
    "list_layers": reportgen.list_layers,
    "load_network": reportgen.load_network,
    "maximize_activation": lambda module: reportgen.maximize_activation(
        module, "conv", 0, clip_shape=(4, 8, 8), steps=4
    ),
    "motion_audit": lambda module: reportgen.motion_audit(module, CLIP),
    "Network.from_module": Network.from_module,
    "probe": lambda module: reportgen.probe(module, CLIP, 1),
    "response_maps": lambda module: reportgen.response_maps(module, CLIP, "conv"),
    "weight_gradients": lambda module: reportgen.weight_gradients(module, CLIP, 1),
}
WITHOUT_GRADIENTS = {"attribute by occlusion", "motion_audit", "response_maps", "contrast", "connection_graph"}


def asked(kind: str, call: str) -> Any:
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of torch, that quantisation moves to another package
        torch.manual_seed(0)
        return CALLS[call](KINDS[kind]())


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", CALLS)
def test_every_call_answers_or_says_why_not(kind: str, call: str) -> None:
    try:
        asked(kind, call)
    except ReportgenError as error:
        said = str(error)
        assert kind not in {"quantised dynamic", "cut"} or call not in WITHOUT_GRADIENTS
        assert len(said) < 400
        assert not any(words in said for words in ("Traceback", "NotImplementedError", "KeyError", "fake impl"))


@pytest.mark.parametrize("kind", ["quantised dynamic", "quantised static"])
def test_the_weights_of_a_quantised_network_have_no_gradients(kind: str) -> None:
    with pytest.raises(reportgen.NetworkError, match=r"No gradient comes through|has no convolution whose"):
        asked(kind, "weight_gradients")


def test_where_evidence_stops_is_named() -> None:
    place = r"detach\(\) after conv"
    for call in ("attribute by gradients", "attribute by grad_cam"):
        if call.endswith("gradients"):
            with pytest.raises(reportgen.NetworkError, match=f"No gradient comes through Cut: {place} cuts it off"):
                asked("cut", call)
    for call in ("class_pyramid", "weight_gradients"):
        found = asked("cut", call)
        assert found.notes[0].startswith("No gradient comes through detach() after conv: ")
        assert "No gradient comes through detach()" in repr(found)
        assert "No gradient comes through detach() after conv" in found._repr_html_()
    assert asked("cut", "weight_gradients").notes[1] == (
        "No gradient reaches the weights of conv: zero says nothing of them."
    )
    assert "no gradient through detach() after conv" in repr(asked("cut", "connection_graph"))
