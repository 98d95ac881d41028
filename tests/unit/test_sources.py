"""What a site is made from is found by following imports, so that no edit is missed."""

from __future__ import annotations

from pathlib import Path

import reportgen
from reportgen.sources import source_files
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
