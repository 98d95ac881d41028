"""Networks that nobody adapted: found, run, described, and every assumption about them stated."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import pytest
import torch
from every_analysis import put_through_everything, reasons

from reportgen.errors import CardError, NetworkError, UnknownNameError, WeightsError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.zoo.load import load_network

NETWORKS = '''
import torch
from torch import nn
from torch.nn import functional


class Plain(nn.Module):
    """Clips to logits, returned as given by `wrap`."""

    def __init__(self, classes=7, wrap="tensor", dims=3, inputs=3):
        super().__init__()
        conv, norm = (nn.Conv3d, nn.BatchNorm3d) if dims == 3 else (nn.Conv2d, nn.BatchNorm2d)
        self.wrap = wrap
        self.stem = conv(inputs, 4, 3, 2, 1, bias=False)
        self.norm = norm(4)
        self.body = conv(4, 6, 3, 2, 1)
        self.head = nn.Linear(6, classes)

    def forward(self, clip):
        maps = torch.relu(self.body(torch.relu(self.norm(self.stem(clip)))))
        logits = self.head(maps.flatten(2).mean(2))
        if self.wrap == "tuple":
            return maps, logits
        if self.wrap == "dict":
            return {"features": maps, "aux": {"logits": logits}}
        if self.wrap == "softmax":
            return logits.softmax(1)
        if self.wrap == "steps":
            return logits.unsqueeze(2).expand(-1, -1, 4)
        return logits


class Detector(nn.Module):
    """Classes at each time, and behind them a head that tells how far each action reaches."""

    def __init__(self, cut=False):
        super().__init__()
        self.cut = cut
        self.stem = nn.Conv3d(3, 4, 3, (1, 2, 2), 1)
        self.score = nn.Conv1d(4, 6, 3, 1, 1)
        self.classes = nn.Conv1d(6, 5, 1)
        self.reach = nn.Conv1d(4, 6, 3, 1, 1)
        self.ends = nn.Conv1d(6, 2, 1)

    def forward(self, clip):
        found = torch.relu_(self.stem(clip)).mean((3, 4))
        found = found.detach() if self.cut else found
        return self.classes(torch.relu(self.score(found))), self.ends(torch.relu(self.reach(found)))


class Pathways(nn.Module):
    """A slow and a fast pathway, fused, as in SlowFast."""

    def __init__(self):
        super().__init__()
        self.slow = nn.Conv3d(3, 8, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.fast = nn.Conv3d(3, 2, (5, 3, 3), (1, 2, 2), (2, 1, 1))
        self.lateral = nn.Conv3d(2, 4, (5, 1, 1), (4, 1, 1), (2, 0, 0))
        self.mixed = nn.Conv3d(12, 8, 3, 2, 1)
        self.head = nn.Linear(10, 5)

    def forward(self, clips):
        slow, fast = self.slow(clips[0]), self.fast(clips[1])
        slow = self.mixed(torch.cat([slow, self.lateral(fast)], 1))
        return self.head(torch.cat([slow.flatten(2).mean(2), fast.flatten(2).mean(2)], 1))


class Maps(nn.Module):
    """Clips to clips."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv3d(3, 4, 4, 2, 1)
        self.up = nn.ConvTranspose3d(4, 3, 4, 2, 1)

    def forward(self, clip):
        return self.up(torch.relu(self.down(clip)))


class Attentive(nn.Module):
    """Clips to tokens, tokens that look at each other, the mean of them to logits; functional throughout."""

    def __init__(self, classes=4):
        super().__init__()
        self.patch = nn.Conv3d(3, 8, (2, 8, 8), (2, 8, 8))
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.head = nn.Linear(8, classes)

    def forward(self, clip):
        tokens = self.patch(clip).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).chunk(3, dim=-1)
        tokens = tokens + self.out(functional.scaled_dot_product_attention(q, k, v))
        return self.head(functional.gelu(tokens).mean(1))


class Listed(Plain):
    """Takes its clip inside a list."""

    def forward(self, clips):
        (clip,) = clips
        return super().forward(clip)


