"""What a site is made from is found by following imports, so that no edit is missed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

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
