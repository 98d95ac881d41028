"""What a concept's pictures or clips drive, beside the reference clips."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from reportgen.records.answers.base import Answer, Measured

Shown = tuple[int, Measured]
"""A clip by its place in `names`, and the response to it."""


class ConceptLayer(Answer):
    """One layer's kernels, in lists by kernel; None where a figure cannot be told.

    `score` is the standard score over the reference clips, `auroc` how often a clip of the concept drives the kernel
    more than a reference clip, `low` and `high` its 95% interval, `q` over all kernels of all layers, and `rank` 1
    for the kernel of the largest AUROC of all layers.
    """

    score: tuple[Measured, ...]
    auroc: tuple[Measured, ...]
    low: tuple[Measured, ...]
    high: tuple[Measured, ...]
    p: tuple[Measured, ...]
    q: tuple[Measured, ...]
    rank: tuple[int, ...]

    @model_validator(mode="after")
    def _by_kernel(self) -> ConceptLayer:
        lists = (self.score, self.auroc, self.low, self.high, self.p, self.q, self.rank)
        if len({len(values) for values in lists}) != 1:
            raise ValueError("a layer's lists have one figure for each kernel")
        return self


class LayerProfile(Answer):
    """Every kernel of a shown layer: its mean response to the concept, beside the 5th, 50th and 95th percentile of its
    responses to the reference clips."""

    mean: tuple[Measured, ...]
    low: tuple[Measured, ...]
    middle: tuple[Measured, ...]
    high: tuple[Measured, ...]

    @model_validator(mode="after")
    def _by_kernel(self) -> LayerProfile:
        if len({len(values) for values in (self.mean, self.low, self.middle, self.high)}) != 1:
            raise ValueError("a profile's lists have one figure for each kernel")
        return self


class LeadingKernel(Answer):
    """A kernel that the concept drives: the concept's clips in order of response, and the strongest reference clips."""

    layer: str
    index: int = Field(ge=0)
    clips: tuple[Shown, ...]
    best: tuple[Shown, ...]


class ConceptAnswer(Answer):
    """One concept against the reference clips."""

    analysis: ClassVar[str] = "concepts"

    concept: str = Field(description="Its name, as given.")
    source: Literal["given", "generated"]
    objective: str
    clips: int = Field(ge=0, description="Pictures and clips that were compared, each once.")
    still: int = Field(ge=0, description="Of these, pictures repeated over time, and clips in which nothing moves.")
    repeated: int = Field(ge=0, description="Clips left out because the concept has them already.")
    unreadable: int = Field(ge=0)
    reasons: dict[str, str]
    reference: int = Field(ge=0, description="Reference clips that it was compared with.")
    shared: int = Field(ge=0, description="Reference clips left out because they are clips of the concept.")
    labelled: int = Field(ge=0, description="Reference clips left out because their label is the concept's name.")
    least: int = Field(ge=1, description="Clips that a test needs on either side.")
    tested: int = Field(ge=0, description="Kernels with a p: the family that q is over.")
    kernels: int = Field(ge=0)
    methods: dict[str, int] = Field(description="How many kernels' p came from: exact, normal, bound, none.")
    names: tuple[str, ...] = Field((), description="The clips that are shown.")
    layers: dict[str, ConceptLayer]
    profiles: dict[str, LayerProfile]
    leading: tuple[LeadingKernel, ...]

    @model_validator(mode="after")
    def _leads_somewhere(self) -> ConceptAnswer:
        for kernel in self.leading:
            layer = self.layers.get(kernel.layer)
            if layer is None or kernel.index >= len(layer.rank):
                raise ValueError("a leading kernel is one of the measured ones")
            if any(not 0 <= place < len(self.names) for place, _ in (*kernel.clips, *kernel.best)):
                raise ValueError("a clip that is shown is one of the named ones")
        return self
