"""What the jobs of a SLURM cluster ask for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

_NAME = r"^[A-Za-z0-9_.,+-]{1,120}$"
_SIZE = r"^\d{1,9}[KMGT]?$"


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"{text!r} is no name in SLURM: letters, digits and _ . , + - are")
    return text


def _size(text: str) -> str:
    if not re.fullmatch(_SIZE, text):
        raise ValueError(f"{text!r} is not a size such as 16G: digits and K, M, G or T (M where there is none)")
    return text


_Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": _NAME})]
_Size = Annotated[str, AfterValidator(_size), Field(json_schema_extra={"pattern": _SIZE})]

ALLOWED = (
    *("comment", "constraint", "container", "container-image", "container-mounts", "cpus-per-task", "exclude"),
    *("exclusive", "gres", "licenses", "mem-per-cpu", "nice", "nodelist", "qos", "reservation", "tmp", "wckey"),
)
"""Options of ``sbatch`` that may be given beside the named ones; no other, since a job's own must not be replaced."""


class SlurmOptions(BaseModel):
    """What each worker's job asks for; what is None is the cluster's default.

    `minutes` is the job's limit: a worker that reaches it is queued again and goes on. It is warned a minute before, so
    that fewer than five would be over before a network is loaded. `extra` are further options of
    ``sbatch``, as NAME=VALUE.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: _Name | None = None
    account: _Name | None = None
    minutes: int = Field(12 * 60, ge=5, le=60 * 24 * 366)
    memory: _Size | None = Field(None, description="Of each worker, such as 16G.")
    processors: int | None = Field(None, ge=1, description="Of each worker; none: the threads of the plan.")
    extra: tuple[str, ...] = ()

    @field_validator("extra")
    @classmethod
    def _allowed(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            name, mark, value = text.partition("=")
            if name not in ALLOWED:
                raise ValueError(f"{text!r} is none of the further options of sbatch: {', '.join(ALLOWED)}")
            if (mark and not value) or not value.isprintable() or re.search(r"['\"`$\\;&|<>]", value):
                raise ValueError(f"{text!r} is not NAME=VALUE without signs that a shell reads")
        names = [text.partition("=")[0] for text in given]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is given twice: sbatch takes one")
        return given

    @model_validator(mode="after")
    def _said_once(self) -> SlurmOptions:
        names = {text.partition("=")[0] for text in self.extra}
        for own, further in (("processors", "cpus-per-task"), ("memory", "mem-per-cpu")):
            if getattr(self, own) is not None and further in names:
                raise ValueError(f"{own} and {further} say the same: leave one of them out")
        return self

    def further(self) -> dict[str, str | bool]:
        """Return the further options by name; True for one without a value."""
        pairs = (text.partition("=") for text in self.extra)
        return {name.replace("-", "_"): value if mark else True for name, mark, value in pairs}
