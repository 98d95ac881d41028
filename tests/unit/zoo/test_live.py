"""A module that lives on as a network: asked itself, left as it was, and what was assumed is said."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from torch import Tensor, nn

import reportgen
from reportgen.errors import NetworkError, OptionError, ReportgenError, WeightsError
from reportgen.networks.core import said
from reportgen.networks.core.network import Network

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


class Small(nn.Module):
    """Takes N C T H W by default, N T C H W with `frames_first`; three classes, two convolutions."""

    def __init__(self, *, frames_first: bool = False) -> None:
        super().__init__()
        self.frames_first = frames_first
        self.first = nn.Conv3d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.second = nn.Conv3d(4, 6, (1, 3, 3), stride=2)
        self.head = nn.Linear(6, 3)

    def forward(self, clip: Tensor) -> Tensor:
        x = clip.transpose(1, 2) if self.frames_first else clip
        return self.head(torch.relu(self.second(torch.relu(self.norm(self.first(x))))).mean((2, 3, 4)))


def small(**options: bool) -> Small:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return Small(**options)


@pytest.fixture
def clip() -> Tensor:
    return torch.rand(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(said, "_said", set())


def standardised(clip: Tensor) -> Tensor:
    return (clip - torch.tensor(MEAN).view(1, 3, 1, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1, 1)


@pytest.mark.parametrize("frames_first", [False, True])
def test_it_asks_the_module_itself_through_what_was_said_of_it(clip: Tensor, frames_first: bool) -> None:
    module = small(frames_first=frames_first)
    network = Network.from_module(module, labels=["a", "b", "c"], mean=MEAN, std=STD, frames=4, size=16)
    assert network.module is module
    assert network.spec is not None
    assert network.spec.shape == (3, 4, 16, 16)
    given = standardised(clip)
    module.eval()
    expected = module(given.transpose(1, 2) if frames_first else given)
    torch.testing.assert_close(network.logits(clip), expected)
    with torch.no_grad():
        module.head.bias.add_(1)
    torch.testing.assert_close(network.logits(clip), expected + 1)


def test_a_module_in_training_is_left_as_it_was_and_asked_in_evaluation_mode(clip: Tensor) -> None:
    module = small().train()
    before = copy.deepcopy(module.state_dict())
    state = torch.get_rng_state()
    network = Network.from_module(module, mean=MEAN, std=STD, frames=4, size=(16, 16))
    found = network.logits(clip)
    assert torch.get_rng_state().equal(state)
    assert all(part.training for part in module.modules())
    assert all(one.requires_grad for one in module.parameters())
    for name, value in module.state_dict().items():
        assert value.equal(before[name]), name
    torch.testing.assert_close(found, copy.deepcopy(module).eval()(standardised(clip)))


def test_what_was_assumed_is_said_once_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "reportgen"):
        network = Network.from_module(small())
        Network.from_module(small())
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"Small: {note}" for note in network.assumptions if note.startswith(("Assumed", "Not known"))]
    text = " ".join(network.assumptions)
    assert "Assumed: a clip of 16 frames of 112x112 px" in text
    assert "Assumed: pixels from 0 to 1, mean" in text
    assert "what its classes are called" in text
    assert "change it with `mean` and `std`" in text
    assert "--" not in text


def test_what_was_said_is_not_assumed() -> None:
    network = Network.from_module(small(), labels=["a", "b", "c"], mean=0.5, std=0.25, frames=4, size=16)
    assert network.spec is not None
    assert network.spec.mean == (0.5, 0.5, 0.5)
    assert not [note for note in network.assumptions if "Assumed: a clip" in note or "Assumed: pixels" in note]
    assert not [note for note in network.assumptions if "called" in note]


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    module = small()
    wrong: list[tuple[dict[str, object], type[ReportgenError], str]] = [
        ({"labels": ["a", "b"]}, OptionError, "3 classes, but 2 labels"),
        ({"mean": 0.5}, OptionError, "together"),
        ({"size": (1, 2, 3)}, OptionError, "height and width"),
        ({"frames": 0}, OptionError, "frames"),
        ({"mean": (0.5, 0.5), "std": (1.0, 1.0)}, OptionError, "mean"),
        ({"adapter": {"layot": "N T C H W"}}, OptionError, "did you mean layout"),
        ({"adapter": {"layout": "N T C H W"}}, NetworkError, "takes no usual clip"),
    ]
    for options, kind, says in wrong:
        with pytest.raises(kind, match=says) as caught:
            Network.from_module(module, **options)  # type: ignore[arg-type]
        assert "--" not in str(caught.value), caught.value
    with pytest.raises(NetworkError, match=r"torch\.nn\.Module"):
        Network.from_module("r3d_18")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="meta device"):
        Network.from_module(small().to("meta"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_module_of_another_precision_is_copied_and_left_alone(clip: Tensor, dtype: torch.dtype) -> None:
    module = small().to(dtype)
    network = Network.from_module(module, mean=MEAN, std=STD, frames=4, size=16)
    assert module.head.weight.dtype == dtype
    assert network.module is not module
    expected = small().to(dtype).float().eval()(standardised(clip))
    torch.testing.assert_close(network.logits(clip), expected)
    assert "computed in float32" in " ".join(network.assumptions)


def test_load_network_takes_a_module_and_a_state_dict(clip: Tensor) -> None:
    module, trained = small(), small()
    with torch.no_grad():
        trained.head.weight.mul_(3)
    spec = {"frames": 4, "height": 16, "width": 16, "mean": MEAN, "std": STD}
    own = reportgen.load_network(module, clip=spec)
    torch.testing.assert_close(own.logits(clip), copy.deepcopy(module).eval()(standardised(clip)))
    assert own.module is not module
    for state in (trained.state_dict(), {f"module.{name}": one for name, one in trained.state_dict().items()}):
        found = reportgen.load_network(module, weights=state, clip=spec)
        torch.testing.assert_close(found.logits(clip), copy.deepcopy(trained).eval()(standardised(clip)))
        assert found.weights is not None
        assert found.weights.of_unknown_origin
    torch.testing.assert_close(module.head.weight, small().head.weight)
    with pytest.raises(WeightsError, match="9 missing"):
        reportgen.load_network(module, weights={"head.weight": torch.zeros(3, 6)}, clip=spec)
    with pytest.raises(WeightsError, match="holds an int under 'epoch'"):
        reportgen.load_network(module, weights={"epoch": 3}, clip=spec)  # type: ignore[dict-item]
    with pytest.raises(OptionError, match="leave out model_args"):
        reportgen.load_network(module, model_args={"depth": 3}, clip=spec)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("held", [1, 2])
def test_an_exported_program_is_known_by_its_steps(held: int) -> None:
    network = small().eval()
    program = torch.export.export(network, (torch.rand(held, 3, 4, 16, 16),))
    found = Network.from_module(program.module(), mean=MEAN, std=STD, frames=4, size=16)
    assert found.card is not None
    assert found.card.classes == small().head.out_features
    clip = torch.rand(1, 3, 4, 16, 16)
    torch.testing.assert_close(found.logits(clip), network(standardised(clip)))
    with pytest.raises(NetworkError, match=r"\.pt2.*or give its module\(\)"):
        Network.from_module(program)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_with_as_many_classes_as_frames_is_not_certain() -> None:
    layers = (nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 4))
    module = nn.Sequential(*layers).eval()
    program = torch.export.export(module, (torch.rand(1, 3, 4, 16, 16),))
    with pytest.raises(NetworkError, match="not certain where"):
        Network.from_module(program.module(), frames=4, size=16)
