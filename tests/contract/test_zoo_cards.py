"""Every card of the zoo is complete, and its network is what it says."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import formula
import pytest
import torch
import zoo_cards
from torch import Tensor, nn

from reportgen.errors import CardError, NetworkError
from reportgen.networks.core.answer import class_scores, selected
from reportgen.networks.core.call import to_call
from reportgen.networks.core.network import Network
from reportgen.records.card import ModelCard
from reportgen.zoo.sources import definition_of, import_file

NAMES = [entry.card.name for entry in zoo_cards.zoo().entries()]
PUBLISHED = [name for name in NAMES if name != "texture_motion"]
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU)
DENSE = (nn.Linear, nn.modules.conv._ConvNd)
# One network of each definition, and the number of frames of a clip that is smaller than its native one.
SIZES = [
    *(("i3d_r50", 4), ("i3d_inception", 8), ("mfnet", 8), ("vqvae", 8), ("s3d", 14), ("vgg16_bn", 1), ("flownets", 2)),
    *(("resnet3d_18", 8), ("resnet3d_50_2020", 8), ("resnext3d_50", 8), ("densenet3d_121", 16), ("r2plus1d_18", 8)),
]
WANTED = [
    *("i3d_r50", "i3d_inception", "c3d", "vqvae", "flownets", "flownets_bn", "mfnet", "vgg16_bn", "vgg16"),
    *(f"resnet3d_{depth}" for depth in (18, 34, 50, 101, 152, 200)),
    *(f"resnext3d_{depth}" for depth in (50, 101, 152)),
    *(f"densenet3d_{depth}" for depth in (121, 169, 201)),
    *("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "transnetv2"),
]


def run(module: nn.Module, card: ModelCard, *, frames: int = 0, side: int = 0) -> Any:
    """Return what a network on the meta device makes of a clip of the native size, or of another."""
    channels, native_frames, height, width = card.clip.shape
    shape = (1, channels, frames or native_frames, side or height, side or width)
    with torch.no_grad():
        return to_call(torch.empty(shape, device="meta"), card.adapter).of(module)


@dataclass(frozen=True)
class Walk:
    """One native clip through a card's network on the meta device.

    `uses` counts the calls of each activation module, `multiply_adds` (in 1e9) are those of the convolutions and linear
    layers.
    """

    card: ModelCard
    module: nn.Module
    output: Any
    uses: Counter[str]
    multiply_adds: float


@cache
def walk(name: str) -> Walk:
    """Return the walk of a card's network."""
    card, module = zoo_cards.entry(name).card, zoo_cards.on_meta(name)
    uses: Counter[str] = Counter()
    costs: list[int] = []
    hooks = []
    for layer, part in module.named_modules():
        if isinstance(part, ACTIVATIONS):
            hooks.append(part.register_forward_hook(lambda _m, _i, _o, layer=layer: uses.update([layer])))
        if isinstance(part, DENSE):
            hooks.append(part.register_forward_hook(lambda m, i, o: costs.append(multiply_adds(m, i[0], o))))
    output = run(module, card)
    for hook in hooks:
        hook.remove()
    return Walk(card, module, output, uses, sum(costs) / 1e9)


def multiply_adds(part: nn.Module, x: Tensor, output: Tensor) -> int:
    """Return the multiply-adds of a linear layer or a convolution; a transposed one spreads each of its inputs."""
    if isinstance(part, nn.Linear):
        return output.numel() * part.in_features
    spread = x if isinstance(part, nn.modules.conv._ConvTransposeNd) else output
    return spread.numel() * math.prod(part.weight.shape[1:])


def test_the_zoo_has_every_wanted_network() -> None:
    assert set(WANTED) <= set(NAMES)
    assert zoo_cards.entry("i3d").card.name == "i3d_r50"


@pytest.mark.parametrize("name", PUBLISHED)
def test_card_says_where_everything_comes_from(name: str) -> None:
    card = zoo_cards.entry(name).card
    assert card.title
    assert card.summary.endswith(".")
    assert card.licence
    assert card.checked_against
    assert card.citation is not None
    assert card.citation.startswith("@")
    assert card.citation.count("{") == card.citation.count("}")
    assert len({source.file for source in card.weights}) == len(card.weights)
    for source in card.weights:
        assert source.url or source.page
        assert source.licence
        assert source.trained_on
        assert source.layout is None or source.layout in definition_of(zoo_cards.entry(name)).key_layouts
    if not card.weights:
        assert any("--weights" in note for note in card.notes)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_as_many_as_classes_and_all_different(name: str) -> None:
    entry = zoo_cards.entry(name)
    labels = entry.labels()
    assert len(set(labels)) == len(labels)
    assert len(labels) in (0, entry.card.classes)
    if entry.card.classes and not labels:
        assert any("--labels" in note for note in entry.card.notes)


