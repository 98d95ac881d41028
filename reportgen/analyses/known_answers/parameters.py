"""Known answers have nothing to set; needs no torch."""

from __future__ import annotations

from reportgen.analyses.parameters import Parameters


class KnownAnswerParameters(Parameters):
    """Nothing to set: a known answer is one."""
