"""What CONTRIBUTING.md says is where it says, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH = re.compile(r"(?<![\w/.-])(?:reportgen|templates|modelzoo|tests|tools|docs)/[\w./<>-]*")


def test_every_path_that_it_names_is_there() -> None:
    named = {path.rstrip(".") for path in PATH.findall(TEXT)}
    assert len(named) > 30
    # What stands for any name has at least one example.
    absent = sorted(path for path in named if not any(ROOT.glob(re.sub(r"<\w+>", "*", path).rstrip("/"))))
    assert absent == []


def test_every_target_of_make_that_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make ([\w-]+)", TEXT, re.MULTILINE))
    assert targets == {"report", "test", "test-slow", "test-all", "docs"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
