"""Which kernels of each layer a report shows, as a person writes it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from reportgen.wording import option

ChooseBy = Literal["important", "selective", "spread", "first"]
"""Which kernels are shown where some of a layer are: see `reportgen.analyses.choice.select`."""


MOST_LISTED_KERNELS = 1_000_000
"""More than any layer has: a longer range is a slip of the pen, and would fill the memory."""


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
                raise ValueError(
                    "0 kernels are none: write '0,' for kernel 0 alone, or leave the method out of "
                    f"{option('--analyses')}"
                )
            return cls(count=int(text))
        listed: list[int] = []
        for part in filter(None, text.split(",")):
            match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
            if match is None:
                raise ValueError(f"kernels {text!r} is not a number, 'all', or a list such as 0,4,8-11")
            first = int(match[1])
            last = int(match[2] or first)
            if last >= MOST_LISTED_KERNELS:
                raise ValueError(f"no layer has a kernel {last}: name kernels below {MOST_LISTED_KERNELS}")
            listed.extend(range(first, last + 1))
        if not listed:
            raise ValueError(f"kernels {text!r} is not a number, 'all', or a list such as 0,4,8-11")
        return cls(listed=tuple(dict.fromkeys(listed)))


def _as_text(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise PydanticCustomError(
            "kernel_selection", 'it must be a whole number, "all", or a list in quotes such as "0,4,8-11"'
        )
    KernelSelection.parse(given)
    return str(given)


SelectionText = Annotated[
    str, BeforeValidator(_as_text), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
"""A `KernelSelection` as it is written; of a number, the file's own may stand there."""
