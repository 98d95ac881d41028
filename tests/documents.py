"""Documents of runs that a test edits: sealed again, so that only what it changed is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reportgen.records.jobs import content_key


def write_sealed(path: Path, fields: dict[str, Any]) -> None:
    """Write a document with the digest of its fields."""
    fields = {name: value for name, value in fields.items() if name != "digest"}
    text = json.dumps({"digest": content_key(fields), **fields}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the fields of a document in place."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    change(fields)
    write_sealed(path, fields)


def replace_text(path: Path, old: str, new: str) -> bool:
    """Replace text in a document, which stays JSON; return whether there was any."""
    text = path.read_text(encoding="utf-8")
    write_sealed(path, json.loads(text.replace(old, new)))
    return old in text
