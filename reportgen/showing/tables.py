"""A result's rows: one for each kernel, clip, probe, filter or verdict, whatever it has several of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.concepts.compare import ConceptTests
from reportgen.analyses.decomposition.decompose import Decomposition
from reportgen.analyses.faithfulness.evaluation import Faithfulness, Probes
from reportgen.analyses.kernels.maximize import Maximization
from reportgen.analyses.motion.motion_audit import MotionAudit
from reportgen.analyses.multiscale.maximize import GrownPicture, MultiscaleMaximization
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid
from reportgen.analyses.responses.maps import ResponseMaps
from reportgen.analyses.saliency.attribution import Attribution
from reportgen.analyses.weight_gradients.gradients import FilterGradients, WeightGradients
from reportgen.audit.verdicts import Verdict
from reportgen.epochs.comparison import AuditComparison
from reportgen.epochs.network_audit import NetworkAudit
from reportgen.errors import OptionError
from reportgen.result import ShownResult, as_array

Row = dict[str, Any]

_LONGEST = 8
"""Values of a tuple that is told as a figure; a longer one is an array."""


def frame_of(result: ShownResult) -> Any:
    """Return the rows of a result as a pandas DataFrame; raises OptionError where pandas is not installed."""
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise OptionError("A table in memory needs pandas: install it, or save the result as .csv.") from error
    return pandas.DataFrame(rows_of(result))


def figures_of(result: Any) -> dict[str, Any]:
    """Return the numbers, words and short lists of a result by name, those of its parts with a dot between.

    What is not finite is None.
    """
    return {name: value for name, value in _flat(result, "") if as_array(value) is None}


def arrays_of(result: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays and tensors of a result by name, those of its parts with a dot between."""
    found = ((name, as_array(value)) for name, value in _flat(result, ""))
    return {name: value for name, value in found if value is not None}


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what a result holds by name; what is neither a figure nor an array nor made of them is passed over."""
    if is_dataclass(value):
        for each in fields(value):
            if not each.name.startswith("_"):
                yield from _flat(getattr(value, each.name), f"{name}.{each.name}" if name else each.name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}")
    elif isinstance(value, tuple | list) and any(is_dataclass(one) for one in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{place}")
    elif as_array(value) is not None:
        yield name, value
    elif isinstance(value, tuple | list) and len(value) > _LONGEST and all(isinstance(x, int | float) for x in value):
        yield name, np.asarray(value)
    elif (plain := plain_value(value)) is not None or value is None:
        yield name, plain


def plain_value(value: Any) -> Any:
    """Return a number, word or list of them as JSON has it; None for what is not known and for everything else."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple | list):
        return [plain_value(one) for one in value]
    return None


@singledispatch
def rows_of(result: Any) -> list[Row]:
    """Return the rows of a result; one row of its figures where it has only one."""
    return [figures_of(result)]


@rows_of.register
def _maximization(result: Maximization) -> list[Row]:
    columns = {
        "kernel": result.kernels,
        "activation": result.activations.tolist(),
        "start": result.starts.tolist(),
        "steps": result.steps.tolist(),
        "seconds": result.seconds.tolist(),
    }
    return _rows(columns, layer=result.layer)


@rows_of.register
def _multiscale(result: MultiscaleMaximization) -> list[Row]:
    return _rows({"kernel": result.kernels, "activation": result.activations.tolist()}, layer=result.layer)


@rows_of.register
def _grown(result: GrownPicture) -> list[Row]:
    shapes = ["noise", *(" ".join(map(str, shape)) for shape in result.shapes)]
    return _rows(
        {"clip T H W": shapes[: len(result.activations)], "activation": result.activations}, kernel=result.kernel
    )


@rows_of.register
def _decomposition(result: Decomposition) -> list[Row]:
    units = {"psnr": "psnr [dB]", "mean_speed": "mean_speed [px/frame]", "direction": "direction [degrees]"}
    names = ("psnr", "explained_variance", "still_variance", "motion_explains", "mean_speed", "direction", "coherence")
    columns = {units.get(name, name): getattr(result, name).tolist() for name in names}
    return _rows({"clip": range(len(result.psnr)), **columns})


@rows_of.register
def _attribution(result: Attribution) -> list[Row]:
    clips, frames = result.temporal_profile.shape
    return [
        {
            "method": result.method,
            "class": result.class_index,
            "clip": clip,
            "frame": frame,
            "attribution": float(result.temporal_profile[clip, frame]),
        }
        for clip in range(clips)
        for frame in range(frames)
    ]


@rows_of.register
def _motion(result: MotionAudit) -> list[Row]:
    return [
        {"class": result.class_index, "probe": probe, "variant": place, "logit": logit, "rank": rank, "predicted": said}
        for probe in result.logits
        for place, (logit, rank, said) in enumerate(
            zip(
                result.logits[probe].tolist(),
                result.ranks[probe].tolist(),
                result.predicted[probe].tolist(),
                strict=True,
            )
        )
    ]


@rows_of.register
def _pyramid(result: ClassPyramid) -> list[Row]:
    return [
        {name: getattr(node, name) for name in ("layer", "index", "depth", "relevance", "activation", "kept")}
        for node in (*result.nodes, *result.negative)
        if node.depth > 0
    ]


@rows_of.register
def _responses(result: ResponseMaps) -> list[Row]:
    flat = result.maps.reshape(len(result.maps), -1)
    columns = {name: getattr(flat, name)(1).tolist() for name in ("mean", "min", "max")}
    return _rows({"kernel": range(len(flat)), **columns}, layer=result.layer)


@rows_of.register
def _filters(result: FilterGradients) -> list[Row]:
    columns = {name: getattr(result, name).tolist() for name in ("norms", "first_order", "weight_norms")}
    return _rows({"filter": range(len(result.weights)), **columns}, layer=result.layer)


@rows_of.register
def _weights(result: WeightGradients) -> list[Row]:
    return [row for layer in result.layers.values() for row in _filters(layer)]


@rows_of.register
def _probes(result: Probes) -> list[Row]:
    return _rows({"part": range(len(result.drops)), "drop": result.drops.tolist()}, **{"class": result.class_index})


@rows_of.register
def _faithfulness(result: Faithfulness) -> list[Row]:
    curves = result.curves
    return _rows({"share": curves.shares, "insertion": curves.insertion, "deletion": curves.deletion})


@rows_of.register
def _concepts(result: ConceptTests) -> list[Row]:
    names = ("score", "auroc", "low", "high", "p", "q", "rank")
    return [
        row
        for layer, tests in result.layers.items()
        for row in _rows(
            {"kernel": range(len(tests.p)), **{name: getattr(tests, name).tolist() for name in names}}, layer=layer
        )
    ]


@rows_of.register
def _audit(result: NetworkAudit) -> list[Row]:
    return [
        {"check": one.name, "state": one.word, "value": one.value, "figure": one.figure, "threshold": one.threshold}
        for one in result.verdicts
    ]


@rows_of.register
def _comparison(result: AuditComparison) -> list[Row]:
    return [
        {
            "network": row.model,
            "check": row.name,
            "direction": row.direction,
            **_side("before", row.before),
            **_side("after", row.after),
            "change": row.change,
        }
        for row in result.rows
    ]


def _side(name: str, verdict: Verdict | None) -> Row:
    return {name: verdict.figure if verdict else None, f"state {name}": verdict.word if verdict else None}


def _rows(columns: Mapping[str, Sequence[Any]], **same: Any) -> list[Row]:
    return [{**same, **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)]