class Shifted(nn.Module):
    """Frames folded into the batch; of each map an eighth comes from the frame before, and one from the next (TSM)."""

    def __init__(self, classes=4):
        super().__init__()
        self.stem, self.body, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Linear(8, classes)

    def forward(self, clip):
        n, _, t, _, _ = clip.shape
        maps = torch.relu(self.stem(clip.transpose(1, 2).flatten(0, 1)))
        frames = maps.unflatten(0, (n, t))
        shifted = torch.zeros_like(frames)
        shifted[:, :-1, :1] = frames[:, 1:, :1]
        shifted[:, 1:, 1:2] = frames[:, :-1, 1:2]
        shifted[:, :, 2:] = frames[:, :, 2:]
        maps = torch.relu(maps + self.body(shifted.flatten(0, 1)))
        return self.head(maps.mean((2, 3))).unflatten(0, (n, t)).mean(1)


def trained():
    """Brings its own weights."""
    network = Plain()
    for number, parameter in enumerate(network.parameters()):
        nn.init.constant_(parameter, 0.01 * number)
    return network


def loaded():
    """Loads its own weights."""
    network = Plain()
    state = network.state_dict()
    network.load_state_dict({name: torch.full(value.shape, 0.01, device="cpu") for name, value in state.items()})
    return network


class Overwriting(Plain):
    """Adds to the output of a ReLU in place: it can answer but not be differentiated."""

    def forward(self, clip):
        maps = torch.relu(self.norm(self.stem(clip)))
        maps += 1
        return self.head(self.body(maps).flatten(2).mean(2))


def picture():
    return Plain(dims=2)


class Pair(Plain):
    """Takes two pictures, each as an argument of its own."""

    def __init__(self):
        super().__init__(dims=2)

    def forward(self, first, second):
        return super().forward(first - second)


def two_frames():
    return Plain(dims=2, inputs=6)


def broken():
    raise RuntimeError("no such file: weights.bin")


def number():
    return 3


def picky():
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(3, 2, 3)

        def forward(self, clip):
            if clip.shape[2] != 7:
                raise ValueError("seven frames, please")
            return self.conv(clip).flatten(2).mean(2)

    return Picky()


constant = 5
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foreign") / "their_networks.py"
    path.write_text(NETWORKS)
    return path


def untrained(file: Path, factory: str, **options: object) -> Network:
    return load_network(f"{file}:{factory}", untrained=True, **options)  # type: ignore[arg-type]


def logits(network: Network, batch: int = 2) -> torch.Tensor:
    assert network.card is not None
    shape = network.card.clip.shape
    clips = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network.logits(clips)


def test_a_plain_clip_network_needs_nothing_said(file: Path) -> None:
    network = untrained(file, "Plain")
    assert network.card is not None
    assert network.name == "Plain"
    assert network.card.classes == 7
    assert network.card.classifier == "head"
    assert network.card.adapter.input == "clip"
    assert [stage.layer for stage in network.card.stages] == ["stem", "body"]
    assert logits(network).shape == (2, 7)
    assert network.weights is not None
    assert network.weights.untrained


def test_heads_of_other_outputs_are_no_stages_and_no_classifier(file: Path) -> None:
    network = untrained(file, "Detector", adapter={"output": [0]})
    assert network.card is not None
    assert [stage.layer for stage in network.card.stages] == ["stem", "score"], "and not reach, of the ends"
    assert network.card.classifier == "classes"


def test_no_layer_stands_apart_where_gradients_are_cut(file: Path) -> None:
    network = untrained(file, "Detector", adapter={"output": [0]}, model_args={"cut": True})
    assert network.card is not None
    assert "stem" in [stage.layer for stage in network.card.stages]


def test_every_assumption_is_in_the_notes(file: Path) -> None:
    network = untrained(file, "Plain")
    assert network.card is not None
    notes = " ".join(network.card.notes)
    for part in ("no card", "16 frames of 112x112", "mean (0.45, 0.45, 0.45)", "a clip N C T H W", "7 classes"):
        assert part in notes


