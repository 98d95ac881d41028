"""The acceptance of official files, by the bundled network's weights in the place of one."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import children
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

import reportgen
from reportgen.resources import modelzoo_folder
from reportgen.runner.subject import generate_clips
from reportgen.zoo.cards import Zoo

TOOL = Path(__file__).parents[2] / "tools" / "accept.py"
MODEL = "texture_motion"
OFFICIAL = modelzoo_folder() / MODEL / "weights.safetensors"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accept", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["accept"] = module  # its dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips of each of the 28 classes, as folders of frames in folders named like the classes."""
    folder = tmp_path_factory.mktemp("labelled")
    entry = Zoo([modelzoo_folder()]).find(MODEL)
    _, made = generate_clips(entry.card, entry.folder)
    for number, clip in enumerate(made):
        place = folder / entry.labels()[clip.label].replace(" ", "_") / f"{number:02}"
        place.mkdir(parents=True)
        for frame, pixels in enumerate(clip.frames):
            Image.fromarray((pixels * 255).round().astype("uint8")).save(place / f"{frame:02}.png")
    return folder


@pytest.mark.long
def test_the_clips_are_recognised_and_told_apart(tool: ModuleType, clips: Path) -> None:
    network = reportgen.load_network(MODEL, weights=OFFICIAL)
    known = tool.labelled(network, clips)
    assert len(known) == 140
    labels, layer = [label for _, label, _ in known], "res2.conv2"
    logits, own = tool.passed_through(network, [clip for clip, _, _ in known], layer)
    found = tool.accuracy(logits, labels, 100.0)
    assert found.passed
    assert found.found.startswith(("140 of 140", "139 of 140", "138 of 140"))
    untrained = reportgen.load_network(MODEL, untrained=True)
    chance, other = tool.passed_through(untrained, [clip for clip, _, _ in known], layer)
    assert not tool.accuracy(chance, labels, None).passed
    assert tool.tells_apart(own, other, labels, layer).passed
    assert not tool.tells_apart(other, own, labels, layer).passed
    assert not tool.tells_apart(other, other, labels, layer).passed


def test_half_of_the_published_accuracy_is_asked_for(tool: ModuleType) -> None:
    labels = [0, 1, 2, 3] * 20
    logits = torch.eye(4)[torch.tensor(labels)]
    logits[24:] = torch.eye(4)[0]  # 24 + 14 of 80 right: above chance, under half of all
    assert tool.accuracy(logits, labels, None).passed
    assert not tool.accuracy(logits, labels, 100.0).passed


@pytest.mark.long
def test_clips_without_classes_are_one_sentence(tmp_path: Path, clips: Path) -> None:
    shutil.copytree(next(clips.iterdir()), tmp_path / "clips" / "some")
    asked = ["--model", MODEL, "--weights", str(OFFICIAL), "--clips", str(tmp_path / "clips")]
    ran = children.run([sys.executable, TOOL, *asked], cwd=tmp_path)
    assert ran.returncode == 11
    assert "name its sub-folders like the classes" in ran.stderr
    assert ran.stderr.count("\n") == 1


@pytest.mark.long
def test_an_official_file_is_accepted(tmp_path: Path, clips: Path) -> None:
    asked = ["--model", MODEL, "--weights", OFFICIAL, "--clips", clips, "--out", tmp_path / "out"]
    ran = children.run([sys.executable, TOOL, *asked], cwd=tmp_path, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = {one["name"]: one for one in json.loads((tmp_path / "out" / "accept.json").read_text())["checks"]}
    assert set(told) == {"file", "accuracy", "selectivity", "report"}
    assert all(one["passed"] for one in told.values())
    assert "as the card states" in told["file"]["found"]


@pytest.mark.long
def test_another_file_is_told_by_its_digest(
    tool: ModuleType, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = reportgen.load_network(MODEL, untrained=True).module.state_dict()
    save_file(state, tmp_path / OFFICIAL.name)
    monkeypatch.setattr(tool, "report", lambda *_: tool.Checked("report", True, "not asked for here"))
    found = {one.name: one for one in tool.accept(MODEL, tmp_path / OFFICIAL.name, clips, tmp_path, {})}
    assert not found["file"].passed
    assert "but the card states" in found["file"].found
    assert not found["accuracy"].passed
    assert not found["selectivity"].passed


def shuffled_classes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return trained weights whose classes are in another order: each answer is another class's."""
    last = [name for name in state if state[name].shape[:1] == (28,)]
    assert last
    return state | {name: state[name].roll(1, 0).contiguous() for name in last}


@pytest.mark.long
@pytest.mark.parametrize("fault", ["untrained", "classes shuffled", "cut short"])
def test_weights_that_must_fail_do_so_in_one_sentence(
    fault: str,
    tool: ModuleType,
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = tmp_path / "given.safetensors"
    if fault == "untrained":
        save_file(reportgen.load_network(MODEL, untrained=True).module.state_dict(), given)
    elif fault == "classes shuffled":
        save_file(shuffled_classes(reportgen.load_network(MODEL, weights=OFFICIAL).module.state_dict()), given)
    else:
        given.write_bytes(OFFICIAL.read_bytes()[:-4096])
    monkeypatch.setattr(tool, "report", lambda *_: tool.Checked("report", True, "not asked for here"))
    asked = ["--model", MODEL, "--weights", str(given), "--clips", str(clips), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["accept.py", *asked])
    code = tool.main()
    told = capsys.readouterr()
    assert told.err.startswith("Error: ")
    assert told.err.count("\n") == 1
    if fault == "cut short":
        assert code > 1  # it cannot be read: nothing was checked
        return
    assert code == 1
    wrong = "accuracy, selectivity" if fault == "untrained" else "accuracy"  # its kernels are the trained ones
    assert f"is not accepted: {wrong} failed" in told.err
    assert {one["name"]: one["passed"] for one in json.loads((tmp_path / "accept.json").read_text())["checks"]} == {
        "file": True,
        "accuracy": False,
        "selectivity": fault != "untrained",
        "report": True,
    }
