"""Names in options that there are not, and all faults of options in one error."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, get_args

from reportgen.analyses.method import PresetName
from reportgen.analyses.registry import methods
from reportgen.errors import OptionError, unknown_name

_MOST_SAID = 20
"""Bad values that are told at once."""


def unknown_options(values: dict[str, Any], options: Collection[str]) -> list[OptionError]:
    """Return the errors of a preset, analyses and options that there are not, and take them out of `values`.

    `options` are the names of all options.
    """
    return [*_unknown_names(values), *_no_options(values, options)]


def raise_all(problems: Sequence[OptionError]) -> None:
    """Raise the problems as one error; nothing where there is none."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        more = f" And {len(problems) - _MOST_SAID} more." if len(problems) > _MOST_SAID else ""
        raise OptionError(" ".join(str(problem) for problem in problems[:_MOST_SAID]) + more)


def _unknown_names(values: dict[str, Any]) -> list[OptionError]:
    """Return the errors of a preset and of analyses that there are not, and take them out of `values`."""
    problems: list[OptionError] = []
    presets, known = get_args(PresetName), methods()
    if isinstance(values.get("preset"), str) and values["preset"] not in presets:
        problems.append(unknown_name("preset", values.pop("preset"), presets))
    if isinstance(chosen := values.get("analyses"), list | tuple):
        problems.extend(unknown_name("analysis", str(name), known) for name in chosen if name not in known)
        values["analyses"] = [name for name in chosen if name in known]
    return problems


def _no_options(values: dict[str, Any], options: Collection[str]) -> list[OptionError]:
    known = [*options, *methods()]
    unknown = [name for name in values if name not in options]
    for name in unknown:
        del values[name]
    return [OptionError(str(unknown_name("option", name, known))) for name in unknown]
