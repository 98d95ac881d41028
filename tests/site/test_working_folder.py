"""The folder that a command is started in: its code is not run, and the plain tools of mkdocs find the report there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from reportgen.isolated import clean_environment, module_command
from reportgen.records.root_digest import UNSEALED, read_root
from reportgen.site_trim import without_blanks
from tests.children import Finished, child, run

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).with_name("reportgen")
ROOT = Path(__file__).resolve().parents[2]
NAMES = ("click", "markdown", "mkdocs", "yaml", "jinja2", "material", "json", "sitecustomize", "usercustomize")


@pytest.mark.skipif(not COMMAND.exists(), reason="the command is not installed beside this Python")
@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.close(os.open('executed', os.O_CREAT | os.O_WRONLY))\nos._exit(3)\n",
        pytest.param("", marks=pytest.mark.long),
    ],
)
def test_code_of_the_working_folder_is_not_run(sample_runs: Path, tmp_path: Path, code: str) -> None:
    build = tmp_path / "build/report"
    for folder in (tmp_path, build):
        folder.mkdir(exist_ok=True, parents=True)
        for name in NAMES:
            (folder / f"{name}.py").write_text(code)
    environment = {**os.environ, "PYTHONSTARTUP": "click.py", "PYTHONPATH": ""}
    words = [COMMAND, "render", "--runs", sample_runs / "plain_net"]
    done = run(words, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site/index.html").is_file()
    assert not list(tmp_path.rglob("executed"))


def test_a_child_has_neither_the_working_folder_nor_python_s_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path), str(tmp_path / "linked"), *sys.path])
    (tmp_path / "module_here.py").write_text("")
    command = module_command("module_here")
    done = run(command, cwd=tmp_path, env=clean_environment())
    assert "No module named module_here" in done.stderr
    assert not [name for name in clean_environment() if name.startswith("PYTHON")]


@pytest.fixture(scope="module")
def root(sample_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the default site was just rendered."""
    folder = tmp_path_factory.mktemp("root")
    shutil.copyfile(ROOT / "mkdocs.yml", folder / "mkdocs.yml")
    program = "from pathlib import Path; import reportgen, sys; reportgen.render(Path(sys.argv[1]), Path('site'))"
    done = run([sys.executable, "-c", program, sample_runs / "plain_net"], cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def mkdocs(folder: Path, *words: object) -> Finished:
    return run([sys.executable, "-P", "-m", "mkdocs", *words], cwd=folder)


def test_mkdocs_builds_the_same_site_from_the_root(root: Path, tmp_path: Path) -> None:
    done = mkdocs(root, "build", "--strict", "--site-dir", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(root / "site") for path in (root / "site").rglob("*.html")}
    assert pages == {path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*.html")}
    for name in ("index.html", "plain_net/index.html"):
        again = (tmp_path / "again" / name).read_text(encoding="utf-8")
        sealed = (root / "site" / name).read_text(encoding="utf-8")
        # What mkdocs builds by itself is no report of ours any more, and says that it has no root digest.
        assert without_blanks(again) == sealed.replace(read_root(root / "site") or "", UNSEALED)


def test_the_root_s_site_is_the_default_one() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["site_dir"] == "site"


def test_mkdocs_publishes_the_report_from_the_root(root: Path, tmp_path: Path) -> None:
    def git(*words: str, cwd: Path = root) -> str:
        done = run(["git", "-c", "commit.gpgsign=false", *words], cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    git("init", "--quiet")
    git("config", "user.name", "a")
    git("config", "user.email", "a@b")
    git("remote", "add", "origin", str(tmp_path / "remote.git"))
    git("add", "mkdocs.yml")
    git("commit", "--quiet", "--message", "first")
    done = mkdocs(root, "gh-deploy", "--no-history")
    assert done.returncode == 0, done.stderr
    published = git("ls-tree", "-r", "--name-only", "gh-pages", cwd=tmp_path / "remote.git").splitlines()
    assert {"index.html", "plain_net/index.html", "assets/css/report.css", ".nojekyll"} <= set(published)


@pytest.mark.long
def test_mkdocs_serves_the_report_from_the_root(root: Path) -> None:
    command = [sys.executable, "-P", "-m", "mkdocs", "serve", "--dev-addr", "127.0.0.1:0", "--no-livereload"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with child(command, cwd=root, env=environment) as process:
        assert process.stderr is not None
        said = next((line for line in iter(process.stderr.readline, "") if "Serving on" in line), "mkdocs ended")
    assert "Serving on http://127.0.0.1" in said


def test_before_any_report_mkdocs_says_what_is_missing(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "mkdocs.yml", tmp_path / "mkdocs.yml")
    done = mkdocs(tmp_path, "build")
    assert done.returncode == 1
    assert "'build/report/mkdocs.yml' does not exist" in done.stderr
    assert "reportgen build" in (tmp_path / "mkdocs.yml").read_text(encoding="utf-8")
