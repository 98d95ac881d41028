"""The audit as a test of a model repository: the figures of computed runs against their limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reportgen.audit.checks import checks
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict
from reportgen.errors import CheckError
from reportgen.pages.report import Report
from reportgen.records.manifest import Manifest
from reportgen.records.store import find_runs


@dataclass(frozen=True)
class CheckedModel:
    """The rows of one model's audit table."""

    model: str
    verdicts: tuple[Verdict, ...]
    unfinished: str | None = None

    @property
    def failures(self) -> list[str]:
        """A clause for each check that fails: which model, what, its figure and what was asked for."""
        open_end = [f"{self.model}: {self.unfinished}"] if self.unfinished else []
        return open_end + [
            f"{self.model}, {verdict.name}: {verdict.figure}, asked for is {verdict.threshold}"
            for verdict in self.verdicts
            if verdict.state == "fail"
        ]


def check(runs: Path, *, limits: Limits | None = None) -> list[CheckedModel]:
    """Return the audit of each run in a folder by `limits` (default: each run's own); needs no torch.

    Raises StoreError when there is no run or it cannot be read.
    """
    models = Report.of(find_runs(runs)).models
    return [CheckedModel(model.name, tuple(checks(model, limits)), _unfinished(model.manifest)) for model in models]


def _unfinished(manifest: Manifest) -> str | None:
    """Return why a run cannot pass whatever its figures are; None when it was finished and is whole."""
    if manifest.run.finished is None:
        return f"the run was not finished ({len(manifest.records)} of {len(manifest.run.plan)} jobs are there)"
    if manifest.trouble or manifest.run.options.get("select"):
        return manifest.trouble  # of a part of a plan the others need not be there
    missing = len(set(manifest.run.plan)) - len(manifest.records)
    return f"{missing} of its jobs {'have' if missing > 1 else 'has'} no record" if missing else None


def require(audits: Iterable[CheckedModel]) -> None:
    """Raise CheckError, which names every figure that misses its limit, when one does."""
    missed = [clause for audit in audits for clause in audit.failures]
    if missed:
        raise CheckError(f"The audit fails: {'; '.join(missed)}.")
