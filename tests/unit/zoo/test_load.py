"""From a name to a network: weights, labels, classes, device, and the untrained state."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reportgen.errors import CardError, DeviceError, OptionError, UnknownNameError, WeightsError
from reportgen.networks.kernels.layers import describe_layers
from reportgen.zoo.cards import Zoo
from reportgen.zoo.load import load_network, parse_device, tensors_digest

ARCH = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes, width=4, zero=False):
        super().__init__()
        self.conv = nn.Conv3d(3, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm3d(width)
        self.inner = nn.Conv3d(width, width, 3, padding=1)
        self.last = nn.BatchNorm3d(width)
        if zero:
            nn.init.zeros_(self.last.weight)
        self.fc = nn.Linear(width, classes)

    def forward(self, clip):
        maps = torch.relu(self.bn(self.conv(clip)))
        maps = torch.relu(maps + self.last(self.inner(maps)))
        return self.fc(maps.flatten(2).mean(2))


def build(card):
    return Net(card.classes, **card.architecture.arguments)


def capitals(state):
    return {name.lower(): value for name, value in state.items()}


def strangers(state):
    return {name: state["never"] for name in state}


KEY_LAYOUTS = {"strangers": strangers, "capitals": capitals}
"""
CARD = """
name = "net"
title = "Net"
aliases = ["alias"]
classes = 3
classifier = "fc"
labels = "labels.txt"
licence = "MIT"

[clip]
frames = 4
height = 8
width = 8
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]

[[weights]]
file = "net.pth"
url = "https://example.org/net.pth"
licence = "CC-BY-4.0"
"""


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPORTGEN_WEIGHTS", str(tmp_path / "cache"))
    folder = tmp_path / "zoo" / "net"
    folder.mkdir(parents=True)
    (folder / "arch.py").write_text(ARCH)
    (folder / "card.toml").write_text(CARD)
    (folder / "labels.txt").write_text("a\nb\nc\n")
    return folder.parent


@pytest.fixture
def state(zoo: Path) -> dict[str, torch.Tensor]:
    return dict(load_network("net", zoo=[zoo], untrained=True, seed=5).module.state_dict())


