"""The site's scripts: every one is loaded by a page, and their tests in Node pass."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.children import run

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "templates" / "assets" / "js"
OLDEST = 18
"""The first Node with a test runner of its own."""


@pytest.fixture(scope="module")
def node() -> str:
    """The program that runs scripts; tests are skipped without one that has a test runner."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no Node: install it (version 18 or later) to run the tests of the site's scripts")
    version = run([found, "--version"]).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"Node {version} has no test runner: install version {OLDEST} or later")
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in Path(__file__).parent.glob("*.test.mjs")))
def test_the_scripts_own_tests_pass(node: str, name: str) -> None:
    done = run([node, "--test", str(Path(__file__).with_name(name))], cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^(?:#|ℹ) pass (\d+)$", done.stdout, re.MULTILINE)[0]) >= 4


def loaded() -> list[str]:
    """The scripts that pages load: those of every page, then those of some."""
    settings = yaml.safe_load((ROOT / "templates" / "mkdocs.yml").read_text(encoding="utf-8"))
    everywhere = [path.removeprefix("assets/js/") for path in settings["extra_javascript"]]
    graph = (ROOT / "templates" / "pages" / "pyramid.md.j2").read_text(encoding="utf-8")
    own = [("graph", names) for names in re.findall(r"{% for name in \(([^)]*)\) %}\n<script", graph)]
    for page in (ROOT / "templates" / "pages").glob("*.md.j2"):
        own += re.findall(r'rg\.scripts\("(\w+)", \(([^)]*)\)', page.read_text(encoding="utf-8"))
    some = {f"{folder}/{name}.js" for folder, names in own for name in re.findall(r'"(\w+)"', names)}
    return [*everywhere, *some]


def test_every_script_is_loaded_once() -> None:
    there = sorted(path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.rglob("*.js"))
    assert sorted(loaded()) == there


def test_no_script_is_long_or_needs_a_server() -> None:
    for path in SCRIPTS.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 200, path
        assert not re.search(r"\b(import|export)\b[^\n]*\bfrom\b|\bfetch\(|\bXMLHttpRequest\b", text), path


def test_the_linters_lock_file_names_no_host() -> None:
    lock = (Path(__file__).parent / "package-lock.json").read_text(encoding="utf-8")
    hosts = set(re.findall(r'"resolved": "https?://([^/"]+)', lock))
    assert hosts <= {"registry.npmjs.org"}
    assert lock.count('"integrity"') > 50
