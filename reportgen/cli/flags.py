"""How flags are read that are written as lists, as JSON or as NAME=VALUE, and those of a build together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reportgen.errors import OptionError

if TYPE_CHECKING:
    from reportgen.config.options import BuildOptions

PARAMETER_FLAGS = {"weight_gradients": ("reference_class", "similar", "dissimilar")}
"""Flags that say a method's parameters, which else are said in its table of the configuration file."""

VALUE_EXAMPLES = {"clip_spec": '{"frames": 16}', "adapter": '{"as_list": true}', "model_args": '{"width": 8}'}


def read_options(flags: dict[str, Any]) -> BuildOptions:
    """Return what a build is asked to do: the flags over the configuration file; raises OptionError."""
    from reportgen.config.reading import load_options

    config = flags.pop("config", None)
    if flags.get("analyses"):
        flags["analyses"] = listed_names("analyses", flags["analyses"])
    for name in ("model_args", "clip_spec", "adapter"):
        flags[name] = json_object(name, flags.get(name))
    for method, names in PARAMETER_FLAGS.items():
        given = {name: value for name in names if (value := flags.pop(name, None)) is not None}
        if given:
            flags["parameters"] = {**flags.get("parameters", {}), method: given}
    if given := flags.pop("slurm", ()):
        flags["slurm"] = slurm_options(given)
    options = load_options(flags, config=config)
    if given and options.executor != "slurm":
        raise OptionError("--slurm says what jobs of SLURM ask for: add --executor slurm, or leave it out.")
    return options


def slurm_options(given: Sequence[str]) -> dict[str, Any]:
    """Return what ``--slurm`` was given: the named options, and those of sbatch as ``extra``."""
    from reportgen.config.slurm import SlurmOptions

    found: dict[str, Any] = {}
    extra = []
    for text in given:
        name, mark, value = text.partition("=")
        if name in SlurmOptions.model_fields and name != "extra":
            if not mark or not value:
                raise OptionError(f"--slurm {text!r} is not NAME=VALUE, such as partition=gpu.")
            if name in found:
                raise OptionError(f"--slurm {name} is given twice: leave one of them out.")
            is_number = name in ("minutes", "processors") and re.fullmatch(r"[0-9]{1,9}", value)
            found[name] = int(value) if is_number else value
        else:
            extra.append(text)
    return {**found, "extra": tuple(extra)} if extra else found


def listed_names(option: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return the names of all lists that a flag was given, each once; raises OptionError where there is none."""
    names = tuple(dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip()))
    if not names:
        raise OptionError(f"--{option} names nothing: write one name or several with commas between them.")
    return names


def json_object(option: str, text: str | None) -> dict[str, Any] | None:
    """Return the JSON object that a flag holds, None where it is not given; raises OptionError for anything else."""
    if text is None:
        return None
    flag = "--" + option.replace("_", "-")
    example = VALUE_EXAMPLES[option]
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionError(f"{flag} is not JSON ({error}): write an object such as '{example}'.") from error
    except RecursionError as error:
        raise OptionError(f"{flag} holds lists in lists without end: write an object such as '{example}'.") from error
    if not isinstance(value, dict):
        raise OptionError(f"{flag} is not a JSON object: write one such as '{example}'.")
    return value
