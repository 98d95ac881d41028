"""How real clips drive every kernel of the shown layers."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured

Example = tuple[int, Measured] | tuple[int, Measured, int, int, int]
"""A clip by its place in `names`, the response to it, and where (frame, y, x) it is largest, where that is known."""


class LabelWord(Answer):
    """The label word that tells best which clips drive a kernel; `others` is what the labels' other part may be.

    `q` is the share of false ones among the layer's kernels whose word leads as far, by the null of the best of all
    words; `low` and `high` are the AUROC's 95% interval over clips, of which `clips` have the word.
    Of the `strongest` of these that drive the kernel most, `most` have `most_other` in the labels' other part.
    """

    text: str
    auroc: float
    others: tuple[str, ...] = ()
    other: Measured = None
    p: Measured = None
    q: Measured = None
    low: Measured = None
    high: Measured = None
    clips: int | None = Field(None, ge=0)
    most_other: str = ""
    most: int = Field(0, ge=0)
    strongest: int = Field(0, ge=0)


class LayerEvidence(Answer):
    """One layer; lists by kernel. `dead` is None where there were too few clips to tell.

    `comparable` kernels are driven by clips enough for duplicates to be told; None in runs that did not count them.
    """

    kernels: int = Field(ge=0)
    dead: tuple[int, ...] | None
    duplicates: tuple[tuple[int, int, float], ...]
    comparable: int | None = Field(None, ge=0)
    words: tuple[LabelWord, ...]
    held: tuple[LabelWord, ...] = Field(
        (), description="Words that lead on the half of the clips that chooses kernels, by the other half."
    )
    quantiles: tuple[tuple[Measured, ...], ...]
    field: tuple[int, int, int] | None
    most: tuple[tuple[Example, ...], ...]
    least: tuple[tuple[Example, ...], ...]
    drawn: tuple[tuple[Example, ...], ...]


class EvidenceAnswer(Answer):
    """What the pass over the reference clips found; `names` are the clips that examples count into."""

    analysis: ClassVar[str] = "evidence"

    objective: str
    clips: int = Field(ge=0)
    labelled: int = Field(ge=0)
    unreadable: int = Field(ge=0)
    reasons: dict[str, str]
    names: tuple[str, ...]
    change: tuple[Measured, ...] = Field(
        (), description="Mean change of a pixel from frame to frame, as a share of the clip's spread; by `names`."
    )
    sample: tuple[str, ...] = Field((), description="The clips whose responses are kept as arrays.")
    connected: tuple[str, ...] = Field(
        (), description="The layers of the connection graph, which the stored connections count into."
    )
    layers: dict[str, LayerEvidence]
