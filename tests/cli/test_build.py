"""The command line on a tiny network: build, build again, stop and go on, failures that show."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pytest

from reportgen.analyses.registry import methods
from reportgen.commands.build import build
from reportgen.commands.render import render
from reportgen.config.options import BuildOptions
from reportgen.errors import JobsFailedError, OptionError
from reportgen.records.jobs import Done, Failed
from reportgen.records.store import Store
from tests.children import reportgen

QUICK = ("--preset", "quick", "--untrained", "--model", "tiny")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_zoo: Path) -> Path:
    folder = tmp_path_factory.mktemp("build")
    done = reportgen("build", *QUICK, "--zoo", tiny_zoo, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "site/index.html"
    return folder


def records(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "runs/tiny/records").glob("*/*.json")}


def test_the_site_is_there_and_says_that_weights_are_untrained(built: Path) -> None:
    page = (built / "site/index.html").read_text(encoding="utf-8")
    assert "untrained" in page
    assert "<b>left</b>" not in page, "labels must be escaped"


def test_every_job_has_a_record_that_names_existing_files(built: Path) -> None:
    manifest = Store(built / "runs/tiny").manifest()
    # Concepts are tested where folders of them are named.
    run = {name for name, method in methods().items() if "quick" not in method.off_in} - {"concepts"}
    assert {record.job.analysis for record in manifest.records} == run
    assert len(manifest.records) == len(manifest.run.plan)
    for record in manifest.records:
        assert isinstance(record.outcome, Done), record
        assert record.outcome.artifacts or record.outcome.answer


@pytest.mark.long
def test_full_media_have_the_published_names(built: Path, tmp_path: Path) -> None:
    assert not [path for path in (built / "site").rglob("*") if path.suffix in (".gif", ".mp4", ".npz")]
    site = tmp_path / "site"
    render(built / "runs", site, media="full", build_dir=tmp_path / "build")
    assert {path.name for path in site.rglob("*.npz")} >= {"stage1_data.npz", "motion.npz"}
    names = {path.name for path in site.rglob("*.gif")}
    assert {name.replace(".gif", ".mp4") for name in names} == {path.name for path in site.rglob("*.mp4")}
    for layer in ("first", "second"):
        for suffix in ("stage1", "deform", "recon"):
            assert any(name.startswith(f"tiny_{layer}_") and name.endswith(f"_{suffix}.gif") for name in names)


def test_a_second_build_computes_nothing_and_says_so(built: Path, tiny_zoo: Path) -> None:
    before = records(built)
    done = reportgen("build", *QUICK, "--zoo", tiny_zoo, cwd=built)
    assert done.returncode == 0, done.stderr
    assert records(built) == before
    assert "are there already" in done.stderr


def test_more_kernels_compute_only_the_missing_ones(built: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "runs", tmp_path / "runs")
    before = records(tmp_path)
    done = reportgen("compute", *QUICK, "--zoo", tiny_zoo, "--kernels", "all", "--analyses", "kernels", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = records(tmp_path)
    assert all(after[name] == text for name, text in before.items())
    jobs = [json.loads(after[name])["job"] for name in set(after) - set(before)]
    kernels = [job["unit"] for job in jobs if job["analysis"] == "kernels"]
    assert len(kernels) == 4 + 6 - 2


def test_a_failed_job_is_shown_and_changes_the_exit_code(built: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    config = tmp_path / "reportgen.toml"
    config.write_text("[saliency]\nlayer = 'classifier'\n")
    words = ("--zoo", tiny_zoo, "--config", config, "--runs", tmp_path / "runs", "--site", tmp_path / "site")
    done = reportgen("build", *QUICK, "--analyses", "pyramid,saliency", *words, cwd=tmp_path)
    assert done.returncode == JobsFailedError.exit_code, done.stderr
    outcomes = [record.outcome for record in Store(tmp_path / "runs/tiny").manifest().records]
    assert [outcome.message for outcome in outcomes if isinstance(outcome, Failed)]
    assert any(isinstance(outcome, Done) for outcome in outcomes), "the good jobs are kept"
    pages = html.unescape("".join(path.read_text() for path in (tmp_path / "site").rglob("*.html")))
    assert "classifier has no map to show" in pages
    assert "classifier has no map to show" in done.stdout


def test_an_unknown_saliency_method_stops_before_any_work(tiny_zoo: Path, tmp_path: Path) -> None:
    config = tmp_path / "reportgen.toml"
    config.write_text('[saliency]\nmethods = ["gradient"]\n')
    done = reportgen("build", *QUICK, "--zoo", tiny_zoo, "--config", config, cwd=tmp_path)
    assert done.returncode == OptionError.exit_code
    assert "did you mean gradients" in done.stderr


def test_clean_keeps_what_the_report_uses(built: Path, tiny_zoo: Path) -> None:
    reportgen("compute", *QUICK, "--zoo", tiny_zoo, cwd=built)
    plan = set(Store(built / "runs/tiny").read_run().plan)
    done = reportgen("clean", cwd=built)
    assert done.returncode == 0, done.stderr
    assert {Path(name).stem for name in records(built)} == plan
    assert len(Store(built / "runs/tiny").manifest().records) == len(plan)


def test_models_and_layers_speak_json(tmp_path: Path, tiny_zoo: Path) -> None:
    models = json.loads(reportgen("models", "--zoo", tiny_zoo, "--json", cwd=tmp_path).stdout)
    assert {"tiny", "texture_motion"} <= {model["name"] for model in models}
    layers = json.loads(reportgen("layers", "tiny", "--zoo", tiny_zoo, "--json", cwd=tmp_path).stdout)
    assert [layer["facts"]["name"] for layer in layers] == ["first", "second", "classifier"]
    assert layers[0]["facts"]["receptive_field"] == [3, 3, 3]


@pytest.mark.long
def test_two_networks_of_one_architecture_are_compared(tiny_zoo: Path, tmp_path: Path) -> None:
    zoo = tmp_path / "zoo"
    for name in ("tiny", "other"):
        shutil.copytree(tiny_zoo / "tiny", zoo / name)
    card = zoo / "other/card.toml"
    card.write_text(card.read_text().replace('name = "tiny"', 'name = "other"').replace("A tiny", "Another tiny"))
    words = ("--zoo", zoo, "--model", "other", "--class", "1", "--analyses", "pyramid")
    done = reportgen("build", *QUICK, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "site").glob("*/pyramids.html")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html.unescape(path.read_text(encoding="utf-8"))))
    assert "right | pipe, A tiny network for tests and right | pipe, Another tiny network for tests" in text


STILL = """
from torch import nn


def make() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
"""


def test_a_network_of_single_frames_has_a_site_that_says_why_nothing_moves(tmp_path: Path) -> None:
    (tmp_path / "still.py").write_text(STILL)
    options = BuildOptions(
        models=(f"{tmp_path / 'still.py'}:make",),
        untrained=True,
        clip_spec={"frames": 1, "height": 16, "width": 16},
        adapter={"input": "frame"},
        analyses=("kernels", "decomposition"),
        preset="quick",
        device="cpu",
        runs=tmp_path / "runs",
        site=tmp_path / "site",
    )
    summary = build(options)
    summary.check()
    (page,) = (tmp_path / "site").glob("*/0/0000.html")
    said = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8"))).split())
    assert "Texture and motion Skipped: a network of single frames has no motion to take apart" in said
