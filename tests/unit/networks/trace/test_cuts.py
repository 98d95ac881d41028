"""Where gradients end is found, named, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen import Network
from reportgen.analyses.saliency.attribution import Attribution, attribute
from reportgen.errors import NetworkError
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.cuts import cut_sentences
from reportgen.result import required

SHAPE = (1, 3, 4, 8, 8)


class Swish(torch.autograd.Function):
    """It computes without gradients, and says its own."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        context.save_for_backward(values)
        return values * torch.sigmoid(values)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient * torch.sigmoid(context.saved_tensors[0])


class Two(nn.Module):
    """Two convolutions, what lies between them, and a classifier."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 4, 3, padding=1)
        self.head, self.between, self.kept = nn.Linear(4, 3), between, torch.zeros(1)

    def forward(self, clip: Tensor) -> Tensor:
        found = self.between(self.first(clip))
        self.kept = found.detach()  # of what is only noted, nothing reaches the output
        return self.head(self.second(found).mean((2, 3, 4)))


def without_gradients(values: Tensor) -> Tensor:
    with torch.no_grad():
        return values * 2


def filled(values: Tensor) -> Tensor:
    whole = torch.zeros_like(values)
    whole[:, :2] = values[:, :2].detach()
    whole[:, 2:] = values[:, 2:]
    return whole


CUT = {
    "detach()": lambda values: values.detach(),
    "torch.no_grad()": without_gradients,
    "argmax()": lambda values: values.argmax(1, keepdim=True).float().expand_as(values),
    "gt()": lambda values: (values > 0).float(),
    "round()": torch.round,
}
PARTLY = {
    "a gate": lambda values: values * torch.sigmoid(values).detach(),
    "a straight-through rounding": lambda values: values + (torch.round(values) - values).detach(),
    "half of a buffer": filled,
}
WHOLE = {
    "a ReLU": torch.relu,
    "a ReLU in place": torch.relu_,
    "a ReLU by a mask": lambda values: values * (values > 0),
    "a ReLU by a choice": lambda values: torch.where(values > 0, values, 0.0),
    "the largest kernels": lambda values: values.gather(1, values.topk(4, dim=1).indices),
    "a function of its own": Swish.apply,
    "a checkpoint": lambda values: torch.utils.checkpoint.checkpoint(torch.sigmoid, values, use_reentrant=True),
}


@pytest.mark.parametrize("name", CUT)
def test_what_cuts_is_named_with_its_place(name: str) -> None:
    cuts = connection_graph(Two(CUT[name]), SHAPE).cuts
    assert [str(cut) for cut in cuts] == [f"{name} after first"]
    assert cut_sentences(cuts)[0].startswith(f"No gradient comes through {name} after first: ")


def test_the_module_that_cuts_is_named() -> None:
    class Gate(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return values.detach()

    graph = connection_graph(Two(Gate()), SHAPE)
    assert [str(cut) for cut in graph.cuts] == ["detach() in between"]
    assert "no gradient through detach() in between" in repr(graph)


@pytest.mark.parametrize("name", PARTLY)
def test_what_is_cut_off_beside_what_comes_through_is_named(name: str) -> None:
    assert {str(cut) for cut in connection_graph(Two(PARTLY[name]), SHAPE).cuts} == {"detach() after first"}


@pytest.mark.filterwarnings("ignore:None of the inputs")  # of a checkpoint without gradients
@pytest.mark.parametrize("name", WHOLE)
def test_what_lets_gradients_through_has_no_cut(name: str) -> None:
    graph = connection_graph(Two(WHOLE[name]), SHAPE)
    assert graph.cuts == ()
    assert cut_sentences(graph.cuts) == ()


def test_a_pass_that_refuses_gradients_tells_of_no_cut() -> None:
    def through_numpy(values: Tensor) -> Tensor:
        return torch.from_numpy(values.numpy().copy())

    assert connection_graph(Two(through_numpy), SHAPE).cuts == ()


@pytest.mark.parametrize("method", ["gradients", "smoothgrad", "grad_cam"])
def test_a_map_says_where_a_part_of_the_evidence_is_cut_off(method: str) -> None:
    module = Two(filled)
    clip = torch.rand(SHAPE)
    found = attribute(module, clip, 0, method)
    assert isinstance(found, Attribution)
    said = (
        "No gradient comes through detach() after first: what it passes on counts as a constant, and evidence stops "
        "there.",
    )
    assert found.notes == (() if method == "grad_cam" else said), (
        "behind the layer that Grad-CAM reads nothing is cut off"
    )
    module.between = nn.Identity()
    whole = attribute(module, clip, 0, method)
    assert isinstance(whole, Attribution)
    assert whole.notes == ()


def test_a_map_of_occlusion_needs_no_gradient() -> None:
    found = attribute(Two(filled), torch.rand(SHAPE), 0, "occlusion")
    assert isinstance(found, Attribution)
    assert found.notes == ()


@pytest.mark.parametrize("method", ["gradients", "integrated_gradients", "smoothgrad"])
def test_a_function_without_a_derivative_is_named(method: str) -> None:
    module = Two(lambda values: values * torch.heaviside(values, torch.zeros(())))
    with pytest.raises(NetworkError, match="torch knows no derivative of heaviside, which Two calls"):
        attribute(module, torch.rand(SHAPE), 0, method)


def test_grad_cam_names_what_cuts_all_maps_off() -> None:
    module = Two(lambda values: values)
    module.head = nn.Sequential(Detached(), nn.Linear(4, 3))
    with pytest.raises(NetworkError, match=r"cut off by detach\(\) in head\.0\. Name a layer behind that"):
        attribute(module, torch.rand(SHAPE), 0, "grad_cam")


class Detached(nn.Module):
    """Lets no gradient through."""

    def forward(self, values: Tensor) -> Tensor:
        return values.detach()


class Holder:
    """Some settings in an object."""

    def __init__(self) -> None:
        self.cut = [False]


class Switched(nn.Module):
    """A branch that is cut off when a setting says so, which lies in one of many forms."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.beside = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)
        self.plain, self.listed, self.table = False, [False], {"cut": False}
        self.held, self.flag = Holder(), torch.zeros(1)

    def forward(self, clip: Tensor) -> Tensor:
        is_cut = (self.plain, self.listed[0], self.table["cut"], self.held.cut[0], bool(self.flag))
        beside = self.beside(clip)
        return self.head((self.first(clip) + (beside.detach() if any(is_cut) else beside)).relu().mean((2, 3, 4)))


