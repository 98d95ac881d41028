"""What a build is asked to do: defaults, then `reportgen.toml`, then flags; every bad value is reported at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from reportgen.audit.limits import Limits
from reportgen.errors import OptionError, unknown_name
from reportgen.records.identities import slug

BUNDLED_MODEL = "texture_motion"
CONFIG_FILE = "reportgen.toml"

_LONGEST_NAME = 80

Parameters = dict[str, Any]

#: What each preset asks of each analysis. A preset says how much is done, never what is true: the numbers that are
#: reported are always computed in float32 on the native clip.
PRESETS: dict[str, dict[str, Parameters]] = {
    "quick": {
        "kernels": {"count": 1, "steps": 32, "learning_rate": 0.1, "grow": True, "work": 600},
        "decomposition": {},
        "path": {"seeds": 0, "steps": 48},
        "pyramid": {"depth": 2, "draws": 5},
        "saliency": {"methods": ["gradients", "grad_cam"], "samples": 4, "steps": 8},
        "faithfulness": {
            "maps": 10,
            "steps": 4,
            "hidden": 8,
            "layers": 2,
            "noises": 0,
            "seeds": 1,
            "check_samples": 2,
            "check_steps": 4,
            "check_boxes": [2, 3, 3],
            "work": 1000,
        },
        "motion": {"draws": 2, "clips": 56, "work": 1000},
        "evidence": {},
    },
    "standard": {
        "kernels": {"count": 3, "steps": 96},
        "decomposition": {},
        "path": {"seeds": 1, "steps": 64},
        "pyramid": {"depth": 3, "draws": 20},
        "saliency": {
            "methods": [
                "gradients",
                "guided_backprop",
                "smoothgrad",
                "smoothgrad_guided",
                "integrated_gradients",
                "grad_cam",
            ],
            "samples": 16,
            "steps": 64,
        },
        "faithfulness": {
            "maps": 10,
            "steps": 6,
            "hidden": 24,
            "layers": 3,
            "noises": 1,
            "seeds": 2,
            "check_samples": 2,
            "check_steps": 4,
            "check_boxes": [2, 3, 3],
        },
        "motion": {"draws": 4, "clips": 64},
        "evidence": {},
    },
    "full": {
        "kernels": {"count": "all", "steps": 192},
        "decomposition": {},
        "path": {"seeds": 2, "steps": 384},
        "pyramid": {"depth": 3, "draws": 20},
        "saliency": {
            "methods": [
                "gradients",
                "input_x_gradient",
                "guided_backprop",
                "smoothgrad",
                "smoothgrad_guided",
                "integrated_gradients",
                "deeplift",
                "grad_cam",
                "guided_grad_cam",
                "occlusion",
            ],
            "samples": 32,
            "steps": 64,
        },
        "faithfulness": {
            "maps": 10,
            "steps": 14,
            "hidden": 64,
            "layers": 12,
            "noises": 4,
            "seeds": 3,
            "check_samples": 8,
            "check_steps": 16,
        },
        "motion": {"draws": 16, "clips": 256},
        "evidence": {},
    },
}


#: What an analysis takes over from another one unless it is told otherwise: it judges the other's answers.
FOLLOWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "faithfulness": ("saliency", ("methods", "samples", "baseline", "layer", "window")),
    "path": (
        "kernels",
        (
            "basis",
            "constraint",
            "radius",
            "learning_rate",
            "contrast",
            "total_variation",
            "temporal_smoothness",
            "jitter",
            "scale",
            "rotation",
            "power",
            "temporal_weight",
            "decorrelated",
            "precision",
        ),
    ),
}


class KernelSelection(BaseModel):
    """Which kernels of each layer are shown: `count` of them, all (None), or the `listed` ones."""

    model_config = ConfigDict(frozen=True)

    count: int | None = None
    listed: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str | int) -> KernelSelection:
        """Read ``3`` (three of them), ``all``, or a list such as ``0,4,8-11`` (``5,`` is kernel 5 alone)."""
        text = str(text).strip().lower()
        if text == "all":
            return cls()
        if re.fullmatch(r"\d+", text):
            if int(text) == 0:
                raise ValueError("--kernels 0 asks for nothing: leave the analysis out with --analyses instead")
            return cls(count=int(text))
        listed: list[int] = []
        for part in filter(None, text.split(",")):
            match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
            if match is None:
                raise ValueError(f"kernels {text!r} is not a number, 'all', or a list such as 0,4,8-11")
            first = int(match[1])
            listed.extend(range(first, int(match[2] or first) + 1))
        if not listed:
            raise ValueError(f"kernels {text!r} is not a number, 'all', or a list such as 0,4,8-11")
        return cls(listed=tuple(dict.fromkeys(listed)))


def parse_frames(text: str) -> tuple[int | None, int | None]:
    """Read a frame range ``A:B`` (B excluded, either may be left out, counted from 0)."""
    match = re.fullmatch(r"(\d*):(\d*)", text.strip())
    if match is None:
        raise ValueError(f"frames {text!r} is not a range A:B, such as 10:42 (frame 42 excluded) or 10:")
    first, stop = (int(part) if part else None for part in match.groups())
    if first is not None and stop is not None and stop <= first:
        raise ValueError(f"frames {text!r} holds no frame")
    return first, stop


class BuildOptions(BaseModel):
    """Everything that a build can be asked, with its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = (BUNDLED_MODEL,)
    names: tuple[str, ...] = Field(
        (),
        description="The networks' names in runs and reports, one for each of `models`; none: their cards' names.",
    )
    weights: Path | None = None
    untrained: bool = False
    model_args: dict[str, Any] = Field(default_factory=dict)
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
    classes: tuple[str, ...] = ()
    contrasts: tuple[tuple[str, str], ...] = Field(
        (), description="Pairs of classes: saliency asks why the first one rather than the second."
    )
    layers: tuple[str, ...] = ()
    select: tuple[str, ...] = Field(
        (),
        description="Globs over identities (i3d/s3*, i3d/conv1/0042, i3d/clip/class-0002): only what they select is "
        "computed and shown; none: everything.",
    )
    kernels: str | None = None
    analyses: tuple[str, ...] = ()
    preset: str = "standard"
    device: str = "auto"
    seed: int = Field(0, ge=0)
    runs: Path = Path("runs")
    site: Path = Path("site")
    choose: Literal["selective", "spread", "first"] = "selective"
    objective: Literal["firing", "channel", "neuron"] = Field(
        "firing", description="What a kernel's response is: mean of its rectified map, plain mean, or centre unit."
    )
    parameters: dict[str, Parameters] = Field(
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
            raise ValueError(f"give one --name for each --model, in their order ({len(names)} for {len(models)})")
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

    @field_validator("kernels", mode="before")
    @classmethod
    def _kernels(cls, kernels: str | int | None) -> str | None:
        if kernels is None:
            return None
        KernelSelection.parse(kernels)
        return str(kernels)

    @field_validator("device")
    @classmethod
    def _device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"device {device!r} is not auto, cpu, cuda or cuda:N")
        return device

    def frame_range(self) -> tuple[int | None, int | None] | None:
        """Return the frames to read, first and stop, or None for the card's choice."""
        return parse_frames(self.frames) if self.frames else None

    def kernel_selection(self) -> KernelSelection:
        """Return which kernels of each layer are shown."""
        count = self.kernels if self.kernels is not None else PRESETS[self.preset]["kernels"]["count"]
        return KernelSelection.parse(count)

    def analysis_parameters(self, analysis: str) -> Parameters:
        """Return the parameters of an analysis: the preset's, overridden by the configuration file's table."""
        merged = {**PRESETS[self.preset].get(analysis, {}), **self.parameters.get(analysis, {})}
        if analysis in FOLLOWS:
            other, names = FOLLOWS[analysis]
            taken = self.analysis_parameters(other)
            merged = {name: taken[name] for name in names if name in taken} | merged
        return {name: value for name, value in merged.items() if name != "count"}


