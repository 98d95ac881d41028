"""Model cards: everything that the program must know about a network and cannot ask it.

A card is a `card.toml` in a folder of the zoo (``modelzoo/<name>/``). It names the architecture's source, the
published weights, how a clip is prepared, the labels, and the layers that the published reports show.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictInt, model_validator

from reportgen.records.base import Frozen
from reportgen.records.paths import FileName, check_relative


def _inside(path: str) -> str:
    try:
        return check_relative(path)
    except ValueError as error:
        raise ValueError(f"{path!r} must be a relative path inside the zoo") from error


RelativePath = Annotated[str, AfterValidator(_inside)]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]


class Architecture(Frozen):
    """Where the network's definition is: a file of the zoo and the function in it that builds the module."""

    source: RelativePath = Field("arch.py", description="Python file, relative to the card's folder.")
    shared: bool = Field(False, description="True when `source` is relative to the zoo's root (a family's file).")
    factory: str = Field("build", description="Function of the card that returns the torch.nn.Module.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="What distinguishes this member of a family.")


class WeightsSource(Frozen):
    """One published file of weights."""

    file: FileName = Field(description="File name; bundled weights lie beside the card under this name.")
    url: str | None = Field(None, description="Address for `reportgen fetch`.")
    page: str | None = Field(None, description="Where a person gets the file when it cannot be fetched.")
    package: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Python package that brings the file: it is read where that is installed, and not imported.",
    )
    sha256: str | None = None
    size: int | None = Field(None, description="Bytes.")
    licence: str | None = None
    container: str = Field("state_dict", description="state_dict, safetensors, caffe2, lightning, ...")
    layout: str | None = Field(None, description="Name of the key layout, where a network has several.")
    trained_on: str | None = None
    bundled: bool = False


MOST_CLIP_VALUES = 2**30
"""Of a clip: 4 GiB of float32."""


# Far beyond any network's, and far within what a float of 32 bits holds.
_Level = Annotated[float, Field(ge=-1e9, le=1e9)]
_Spread = Annotated[float, Field(ge=1e-9, le=1e9)]
_Rate = Annotated[float, Field(gt=0, le=1e9)]
_Side = Annotated[StrictInt, Field(ge=1, le=1 << 24)]


