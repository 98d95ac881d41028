"""The audit as a test of a model repository: the figures of computed runs against their limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reportgen.audit.checks import checks
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict
from reportgen.errors import CheckError, OptionError, a_type, one_line
from reportgen.given import given_path
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.records.manifest import Manifest


@dataclass(frozen=True)
class CheckedModel:
    """The rows of one model's audit table."""

    model: str
    verdicts: tuple[Verdict, ...]
    unfinished: str | None = None

    def __repr__(self) -> str:
        return one_line(
            f"CheckedModel({self.model}, {verdict_counts([self])[:-1]}{', unfinished' * bool(self.unfinished)})"
        )

    @property
    def failures(self) -> list[str]:
        """A clause for each check that fails: which model, what, its figure and what was asked for."""
        open_end = [f"{self.model}: {self.unfinished}"] if self.unfinished else []
        return open_end + [
            f"{self.model}, {verdict.name}: {verdict.figure}, asked for is {verdict.threshold}"
            for verdict in self.verdicts
            if verdict.state == "fail"
        ]

    @property
    def untested(self) -> list[str]:
        """A clause for each check whose figure is not known."""
        return [f"{self.model}, {one.name}: not tested" for one in self.verdicts if one.state == "untested"]


def check(runs: str | Path = "runs", *, limits: Limits | Mapping[str, Any] | None = None) -> list[CheckedModel]:
    """Return the audit of each run in a folder by `limits` (default: each run's own); needs no torch.

    `limits` may be a plain dict, as the table [check] of a configuration file is. Raises StoreError when there is no
    run or it cannot be read, OptionError for limits that are not valid.
    """
    limits = None if limits is None else Limits.of(limits)
    models = Report.of(find_runs(given_path(runs))).models
    return [CheckedModel(model.name, tuple(checks(model, limits)), _unfinished(model.manifest)) for model in models]


def _unfinished(manifest: Manifest) -> str | None:
    """Return why a run cannot pass whatever its figures are; None when it was finished and is whole."""
    if manifest.run.finished is None:
        return f"the run was not finished ({len(manifest.records)} of {len(manifest.run.plan)} jobs are there)"
    if manifest.trouble or manifest.run.options.get("select"):
        return manifest.trouble  # of a part of a plan the others need not be there
    missing = len(set(manifest.run.plan)) - len(manifest.records)
    return f"{missing} of its jobs {'have' if missing > 1 else 'has'} no record" if missing else None


def verdict_counts(audits: Iterable[CheckedModel]) -> str:
    """Return in a sentence how many verdicts there are of each kind."""
    states = Counter(verdict.word for audit in audits for verdict in audit.verdicts)
    kinds = ", ".join(f"{states[word]} {word}" for word in ("pass", "warn", "fail", "not tested"))
    return f"{states.total()} verdicts: {kinds}."


class Accountable(Protocol):
    """What says in clauses what fails and what was not tested: of `check`, or of `reportgen.audit`."""

    @property
    def failures(self) -> list[str]:
        """What fails."""
        ...

    @property
    def untested(self) -> list[str]:
        """What is not known."""
        ...


def require(audits: Accountable | Iterable[Accountable], *, strict: bool = False) -> None:
    """Raise CheckError, which names every figure that misses its limit, when one does.

    `audits` are what `check` returns, or one or more of what `reportgen.audit` returns. With
    `strict` a figure that was not tested misses it too.
    """
    several: Iterable[Accountable] = audits if isinstance(audits, Iterable) else [audits]
    several = list(several)
    if others := [one for one in several if not (hasattr(one, "failures") and hasattr(one, "untested"))]:
        raise OptionError(f"Required is something of what `check` or `audit` returns, and not of {a_type(others[0])}.")
    missed = [clause for audit in several for clause in (*audit.failures, *(audit.untested if strict else ()))]
    if missed:
        raise CheckError(f"The audit fails: {'; '.join(missed)}.")
