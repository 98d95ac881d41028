"""Comparing audits: a network before and after, or two runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from reportgen.commands.check import check
from reportgen.epochs.comparison import AuditComparison, Judged, compared_audits
from reportgen.errors import OptionError, a_type

Audited: TypeAlias = Judged | Sequence[Judged] | str | Path
"""What `reportgen.audit` returns, what `reportgen.check` returns, or a folder of runs."""


def compare(before: Audited, after: Audited) -> AuditComparison:
    """Return every check of two audits side by side, the worse ones first.

    Each side is what `reportgen.audit` or `reportgen.check` returned, or the folder of a run or of runs. Networks are
    matched by name; where there is one on each side, these two are compared. Raises OptionError where there is no
    network in common, StoreError for a folder without runs.
    """
    return compared_audits(_side(before), _side(after))


def _side(given: Audited) -> Sequence[Judged]:
    if isinstance(given, str | os.PathLike):
        return check(given)
    several = list(given) if isinstance(given, Iterable) else [given]
    if others := [one for one in several if not hasattr(one, "verdicts")]:
        raise OptionError(f"Audits, or the folder of runs, are compared, and not {a_type(others[0])}.")
    return several
