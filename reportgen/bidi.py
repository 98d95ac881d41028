"""Unicode's controls of the direction of writing, in names that came from elsewhere: seen by a reader, obeyed nowhere.

A title with U+202E in it turns round whatever stands after it, a verdict or a file's name. Every writer of text for
readers (pages, papers, LaTeX, records, terminals) asks this module, so that all of them say the same in its place.
"""

from __future__ import annotations

import re

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""All that have Unicode's property Bidi_Control."""

_CONTROL = re.compile(f"[{BIDI_CONTROLS}]")


def without_bidi(text: str) -> str:
    """Return text in which each control is told by its number, such as ``[U+202E]``."""
    return text if text.isascii() else _CONTROL.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
