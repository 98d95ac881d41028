"""Where runs lie: the same network goes on where it was, and two networks never share a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reportgen.errors import OptionError, StoreError
from reportgen.records.lease import LEASE
from reportgen.records.manifest import SCHEMA_VERSION, SourceFacts
from reportgen.runner.places import CLAIM_FILE, Asked, NetworkFacts, places_of
from tests.notes import Notes


def network(name: str = "make", weights: str = "a", given: str | None = None, source: str = "s") -> Asked:
    facts = NetworkFacts(name=name, weights=weights * 64, architecture="k", source=source)
    return Asked(f"{source}.py:{name}", facts, SourceFacts(file=f"{source}.py", sha256=source), given)


def build(runs: Path, *networks: Asked) -> tuple[list[str], list[str]]:
    """Return the names of a build's runs and what was noted; what it computed stays in the folders."""
    said = Notes()
    with places_of(runs, networks, said) as places:
        for place in places:
            assert place.folder == runs / place.name
            (place.folder / "records").mkdir(exist_ok=True)
    return [place.name for place in places], said.said


def test_the_first_network_of_a_name_has_it_and_goes_on_there(tmp_path: Path) -> None:
    assert build(tmp_path, network()) == (["make"], [])
    assert build(tmp_path, network()) == (["make"], [])


def test_other_weights_get_a_folder_of_their_own_and_that_is_said(tmp_path: Path) -> None:
    build(tmp_path, network(weights="a"))
    for _ in range(2):
        names, notes = build(tmp_path, network(weights="b"))
        assert names == ["make-bbbbbbbb"]
        assert "its weights are aaaaaaaa, not bbbbbbbb" in notes[0]
        assert "`names`" in notes[0]
    assert build(tmp_path, network(weights="a")) == (["make"], [])


def test_networks_of_one_name_in_one_build_are_told_apart_even_with_equal_weights(tmp_path: Path) -> None:
    both = network(source="s"), network(source="t")
    assert build(tmp_path, *both)[0] == ["make", "make-aaaaaaaa"]
    assert build(tmp_path, *reversed(both))[0] == ["make-aaaaaaaa", "make"], "whoever has a folder keeps it"
    names, _ = build(tmp_path, network(source="u"), *both)
    assert names == ["make-aaaaaaaa-2", "make", "make-aaaaaaaa"]


def test_a_name_in_another_case_is_a_clash(tmp_path: Path) -> None:
    """Where a file system does not tell Net from net they would be one folder."""
    build(tmp_path, network("Net"))
    assert build(tmp_path, network("net"))[0] == ["net-aaaaaaaa"]
    assert build(tmp_path / "two", network("Net"), network("net"))[0] == ["Net", "net-aaaaaaaa"]


def test_names_that_make_one_folder_are_a_clash(tmp_path: Path) -> None:
    assert build(tmp_path, network("a b"), network("a:b"))[0] == ["a-b", "a-b-aaaaaaaa"]


def test_a_given_name_of_another_network_is_refused(tmp_path: Path) -> None:
    assert build(tmp_path, network(given="tuned"))[0] == ["tuned"]
    assert build(tmp_path, network(given="tuned"))[0] == ["tuned"]
    with pytest.raises(OptionError, match=r"tuned.* holds another network \(its weights are aaaaaaaa, not cccccccc\)"):
        build(tmp_path, network(weights="b"), network(weights="c", given="tuned"))
    assert {path.name for path in tmp_path.iterdir()} == {"tuned", LEASE}, "nothing is begun before a refusal"


def test_the_same_network_twice_is_reported_once_unless_it_has_two_names(tmp_path: Path) -> None:
    names, notes = build(tmp_path, network(), network())
    assert names == ["make"]
    assert "the same network" in notes[0]
    assert build(tmp_path, network(given="one"), network(given="two"))[0] == ["one", "two"]


def test_builds_that_start_together_do_not_take_one_folder(tmp_path: Path) -> None:
    tmp_path.joinpath("runs").mkdir()
    first = places_of(tmp_path / "runs", [network(weights="a")], Notes())
    second = places_of(tmp_path / "runs", [network(weights="b")], Notes())
    with first as ours, second as theirs:
        assert [place.name for place in (*ours, *theirs)] == ["make", "make-bbbbbbbb"]
    assert not list((tmp_path / "runs").glob("make*")), "what was only claimed leaves nothing behind"


def test_a_build_that_was_stopped_before_its_run_was_written_goes_on_there(tmp_path: Path) -> None:
    build(tmp_path, network(weights="a"))
    assert (tmp_path / "make" / CLAIM_FILE).is_file()
    assert build(tmp_path, network(weights="b"))[0] == ["make-bbbbbbbb"]
    assert build(tmp_path, network(weights="a"))[0] == ["make"]


def test_a_run_of_another_version_belongs_to_the_network_of_its_weights(tmp_path: Path) -> None:
    """It is computed anew by that one, and by no other."""
    header = tmp_path / "make" / "run.json"
    header.parent.mkdir()
    header.write_text(json.dumps({"schema_version": 0, "model": "make", "weights": {"sha256": "a" * 64}, "more": 1}))
    assert build(tmp_path, network(weights="b"))[0] == ["make-bbbbbbbb"]
    assert build(tmp_path, network(weights="a"))[0] == ["make"]
    header.write_text(json.dumps({"schema_version": 0}))
    assert build(tmp_path, network(weights="c"))[0] == ["make"], "whose it was cannot be known"


def test_a_header_of_ours_that_is_damaged_is_the_network_s_that_it_names(tmp_path: Path) -> None:
    header = tmp_path / "make" / "run.json"
    header.parent.mkdir()
    written = {"digest": "x", "schema_version": SCHEMA_VERSION, "model": "make", "weights": {"sha256": "a" * 64}}
    header.write_text(json.dumps(written))
    assert build(tmp_path, network(weights="a"))[0] == ["make"]
    assert build(tmp_path, network(weights="b"))[0] == ["make-bbbbbbbb"]


def test_what_lies_beside_the_runs_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "run.json").write_text("this is mine")
    assert build(tmp_path, network())[0] == ["make"]
    with pytest.raises(StoreError, match="damaged"):
        build(tmp_path, network("notes"))
