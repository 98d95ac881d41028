"""Text that is inert in a page: neither HTML, nor Markdown, nor a template, whatever a file is called."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

from reportgen.bidi import without_bidi

_SPECIAL = re.compile(r"[^0-9A-Za-z ,./%\u0080-\U0010ffff]")

_PARTS = re.compile(r"(?<=[._/-])(?=[^._/-])")


def inert(value: object) -> Markup:
    """Return text as character references wherever HTML, Markdown or an attribute could read a sign in it."""
    text = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", without_bidi(str(value)))
    return Markup(text)  # noqa: S704 (escaped on the line above)


def breakable(name: str) -> Markup:
    """Return text as `inert` does, which may break behind the dots, dashes and strokes of a dotted name."""
    return Markup("<wbr>").join(map(inert, _PARTS.split(name)))


def prose(text: str) -> Markup:
    """Return text as `inert` does, what stands between backticks as code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:  # a lone backtick is only a sign
        return inert(text)
    return Markup().join(Markup("<code>{}</code>").format(inert(p)) if i % 2 else inert(p) for i, p in enumerate(parts))


def symbols(text: str) -> Markup:
    """Return text as `inert` does, what stands between asterisks in italics: the symbols of formulas."""
    parts = str(text).split("*")
    if len(parts) % 2 == 0:  # a lone asterisk is only a sign
        return inert(text)
    return Markup().join(Markup("<i>{}</i>").format(inert(p)) if i % 2 else inert(p) for i, p in enumerate(parts))


def anchor(text: str) -> Markup:
    """Return the id of a heading: letters, digits and dashes, so that Markdown reads it as one."""
    return Markup(re.sub(r"[^0-9A-Za-z]+", "-", text).strip("-") or "part")  # noqa: S704 (nothing else is left)


def script_json(value: Any) -> str:
    """Return JSON that may stand in a script: no tag can end it, no line separator can break it."""
    text = without_bidi(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
