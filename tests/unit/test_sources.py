"""What a site is made from is found by following imports, so that no edit is missed."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

import reportgen
from reportgen.sources import _imported, source_files
from tests.children import run_python

PACKAGE = Path(reportgen.__file__).parent


def test_everything_that_rendering_loads_counts() -> None:
    script = (
        "import sys, reportgen.site\nprint(*(m.__file__ for n, m in sys.modules.items() if n.startswith('reportgen')))"
    )
    loaded = run_python(script)
    assert loaded.returncode == 0, loaded.stderr
    found = {str(path) for path in source_files("reportgen.site")}
    assert set(loaded.stdout.split()) <= found


def test_records_and_the_audit_shape_pages_and_torch_rooms_do_not() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0] for path in source_files("reportgen.site")}
    assert {"records", "reading", "audit", "pages", "media"} <= rooms
    assert not {"networks", "analyses", "zoo", "runner", "cli"} & rooms


def test_what_is_read_as_text_is_what_a_parser_finds() -> None:
    for path in source_files("reportgen.site"):
        parsed = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "reportgen":
                parsed |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                parsed |= {alias.name for alias in node.names if alias.name.split(".")[0] == "reportgen"}
        types = {
            name
            for block in re.findall(r"^if TYPE_CHECKING:.*\n((?:[ ].*\n|\n)*)", path.read_text(), re.MULTILINE)
            for name in re.findall(r"reportgen[.\w]*", block)
        }
        found = set(_imported(path))
        assert found <= parsed, path
        assert all(name.startswith(tuple(types)) for name in parsed - found) if types else parsed == found, path


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with a copy of the program, which a test may change."""
    shutil.copytree(PACKAGE, tmp_path / "reportgen", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "templates").symlink_to(PACKAGE.parent / "templates")
    return tmp_path


def _digest(copied: Path, before: str = "import reportgen", changed: str = "") -> str:
    """Return the digest of the program that a process tells which changes a file after it has loaded some of it."""
    change = f"; file = open({f'reportgen/{changed}'!r}, 'a'); file.write('#'); file.close()" if changed else ""
    last = "import reportgen.site; print(reportgen.__file__, reportgen.site.renderer_digest())"
    told = run_python(f"import sys; sys.path.insert(0, '.'); {before}{change}; {last}", cwd=copied)
    assert told.returncode == 0, told.stderr
    place, digest = told.stdout.split()
    assert Path(place).parent == copied / "reportgen"
    return digest


@pytest.mark.long
@pytest.mark.parametrize("before", ["import reportgen", "import reportgen.site"])
def test_a_process_that_loaded_other_files_than_there_are_now_is_no_other_process(copied: Path, before: str) -> None:
    while_running = _digest(copied, before, "pages/front.py")
    afterwards = _digest(copied, before)
    assert while_running != afterwards, "what it wrote would count as current"
    assert _digest(copied, before) == afterwards


@pytest.mark.slow
def test_a_change_of_what_no_page_is_made_by_leaves_the_program_what_it_is(copied: Path) -> None:
    assert _digest(copied, changed="networks/core/taps.py") == _digest(copied)
