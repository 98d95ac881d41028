"""The networks that were recorded by running their publishers' code compute the recorded numbers.

The tolerance is 1e-4 of a tensor's spread: the recorded numbers differ between float32 and float64 by a few 1e-6, while
a wrong epsilon in one batch norm moves the logits by 1e-3.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import formula
import pytest
import torch
import zoo_cards
from torch import Tensor, nn

from reportgen.networks.core.call import to_call
from reportgen.zoo.sources import import_file

TOLERANCE = 1e-4
Outputs = dict[str, Tensor]


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@contextmanager
def taps(module: nn.Module, names: list[str]) -> Iterator[Outputs]:
    """Collect what the named modules return while the context is open."""
    taken: Outputs = {}
    hooks = [
        module.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: taken.update({name: out}))
        for name in names
    ]
    try:
        yield taken
    finally:
        for hook in hooks:
            hook.remove()


def _logits(module: nn.Module, x: Tensor) -> Outputs:
    logits = module(x)
    return {"logits": logits, "probabilities": logits.softmax(dim=1)}


def _positions(module: nn.Module, x: Tensor) -> Outputs:
    """PySlowFast's head: the softmax of every position, then the mean."""
    with taps(module, ["s5"]) as taken:
        logits = module(x)
    positions = module.head.positions(taken["s5"])
    probabilities = positions.softmax(dim=-1).mean(dim=(1, 2, 3))
    return {"logits": logits, "projection_map": positions, "probabilities": probabilities}


def _flows(module: nn.Module, x: Tensor) -> Outputs:
    if not module.training:
        return {"flow2": module(x)}
    return {f"flow{level}": flow for level, flow in zip(range(2, 7), module(x), strict=True)}


def _autoencoder(module: nn.Module, x: Tensor) -> Outputs:
    with taps(module, ["encoder", "pre_vq_conv"]) as taken:
        loss, reconstruction, details = module(x)
    return {
        "encoder": taken["encoder"],
        "pre_vq": taken["pre_vq_conv"],
        "reconstruction": reconstruction,
        "decode_of_encodings": module.decode(details["encodings"]),
        "recon_loss": loss,
        **details,
    }


READERS: dict[str, Callable[[nn.Module, Tensor], Outputs]] = {
    "i3d_r50": _positions,
    "flownets": _flows,
    "flownets_bn": _flows,
    "vqvae": _autoencoder,
}


def _case_id(value: Any) -> str:
    return value if isinstance(value, str) else f"{value['mode']}-{'x'.join(map(str, value['input_shape']))}"


CASES = [(name, case) for name in zoo_cards.recorded() for case in zoo_cards.golden(name)["cases"]]


#: Cases that take seconds, of networks that other cases are of, or that are made of the modules of another network.
DEAR = {
    *(("vgg16", (2, 3, 64, 64)), ("vgg16_bn", (2, 3, 64, 64))),
    *(("i3d_r50", (1, 3, 8, 256, 256)), ("i3d_r50", (1, 3, 12, 224, 224)), ("mfnet", (2, 3, 16, 224, 224))),
    *(("i3d_r50", (2, 3, 8, 224, 224)), ("s3d", (2, 3, 16, 224, 224)), ("mc3_18", (2, 3, 16, 56, 112))),
    ("i3d_inception", (1, 3, 18, 224, 224)),
    *(("resnet3d_50", (2, 3, 16, 112, 112)), ("resnext3d_101", (2, 3, 16, 112, 112))),
    *(("r2plus1d_18", (2, 3, 16, 56, 112)), ("resnet3d_34_2020", (2, 3, 16, 112, 112))),
}

#: The only case of a network, where it takes seconds.
SLOW = {("c3d", (2, 3, 16, 112, 112)), ("vqvae", (2, 3, 16, 64, 64))}


def _marks(name: str, case: dict[str, Any]) -> list[pytest.MarkDecorator]:
    asked = name, tuple(case["input_shape"])
    return [pytest.mark.long] if asked in DEAR else [pytest.mark.slow] if asked in SLOW else []


