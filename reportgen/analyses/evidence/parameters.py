"""The pass over the reference clips has nothing to set; needs no torch."""

from __future__ import annotations

from reportgen.analyses.parameters import Parameters


class EvidenceParameters(Parameters):
    """The pass over the reference clips has nothing to set."""
