"""Cards: found by name or alias, validated, and with their labels and digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.errors import CardError, OptionError, UnknownNameError
from reportgen.zoo.cards import Zoo, default_zoo, read_card, read_labels
from tests.children import run_python

CLIP = "[clip]\nframes = 4\nheight = 8\nwidth = 8\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n"


def write(root: Path, name: str, head: str = "", *, tail: str = "", clip: str = CLIP) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.toml").write_text(f'name = "{name}"\ntitle = "A"\n{head}\n{clip}{tail}')
    (folder / "arch.py").write_text("def build(card): ...\n")
    return folder


def test_a_card_is_found_by_name_and_by_alias(tmp_path: Path) -> None:
    write(tmp_path, "first", 'aliases = ["one", "uno"]')
    write(tmp_path, "second")
    zoo = Zoo([tmp_path])
    assert zoo.find("first").folder == tmp_path / "first"
    assert zoo.find("uno").card.name == "first"
    assert [entry.card.name for entry in zoo.entries()] == ["first", "second"]


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "resnet3d_50", 'aliases = ["r50"]')
    with pytest.raises(UnknownNameError, match=r"did you mean resnet3d_50\? `reportgen.list_models\(\)`"):
        Zoo([tmp_path]).find("resnet3d50")


def test_an_earlier_folder_wins(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    write(own, "net", 'aliases = ["alias"]')
    write(other, "net", 'aliases = ["old"]')
    write(other, "third", 'aliases = ["alias"]')
    zoo = Zoo([own, other])
    assert zoo.find("net").root == own
    assert zoo.find("alias").card.name == "net"
    assert len(zoo.entries()) == 2


def test_a_name_wins_over_an_alias(tmp_path: Path) -> None:
    write(tmp_path, "a", 'aliases = ["b"]')
    write(tmp_path, "b")
    assert Zoo([tmp_path]).find("b").card.name == "b"


def test_a_folder_can_be_a_model_itself(tmp_path: Path) -> None:
    assert Zoo([write(tmp_path, "net")]).find("net").source == tmp_path / "net" / "arch.py"


def test_a_faulty_card_does_not_hide_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "good")
    write(tmp_path, "bad", clip="")
    zoo = Zoo([tmp_path])
    assert zoo.find("good").card.name == "good"
    with pytest.raises(CardError, match=r"bad.card\.toml: field clip: Field required"):
        zoo.entries()


@pytest.mark.parametrize(
    ("head", "clip", "message"),
    [
        ("titel = 'x'", CLIP, r"card\.toml: field titel: Extra inputs"),
        ("", CLIP.replace("std = [1, 1, 1]", "std = [1, 1]"), "field clip: mean and std must have 3 values"),
        ("", CLIP.replace("frames = 4", "frames = 'four'"), r"field clip\.frames: Input should be a valid integer"),
        ('labels = "../secret.txt"', CLIP, "field labels: .*inside the zoo"),
        ("classes =", CLIP, "is not valid TOML"),
    ],
)
def test_a_fault_names_file_and_field(tmp_path: Path, head: str, clip: str, message: str) -> None:
    with pytest.raises(CardError, match=message) as caught:
        read_card(write(tmp_path, "net", head, clip=clip))
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "net" / "card.toml") in str(caught.value)


def test_a_card_has_the_name_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "net").rename(tmp_path / "other")
    with pytest.raises(CardError, match="name is 'net', but the folder is 'other'"):
        read_card(tmp_path / "other")


def test_two_cards_cannot_share_an_alias(tmp_path: Path) -> None:
    write(tmp_path, "a", 'aliases = ["x"]')
    write(tmp_path, "b", 'aliases = ["x"]')
    with pytest.raises(CardError, match=r"'x', which a already has"):
        Zoo([tmp_path]).entries()


def test_a_zoo_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="is not a folder"):
        default_zoo([tmp_path / "absent"])


def test_a_shared_source_lies_in_the_zoo(tmp_path: Path) -> None:
    tail = '[architecture]\nsource = "_families/net.py"\nshared = true\n'
    entry = read_card(write(tmp_path, "net", tail=tail))
    with pytest.raises(CardError, match=r"_families.net\.py, which is not a file"):
        _ = entry.source
    (tmp_path / "_families").mkdir()
    (tmp_path / "_families" / "net.py").touch()
    assert entry.source == tmp_path / "_families" / "net.py"


def test_labels_lie_beside_the_card_or_are_shared(tmp_path: Path) -> None:
    folder = write(tmp_path, "net", 'labels = "labels.txt"\nclasses = 2')
    (folder / "labels.txt").write_text("cat\ndog\n\n")
    assert read_card(folder).labels() == ("cat", "dog")
    (folder / "labels.txt").write_text("cat\n")
    with pytest.raises(CardError, match=r"classes is 2, but labels\.txt names 1"):
        read_card(folder).labels()
    shared = write(tmp_path, "other", 'labels = "_labels/two.txt"')
    (tmp_path / "_labels").mkdir()
    (tmp_path / "_labels" / "two.txt").write_text("eins\nzwei")
    assert read_card(shared).labels() == ("eins", "zwei")
    assert read_card(write(tmp_path, "third")).labels() == ()


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"a\n\nb\n", "no name in line 2"), (b"\xff\xfe\x00", "cannot be read")]
)
def test_labels_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(OptionError, match=message):
        read_labels(tmp_path / "labels.txt")


def test_the_digest_knows_card_source_and_labels(tmp_path: Path) -> None:
    folder = write(tmp_path, "net", 'labels = "labels.txt"')
    digests = set()
    for name in ("labels.txt", "arch.py", "card.toml"):
        with (folder / name).open("a") as file:
            file.write("# more\n")
        if name == "labels.txt":
            before = read_card(folder).digest
            assert before == read_card(folder).digest
        digests.add(read_card(folder).digest)
    assert len(digests) == 3


def test_every_bundled_card_is_valid() -> None:
    entries = default_zoo().entries()
    assert "texture_motion" in {entry.card.name for entry in entries}
    for entry in entries:
        assert entry.source.is_file()
        entry.labels()


@pytest.mark.parametrize("module", ["reportgen.zoo.cards", "reportgen.zoo.places", "reportgen.zoo.fetch"])
def test_cards_and_fetching_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert run_python(code).returncode == 0
