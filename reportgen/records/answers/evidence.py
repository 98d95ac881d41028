"""How real clips drive every kernel of the shown layers."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from reportgen.records.answers.base import Answer, Measured

Example = tuple[int, Measured] | tuple[int, Measured, int, int, int]
"""A clip by its place in `names`, the response to it, and where (frame, y, x) it is largest, where that is known."""


def packed_statistics(rows: Iterable[Iterable[float | None]]) -> str:
    """Return rows of as many numbers each, one row for a kernel, as `OrderStatistics`; None is one not finite."""
    values = [math.nan if value is None else value for row in rows for value in row]
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")


def _packed(told: Any) -> Any:
    """Pack what a run of an earlier version has as lists of lists."""
    return packed_statistics(told) if isinstance(told, list | tuple) else told


OrderStatistics = Annotated[str, BeforeValidator(_packed)]
"""Numbers of all kernels of a layer in base64: float32, little-endian, kernel after kernel.

As numbers of JSON they were two thirds of the largest record of a run.
"""


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
    quantiles: OrderStatistics = Field(
        description="Of each kernel as many order statistics of its responses, the smallest first: float32, "
        "little-endian, kernel after kernel, in base64."
    )
    field: tuple[int, int, int] | None
    most: tuple[tuple[Example, ...], ...]
    least: tuple[tuple[Example, ...], ...]
    drawn: tuple[tuple[Example, ...], ...]

    @cached_property
    def _statistics(self) -> bytes:
        return base64.b64decode(self.quantiles, validate=True)

    def statistics(self, kernel: int) -> list[float]:
        """Return the kept order statistics of a kernel's responses, the smallest first, but for those not finite.

        None of a kernel that the layer has not.
        """
        if kernel >= self.kernels:
            return []
        size = len(self._statistics) // self.kernels // 4
        found = struct.unpack_from(f"<{size}f", self._statistics, 4 * size * kernel)
        return [value for value in found if math.isfinite(value)]

    @model_validator(mode="after")
    def _whole_rows(self) -> Self:
        try:
            size = len(binascii.a2b_base64(self.quantiles, strict_mode=True)) if self.quantiles else 0
        except binascii.Error as error:
            raise ValueError("quantiles: no base64") from error
        if size % (4 * max(self.kernels, 1)):
            raise ValueError("quantiles: not as many for every kernel")
        return self


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
