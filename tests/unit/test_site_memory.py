"""What is remembered of sites is forgotten in time, and files of others in the same folder are left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reportgen import site_memory
from reportgen.site_memory import MEMORY_VARIABLE, SiteMemory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(MEMORY_VARIABLE, str(tmp_path / "memory"))
    monkeypatch.setattr(site_memory, "_MOST_KEPT", 2)
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def remember(site: Path, folder: Path, seconds: int) -> None:
    before = set(folder.iterdir())
    SiteMemory(renderer="one", settings="s", root=site.name).keep(site)
    for made in set(folder.iterdir()) - before:
        os.utime(made, (seconds, seconds))


def test_the_sites_that_were_rendered_longest_ago_are_forgotten(folder: Path, tmp_path: Path) -> None:
    for place, name in enumerate("abc"):
        remember(tmp_path / name, folder, place)
    assert SiteMemory.of(tmp_path / "a", "one") == SiteMemory()
    assert [SiteMemory.of(tmp_path / name, "one").root for name in "bc"] == ["b", "c"]


def test_files_of_others_in_a_chosen_folder_are_not_removed(folder: Path, tmp_path: Path) -> None:
    alike = folder / f"{'0' * 32}.json"
    alike.write_text('{"somebody": "else"}')
    os.utime(alike, (0, 0))
    for place, name in enumerate("abc"):
        remember(tmp_path / name, folder, place + 1)
    assert alike.read_text() == '{"somebody": "else"}'
