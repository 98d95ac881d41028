"""Everything that a build can be asked, checked as soon as it is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from reportgen.analyses.choice.selection import ChooseBy, KernelSelection, SelectionText
from reportgen.analyses.concepts.folders import ConceptFolder, check_folders, concept_folders
from reportgen.analyses.concepts.parameters import ConceptParameters
from reportgen.analyses.kernels.parameters import KernelParameters
from reportgen.analyses.method import PresetName
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import find_method
from reportgen.analyses.weight_gradients.parameters import WeightGradientParameters
from reportgen.audit.limits import Limits
from reportgen.config.forms import BuildKeywords, ExecutorName, MediaAmount, as_in_a_file
from reportgen.config.numbers import faults_of_numbers
from reportgen.config.parameters import resolved_parameters
from reportgen.config.slurm import SlurmOptions
from reportgen.config.unknown import raise_all, unknown_options
from reportgen.errors import OptionError, speaking
from reportgen.records.identities import slug
from reportgen.records.objective import Objective
from reportgen.records.plan import MOST_THREADS
from reportgen.records.validation import as_they_are, sentences
from reportgen.wording import BUILD_OPTIONS, option
from reportgen.zoo.overrides import check_fields

BUNDLED_MODEL = "texture_motion"

_LONGEST_NAME = 80

#: Processes of one machine; more machines have each its own.
MOST_WORKERS = 256

#: Generators of random numbers take no larger one.
MOST_SEED = 2**63 - 1


def parse_frames(text: str) -> tuple[int | None, int | None]:
    """Read a frame range ``A:B`` (B excluded, either may be left out, counted from 0)."""
    match = re.fullmatch(r"(\d*):(\d*)", text.strip())
    if match is None:
        raise ValueError(f"frames {text!r} is not a range A:B, such as 10:42 (frame 42 excluded) or 10:")
    first, stop = (int(part) if part else None for part in match.groups())
    if first is not None and stop is not None and stop <= first:
        raise ValueError(f"frames {text!r} holds no frame")
    return first, stop


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _ToldAsOptions(ModelMetaclass):
    """Lets a call with keywords raise OptionError, as the command line does; what is read as JSON is told elsewhere."""

    if not TYPE_CHECKING:  # the call keeps the signature of the class

        @speaking(BUILD_OPTIONS)
        def __call__(cls, **given: Any) -> Any:  # noqa: N805 (of a metaclass)
            """Return the options; raises OptionError that names every bad value."""
            values = as_in_a_file(given)
            problems = unknown_options(values, cls.model_fields)
            try:
                made = super().__call__(**values)
            except ValidationError as error:
                raise_all([*problems, *(OptionError(sentence) for sentence in sentences(error, cls))])
                raise
            raise_all(problems)
            return made


class BuildOptions(BaseModel, metaclass=_ToldAsOptions):
    """Everything that a build can be asked, with its default."""

    if TYPE_CHECKING:  # pydantic's own reads no more than its plug-in for type checkers tells

        def __init__(self, **given: Unpack[BuildKeywords]) -> None: ...

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = (BUNDLED_MODEL,)
    names: tuple[str, ...] = Field(
        (),
        description="The networks' names in runs and reports, one for each of `models`; none: their cards' names.",
    )
    weights: Path | None = None
    weights_key: str | None = Field(None, description="Which of the weights in the file: its key or first name parts.")
    untrained: bool = False
    model_args: dict[str, Any] = Field(default_factory=dict, description="Arguments over the card's architecture.")
    clip_spec: dict[str, Any] = Field(default_factory=dict, description="Fields over the card's clip.")
    adapter: dict[str, Any] = Field(default_factory=dict, description="Fields over the card's adapter.")
    labels: Path | None = None
    zoo: tuple[Path, ...] = ()
    clips: tuple[str, ...] = ()
    frames: str | None = None
    reference: Path | None = Field(
        None,
        description="Folder of reference clips, searched through; a sub-folder named like a class labels its clips.",
    )
    concepts: tuple[str, ...] = Field(
        (),
        description="Concepts to test kernels for, each NAME=DIR: a folder of pictures or clips, compared with the "
        "reference clips. In a file with a table [concepts], its `folders` say the same.",
    )
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = Field(
        (), description="What is explained beside classes: a class at a time, or a network's answer without classes."
    )
    contrasts: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of classes: saliency asks why the first one rather than the second."
    )
    layers: tuple[str, ...] = Field(
        (),
        description="Layers to show, as globs: GLOB for every model, MODEL=GLOB for one of several, or a list of "
        "them with commas; a block is its last convolution; none: the card's.",
    )
    select: tuple[str, ...] = Field(
        (),
        description="Globs over identities (i3d/s3*, i3d/conv1/0042, i3d/clip/class-0002): only what they select is "
        "computed and shown; none: everything.",
    )
    kernels: SelectionText | None = Field(
        None,
        description="Which kernels of each layer are shown: a number, all, or 0,4,8-11; none: the preset's number.",
    )
    analyses: tuple[str, ...] = ()
    preset: PresetName = "standard"
    device: str = "auto"
    threads: int | None = Field(
        None,
        ge=1,
        le=MOST_THREADS,
        description="Of the processor; none: the plan's of the run, else the machine's, shared out among the workers.",
    )
    workers: int = Field(1, ge=1, le=MOST_WORKERS, description="Processes of this machine that share the work.")
    gpus: int | None = Field(
        None, ge=1, le=MOST_WORKERS, description="GPUs that the workers share out among them; none: the device's one."
    )
    executor: ExecutorName = Field("local", description="Where the workers are: processes here, or jobs of SLURM.")
    slurm: SlurmOptions = Field(default_factory=SlurmOptions, description="What jobs of SLURM ask for.")
    seed: int = Field(0, ge=0, le=MOST_SEED)
    runs: Path = Path("runs")
    site: Path = Path("site")
    arrows: bool = Field(False, description="Motion by sparse arrows too, not by colour alone.")
    media: MediaAmount = Field(
        "standard", description="What the site carries: what its pages show, or full: arrays, GIF, MP4 and PNG too."
    )
    max_size: ByteSize = Field(
        ByteSize(10**9),
        gt=0,
        description="Size of the site from which a build warns: 1GB is what GitHub Pages takes.",
    )
    choose: ChooseBy = "important"
    objective: Objective = Field(
        "firing", description="What a kernel's response is: mean of its rectified map, plain mean, or centre unit."
    )
    parameters: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Per analysis, over the preset's: tables of the configuration file."
    )
    check: Limits = Field(default_factory=Limits, description="Limits of the audit: the table [check].")

    @field_validator("models")
    @classmethod
    def _some_model(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if not models:
            raise ValueError("name at least one model")
        return models

    @field_validator("names")
    @classmethod
    def _names(cls, names: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        models = others.data.get("models", ())
        if names and len(names) != len(models):
            raise ValueError(
                f"give as many {option('--name')} as {option('--model')}, in their order ({len(names)} for "
                f"{len(models)})"
            )
        folders: dict[str, str] = {}
        for name in names:
            if not re.search(r"[A-Za-z0-9]", name) or not name.isprintable() or len(name) > _LONGEST_NAME:
                raise ValueError(
                    f"{name!r} needs a letter or digit of ASCII, and at most {_LONGEST_NAME} printable signs"
                )
            other = folders.setdefault(slug(name).casefold(), name)
            if names.count(name) > 1 or other != name:
                raise ValueError(f"{other!r} and {name!r} would share the folder {slug(name)}: tell them apart")
        return names

    @field_validator("frames")
    @classmethod
    def _frames(cls, frames: str | None) -> str | None:
        if frames is not None:
            parse_frames(frames)
        return frames

    @field_validator("layers")
    @classmethod
    def _globs(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        found = []
        for given in layers:
            model = ""
            for glob in given.split(","):  # a model stands before all globs that follow it in its list
                name, mark, own = glob.partition("=") if "=" in glob else ("", "", glob)
                model = f"{name.strip()}=" if mark else model
                if (mark and not name.strip()) or not own.strip():
                    raise ValueError(f"layers {given!r} is neither GLOB nor MODEL=GLOB, such as conv3* or i3d=s3*")
                found.append(f"{model}{own.strip()}")
        return tuple(dict.fromkeys(found))

    @field_validator("concepts")
    @classmethod
    def _concepts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return check_folders(given)

    @field_validator("device")
    @classmethod
    def _device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"device {device!r} is not auto, cpu, cuda or cuda:N")
        return device

    @field_validator("model_args", "clip_spec", "adapter")
    @classmethod
    def _over_the_card(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if faults := faults_of_numbers(given, str(info.field_name)):
            raise as_they_are(faults)
        try:
            check_fields(
                given if info.field_name == "clip_spec" else None, given if info.field_name == "adapter" else None
            )
        except OptionError as error:
            raise as_they_are([str(error)]) from error
        return given

    @field_validator("parameters")
    @classmethod
    def _of_the_methods(cls, given: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        try:
            resolved_parameters(info.data.get("preset", "standard"), given)
        except OptionError as error:
            raise as_they_are([str(error)]) from error
        return given

    @property
    def sharers(self) -> int:
        """How many processes of this machine share its processors."""
        return self.workers if self.executor == "local" else 1

    def frame_range(self) -> tuple[int | None, int | None] | None:
        """Return the frames to read, first and stop, or None for the card's choice."""
        return parse_frames(self.frames) if self.frames else None

    def kernel_selection(self) -> KernelSelection:
        """Return which kernels of each layer are shown."""
        return KernelSelection.parse(self.kernels if self.kernels is not None else self._kernel_parameters().count)

    def concept_folders(self) -> list[ConceptFolder]:
        """Return the concepts to test, by their folders; the flag's go over those of the file's table."""
        return concept_folders(self.concepts or self.concept_parameters().folders)

    def weight_gradient_parameters(self) -> WeightGradientParameters:
        """Return the parameters of the method weight_gradients."""
        found = self.method_parameters()["weight_gradients"]
        assert isinstance(found, WeightGradientParameters)
        return found

    def concept_parameters(self) -> ConceptParameters:
        """Return the parameters of the method concepts."""
        found = self.method_parameters()["concepts"]
        assert isinstance(found, ConceptParameters)
        return found

    def without_effect(self) -> list[str]:
        """Return a sentence for each given parameter that the preset makes void."""
        found = self.method_parameters()
        return [
            sentence
            for name, given in self.parameters.items()
            for sentence in find_method(name).void(found[name], given)
        ]

    def _kernel_parameters(self) -> KernelParameters:
        found = self.method_parameters()["kernels"]
        assert isinstance(found, KernelParameters)
        return found

    def method_parameters(self) -> Mapping[str, Parameters]:
        """Return the parameters of every method: the preset's, overridden by the configuration file's tables."""
        return resolved_parameters(self.preset, self.parameters)