def test_what_is_said_is_not_assumed(file: Path) -> None:
    clip = {"frames": 8, "height": 32, "width": 48, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    network = untrained(file, "Plain", clip=clip, adapter={"layout": "N C T H W"}, model_args={"classes": 3})
    assert network.card is not None
    assert network.card.clip.shape == (3, 8, 32, 48)
    assert network.card.classes == 3
    assert not any(note.startswith("Assumed") for note in network.card.notes if "clip" in note or "pixels" in note)


@pytest.mark.parametrize(
    ("wrap", "path"), [("tuple", (1,)), ("dict", ("aux", "logits")), ("tensor", ()), ("steps", ())]
)
def test_class_scores_are_found_in_what_is_returned(file: Path, wrap: str, path: tuple[int | str, ...]) -> None:
    network = untrained(file, "Plain", model_args={"wrap": wrap})
    assert network.adapter.output == path
    assert logits(network).shape == (2, 7)


def test_logits_are_read_before_a_softmax(file: Path) -> None:
    plain = untrained(file, "Plain", seed=4)
    softmax = untrained(file, "Plain", seed=4, model_args={"wrap": "softmax"})
    assert softmax.adapter.scores == "probabilities"
    assert torch.equal(logits(plain), logits(softmax))


def test_two_pathways_are_fed_at_their_own_rates(file: Path) -> None:
    network = untrained(file, "Pathways")
    assert network.adapter.input == "pathways"
    assert network.adapter.strides == (4, 1)
    assert logits(network).shape == (2, 5)
    facts = {layer.name: layer for layer in describe_layers(network)}
    assert facts["slow"].receptive_field == (1, 3, 3)
    assert facts["fast"].receptive_field == (5, 3, 3)
    assert facts["lateral"].receptive_field == (9, 3, 3)
    assert facts["slow"].output == (8, 4, 56, 56)
    assert network.card is not None
    assert [stage.layer for stage in network.card.stages] == ["fast", "lateral", "mixed"]


def test_a_clip_in_a_list(file: Path) -> None:
    network = untrained(file, "Listed")
    assert network.adapter.as_list
    assert logits(network).shape == (2, 7)


def test_a_picture_network_takes_clips_of_one_frame(file: Path) -> None:
    network = untrained(file, "picture")
    assert network.card is not None
    assert network.card.clip.shape == (3, 1, 224, 224)
    assert network.adapter.input == "frame"
    assert logits(network).shape == (2, 7)


def test_a_network_of_two_stacked_frames(file: Path) -> None:
    network = untrained(file, "two_frames")
    assert network.card is not None
    assert network.adapter.input == "stacked_frames"
    assert network.card.clip.frames == 2
    facts = describe_layers(network)
    assert facts[0].receptive_field == (2, 3, 3)
    assert logits(network).shape == (2, 7)


def test_a_network_of_maps_has_no_classes(file: Path) -> None:
    network = untrained(file, "Maps")
    assert not network.has_classes
    with pytest.raises(NetworkError, match="has no classes"):
        logits(network)


def test_a_factory_that_brings_its_weights_does_not_say_where_from(file: Path) -> None:
    network = load_network(f"{file}:trained")
    assert network.weights is not None
    assert not network.weights.untrained
    assert network.weights.of_unknown_origin
    assert network.module.get_parameter("norm.weight")[0].item() == pytest.approx(0.01)


def test_a_factory_that_loads_its_weights_is_silent(file: Path) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        network = load_network(f"{file}:loaded", meta=True)
    assert network.device.type == "meta", "torch warns that weights without memory take no values"
    assert not heard


def test_a_factory_that_draws_its_weights_is_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match=r"at random.*`weights`.*`untrained=True`"):
        load_network(f"{file}:Plain")


def test_weights_are_loaded_strictly(file: Path, tmp_path: Path) -> None:
    state = load_network(f"{file}:Plain", untrained=True, seed=9).module.state_dict()
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, tmp_path / "own.pth")
    network = load_network(f"{file}:Plain", weights=tmp_path / "own.pth", labels=list("abcdefg"))
    assert torch.equal(network.module.get_parameter("stem.weight"), state["stem.weight"])
    assert network.labels == tuple("abcdefg")
    with pytest.raises(WeightsError, match="does not fit Plain"):
        load_network(f"{file}:Plain", weights=tmp_path / "own.pth", model_args={"classes": 9})


def test_an_importable_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    assert logits(load_network("their_networks:Plain", untrained=True)).shape == (2, 7)


