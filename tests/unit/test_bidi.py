"""Which signs turn the writing round is Unicode's to say."""

from __future__ import annotations

import sys
import unicodedata

from reportgen.bidi import BIDI_CONTROLS

MARKS = {"LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK", "ARABIC LETTER MARK"}
EXPLICIT = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def test_the_controls_are_those_of_unicode() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    found = {s for s in every if unicodedata.bidirectional(s) in EXPLICIT or unicodedata.name(s, "") in MARKS}
    assert set(BIDI_CONTROLS) == found