def save(state: dict[str, torch.Tensor], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    return path


def test_weights_are_found_beside_the_card_and_in_the_users_folder(
    zoo: Path, tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    for path in (tmp_path / "cache" / "net" / "net.pth", tmp_path / "cache" / "net.pth", zoo / "net" / "net.pth"):
        save(state, path)
        network = load_network("alias", zoo=[zoo])
        assert network.weights is not None
        assert network.weights.file == "net.pth"
        assert network.weights.published
        assert network.weights.licence == "CC-BY-4.0"
        assert network.weights.source == "https://example.org/net.pth"
        assert network.weights.sha256 == tensors_digest(state)
        path.unlink()


def test_the_network_is_ready_to_be_looked_at(zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    network = load_network("net", zoo=[zoo], weights=save(state, tmp_path / "w.pth"))
    assert not network.module.training
    assert not any(parameter.requires_grad for parameter in network.module.parameters())
    assert network.labels == ("a", "b", "c")
    assert network.logits(torch.rand(2, 3, 4, 8, 8)).shape == (2, 3)


def test_without_weights_it_is_said_how_to_get_them(zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"`reportgen.fetch\(.net.\)`.*`untrained=True`.*`weights`"):
        load_network("net", zoo=[zoo])
    card = (zoo / "net" / "card.toml").read_text()
    page = card.replace('url = "https://example.org/net.pth"', 'page = "https://example.org"')
    (zoo / "net" / "card.toml").write_text(page)
    with pytest.raises(WeightsError, match=r"get net\.pth from https://example\.org and put it at .*cache"):
        load_network("net", zoo=[zoo])
    (zoo / "net" / "card.toml").write_text(card[: card.index("[[weights]]")])
    with pytest.raises(WeightsError, match="names no published weights"):
        load_network("net", zoo=[zoo])


def test_a_file_with_another_digest_than_published_is_refused(
    zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    with (zoo / "net" / "card.toml").open("a") as card:
        card.write(f'sha256 = "{"0" * 64}"\n')
    path = save(state, zoo / "net" / "net.pth")
    with pytest.raises(WeightsError, match="is not the published file"):
        load_network("net", zoo=[zoo])
    own = load_network("net", zoo=[zoo], weights=path).weights
    assert own is not None
    assert (own.published, own.source, own.licence) == (False, None, None), "its name alone makes no claim"


@pytest.mark.parametrize(("name", "value"), [("conv.weight", "nan"), ("fc.bias", "inf"), ("bn.running_var", "nan")])
def test_weights_that_are_no_numbers_are_refused(
    zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path, name: str, value: str
) -> None:
    state = {key: tensor.clone() for key, tensor in state.items()}
    state[name].view(-1)[-1] = float(value)
    torch.save(state, tmp_path / "failed.pth")
    with pytest.raises(WeightsError, match=rf"failed\.pth holds NaN or infinity .* \({name}\).* an earlier file\.$"):
        load_network("net", zoo=[zoo], weights=tmp_path / "failed.pth")


def test_another_number_of_classes_comes_from_the_file(
    zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    changed = state | {"fc.weight": torch.rand(5, 4), "fc.bias": torch.rand(5)}
    path = save(changed, tmp_path / "five.pth")
    network = load_network("net", zoo=[zoo], weights=path)
    assert network.card is not None
    assert network.card.classes == 5
    assert network.labels == ()
    assert torch.equal(network.module.get_parameter("fc.weight"), changed["fc.weight"])
    assert load_network("net", zoo=[zoo], weights=path, labels=list("vwxyz")).labels == tuple("vwxyz")
    with pytest.raises(OptionError, match="net has 5 classes, but 2 labels"):
        load_network("net", zoo=[zoo], weights=path, labels=["v", "w"])


def test_published_forms_fit(zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    no_counters = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    forms = {
        "counters": no_counters,
        "module": {"state_dict": {f"module.{name}": value for name, value in state.items()}},
        "prefix": {f"backbone.{name}": value for name, value in state.items()},
        "layout": {name.upper(): value for name, value in no_counters.items()},
        "wrapped layout": {f"model.{name.upper()}": value for name, value in no_counters.items()},
        "order": dict(reversed(state.items())),
    }
    for name, form in forms.items():
        network = load_network("net", zoo=[zoo], weights=save(form, tmp_path / f"{name}.pth"))
        loaded = network.module.state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in no_counters.items()), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc.bias": None}, r"1 missing \(fc\.bias\); it resembles net"),
        ({"extra.weight": torch.zeros(1)}, r"1 unknown \(extra\.weight\)"),
        (
            {"conv.weight": torch.zeros(4, 3, 1, 3, 3)},
            r"1 of another shape \(conv\.weight is 4x3x1x3x3, not 4x3x3x3x3\)",
        ),
        ({"fc.weight": torch.zeros(5, 7), "fc.bias": torch.zeros(5)}, "2 of another shape"),
        ({"fc.weight": torch.zeros(5, 4)}, "1 of another shape"),
    ],
)
def test_loading_is_strict(
    zoo: Path, state: dict[str, torch.Tensor], tmp_path: Path, change: dict[str, torch.Tensor | None], message: str
) -> None:
    changed = {name: value for name, value in (state | change).items() if value is not None}
    with pytest.raises(WeightsError, match=message) as caught:
        load_network("net", zoo=Zoo([zoo]), weights=save(changed, tmp_path / "other.pth"))
    assert str(caught.value).startswith("other.pth does not fit net")


def test_it_is_said_which_network_a_file_looks_like(zoo: Path, tmp_path: Path) -> None:
    other = zoo / "wide"
    other.mkdir()
    (other / "arch.py").write_text(ARCH.replace("self.inner", "self.middle"))
    (other / "card.toml").write_text(CARD.replace('"net"', '"wide"').replace('aliases = ["alias"]\n', ""))
    (other / "labels.txt").write_text("a\nb\nc\n")
    module = load_network("wide", zoo=[zoo], untrained=True).module
    changed = dict(module.state_dict()) | {"fc.weight": torch.rand(9, 4), "fc.bias": torch.rand(9)}
    with pytest.raises(WeightsError, match="it looks like wide with 9 classes"):
        load_network("net", zoo=Zoo([zoo]), weights=save(changed, tmp_path / "wide.pth"))


def test_untrained_is_a_function_of_the_seed_and_leaves_chance_alone(zoo: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, again, other = (load_network("net", zoo=[zoo], untrained=True, seed=seed).weights for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    assert first == again
    assert first != other
    assert first is not None
    assert first.untrained
    assert first.file is None


def test_an_untrained_block_is_no_identity(zoo: Path) -> None:
    network = load_network("net", zoo=[zoo], untrained=True, model_args={"zero": True})
    assert network.module.get_parameter("last.weight").eq(1).all()
    clips = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network.logits(clips)
        network.module.get_parameter("inner.weight").zero_()
        assert (before - network.logits(clips)).abs().max() > 1e-3


def test_a_signal_reaches_the_end_of_an_untrained_network(zoo: Path) -> None:
    deep = """
from torch import nn

def build(card):
    layers = [nn.Conv3d(3, 16, 3, padding=1)]
    for _ in range(30):
        layers += [nn.BatchNorm3d(16), nn.ReLU(), nn.Conv3d(16, 16, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, card.classes))
"""
    (zoo / "net" / "arch.py").write_text(deep)
    network = load_network("net", zoo=[zoo], untrained=True)
    with torch.no_grad():
        maps = network.prepare(torch.rand(1, 3, 4, 8, 8)).of(network.module[:-3])  # type: ignore[index]
    assert 0.01 < maps.std() < 100


def test_the_clip_and_the_adapter_can_be_changed(zoo: Path) -> None:
    network = load_network("net", zoo=[zoo], meta=True, clip={"frames": 2}, adapter={"as_list": True})
    assert network.card is not None
    assert network.card.clip.shape == (3, 2, 8, 8)
    assert isinstance(network.prepare(torch.rand(1, 3, 2, 8, 8)).args[0], list)
    with pytest.raises(OptionError, match="`clip` is not valid: mean and std must have 3 values"):
        load_network("net", zoo=[zoo], untrained=True, clip={"mean": (0.0,)})
    with pytest.raises(OptionError, match=r"`adapter` is not valid: input"):
        load_network("net", zoo=[zoo], untrained=True, adapter={"input": "sound"})


def test_model_args_reach_the_factory(zoo: Path) -> None:
    network = load_network("net", zoo=[zoo], untrained=True, model_args={"width": 6})
    assert network.module.get_parameter("conv.weight").shape[0] == 6
    with pytest.raises(CardError, match=r"build\(card\) of .*unexpected keyword argument 'depth'"):
        load_network("net", zoo=[zoo], untrained=True, model_args={"depth": 6})


def test_a_network_without_memory(zoo: Path) -> None:
    network = load_network("net", zoo=[zoo], meta=True)
    assert network.weights is None
    assert all(parameter.is_meta for parameter in network.module.parameters())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def build(card):\n    return 3\n", "returned int: it must return a torch.nn.Module"),
        ("def make(card): ...\n", "has no function 'build'"),
        ("import no_such_thing\n", "cannot be imported.*no_such_thing"),
        ("def build(card:\n", "cannot be imported"),
        ("KEY_LAYOUTS = 3\ndef build(card): ...\n", "KEY_LAYOUTS must map names"),
    ],
)
def test_an_architecture_that_is_none(zoo: Path, source: str, message: str) -> None:
    (zoo / "net" / "arch.py").write_text(source)
    with pytest.raises(CardError, match=message):
        load_network("net", zoo=[zoo], untrained=True)


def test_devices() -> None:
    assert parse_device("cpu") == torch.device("cpu")
    assert parse_device("auto").type in {"cpu", "cuda"}
    for name in ("gpu", "cuda:x", "cuda:", "cpu:0", ""):
        with pytest.raises(DeviceError, match="choose auto, cpu, cuda"):
            parse_device(name)


def test_a_device_that_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="finds no CUDA device"):
        parse_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert parse_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(DeviceError, match=r"this machine has cuda:0, cuda:1"):
        parse_device("cuda:2")


def test_bad_requests(zoo: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        load_network("nett", zoo=[zoo])
    with pytest.raises(WeightsError, match="are not a file"):
        load_network("net", zoo=[zoo], weights=tmp_path / "absent.pth")
    with pytest.raises(OptionError, match="exclude each other"):
        load_network("net", zoo=[zoo], weights=tmp_path / "absent.pth", untrained=True)


def test_a_factory_that_needs_numbers_is_described_too(zoo: Path) -> None:
    source = ARCH.replace("nn.init.zeros_(self.last.weight)", "float(self.last.weight.sum().item())")
    (zoo / "net" / "arch.py").write_text(source)
    network = load_network("net", zoo=[zoo], meta=True, model_args={"zero": True})
    assert network.device == torch.device("cpu")
    assert [layer.name for layer in describe_layers(network)] == ["conv", "inner", "fc"]


def test_arguments_that_an_architecture_never_reads_are_refused(zoo: Path) -> None:
    wider = load_network("net", zoo=[zoo], untrained=True, model_args={"width": 6})
    assert wider.module.get_submodule("conv").weight.shape[0] == 6
    (zoo / "net" / "arch.py").write_text(
        ARCH.replace("**card.architecture.arguments", 'width=card.architecture.arguments.get("width", 4)')
    )
    assert load_network("net", zoo=[zoo], untrained=True, model_args={"width": 6}).module is not None
    with pytest.raises(OptionError, match=r"reads no argument 'widht': did you mean width\?"):
        load_network("net", zoo=[zoo], untrained=True, model_args={"widht": 6})


def test_arguments_that_a_factory_takes_without_a_name_are_said_to_be_in_doubt(tmp_path: Path) -> None:
    source = ARCH.replace("def build(card):", "def make(width=4, **more):").replace(
        "Net(card.classes, **card.architecture.arguments)", "Net(3, width)"
    )
    (tmp_path / "loose.py").write_text(source)
    clip = {"frames": 4, "height": 16, "width": 16}
    found = load_network(f"{tmp_path}/loose.py:make", untrained=True, model_args={"depht": 3}, clip=clip)
    assert "Not known: whether make reads depht, which it takes by ** and does not name." in found.assumptions
    with pytest.raises(CardError, match="unexpected keyword"):
        named = source.replace(", **more", "")
        (tmp_path / "strict.py").write_text(named)
        load_network(f"{tmp_path}/strict.py:make", untrained=True, model_args={"depht": 3}, clip=clip)


@pytest.mark.parametrize("wrap", ["nn.DataParallel", pytest.param("torch.compile", marks=pytest.mark.long)])
def test_a_factory_may_return_a_network_within_wrappers(wrap: str, tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text(f"{ARCH}\n\ndef make():\n    torch.manual_seed(0)\n    return {wrap}(Net(3))\n")
    network = load_network(f"{file}:make", clip={"frames": 4, "height": 16, "width": 16})
    layers = [layer.name for layer in describe_layers(network)]
    assert layers == ["conv", "inner", "fc"]
    assert {name for name, _ in network.module.named_modules()} >= set(layers)