def test_an_untrained_network_is_a_function_of_its_seed(file: Path) -> None:
    digests = [untrained(file, "Plain", seed=seed).weights for seed in (1, 1, 2)]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize(
    ("factory", "error", "message"),
    [
        ("broken", CardError, "no such file: weights.bin"),
        ("number", CardError, "returned int"),
        ("constant", CardError, "is an int"),
        ("Plane", UnknownNameError, "did you mean Plain"),
        ("picky", NetworkError, "seven frames"),
        ("Pair", NetworkError, r"takes no usual clip for certain \(it takes 2 inputs \(first, second\)\)"),
    ],
)
def test_what_is_no_network_is_said_in_a_sentence(
    file: Path, factory: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        untrained(file, factory)


def test_a_module_that_does_not_exist_is_said() -> None:
    with pytest.raises(CardError, match=r"There is no module 'no_such_package.models': install it"):
        load_network("no_such_package.models:net")


def test_the_size_that_was_asked_for_is_kept(file: Path) -> None:
    network = untrained(file, "picky", clip={"frames": 7, "height": 20, "width": 20})
    assert logits(network).shape == (2, 2)


@pytest.fixture(scope="module")
def program(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = load_network(f"{file}:Plain", untrained=True, seed=2, clip={"frames": 8, "height": 24, "width": 24})
    path = tmp_path_factory.mktemp("exported") / "plain.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of itself
        axes = ({0: torch.export.Dim("n")},)
        exported = torch.export.export(network.module, (torch.rand(2, 3, 8, 24, 24),), dynamic_shapes=axes)
        torch.export.save(exported, path)
    return path


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_an_exported_program(program: Path, file: Path) -> None:
    network = load_network(str(program))
    original = untrained(file, "Plain", seed=2, clip={"frames": 8, "height": 24, "width": 24})
    assert network.card is not None
    assert network.card.clip.shape == (3, 8, 24, 24)
    assert network.card.classes == 7
    assert torch.allclose(logits(network), logits(original), atol=1e-6)
    found, expected = (describe_layers(one) for one in (network, original))
    assert found == expected
    copied = copy.deepcopy(network.module)
    assert torch.equal(copied.get_parameter("stem.weight"), network.module.get_parameter("stem.weight"))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.long
def test_every_analysis_answers_for_an_exported_program(program: Path, tmp_path: Path) -> None:
    outcomes = put_through_everything(str(program), {}, (8, 24), tmp_path)
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert not reasons(found)


def test_a_file_that_is_no_exported_program(tmp_path: Path) -> None:
    (tmp_path / "x.pt2").write_bytes(b"text")
    with pytest.raises(CardError, match="cannot be read as an exported program"):
        load_network(str(tmp_path / "x.pt2"))


def test_a_network_that_spoils_its_own_gradient_is_told_how_not_to(file: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"their_networks.*Overwriting.*x = x \+ y"):
        put_through_everything(f"{file}:Overwriting", {}, (8, 32), tmp_path, layers=["body"])


EVERY_ANALYSIS = {
    "Plain": {},
    "Listed": {},
    "Pathways": {},
    "Maps": {},
    "Attentive": {},
    "Shifted": {},
    "picture": {},
    "two_frames": {},
    "tuple": {"wrap": "tuple"},
    "dict": {"wrap": "dict"},
    "softmax": {"wrap": "softmax"},
    "steps": {"wrap": "steps"},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "Pathways" else pytest.mark.long) for name in EVERY_ANALYSIS],
)
def test_every_analysis_answers_or_says_why_not(name: str, file: Path, tmp_path: Path) -> None:
    arguments = EVERY_ANALYSIS[name]
    frames = {"picture": 1, "two_frames": 2}.get(name, 8)
    outcomes = put_through_everything(f"{file}:{'Plain' if arguments else name}", arguments, (frames, 32), tmp_path)
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing of {name}"
        why = reasons(found)
        if analysis in {"pyramid", "saliency"}:
            assert not why  # of a network without classes the mean and the peak of its answer are explained
        elif analysis in {"decomposition", "motion"} and name == "picture":
            assert "single frame" in why or "one frame" in why
        elif analysis in {"evidence", "kernels", "decomposition", "motion"}:
            assert not why  # kernels can be probed for motion without any class
