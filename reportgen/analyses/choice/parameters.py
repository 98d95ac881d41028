"""The choice is told what to show by the build's own options; needs no torch."""

from __future__ import annotations

from reportgen.analyses.parameters import Parameters


class ChoiceParameters(Parameters):
    """Nothing to set: `--kernels` and `--choose` say which kernels are shown."""