@pytest.mark.parametrize(
    ("name", "case"), [pytest.param(name, case, marks=_marks(name, case)) for name, case in CASES], ids=_case_id
)
def test_outputs_and_convolutions_are_the_recorded_ones(name: str, case: dict[str, Any]) -> None:
    facts = zoo_cards.golden(name)
    module = zoo_cards.filled(name, facts["gain"]).train(case["mode"] == "train")
    with taps(module, list(case["modules"])) as taken:
        outputs = READERS.get(name, _logits)(module, formula.clip(case["input_shape"]))
    gaps = {key: formula.distance(outputs[key], summary) for key, summary in case["outputs"].items()}
    gaps |= {key: formula.distance(taken[key], summary) for key, summary in case["modules"].items()}
    state = module.state_dict()
    gaps |= {key: formula.distance(state[key], summary) for key, summary in case.get("running_statistics", {}).items()}
    assert {key: gap for key, gap in gaps.items() if not gap <= TOLERANCE} == {}
    if "encodings" in facts:
        assert outputs["encodings"].flatten().tolist() == facts["encodings"]


def test_a_wrong_epsilon_in_one_batch_norm_is_seen() -> None:
    facts = zoo_cards.golden("resnet3d_50")
    module = zoo_cards.filled("resnet3d_50", facts["gain"])
    module.get_submodule("layer2.1.bn2").eps = 1e-3
    case = facts["cases"][0]
    logits = module(formula.clip(case["input_shape"]))
    assert formula.distance(logits, case["outputs"]["logits"]) > TOLERANCE


@pytest.mark.parametrize("name", zoo_cards.recorded())
def test_state_dict_has_the_recorded_names_shapes_and_order(name: str) -> None:
    found = [[key, list(value.shape)] for key, value in zoo_cards.on_meta(name).state_dict().items()]
    assert found == zoo_cards.golden(name)["state_dict"]


@pytest.mark.parametrize("name", zoo_cards.recorded())
def test_parameters_and_multiply_adds_are_the_recorded_ones(name: str) -> None:
    facts, card = zoo_cards.golden(name), zoo_cards.entry(name).card
    assert sum(p.numel() for p in zoo_cards.on_meta(name).parameters()) == facts["parameters"] == card.parameters
    assert card.multiply_adds == pytest.approx(facts["gflops"], rel=1e-3)


@pytest.mark.parametrize("name", zoo_cards.recorded())
def test_native_clip_has_the_recorded_shape(name: str) -> None:
    card = zoo_cards.entry(name).card
    (argument,) = to_call(torch.empty(1, *card.clip.shape, device="meta"), card.adapter).args
    assert list(argument.shape) == zoo_cards.golden(name)["input"]


@pytest.mark.parametrize("name", zoo_cards.recorded())
def test_norms_are_of_the_recorded_kind(name: str) -> None:
    norms = [m for m in zoo_cards.on_meta(name).modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    recorded = zoo_cards.golden(name)["norm_layers"]
    assert {(type(m).__name__, m.eps) for m in norms} == {(norm["type"], norm["eps"]) for norm in recorded}


@pytest.mark.parametrize("name", zoo_cards.recorded())
def test_convolutions_run_in_the_recorded_order_with_the_recorded_shapes(name: str) -> None:
    facts = zoo_cards.golden(name)
    module = zoo_cards.on_meta(name)
    kinds = (nn.modules.conv._ConvNd,)
    order: list[tuple[str, Tensor]] = []
    for layer, part in module.named_modules():
        if isinstance(part, kinds):
            part.register_forward_hook(lambda _m, _i, out, layer=layer: order.append((layer, out)))
    module(torch.empty(facts["input"], device="meta"))
    found = [_layer_facts(layer, module.get_submodule(layer), output) for layer, output in order]
    assert found == [{fact: layer[fact] for fact in found[0]} for layer in facts["layers"]]


def _layer_facts(name: str, part: nn.Module, output: Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "type": type(part).__name__,
        "in": part.in_channels,
        "out": part.out_channels,
        "kernel": list(part.kernel_size),
        "stride": list(part.stride),
        "groups": part.groups,
        "bias": part.bias is not None,
        "output_shape": list(output.shape),
    }


def test_facts_are_those_of_the_reference() -> None:
    folder = os.environ.get("REPORTGEN_REFERENCE")
    if not folder:
        pytest.skip("REPORTGEN_REFERENCE names no folder of published facts")
    recorder = import_file(Path(__file__).parents[2] / "tools" / "record_goldens.py")
    records = recorder.reference_records(Path(folder))
    assert len(records) >= 10
    for record in records:
        assert record == zoo_cards.golden(record["model"])
