"""mkdocs in a process of its own: what is done meanwhile, what ends it, and what is told when it fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reportgen.errors import RenderError
from reportgen.progress import SILENT
from reportgen.site_mkdocs import begun_mkdocs


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Page\n")
    path = tmp_path / "mkdocs.yml"
    path.write_text("site_name: a\nplugins: []\n")
    return path


def test_it_builds_while_something_else_is_done(configuration: Path, tmp_path: Path) -> None:
    site, seen = tmp_path / "site", []

    def meanwhile() -> None:
        end = time.monotonic() + 60
        while not (site / "index.html").exists() and time.monotonic() < end:
            time.sleep(0.02)
        seen.append((site / "index.html").exists())

    with begun_mkdocs() as mkdocs:
        mkdocs.build(configuration, site, SILENT, meanwhile)
    assert seen == [True]


def test_a_failure_meanwhile_ends_it(configuration: Path, tmp_path: Path) -> None:
    def meanwhile() -> None:
        raise RenderError("no picture")

    with pytest.raises(RenderError, match="no picture"), begun_mkdocs() as mkdocs:
        child = mkdocs._child
        mkdocs.build(configuration, tmp_path / "site", SILENT, meanwhile)
    assert child.returncode is not None


def test_where_nothing_is_built_it_ends(tmp_path: Path) -> None:
    with begun_mkdocs() as mkdocs:
        child = mkdocs._child
    assert child.returncode is not None
    assert not list(tmp_path.iterdir())


def test_what_mkdocs_says_is_told(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "docs/index.md").write_text("[away](nowhere.md)\n")
    with pytest.raises(RenderError, match=r"could not build the site from .*nowhere\.md"), begun_mkdocs() as mkdocs:
        mkdocs.build(configuration, tmp_path / "site", SILENT, lambda: None)


def test_a_process_that_has_died_is_told(configuration: Path, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="could not build the site"), begun_mkdocs() as mkdocs:
        mkdocs._child.kill()
        mkdocs._child.wait()
        mkdocs.build(configuration, tmp_path / "site", SILENT, lambda: None)
