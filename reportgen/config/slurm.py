"""What the jobs of a SLURM cluster ask for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

_NAME = r"^[A-Za-z0-9_.,+-]{1,120}$"

ALLOWED = (
    *("comment", "constraint", "container", "container-image", "container-mounts", "cpus-per-task", "exclude"),
    *("exclusive", "gres", "licenses", "mem-per-cpu", "nice", "nodelist", "qos", "reservation", "tmp", "wckey"),
)
"""Options of ``sbatch`` that may be given beside the named ones; no other, since a job's own must not be replaced."""


class SlurmOptions(BaseModel):
    """What each worker's job asks for; what is None is the cluster's default.

    `minutes` is the job's limit: a worker that reaches it is queued again and goes on. `extra` are further options of
    ``sbatch``, as NAME=VALUE.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: Annotated[str, Field(pattern=_NAME)] | None = None
    account: Annotated[str, Field(pattern=_NAME)] | None = None
    minutes: int = Field(12 * 60, ge=1)
    memory: str | None = Field(None, pattern=r"^\d+[KMGT]?$", description="Of each worker, such as 16G.")
    processors: int | None = Field(None, ge=1, description="Of each worker; none: the threads of the plan.")
    extra: tuple[str, ...] = ()

    @field_validator("extra")
    @classmethod
    def _allowed(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            name, mark, value = text.partition("=")
            if name not in ALLOWED:
                raise ValueError(f"{text!r} is none of the further options of sbatch: {', '.join(ALLOWED)}")
            if (mark and not value) or not re.fullmatch(r"[^\n\r\0'\"`$\\;&|<>]*", value):
                raise ValueError(f"{text!r} is not NAME=VALUE without signs that a shell reads")
        return given

    def further(self) -> dict[str, str | bool]:
        """Return the further options by name; True for one without a value."""
        pairs = (text.partition("=") for text in self.extra)
        return {name.replace("-", "_"): value if mark else True for name, mark, value in pairs}