def test_label_lists_hold_known_places() -> None:
    kinetics = zoo_cards.entry("i3d_r50").labels()
    assert [kinetics[i] for i in (0, 115, 290, 399)] == ["abseiling", "eating ice cream", "sharpening knives", "zumba"]
    assert list(kinetics) == sorted(kinetics)
    imagenet = zoo_cards.entry("vgg16_bn").labels()
    assert [imagenet[i] for i in (0, 281, 817, 999)] == ["tench", "tabby", "sports car", "toilet tissue"]
    sports = zoo_cards.entry("c3d").labels()
    assert [sports[i] for i in (0, 1, 486)] == ["boomerang", "boxing", "model aircraft"]


@pytest.mark.parametrize("name", NAMES)
def test_network_has_the_stages_of_its_card(name: str) -> None:
    network = Network(walk(name).module, walk(name).card)
    stages = walk(name).card.stages
    assert len(stages) >= 2
    for stage in stages:
        assert isinstance(network.submodule(stage.layer), nn.modules.conv._ConvNd), stage.layer
        assert network.layer_name(stage.layer.replace(".", "_")) == stage.layer


@pytest.mark.parametrize("name", NAMES)
def test_network_has_the_parameters_and_multiply_adds_of_its_card(name: str) -> None:
    card = walk(name).card
    assert name == "texture_motion" or None not in (card.parameters, card.multiply_adds)
    if card.parameters is not None:
        assert sum(p.numel() for p in walk(name).module.parameters()) == card.parameters
    if card.multiply_adds is not None:
        assert walk(name).multiply_adds == pytest.approx(card.multiply_adds, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_classifiers_return_one_logit_per_class_and_end_in_their_classifier(name: str) -> None:
    card = walk(name).card
    if card.classes is None:
        assert card.adapter.scores == "none"
        assert card.classifier is None
        return
    assert card.adapter.scores == "logits"
    last = walk(name).module.get_submodule(str(card.classifier))
    assert isinstance(last, DENSE)
    assert last.weight.shape[0] == card.classes
    found = selected(walk(name).output, card.adapter, name, clips=1)
    assert class_scores(found, card.adapter, name).shape == (1, card.classes)


@pytest.mark.parametrize("name", NAMES)
def test_activations_are_not_in_place_and_used_once(name: str) -> None:
    module = walk(name).module
    assert not any(part.inplace for part in module.modules() if isinstance(part, ACTIVATIONS))
    assert set(walk(name).uses.values()) == {1}


@pytest.mark.parametrize("name", [name for name in NAMES if zoo_cards.entry(name).card.classes])
def test_number_of_classes_follows_the_card(name: str) -> None:
    card = zoo_cards.entry(name).card.model_copy(update={"classes": 7, "labels": None})
    module = definition_of(zoo_cards.entry(name)).build_on_meta(card)
    assert module.get_submodule(str(card.classifier)).weight.shape[0] == 7


@pytest.mark.parametrize(("name", "shorter"), SIZES)
def test_smaller_and_larger_clips_work(name: str, shorter: int) -> None:
    card, module = walk(name).card, walk(name).module
    # A network of a fixed number of frames (an image, a pair) keeps it.
    longer = card.clip.frames + 8 if card.clip.frames > 2 else card.clip.frames
    for frames, side in ((longer, 256), (shorter, 64)):
        output = run(module, card, frames=frames, side=side)
        if card.classes is not None:
            assert output.shape == (1, card.classes)


def test_c3d_refuses_sizes_that_its_classifier_cannot_take() -> None:
    card, module = walk("c3d").card, walk("c3d").module
    # 32x224x224 leaves 65536 values a clip, which upstream silently reshapes to eight rows.
    for frames, side in ((32, 224), (16, 128), (8, 112)):
        with pytest.raises(NetworkError, match="takes clips of 16x112x112"):
            run(module, card, frames=frames, side=side)
    assert module.features(torch.empty(2, 3, 32, 224, 224, device="meta")).shape == (2, 512, 4, 14, 14)


def test_caffe2_blobs_of_i3d_have_the_recorded_names() -> None:
    table = zoo_cards.golden("i3d_r50")["caffe2_blobs"]
    layout = definition_of(zoo_cards.entry("i3d_r50")).key_layouts["caffe2"]
    blobs = {blob: blob for blob, _, _ in table}
    of_training = {"lr": "", "model_iter": "", "pred_w_momentum": "", "res_conv1_bn_s_momentum": ""}
    assert layout({**blobs, **of_training, "unknown_blob": "unknown"}) == {
        **{ours: blob for blob, ours, _ in table},
        "unknown_blob": "unknown",
    }
    shapes = {key: list(value.shape) for key, value in zoo_cards.on_meta("i3d_r50").state_dict().items()}
    assert all(shapes[ours] == shape for _, ours, shape in table)


def test_both_published_spellings_of_i3d_inception_name_the_same_entries() -> None:
    pairs = zoo_cards.golden("i3d_inception")["piergiaj"]
    layout = definition_of(zoo_cards.entry("i3d_inception")).key_layouts["piergiaj"]
    assert len(pairs) == 344
    assert layout({theirs: theirs for theirs, _ in pairs}) == {ours: theirs for theirs, ours in pairs}


def test_dotted_names_of_densenets_are_understood() -> None:
    layout = definition_of(zoo_cards.entry("densenet3d_121")).key_layouts["dotted"]
    state = zoo_cards.on_meta("densenet3d_121").state_dict()
    dotted = {}
    for name in state:
        *path, part, entry = name.split(".")
        dotted[".".join([*path, f"{part[:-1]}.{part[-1]}" if "denselayer" in name else part, entry])] = name
    assert "features.denseblock1.denselayer1.norm.1.weight" in dotted
    assert layout(dotted) == {name: name for name in state}


@pytest.fixture(scope="module")
def i3d_inception() -> ModuleType:
    return import_file(zoo_cards.entry("i3d_inception").source)


@pytest.mark.parametrize("size", range(7, 40))
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 2), (2, 2), (3, 1), (1, 1)])
def test_same_padding_covers_the_input_with_the_smaller_half_in_front(
    i3d_inception: ModuleType, size: int, kernel: int, stride: int
) -> None:
    front, behind = i3d_inception.same_padding(size, kernel, stride)
    windows = math.ceil(size / stride)
    assert front + behind == max((windows - 1) * stride + kernel - size, 0)
    assert behind - front in (0, 1)


