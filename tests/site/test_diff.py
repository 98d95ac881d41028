"""Two reports are compared beyond noise: a permuted copy is the same, an edited kernel is named, nothing else is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import reportgen
from reportgen.cli import cli
from reportgen.commands.compute import compute
from reportgen.commands.diff import diff
from reportgen.config.options import BuildOptions
from reportgen.errors import ArchiveError, DifferenceError
from reportgen.media import gif_bytes
from reportgen.proof.difference import LEAST_SHARED
from reportgen.records.finding import find_runs
from reportgen.records.layout import record_name

ORDER = [2, 0, 3, 1]


def computed(zoo: Path, folder: Path, weights: dict[str, Tensor], **more: Any) -> Path:
    """Return the folder of the run of a tiny network with these weights."""
    folder.mkdir()
    torch.save(weights, folder / "weights.pth")
    asked: dict[str, Any] = {"analyses": ("evidence", "motion", "pyramid"), "preset": "quick", "zoo": (zoo,), **more}
    asked["reference"] = folder.parent / "clips"
    compute(BuildOptions(models=("tiny",), weights=folder / "weights.pth", runs=folder / "runs", **asked))
    return folder / "runs"


@pytest.fixture(scope="module")
def runs(tiny_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of a network, of a copy with the first layer's kernels in another order, and of one with a kernel edited."""
    folder = tmp_path_factory.mktemp("diff")
    (folder / "clips").mkdir()
    rng = np.random.default_rng(0)
    for number in range(8):
        frames = np.repeat(np.repeat(rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8), 4, axis=1), 4, axis=2)
        (folder / "clips" / f"{number}.gif").write_bytes(gif_bytes(frames))
    network = reportgen.load_network("tiny", untrained=True, zoo=(tiny_zoo,))
    own = {name: value.clone() for name, value in network.module.state_dict().items()}
    permuted = dict(own)
    permuted["first.weight"], permuted["first.bias"] = own["first.weight"][ORDER], own["first.bias"][ORDER]
    permuted["second.weight"] = own["second.weight"][:, ORDER]
    edited = {name: value.clone() for name, value in own.items()}
    edited["second.weight"][4] = edited["second.weight"][4].flip(1) * 1.5
    weights = {"own": own, "permuted": permuted, "edited": edited}
    return {name: computed(tiny_zoo, folder / name, values) for name, values in weights.items()}


def test_the_same_run_twice_and_a_permuted_copy_do_not_differ(runs: dict[str, Path]) -> None:
    assert not diff(runs["own"], runs["own"]).changed
    found = diff(runs["own"], runs["permuted"])
    assert not found.changed, found.sentence
    first, second = found.networks[0].layers[:2]
    assert (first.layer, first.kernels, first.moved, first.changed) == ("first", 4, 4, ())
    assert (second.kernels, second.moved, second.changed) == (6, 0, ())


def test_an_edited_kernel_is_named_on_the_terminal_and_on_the_page(runs: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "difference.html"
    words = ["diff", str(runs["own"]), str(runs["edited"])]
    result = CliRunner().invoke(cli, [*words, "--to", str(page)])
    assert isinstance(result.exception, DifferenceError)
    assert result.exception.exit_code == 29
    found = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)["networks"][0]
    layers = {layer["layer"]: [kernel["first"] for kernel in layer["changed"]] for layer in found["layers"]}
    assert layers["first"] == []
    assert layers["second"] == [4]
    assert "#4" in result.output
    assert "the first in second" in result.output
    text = page.read_text()
    assert "#4" in text
    assert "The first layer in which kernels changed is second" in text
    assert not [part for part in ("<script", "http://", "https://") if part in text.replace("http://www.w3.org", "")]


def test_what_could_not_be_compared_is_not_called_the_same(runs: dict[str, Path], tmp_path: Path) -> None:
    """Without the responses of kernels no change of them is seen: of other weights nothing is said."""
    bare = {name: tmp_path / name for name in ("own", "edited")}
    for name, folder in bare.items():
        shutil.copytree(runs[name], folder)
        for path in (*folder.rglob("*.npz"), *folder.rglob("*.npy")):
            path.unlink()
    same, found = diff(bare["own"], bare["own"]), diff(bare["own"], bare["edited"])
    same.require_same()
    assert same.networks[0].unmatched
    assert found.in_doubt
    with pytest.raises(DifferenceError):
        found.require_same()


def test_how_two_runs_were_made_is_told_apart_from_what_changed(runs: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs["own"], other)
    store = find_runs(other)[0]
    run = store.manifest().run
    options = {**run.options, "seed": 5, "check": {**run.options["check"], "rank_p": 0.01}}
    store.write_run(
        run.model_copy(update={"environment": run.environment.model_copy(update={"torch": "9.9"}), "options": options})
    )
    for record in store.manifest().of("motion"):
        store.file(record_name(record.key)).unlink()
    found = diff(runs["own"], other).networks[0]
    told = {one.name: (one.first, one.second) for one in found.settings}
    assert told["torch"][1] == "9.9"
    assert told["seed"] == ("0", "5")
    assert told["check rank_p"] == ("0.05", "0.01")
    assert told["analysis motion"] == ("computed", "not computed")
    assert len(told) == 4
    page = tmp_path / "page.html"
    diff(runs["own"], other, to=page)
    assert "Made in another way" in page.read_text()


@pytest.mark.long
def test_what_is_missing_is_said_with_what_to_run(runs: dict[str, Path], tiny_zoo: Path, tmp_path: Path) -> None:
    site = reportgen.render(runs["own"], tmp_path / "site", build_dir=tmp_path / "build").parent
    found = diff(site, runs["edited"])
    assert "`media='full'`" in found.networks[0].unmatched
    assert found.networks[0].layers == ()
    with pytest.raises(ArchiveError):
        diff(tmp_path / "none", runs["own"])
    assert 0 < LEAST_SHARED < 1
