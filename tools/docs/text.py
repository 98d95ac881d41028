"""Text as Markdown, and tables."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_SIGNS = re.compile(r"([\\*_\[\]|#])")


def inert(text: str) -> str:
    """Return text that Markdown shows as it is, but for what is in backticks, which is code."""
    parts = re.split(r"(`+[^`]+`+)", " ".join(text.split()))
    return "".join(
        part.replace("|", "&#124;") if part.startswith("`") else _SIGNS.sub(r"\\\1", html.escape(part, quote=False))
        for part in parts
    )


def code(text: str) -> str:
    """Return text as code, also within a table."""
    shown = html.escape(text, quote=False)
    for sign in "|*_[]":
        shown = shown.replace(sign, f"&#{ord(sign)};")
    return f"<code>{shown}</code>"


def value(found: Any) -> str:
    """Return a value as it is written in JSON, as code."""
    return code(json.dumps(found, ensure_ascii=False))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    lines += [f"| {' | '.join(cell or ' ' for cell in row)} |" for row in rows]
    return "\n".join(lines)
