"""Fields that a user sets over a card's: checked before any work, each fault said with the flag that holds it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reportgen.errors import OptionError
from reportgen.records.base import Frozen
from reportgen.records.card import Adapter, ClipSpec
from reportgen.wording import option

Flag = Literal["--clip-spec", "--adapter"]
Overridden = TypeVar("Overridden", bound=Frozen)


def merged(
    kind: type[Overridden], base: Mapping[str, Any], given: Frozen | Mapping[str, Any] | None, flag: Flag
) -> Overridden:
    """Return what `base` becomes with the `given` fields in it.

    Raises OptionError in one sentence that names every bad field, and `flag`.
    """
    if isinstance(given, kind):
        return given
    try:
        return kind.model_validate({**base, **fields(given)})
    except ValidationError as error:
        named = [str(fault["loc"][0]) for fault in error.errors(include_url=False) if fault["loc"]] or list(
            fields(given)
        )
        raise OptionError(f"{option(flag, fields=named)} is not valid: {_faults(kind, error)}.") from error


def fields(given: Frozen | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields that were given: all of a whole value, those named of a mapping, none of None."""
    return given.model_dump() if isinstance(given, Frozen) else dict(given or {})


def check_fields(clip: ClipSpec | Mapping[str, Any] | None, adapter: Adapter | Mapping[str, Any] | None) -> None:
    """Raise OptionError when a given field can be no field of any clip or adapter."""
    merged(Adapter, {}, adapter, "--adapter")
    spec = fields(clip)
    channels = _channels(spec)
    base = {"frames": 1, "height": 1, "width": 1, "mean": (0.5,) * channels, "std": (0.25,) * channels}
    merged(ClipSpec, {**base, "channels": channels}, clip, "--clip-spec")


def _channels(spec: Mapping[str, Any]) -> int:
    """Return how many channels the given fields speak of; 3 where they say nothing of it."""
    lengths = [len(spec[name]) for name in ("mean", "std") if isinstance(spec.get(name), list | tuple)]
    said = spec.get("channels", lengths[0] if lengths else 3)
    return said if isinstance(said, int) and 0 < said <= 1 << 16 else 3


def _faults(kind: type[Frozen], error: ValidationError) -> str:
    return "; ".join(dict.fromkeys(_fault(kind.model_fields, fault) for fault in error.errors(include_url=False)))


def _fault(known: Iterable[str], fault: ErrorDetails) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        return f"there is no field {name!r} ({advice})"
    place = ".".join(map(str, fault["loc"]))
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
