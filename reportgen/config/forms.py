"""The forms in which a caller from Python gives the options of a build, beside those of a configuration file."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, SupportsIndex, TypedDict, TypeGuard

from reportgen.analyses.choice.selection import ChooseBy
from reportgen.analyses.method import PresetName
from reportgen.audit.limits import Limits
from reportgen.config.slurm import SlurmOptions
from reportgen.records.objective import Objective

MediaAmount = Literal["standard", "full"]
ExecutorName = Literal["local", "slurm"]

#: Options of several values, for which one may stand alone.
_SEVERAL = ("models", "names", "zoo", "clips", "concepts", "classes", "targets", "layers", "select", "analyses")


class BuildKeywords(TypedDict, total=False):
    """The fields of BuildOptions as keyword arguments."""

    models: str | Sequence[str]
    names: str | Sequence[str]
    weights: str | Path | None
    weights_key: str | None
    untrained: bool
    model_args: Mapping[str, Any]
    clip_spec: Mapping[str, Any]
    adapter: Mapping[str, Any]
    labels: str | Path | None
    zoo: str | Path | Sequence[str | Path]
    clips: str | Path | Sequence[str | Path]
    frames: str | tuple[int | None, int | None] | None
    reference: str | Path | None
    concepts: str | Sequence[str] | Mapping[str, str | Path]
    classes: str | int | Sequence[str | int]
    targets: str | Sequence[str]
    contrasts: Sequence[tuple[str | int, str | int]]
    layers: str | Sequence[str]
    select: str | Sequence[str]
    kernels: str | int | Sequence[int] | None
    analyses: str | Sequence[str]
    preset: PresetName
    device: str
    threads: int | None
    workers: int
    gpus: int | None
    executor: ExecutorName
    slurm: SlurmOptions | Mapping[str, Any]
    seed: int
    runs: str | Path
    site: str | Path
    arrows: bool
    media: MediaAmount
    max_size: int | str
    choose: ChooseBy
    objective: Objective
    parameters: Mapping[str, Mapping[str, Any]]
    check: Limits | Mapping[str, Any]


def as_in_a_file(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a configuration file has them: lists for one value alone, text for paths and numbers."""
    values = dict(given)
    for name in (name for name in _SEVERAL if name in values):
        values[name] = _several(values[name])
    if isinstance(pairs := values.get("contrasts"), list | tuple):
        values["contrasts"] = [tuple(map(_text, pair)) if isinstance(pair, list | tuple) else pair for pair in pairs]
    if isinstance(frames := values.get("frames"), list | tuple) and len(frames) == 2:
        values["frames"] = ":".join("" if one is None else str(one) for one in frames)
    kernels = values.get("kernels")
    if isinstance(kernels, Iterable) and not isinstance(kernels, str | bytes):
        values["kernels"] = "".join(f"{one}," for one in kernels)
    elif _is_index(kernels):
        values["kernels"] = operator.index(kernels)
    return values


def _several(given: Any) -> Any:
    if isinstance(given, Mapping):
        return [f"{name}={_text(value)}" for name, value in given.items()]
    if isinstance(given, str | os.PathLike) or _is_index(given):
        return [_text(given)]
    return [_text(one) for one in given] if isinstance(given, Iterable) else given


def _text(given: Any) -> Any:
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    return str(given.__index__()) if _is_index(given) else given


def _is_index(given: Any) -> TypeGuard[SupportsIndex]:
    """Whether it is a whole number, Python's or NumPy's; truth is none."""
    return hasattr(given, "__index__") and not isinstance(given, bool)
