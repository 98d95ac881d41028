"""A method of others: a package with two entry points adds one, and nothing in this repository knows of it."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path

import pytest

from reportgen.errors import OptionError
from reportgen.records.jobs import Done
from reportgen.records.store import Store
from tests.children import Finished, one_thread, reportgen_command, run

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).resolve().parent / "package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was installed into."""
    folder = tmp_path_factory.mktemp("installed")
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    done = run([sys.executable, *command, "--target", folder, PACKAGE])
    assert done.returncode == 0, done.stderr
    return folder


def with_package(installed: Path, *words: object, cwd: Path) -> Finished:
    return run(reportgen_command(*words), cwd=cwd, env={**one_thread(), "PYTHONPATH": str(installed)})


@pytest.fixture(scope="module")
def built(installed: Path, tiny_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small build of the method, one parameter of which the configuration sets."""
    folder = tmp_path_factory.mktemp("build")
    (folder / "reportgen.toml").write_text("[brightness]\nthreshold = 0.25\n")
    words = ("--zoo", tiny_zoo, "--model", "tiny", "--untrained", "--analyses", "brightness", "--choose", "first")
    done = with_package(installed, "build", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_its_parameters_are_listed(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(with_package(installed, "methods", "--json", cwd=tmp_path).stdout)
    own = listed[-1]
    assert (own["name"], own["summary"]) == ("brightness", "How bright each clip is, frame by frame.")
    (threshold,) = own["parameters"]
    assert threshold["values"] == "number >= 0, <= 1"
    assert threshold["presets"] == {"quick": 0.6, "standard": 0.5, "full": 0.5}


def test_its_parameters_are_checked(installed: Path, tmp_path: Path) -> None:
    config = tmp_path / "reportgen.toml"
    for text, said in (("threshold = 2", "must be at most 1"), ("treshold = 0.5", "did you mean threshold?")):
        config.write_text(f"[brightness]\n{text}\n")
        done = with_package(installed, "build", cwd=tmp_path)
        assert (done.returncode, said in done.stderr) == (OptionError.exit_code, True), done.stderr


def test_its_answers_and_its_own_kind_of_figure_are_kept(built: Path) -> None:
    records = Store(built / "runs/tiny").manifest().of("brightness")
    assert records
    for record in records:
        assert isinstance(record.outcome, Done), record
        assert record.job.parameters["threshold"] == 0.25
        assert 0 < record.outcome.answer["mean_brightness"] < 1
        assert {artifact.kind for artifact in record.outcome.artifacts} == {"image", "curve"}


def test_a_page_shows_its_answers_and_offers_its_files(built: Path) -> None:
    (page,) = (path for path in (built / "site").rglob("*.html") if path.stem == "brightness")
    text = html.unescape(page.read_text(encoding="utf-8"))
    for shown in ("mean brightness", "bright share", "mean_frame.avif", "brightness.png", "brightness.csv"):
        assert shown in text


def test_runs_are_rendered_where_the_package_is_not_installed(built: Path) -> None:
    done = run(reportgen_command("render", "--site", built / "elsewhere"), cwd=built, env=one_thread())
    assert done.returncode == 0, done.stderr
    assert any(path.stem == "brightness" for path in (built / "elsewhere").rglob("*.html"))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.method:METHOD", "cannot be imported (ModuleNotFoundError"),
        ("json:loads", "it must be a reportgen.analyses.method.Method"),
        ("reportgen.analyses.kernels.method:METHOD", "registers the method 'kernels', which there is already"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(tmp_path: Path, target: str, said: str) -> None:
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[reportgen.analyses]\nbroken = {target}\n")
    done = with_package(tmp_path, "methods", cwd=tmp_path)
    assert done.returncode == OptionError.exit_code, done.stderr
    assert "The installed package broken registers" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
