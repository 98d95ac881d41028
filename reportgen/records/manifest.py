"""What a run is about: the network, its clips, the environment and the plan; pages read nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import Field, JsonValue

from reportgen.errors import EmptySelectionError
from reportgen.records.base import Document, Frozen, Unbounded
from reportgen.records.card import ModelCard
from reportgen.records.identities import is_selected
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.paths import JobKey
from reportgen.wording import option

SCHEMA_VERSION = 4
"""Of the documents that are written. Since 4 records and media lie in folders by the beginning of their names, and a
plan names once what its jobs share."""

READ_VERSIONS = frozenset({3, SCHEMA_VERSION})
"""Of the documents that are read: those of 3 lie where 3 put them, and are not computed again."""


class WeightsFacts(Frozen):
    """Which weights the network had."""

    file: str | None = Field(None, description="File name, never a path of the machine.")
    sha256: str = Field(
        description="Digest of the loaded tensors' names and values, in the state dict's order; empty where withheld."
    )
    file_sha256: str | None = None
    untrained: bool = False
    of_unknown_origin: bool = Field(
        False, description="The factory brought them itself: whether they are of a training run is not known."
    )
    published: bool = Field(
        False,
        description="The file is one of the card's: by its digest, or by its name where the card knows no digest.",
    )
    licence: str | None = None
    source: str | None = None
    trained_on: str | None = None

    def digest(self, digits: int | None = None) -> str:
        """Return the digest of the weights, or its first digits, in words where it is withheld."""
        return self.sha256[:digits] or "withheld"


class SourceFacts(Frozen):
    """Which file defines the network."""

    file: str | None = Field(None, description="File name, never a path of the machine.")
    sha256: str | None = None


class LayerFacts(Frozen):
    """What is known about a convolution or linear layer of a network, at the native clip."""

    name: str
    kind: str = Field(description="Conv3d, Conv2d, ConvTranspose3d, Linear ...")
    kernels: int = Field(ge=1)
    inputs: int = Field(ge=1, description="Input channels.")
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    groups: int = Field(ge=1)
    output: tuple[int, ...] | None = Field(None, description="Output shape without the batch axis.")
    receptive_field: tuple[int | None, ...] | None = Field(
        None, description="t h w in px of the clip; an axis is None where all of it is seen, all where it is not known."
    )
    parameters: int
    multiply_adds: int | None = None
    order: int = Field(description="Place in the order of execution.")


class ClipFacts(Frozen):
    """A clip that the network was asked about."""

    name: str = Field(description="Unique in the run, safe as a file name.")
    title: str
    source: str = Field(description="File name or 'generated'; never a path of the machine.")
    sha256: str
    frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    frame_rate: float | None = None
    first_frame: int = 0
    frame_step: int = Field(1, ge=1)
    label: int | None = Field(None, ge=0, description="True class, where it is known.")
    reference: bool = Field(False, description="True for a clip that only serves as evidence for kernels.")
    poster: Artifact | None = None
    clip: Artifact | None = None
    predictions: tuple[tuple[int, Unbounded, Unbounded | None], ...] = Field(
        (),
        description="Top (class, logit as the answers tell it, probability; None: not known what makes one).",
    )


class Environment(Frozen):
    """Where and with what a run was computed."""

    reportgen: str
    python: str
    torch: str
    numpy: str
    platform: str
    device: str
    threads: int
    command: tuple[str, ...] = ()
    commit: str | None = Field(None, description="Of reportgen's checkout; None where it was installed otherwise.")


class Run(Document):
    """The header of a run: written at its start, and again at its end."""

    schema_version: int = SCHEMA_VERSION
    model: str = Field(description="The network's name in identities: no two runs of a folder share one.")
    title: str | None = Field(None, description="The name that the user gave it; None: the card's title.")
    card: ModelCard
    labels: tuple[str, ...] = ()
    weights: WeightsFacts
    source: SourceFacts | None = Field(None, description="None in runs of earlier versions.")
    layers: tuple[LayerFacts, ...] = ()
    stages: tuple[str, ...] = Field((), description="Layers that this run shows, in the network's order.")
    clips: tuple[ClipFacts, ...] = ()
    options: dict[str, JsonValue] = Field(default_factory=dict)
    environment: Environment
    plan: tuple[JobKey, ...] = Field((), description="Keys of the jobs of the last build, in order.")
    started: str
    finished: str | None = None
    seconds: float | None = None
    anonymous: bool = Field(
        False, description="Whether it is a copy without what tells who made it; times are days, digests are left out."
    )
    left_out: tuple[str, ...] = Field((), description="What a copy that was made smaller is without, in sentences.")


class Manifest(Frozen):
    """A run with the records of its plan."""

    run: Run
    records: tuple[Record, ...]
    damaged: tuple[JobKey, ...] = Field(
        (), description="Jobs whose record is damaged; without a plan it is not known what one was asked, nor shown."
    )

    @property
    def trouble(self) -> str | None:
        """A clause about damaged records; None where all are as they were written."""
        count = len(self.damaged)
        if not count:
            return None
        return f"{count} of its records {'are' if count > 1 else 'is'} damaged and to be computed again"

    def of(self, analysis: str) -> tuple[Record, ...]:
        """Return the records of one analysis, in the plan's order."""
        return tuple(record for record in self.records if record.job.analysis == analysis)

    def selected(self, patterns: Collection[str]) -> Manifest | None:
        """Return the part that `patterns` select (see `is_selected`), or None when that is nothing.

        What was asked of the network as a whole, which other answers are read with, is part of it.
        """
        if not any(is_selected(record.job.unit, patterns) for record in self.records):
            return None
        whole = self.run.model
        records = tuple(r for r in self.records if r.job.unit == whole or is_selected(r.job.unit, patterns))
        plan = tuple(record.key for record in records)
        return self.model_copy(update={"run": self.run.model_copy(update={"plan": plan}), "records": records})

    def done(self, analysis: str, unit: str) -> Done | None:
        """Return the answer of an analysis about a unit, or None."""
        for record in self.of(analysis):
            if record.job.unit == unit and isinstance(record.outcome, Done):
                return record.outcome
        return None


def check_selection(patterns: Sequence[str], manifests: Sequence[Manifest]) -> None:
    """Raise EmptySelectionError for the first pattern that selects nothing of any run."""
    units = list(dict.fromkeys(record.job.unit for manifest in manifests for record in manifest.records))
    for pattern in patterns:
        if not any(is_selected(unit, (pattern,)) for unit in units):
            example = f", such as {units[-1]}" if units else ""
            raise EmptySelectionError(
                f"{option('--select', pattern)} matches none of the {len(units)} things computed{example}."
            )