def test_gradient_flows_through_shortcuts_without_parameters() -> None:
    block = import_file(zoo_cards.entry("resnet3d_18").source).PaddedShortcut(2, 5, 2)
    x = torch.randn(1, 2, 4, 4, 4, requires_grad=True)
    out = block(x)
    assert out.shape == (1, 5, 2, 2, 2)
    assert torch.equal(out[:, :2], nn.functional.avg_pool3d(x, 1, stride=2))
    assert not out[:, 2:].any()
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.sum() == 2 * 8


def test_vqvae_pads_the_larger_half_in_front() -> None:
    around = import_file(zoo_cards.entry("vqvae").source)._around(4, (1, 2, 2))
    assert around == ((2, 1, 1), (1, 1, 1))
    assert around.in_torch_order == (1, 1, 1, 1, 2, 1)


def test_training_mode_leaves_the_code_book_of_vqvae_alone() -> None:
    entry = zoo_cards.entry("vqvae")
    small = {"codes": 8, "code_size": 4, "hidden": 8, "blocks": 1, "downsample": [4, 2, 2]}
    card = entry.card.model_copy(
        update={"architecture": entry.card.architecture.model_copy(update={"arguments": small})}
    )
    module = formula.fill(definition_of(entry).build(card), 0.7).train()
    before = module.codebook.embeddings.clone()
    loss, reconstruction, details = module(formula.clip((1, 3, 8, 8, 8)))
    assert torch.equal(module.codebook.embeddings, before)
    assert reconstruction.shape == (1, 3, 8, 8, 8)
    assert details["encodings"].shape == (1, 2, 4, 4)
    assert loss.ndim == 0


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("resnet3d_50", {"depth": 51}, "must give a depth of 18, 34"),
        ("resnet3d_50", {"depth": 50, "shortcut": "C"}, "shortcut A or B"),
        ("resnext3d_50", {"depth": 18, "cardinality": 32}, "ResNeXt of depth 18"),
        ("densenet3d_121", {}, "must give a depth of 121"),
        ("r3d_18", {"kind": "r4d"}, "must give kind as one of r3d"),
        ("vqvae", {"codes": 8}, "must give code_size, hidden"),
    ],
)
def test_wrong_arguments_of_a_family_are_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    card = zoo_cards.entry(name).card
    changed = card.model_copy(update={"architecture": card.architecture.model_copy(update={"arguments": arguments})})
    with pytest.raises(CardError, match=message):
        definition_of(zoo_cards.entry(name)).build_on_meta(changed)


def test_positions_of_i3d_average_to_its_logits() -> None:
    module = zoo_cards.filled("i3d_r50", 0.7)
    last = formula.clip((1, 2048, 5, 8, 7))
    with torch.no_grad():
        positions, mean = module.head.positions(last), module.head(last)
    assert positions.shape == (1, 2, 2, 1, 400)
    torch.testing.assert_close(positions.mean(dim=(1, 2, 3)), mean)
