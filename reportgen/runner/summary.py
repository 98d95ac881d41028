"""What came of a build, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reportgen.errors import JobsFailedError
from reportgen.records.jobs import Failed, Record, Skipped


@dataclass
class Tally:
    """What came of the jobs of one analysis of one model."""

    computed: int = 0
    reused: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0
    messages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, record: Record, now: bool) -> None:
        """Count one record."""
        if isinstance(record.outcome, Failed):
            self.failed += 1
            self._say(f"{record.job.unit}: {record.outcome.message}")
        elif isinstance(record.outcome, Skipped):
            self.skipped += 1
            self._say(record.outcome.reason)
        else:
            self.computed += now
            self.reused += not now
            self.notes += [note for note in record.outcome.notes if note not in self.notes]
        self.seconds += record.spent.seconds if now else 0.0

    def _say(self, message: str) -> None:
        if message not in self.messages:
            self.messages.append(message)


@dataclass
class ModelSummary:
    """What came of one model's run; `site_bytes` is what it adds to a site, as expected from its plan."""

    model: str
    folder: Path
    site_bytes: int = 0
    analyses: dict[str, Tally] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Number of failed jobs."""
        return sum(tally.failed for tally in self.analyses.values())


@dataclass
class Summary:
    """What came of a build: per model and analysis, and where the site is."""

    models: list[ModelSummary] = field(default_factory=list)
    site: Path | None = None
    seconds: float = 0.0

    def check(self) -> None:
        """Raise JobsFailedError when any job failed."""
        failed = [(model.model, model.failed) for model in self.models if model.failed]
        if failed:
            each = ", ".join(f"{count} of {model}" for model, count in failed)
            raise JobsFailedError(f"Jobs failed ({each}): the report shows each reason; run again to try them again.")
