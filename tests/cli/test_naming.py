"""Several networks of one name: each has a run, a title and pages of its own, and nothing is overwritten."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from reportgen import BuildOptions, build, compute
from reportgen.errors import OptionError
from reportgen.outputs.site.scripts import script_data
from reportgen.records.store import Store
from reportgen.runner.summary import Summary
from tests.children import reportgen

pytestmark = pytest.mark.slow

NETWORK = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv3d(3, 2, 3), nn.{}(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2))
"""
QUICK = {
    "preset": "quick",
    "analyses": ("kernels",),
    "device": "cpu",
    "clip_spec": {"frames": 4, "height": 8, "width": 8},
    "parameters": {"kernels": {"steps": 2, "grow": False}},
}


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, activation in (("a", "ReLU"), ("b", "GELU")):
        Path(f"{name}.py").write_text(NETWORK.format(activation))


def options(*models: str, **more: object) -> BuildOptions:
    return BuildOptions.model_validate({"models": models, "untrained": "weights" not in more, **QUICK, **more})


def folders(summary: Summary) -> list[str]:
    summary.check()
    return [model.folder.name for model in summary.models]


def texts(pages: Path) -> Mapping[str, str]:
    return {
        path.relative_to(pages).as_posix(): html.unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))
        for path in pages.rglob("*.html")
    }


def test_two_factories_of_one_name_are_two_networks_on_every_page() -> None:
    summary = build(options("a.py:make", "b.py:make"))
    first, second = folders(summary)
    assert first == "make"
    assert second.startswith("make-")
    pages = texts(Path("site"))
    for folder, title, other in ((first, "make (a.py)", "make (b.py)"), (second, "make (b.py)", "make (a.py)")):
        assert re.search(rf"Audit of {re.escape(title)}", pages[f"{folder}/audit.html"])
        assert pages[f"{folder}/index.html"].count(title) > pages[f"{folder}/index.html"].count(other)
        assert title in pages["index.html"]
    found = (script_data(Path("site/assets/data/finder.js").read_text()) or ("", {}))[1]["pages"]
    assert {entry["title"] for entry in found if entry["what"] == "network"} == {"make (a.py)", "make (b.py)"}
    entries = [(entry["title"], entry["what"]) for entry in found]
    assert len(set(entries)) == len(entries), "every entry of the finder says which network it is of"
    kernels = [Store(Path("runs") / folder).manifest().of("kernels")[0].job.unit for folder in (first, second)]
    assert kernels == [f"{first}/0/0000", f"{second}/0/0000"]


@pytest.mark.long
def test_another_checkpoint_of_one_network_leaves_the_first_one_s_run_alone() -> None:
    for name, seed in (("old", 0), ("new", 1)):
        torch.manual_seed(seed)
        layers = nn.Conv3d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2)
        torch.save(nn.Sequential(*layers).state_dict(), f"{name}.pth")
    assert folders(compute(options("a.py:make", weights="old.pth"))) == ["make"]
    before = {path: path.read_bytes() for path in Path("runs/make").rglob("*") if path.is_file()}
    (other,) = folders(compute(options("a.py:make", weights="new.pth")))
    assert other.startswith("make-")
    assert {path: path.read_bytes() for path in Path("runs/make").rglob("*") if path.is_file()} == before
    again = compute(options("a.py:make", weights="new.pth"))
    assert folders(again) == [other]
    assert again.models[0].analyses["kernels"].computed == 0
    done = reportgen("render", cwd=Path())
    assert done.returncode == 0, done.stderr
    assert {"make (old.pth)", "make (new.pth)"} <= set(
        re.findall(r"make \(\w+\.pth\)", texts(Path("site"))["index.html"])
    )


def test_another_seed_and_an_edited_file_are_other_networks() -> None:
    first, second = (folders(compute(options("a.py:make", seed=seed)))[0] for seed in (0, 1))
    Path("a.py").write_text(NETWORK.format("GELU"))
    (third,) = folders(compute(options("a.py:make")))
    assert len({first, second, third}) == 3


def test_a_given_name_is_the_folder_the_title_and_the_address() -> None:
    summary = build(options("a.py:make", "b.py:make", names=("With ReLU", "with-gelu")))
    assert folders(summary) == ["With-ReLU", "with-gelu"]
    assert "Audit of With ReLU" in texts(Path("site"))["With-ReLU/audit.html"]
    with pytest.raises(OptionError, match="with-gelu holds another network"):
        compute(options("a.py:make", names=("with-gelu",)))


def test_the_command_line_takes_names_and_refuses_too_few() -> None:
    words = ("compute", "--model", "a.py:make", "--model", "b.py:make", "--untrained")
    done = reportgen(*words, "--name", "one", cwd=Path())
    assert done.returncode == OptionError.exit_code
    assert "as many --name as --model" in done.stderr


def test_no_folder_of_the_machine_is_in_the_record(tmp_path: Path) -> None:
    compute(options(f"{tmp_path / 'a.py'}:make"))
    assert str(tmp_path) not in Path("runs/make/run.json").read_text()
