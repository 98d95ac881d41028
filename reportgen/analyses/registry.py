"""Every method that a build can run: those of this house, and those that installed packages register.

A new method of the house is a package beside this file, which declares `METHOD` in its `method.py`, and its name
below. A package of others registers its `Method` by an entry point of the group ``reportgen.analyses``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from reportgen.analyses.method import Method
from reportgen.errors import OptionError, unknown_name

#: In the order in which they run; a method comes after those whose answers it reads.
_HOUSE = (
    *("evidence", "pyramid", "choice", "kernels", "decomposition", "path", "saliency", "faithfulness", "motion"),
    "concepts",
    "weight_gradients",
    "multiscale",
    "responses",
    "known_answers",
)

GROUP = "reportgen.analyses"


@cache
def methods() -> Mapping[str, Method[Any]]:
    """Return all methods by name, in the order in which they run.

    Raises OptionError when an installed package registers one that cannot be used.
    """
    found: dict[str, Method[Any]] = {}
    for name in _HOUSE:
        found[name] = import_module(f"reportgen.analyses.{name}.method").METHOD
    others: dict[str, Method[Any]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        method = _loaded(point)
        if method.name in found or method.name in others:
            raise OptionError(f"{_origin(point)} registers the method {method.name!r}, which there is already.")
        others[method.name] = method
    return MappingProxyType(found | {name: others[name] for name in _in_order(others)})


def find_method(name: str) -> Method[Any]:
    """Return the method of that name; raises UnknownNameError."""
    known = methods()
    if name not in known:
        raise unknown_name("analysis", name, known)
    return known[name]


def _in_order(others: Mapping[str, Method[Any]]) -> list[str]:
    """Return the names, each after those whose answers it reads."""
    needs = {name: [before for before in method.after if before in others] for name, method in others.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " and ".join(sorted(set(error.args[1])))
        raise OptionError(
            f"The methods {circle} need each other's answers: uninstall one of their packages."
        ) from error


def _loaded(point: EntryPoint) -> Method[Any]:
    try:
        method = point.load()
    except Exception as error:  # whatever the code of others does when it is imported
        raise OptionError(
            f"{_origin(point)} registers the method {point.name!r}, which cannot be imported "
            f"({type(error).__name__}: {error}): mend or uninstall it."
        ) from error
    if not isinstance(method, Method):
        raise OptionError(f"{_origin(point)} registers {point.value} as a method: it must be a {GROUP}.method.Method.")
    return method


def _origin(point: EntryPoint) -> str:
    return f"The installed package {point.dist.name}" if point.dist is not None else "An installed package"
