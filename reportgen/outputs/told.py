"""Numbers as columns tell them, the same in every output."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reportgen.outputs.model import Amount, Form
from reportgen.reading import format as formats

_TELL: dict[Form, Callable[[float], str]] = {
    "fixed": formats.fixed,
    "fixed1": partial(formats.fixed, digits=1),
    "percent": formats.percent,
    "percent1": partial(formats.percent, digits=1),
    "count": lambda value: formats.count(int(value)),
    "duration": formats.duration,
}


def told(form: Form, value: Amount) -> str:
    """Return a number as its column tells it; a dash for what is not known."""
    return formats.ABSENT if value is None else _TELL.get(form, formats.number)(value)