def _switch(module: Switched, form: str, cut: bool) -> None:
    match form:
        case "plain":
            module.plain = cut
        case "listed":
            module.listed[0] = cut
        case "table":
            module.table["cut"] = cut
        case "held":
            module.held.cut[0] = cut
        case "flag":
            module.flag.fill_(cut)


@pytest.mark.parametrize("form", ["plain", "listed", "table", "held", "flag"])
def test_what_is_known_of_a_network_is_not_told_of_one_whose_settings_changed(form: str) -> None:
    torch.manual_seed(0)
    module, clip = Switched(), torch.rand(SHAPE)
    network = Network.from_module(module, labels=["a", "b", "c"], mean=(0, 0, 0), std=(1, 1, 1), frames=4, size=8)
    for cut in (False, True, False):
        _switch(module, form, cut)
        found = required(attribute(network, clip, 0, "gradients"))
        assert any("detach() after" in note for note in found.notes) == cut


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
@pytest.mark.parametrize("stopped", [False, True])
def test_a_recurrent_layer_cuts_nothing_off_by_itself(kind: type[nn.Module], stopped: bool) -> None:
    """Its gates are pieces of one product of a first state without a gradient, into which others are written."""

    class Framewise(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(10, 3)
            self.memory = kind(4, 5, batch_first=True, bidirectional=True)

        def forward(self, clip: Tensor) -> Tensor:
            frames = self.stem(clip).mean((3, 4)).transpose(1, 2)
            scores: Tensor = self.head(self.memory(frames.detach() if stopped else frames)[0].mean(1))
            return scores

    cuts = connection_graph(Framewise(), SHAPE).cuts
    assert [cut.operation for cut in cuts] == (["detach()"] if stopped else [])
