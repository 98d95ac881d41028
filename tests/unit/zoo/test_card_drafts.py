"""A drafted card builds the network that it was drafted for, and the zoo's README shows a card that does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import reportgen
from reportgen.errors import OptionError, WeightsError
from reportgen.records import card as cards
from reportgen.records.base import Frozen
from reportgen.zoo.cards import read_card
from tests.unit.zoo.test_load import ARCH

README = Path(__file__).resolve().parents[3] / "modelzoo" / "README.md"
FACTORY = ARCH.replace("def build(card):", "def make_net(width=4):").replace(
    "Net(card.classes, **card.architecture.arguments)", "Net(3, width)"
)
CLIP = {"frames": 4, "height": 16, "width": 16}


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(FACTORY)
    return path


def test_a_drafted_card_builds_the_same_network_from_its_folder_alone(nets: Path, tmp_path: Path) -> None:
    model = f"{nets}:make_net"
    known = reportgen.load_network(model, untrained=True, model_args={"width": 6}, clip=CLIP)
    weights = tmp_path / "epoch 3.pth"
    torch.save(known.module.state_dict(), weights)
    labels = ["a", 'b "quoted"', "c"]
    folder = reportgen.card(
        model, to=tmp_path / "zoo", weights=weights, labels=labels, model_args={"width": 6}, clip=CLIP
    )
    assert folder == tmp_path / "zoo" / "make_net"
    nets.unlink()
    found = reportgen.load_network("make_net", zoo=[tmp_path / "zoo"])
    clip = torch.rand(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(found.logits(clip), known.logits(clip))
    assert found.labels == tuple(labels)
    assert found.card is not None
    assert known.card is not None
    assert found.card.clip == known.card.clip
    assert found.card.classifier == "fc"
    assert found.card.stages == known.card.stages
    assert found.weights is not None
    assert found.weights.published  # the digest in the card is the file's


def test_what_was_assumed_is_said_in_comments(nets: Path, tmp_path: Path) -> None:
    folder = reportgen.card(f"{nets}:make_net", to=tmp_path / "zoo")
    text = (folder / "card.toml").read_text()
    comments = " ".join(line.removeprefix("#").strip(" -") for line in text.splitlines() if line.startswith("#"))
    for note in ("Assumed: a clip of 16 frames of 112x112 px", "Assumed: pixels from 0 to 1", "what its classes are"):
        assert note in re.sub(r"\s+", " ", comments), note
    assert '# labels = "labels.txt"' in text
    assert read_card(folder).card.classes == 3
    with pytest.raises(OptionError, match=r"a card in .* already"):
        reportgen.card(f"{nets}:make_net", to=tmp_path / "zoo")


def test_what_is_no_factory_has_no_draft(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="texture_motion is none"):
        reportgen.card("texture_motion", to=tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


def test_weights_called_like_the_card_are_found_beside_it(nets: Path, tmp_path: Path) -> None:
    zoo = tmp_path / "zoo"
    folder = reportgen.card(f"{nets}:make_net", to=zoo, clip=CLIP)
    with pytest.raises(WeightsError, match=r"beside the card as make_net\.pth"):
        reportgen.load_network("make_net", zoo=[zoo])
    state = reportgen.load_network("make_net", zoo=[zoo], untrained=True, seed=4).module.state_dict()
    torch.save(state, folder / "make_net.pt")
    found = reportgen.load_network("make_net", zoo=[zoo])
    assert found.weights is not None
    assert found.weights.file == "make_net.pt"
    assert not found.weights.published
    assert all(value.equal(state[name]) for name, value in found.module.state_dict().items())
    assert {row.name: row.weights for row in reportgen.list_models([zoo])}["make_net"] == "here"
    torch.save(state, folder / "make_net.ckpt")
    with pytest.raises(WeightsError, match=r"make_net\.pt and make_net\.ckpt: keep one"):
        reportgen.load_network("make_net", zoo=[zoo])


def test_the_example_of_the_readme_is_a_network(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    card, arch = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("toml", "python"))
    assert card is not None
    assert arch is not None
    folder = tmp_path / "my_zoo" / "small_net"
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text(card[1])
    (folder / "arch.py").write_text(arch[1])
    (folder / "labels.txt").write_text("walking\nrunning\nstanding\n")
    network = reportgen.load_network("small_net", zoo=[tmp_path / "my_zoo"], untrained=True)
    assert network.logits(torch.rand(2, 3, 8, 32, 32)).shape == (2, 3)
    heat = reportgen.attribute(network, torch.rand(8, 3, 32, 32), "running", "gradients")
    assert heat.explained
    assert [row.stage for row in reportgen.list_layers("small_net", zoo=[tmp_path / "my_zoo"])] == [
        "first convolution",
        "second convolution",
        None,
    ]


def test_the_readme_names_every_field_of_a_card() -> None:
    text = README.read_text(encoding="utf-8")
    kinds = [kind for kind in vars(cards).values() if isinstance(kind, type) and issubclass(kind, Frozen)]
    named = {f"| `{name}` |" for kind in kinds if kind is not Frozen for name in kind.model_fields}
    assert len(named) > 50
    assert not [row for row in sorted(named) if row not in text]