class ClipSpec(Frozen):
    """How the network's training fed it a clip: its native size, and the way from pixels to its input."""

    frames: StrictInt = Field(ge=1)
    height: StrictInt = Field(ge=1)
    width: StrictInt = Field(ge=1)
    channels: StrictInt = Field(3, ge=1)
    mean: tuple[_Level, ...] = Field(description="Per channel, in units of `value_range`, in `channel_order`.")
    std: tuple[_Spread, ...] = Field(description="Per channel, in units of `value_range`, in `channel_order`.")
    value_range: tuple[_Level, _Level] = Field(
        (0.0, 1.0), description="What black and white become before mean and std."
    )
    channel_order: Literal["RGB", "BGR"] = "RGB"
    frame_step: StrictInt = Field(1, ge=1, description="Every how manyth frame of a video is taken.")
    frame_rate: _Rate | None = Field(None, description="Frames/s that the video is resampled to before; None: its own.")
    resize: _Side | tuple[_Side, _Side] | None = Field(
        None, description="Short side, or (height, width), in px before the centre crop; None: the crop's short side."
    )

    @model_validator(mode="after")
    def _lengths(self) -> ClipSpec:
        if not (len(self.mean) == len(self.std) == self.channels):
            raise ValueError(f"mean and std must have {self.channels} values each, one per channel")
        if math.prod(self.shape) > MOST_CLIP_VALUES:
            size = f"{self.frames} frames of {self.width} x {self.height} px"
            raise ValueError(f"{size} are a clip of {4 * math.prod(self.shape) >> 30:,} GiB: no more than 4 are read")
        if self.value_range[1] <= self.value_range[0]:
            raise ValueError("value_range must rise")
        return self

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Native clip as C T H W."""
        return (self.channels, self.frames, self.height, self.width)


class Adapter(Frozen):
    """How a clip `N C T H W` becomes what the network is called with, and what its answer means."""

    input: Literal["clip", "clips", "frame", "frames", "stacked_frames", "pathways"] = Field(
        "clip",
        description="clip: one tensor in the order of `layout`. clips: a list of the clips of a call, each without N. "
        "frame: the clip's only frame, without T. frames: a list of its frames, each without T. stacked_frames: the "
        "frames along the channel axis, N (T C) H W. pathways: a list of clips, one per entry of `strides`.",
    )
    layout: Literal["N C T H W", "N T C H W", "N T H W C", "N C H W T", "N 1 C T H W"] = Field(
        "N C T H W",
        description="Order of the axes of a clip; of a frame, without T. 1 is an axis of length one: of several views "
        "of a clip, say.",
    )
    numbers: Literal["float32", "uint8"] = Field(
        "float32", description="uint8: the network asks for bytes; the clip's value_range is then [0, 255]."
    )
    strides: tuple[int, ...] = Field((), description="Temporal stride of each pathway (SlowFast: [4, 1]); () is [1].")
    as_list: bool = Field(False, description="True when the network takes its clip inside a list.")
    as_tuple: bool = Field(False, description="True when that list, or the list of `input`, is a tuple.")
    keys: tuple[str, ...] = Field(
        (), description="Keys of the dictionary in which the network takes its clip, or its pathways, in order."
    )
    as_arguments: bool = Field(False, description="True when each pathway or frame is an argument of its own.")
    keywords: tuple[str, ...] = Field((), description="Names by which the network takes its arguments, in order.")
    constants: dict[str, bool | int | float | str | None] = Field(
        default_factory=dict, description="Further keyword arguments of every call, e.g. return_dict."
    )
    batch: int | None = Field(
        None,
        ge=1,
        description="How many clips every call must hold; None: any number. A clip is then given so many times, and "
        "its answer is the mean of theirs. 1 also keeps clips apart whose answers depend on each other.",
    )
    seed: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="For a network that draws random numbers when it answers: the seed of torch with which every call "
        "begins. None: it draws none.",
    )
    output: tuple[int | str, ...] = Field(
        (), description="Path of indices and keys from what the network returns to the class scores."
    )
    scores: Literal["logits", "probabilities", "none"] = Field(
        "logits", description="What the network returns; probabilities: logits are read before the final softmax."
    )
    probabilities: Literal["softmax", "sigmoid"] | None = Field(
        "softmax",
        description="What makes probabilities of class logits: softmax where one class excludes the others, sigmoid "
        "where each is true or not by itself; None: not known, and none are told. One logit always has the sigmoid.",
    )
    rows: Literal["clips", "frames"] = Field(
        "clips",
        description="frames: the first axis of the output holds the frames of every clip, N*T rows, clip by clip; it "
        "is split into N T before `average` and `answer` count its axes.",
    )
    average: tuple[int, ...] = Field((), description="Axes of the output that are averaged first (N K T: [2]).")
    answer: Annotated[str, Field(pattern=r"^N( [KTCHW1.])*$")] | None = Field(
        "N K",
        description="Axes of the output, averaged ones left out: K classes, T time, C channels, H, W, 1 for an axis of "
        "length one, a dot for any other. N K T is averaged over time; N or N 1 with logits is one logit, for and "
        "against. With scores none: what is explained instead of classes; None is nothing.",
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_said(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("scores") == "none" and "answer" not in values:
            return {**values, "answer": None}
        return values

    @property
    def classes_apart(self) -> bool:
        """Whether each class is true or not by itself, so that no other one has a part in what its logit says."""
        return self.probabilities == "sigmoid" and not self.one_logit

    @property
    def one_logit(self) -> bool:
        """Whether the network answers with a single logit per clip: yes or no."""
        return self.scores != "none" and self.answer is not None and not set(self.answer.split()) - {"N", "1"}

    @model_validator(mode="after")
    def _answers(self) -> Adapter:
        letters = (self.answer or "").split()
        named = [letter for letter in letters if letter not in {"1", "."}]
        if len(named) != len(set(named)):
            raise ValueError("answer names an axis twice")
        if self.scores != "none" and "K" not in letters and not self.one_logit:
            raise ValueError(f"answer {self.answer!r} has no axis K of classes: name it, or set scores to 'none'")
        return self

    @model_validator(mode="after")
    def _inputs(self) -> Adapter:
        if self.input == "stacked_frames" and self.layout != "N C T H W":
            raise ValueError("layout of stacked frames is always N (T C) H W: leave it out")
        if self.layout == "N 1 C T H W" and self.input not in {"clip", "pathways"}:
            raise ValueError(f"layout N 1 C T H W is of clips, not of {self.input}")
        if self.keys and (self.as_list or self.as_tuple or self.as_arguments):
            raise ValueError("keys are of a dictionary: leave out as_list, as_tuple and as_arguments")
        return self


class Stage(Frozen):
    """One layer that reports show."""

    layer: str = Field(description="Name of the module in the network, e.g. s2.pathway0_res0.branch2.c")
    title: str


class GeneratedConcept(Frozen):
    """A concept that a generator can make clips of: all of some labels."""

    name: str
    labels: str = Field(description="Glob over the labels of its clips.")
    count: int = Field(6, ge=1, description="Clips that it has at most.")


class Generator(Frozen):
    """A file of the zoo that makes labelled reference clips from a seed: the first ones are the same of any count."""

    source: RelativePath = "clips.py"
    factory: str = "reference_clips"
    count: int = Field(56, ge=1)
    seed: int = 0
    shown: tuple[str, ...] = Field((), description="Labels of which one clip each is shown when no clip is given.")
    concepts: tuple[GeneratedConcept, ...] = Field(
        (), description="Concepts to test where none is given, of as many clips of another seed, none a reference clip."
    )


class ModelCard(Frozen):
    """Everything that must be known about a network beside the network itself."""

    name: Name
    title: str
    summary: str = ""
    aliases: tuple[Name, ...] = ()
    architecture: Architecture = Architecture()
    weights: tuple[WeightsSource, ...] = ()
    clip: ClipSpec
    adapter: Adapter = Adapter()
    labels: RelativePath | None = Field(
        None, description="File with one class name per line, relative to the card; `_labels/...`: to the zoo's root."
    )
    classes: int | None = Field(None, description="Number of classes; None: the network has none.")
    classifier: str | None = Field(None, description="Name of the layer whose output is the class logits.")
    stages: tuple[Stage, ...] = ()
    generator: Generator | None = None
    parameters: int | None = Field(None, description="Recorded number of parameters; a contract test compares.")
    multiply_adds: float | None = Field(None, description="Recorded multiply-adds of one native clip, in 1e9.")
    licence: str | None = Field(None, description="Licence of the definition and the weights, as published.")
    citation: str | None = None
    checked_against: str | None = Field(None, description="What the definition was checked against, in a sentence.")
    figures: dict[str, float] = Field(default_factory=dict, description="Recorded figures, e.g. accuracy.")
    notes: tuple[str, ...] = ()
