"""Numbers as people read them. A figure that was not measured is a dash, never a zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from reportgen.reading.words import CLASSES, Words
from reportgen.records.answers.base import Answer

ABSENT = "–"


def number(value: float | int | None, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits, and no exponent between 0.001 and a million."""
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}·10{_superscript(int(exponent))}".replace("-", "−")
    if size >= 10 ** (digits - 1):
        text = f"{value:,.0f}".replace(",", "\u202f")
    else:
        text = f"{value:.{digits - 1 - math.floor(math.log10(size))}f}"
    return text.replace("-", "−")


def with_margin(value: float | None, margin: float | None) -> str:
    """Return `value` ± half of its interval's width, to the digit that the interval leaves; without one, two digits."""
    if value is None or margin is None or not margin > 0:
        return number(value, 2)
    decimals = min(max(0, -math.floor(math.log10(margin))), 3)
    return f"{value:.{decimals}f} ± {margin:.{decimals}f}".replace("-", "−")


def _superscript(value: int) -> str:
    return str(value).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def fixed(value: float | None, digits: int = 2) -> str:
    """Return a number with so many decimals, for columns of figures near 0 and 1; what rounds to zero is zero."""
    if value is None or math.isnan(value):
        return ABSENT
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 and text.startswith("-") else text).replace("-", "−")


def plain(value: float | int) -> str:
    """Return a number as it is for a table of figures: whole ones whole, others with four digits that matter."""
    if isinstance(value, int):
        return count(value)
    text = number(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text and "·" not in text else text


def count(value: int | None) -> str:
    """Return a whole number with its thousands apart."""
    return ABSENT if value is None else f"{value:,}".replace(",", "\u202f").replace("-", "−")


def percent(value: float | None, digits: int = 0) -> str:
    """Return a share as a percentage; what is not everything is never rounded to 100%, nor something to 0%.

    Of 99.7% it says ">99%": as "99%" it would be a number that it is not.
    """
    if value is None or math.isnan(value):
        return ABSENT
    value = value or 0.0  # no sign for nothing
    text = f"{100 * value:.{digits}f}"
    edge = 10.0**-digits
    if float(text) >= 100 and value < 1:
        return f">{100 - edge:.{digits}f}%"
    if float(text) == 0 and value:
        return f"<{edge:.{digits}f}%" if value > 0 else f">−{edge:.{digits}f}%"
    return f"{text}%".replace("-", "−")


_MORE_DIGITS = 6


def told_apart(tell: Callable[[float | None, int], str], digits: int, value: float | None, *others: float) -> list[str]:
    """Return `value` and `others` as `tell` writes them, to `digits` or as many more as it takes to tell them apart.

    Of two numbers of which one was judged by the other, both must not read the same: only the same number does.
    """
    found: list[str] = []
    for more in range(_MORE_DIGITS + 1):
        found = [tell(each, digits + more) for each in (value, *others)]
        if all(text != found[0] or other == value for text, other in zip(found[1:], others, strict=True)):
            break
    return found


def duration(seconds: float | None) -> str:
    """Return a time span in the two units that matter."""
    if seconds is None:
        return ABSENT
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def bytes_size(value: int | None) -> str:
    """Return a file size with its unit (powers of 1000)."""
    if value is None:
        return ABSENT
    size = float(value)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def shortened(text: str, most: int) -> str:
    """Return `text` if it has at most so many characters, else its beginning and an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def plural(value: int, word: str) -> str:
    """Return a count with its word: 1 clip, 2 clips."""
    return f"{count(value)} {word}{'' if value == 1 else 's'}"


def shape(values: Sequence[int | None] | None) -> str:
    """Return a shape, a kernel size or a receptive field as ``3×7×7``; None is all of an axis."""
    return ABSENT if not values else "×".join("all" if value is None else str(value) for value in values)


def receptive_field_text(values: Sequence[int | None] | None) -> str:
    """Return what a unit sees of the clip (t h w in px; None along an axis of which it sees all) in words."""
    if values is None:
        return "not known"
    if all(size is None for size in values):
        return "the whole clip"
    time, *space = values
    frames = "all frames" if time is None else plural(time, "frame")
    if all(size is None for size in space):
        return f"{frames}, all of each"
    return f"{frames} of {shape(space)} px"


def short_kernel_name(layer: str, index: int) -> str:
    """Return the name that fits on a card: ``s3.pathway0_res0.branch2.c``, 42 becomes ``s3 res0 c #42``."""
    return f"{short_layer_name(layer)} #{index}"


def short_layer_name(layer: str) -> str:
    """Return a layer's name without the parts that every layer of its family shares."""
    parts = layer.replace("pathway0_", "").split(".")
    kept = [part for part in parts if part not in ("branch2", "module")]
    return " ".join(kept or parts)


_LISTED = 6
"""Values of a list that a table shows at most; of a longer one it says the length."""


def answer_rows(answer: Answer | None, words: Words = CLASSES) -> list[tuple[str, str]]:
    """Return the plain figures of an answer for a table, each with what it means; none for one that is not there.

    What is explained stands by its title.
    """
    if answer is None:
        return []
    told = {"target"} if getattr(answer, "target_title", None) else set()
    found = answer.model_dump(mode="json", exclude_none=True, exclude=told)
    fields = type(answer).model_fields
    titles = {name: _described(name, fields[name].description) for name in found}
    if words.value != "logit" and "logit" in titles:
        titles["logit"] = words.value  # of a network without classes, and above no mean of theirs
    return [(titles[name], _in_words(value)) for name, value in found.items()]


_UPPER = {"psnr": "PSNR"}


def _described(name: str, meaning: str | None) -> str:
    title = _UPPER.get(name, name.replace("_", " "))
    return f"{title}: {meaning[:1].lower()}{meaning[1:].rstrip('.')}" if meaning else title


def parameter_rows(parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the parameters of a job for a table, without the clip and the target that its page is about."""
    return metric_rows({name: value for name, value in parameters.items() if name not in {"clip", "target"}})


def metric_rows(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the plain metrics of an answer for a table: numbers, words, truth values and short lists of them."""
    return [(name.replace("_", " "), _in_words(value)) for name, value in metrics.items()]


def _in_words(value: Any) -> str:
    text = str(value)
    if value is None or value in ([], {}):
        text = "–"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int | float):
        text = plain(value)
    elif isinstance(value, list) and len(value) <= _LISTED and not any(isinstance(one, list | dict) for one in value):
        text = ", ".join(map(_in_words, value))
    elif isinstance(value, list | dict):
        text = f"{plural(len(value), 'value')} (in the record)"
    return text
