"""Where options come from: defaults, then `reportgen.toml`, then flags; every bad value is reported at once."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.config.unknown import raise_all, unknown_options
from reportgen.errors import OptionError, printable, speaking
from reportgen.records.files import read_text
from reportgen.records.validation import sentences
from reportgen.wording import COMMAND_LINE, option

CONFIG_FILE = "reportgen.toml"


@speaking(COMMAND_LINE)
def load_options(flags: Mapping[str, Any], *, config: Path | None = None, no_file: bool = False) -> BuildOptions:
    """Return the options of a build: defaults, then the configuration file, then the flags that are not None.

    `config` None reads ``reportgen.toml`` of the working directory where there is one; it may not name programs
    (factories, exported programs, zoo folders), as a file that is given may. With `no_file` none is read. Raises
    OptionError that names every bad value.
    """
    values = {} if no_file else _read_config(config)
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    given_slurm = given.get("slurm") or {}
    file_slurm = values.get("slurm")
    if config is None:
        unsaid = {name: value for name, value in values.items() if name not in given or name == "slurm"}
        _refuse_programs({**unsaid, "slurm": _without(file_slurm, given_slurm)})
    if "models" in given:
        values.pop("names", None)  # they are the names of the file's models
    tables = _merged(values.get("parameters"), given.get("parameters"))
    values.update(given)
    if tables is not None:
        values["parameters"] = tables
    if isinstance(file_slurm, dict) and isinstance(given_slurm, dict):
        values["slurm"] = {**file_slurm, **given_slurm}  # one flag does not take the file's partition away
    if isinstance(clips := values.get("clips"), list | tuple):
        values["clips"] = [_address(clip) if isinstance(clip, str) else clip for clip in clips]
    problems = [*_impossible_texts(values), *unknown_options(values, BuildOptions.model_fields)]
    try:
        # As JSON, in which a list may stand for a tuple and text for a path, and nothing else for anything else.
        options = BuildOptions.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        problems.extend(OptionError(sentence) for sentence in sentences(error, BuildOptions))
    raise_all(problems)
    return options


def _without(table: Any, others: Any) -> Any:
    """Return a table without the values that others replace."""
    return {name: value for name, value in table.items() if name not in others} if isinstance(table, dict) else table


def _merged(file: Any, flags: Any) -> Any:
    """Return the methods' tables of the file with those of the flags over them, value by value."""
    if not (isinstance(file, dict) and isinstance(flags, dict)):
        return flags if flags is not None else file
    both = {name: {**file[name], **flags[name]} for name in file if name in flags and isinstance(file[name], dict)}
    return {**file, **flags, **both}


def _refuse_programs(values: Mapping[str, Any]) -> None:
    """Raise OptionError where a file that nobody named would have programs run: it may have come with a folder."""
    models = values.get("models", ())
    named = [model for model in models if isinstance(model, str) and (":" in model or model.lower().endswith(".pt2"))]
    found = [f"the model {model}" for model in named] if isinstance(models, list | tuple) else []
    if values.get("zoo"):
        found.append("a zoo folder")
    if isinstance(slurm := values.get("slurm"), dict) and slurm.get("extra"):
        found.append("options of sbatch, which may start containers")
    if found:
        raise OptionError(
            f"{CONFIG_FILE} of this folder names programs ({', '.join(found)}) and was only found here: "
            f"if you trust it, give it by {option('--config', CONFIG_FILE)}."
        )


def _address(clip: str) -> str:
    """Return a clip's path as text: as it is, or, where its name is not UTF-8, as the address of its file."""
    if printable(clip) == clip:
        return clip
    place, mark, part = (clip, "", "") if Path(clip).exists() or "::" not in clip else clip.rpartition("::")
    return f"{Path(place).absolute().as_uri()}{mark}{part}"


def _impossible_texts(values: dict[str, Any]) -> list[OptionError]:
    """Return the errors of paths and names that no file can have or no document can hold; take them out of `values`."""
    problems: list[OptionError] = []
    for name in list(values):
        given = values[name] if isinstance(values[name], list | tuple) else [values[name]]
        for text in (str(one) for one in given if isinstance(one, str | Path)):
            fault = _fault_of_text(text)
            if fault is not None:
                problems.append(OptionError(f"The option {name} is {printable(text)!r}: {fault}"))
                values.pop(name, None)
    return problems


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "it holds a NUL, which no path or name can."
    if printable(text) != text:
        return "it is not UTF-8 text: rename it, or set a locale such as LC_ALL=C.UTF-8 and write it again."
    return None


def _read_config(config: Path | None) -> dict[str, Any]:
    """Return the values of the configuration file, those of the methods' tables as `parameters`."""
    path = config or Path(CONFIG_FILE)
    if config is None and not path.is_file():
        return {}
    try:
        values = tomllib.loads(read_text(path, "utf-8-sig"))  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OptionError(f"Cannot read the configuration {path}: {why}.") from error
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise OptionError(f"{path} is not valid TOML: it holds lists in lists without end.") from error
    options = BuildOptions.model_fields
    tables = {
        name: values.pop(name)
        for name in list(values)
        if name in methods() and (name not in options or isinstance(values[name], dict))
    }
    if tables:
        values["parameters"] = {**values.get("parameters", {}), **tables}
    return values