def load_options(
    flags: Mapping[str, Any], *, config: Path | None = None, analyses: tuple[str, ...] = ()
) -> BuildOptions:
    """Return the options of a build: defaults, then the configuration file, then the flags that are not None.

    `config` None reads ``reportgen.toml`` of the working directory where there is one. `analyses` are the names of
    the known analyses. Raises OptionError that names every bad value.
    """
    values: dict[str, Any] = _read_config(config, analyses)
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    if "models" in given:
        values.pop("names", None)  # they are the names of the file's models
    values.update(given)
    problems: list[OptionError] = []
    preset = values.get("preset", "standard")
    if preset not in PRESETS:
        problems.append(unknown_name("preset", str(preset), PRESETS))
        values.pop("preset")
    for name in values.get("analyses", ()):
        if analyses and name not in analyses:
            problems.append(unknown_name("analysis", str(name), analyses))
    try:
        options = BuildOptions(**values)
    except ValidationError as error:
        problems.extend(OptionError(_sentence(problem)) for problem in error.errors())
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise OptionError("; ".join(str(problem).rstrip(".") for problem in problems) + ".")
    return options


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"There is no option {where!r}: `reportgen build --help` lists them."
    return f"The option {where} is not valid: {message}."


def _read_config(config: Path | None, analyses: tuple[str, ...]) -> dict[str, Any]:
    path = config or Path(CONFIG_FILE)
    if config is None and not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"Cannot read the configuration {path}: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is not valid TOML: {error}.") from error
    tables = {name: values.pop(name) for name in list(values) if name in analyses and isinstance(values[name], dict)}
    if tables:
        values["parameters"] = {**values.get("parameters", {}), **tables}
    return values
