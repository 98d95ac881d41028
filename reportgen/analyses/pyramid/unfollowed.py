"""Where a pyramid has no answer: attention and whatever else mixes kernels otherwise than by a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.records.answers.pyramid import Unfollowed

ATTENTION = "attention"
_NAMED = 4
"""Modules that a sentence names; of more it says how many."""


def unfollowed(graph: ConnectionGraph, inside: Iterable[str]) -> tuple[Unfollowed, ...]:
    """Return the modules that mix kernels, in the network's order; `inside` are the boundaries in the pyramid."""
    reached = frozenset(inside)
    by_module: dict[str, list[str]] = {}
    for name in graph.boundaries:
        by_module.setdefault(name.rpartition(":")[0], []).append(name)
    return tuple(
        Unfollowed(module=module, through=_through(graph, names), reached=not reached.isdisjoint(names))
        for module, names in by_module.items()
    )


def _through(graph: ConnectionGraph, boundaries: Sequence[str]) -> str:
    """Return in words what mixes kernels in a module.

    Attention multiplies queries with keys, and what that gives with values: two products of activations.
    """
    kinds = [name.rpartition(":")[2].partition("#")[0] for name in boundaries]
    if ATTENTION in kinds or kinds.count("product_of_activations") > 1:
        return ATTENTION
    known = {
        "product_of_activations": "a product of activations",
        "softmax": "a softmax over kernels",
        "weights_of_no_layer": "weights that are made on the way",
        "layer_norm": "a normalisation over many kernels",
        "group_norm": "a normalisation over many kernels",
    }
    found = next((known[kind] for kind in kinds if kind in known), None)
    return found or f"the operation {graph.layer(boundaries[0]).operation}"


def notes(network: str, found: Sequence[Unfollowed]) -> list[str]:
    """Return sentences that name the network and the modules through which its pyramid has no answer."""
    said = []
    for through in dict.fromkeys(one.through for one in found if one.reached):
        modules = [one.module for one in found if one.reached and one.through == through]
        said.append(
            f"No answer through {through}: in {_named(modules, network)} it is not known which kernel feeds which, so "
            "it is one node of the pyramid, fed by all kernels that it reads."
        )
    beyond = [one.module for one in found if one.through == ATTENTION and not one.reached]
    if beyond and not any(one.reached and one.through == ATTENTION for one in found):
        said.append(
            f"This pyramid ends before the attention of {_named(beyond, network)}: through it, which kernel feeds "
            "which is not known."
        )
    return said


def _named(modules: Sequence[str], network: str) -> str:
    names = [name for name in modules if name][:_NAMED]
    if not names:
        return f"{network} itself"
    more = len(modules) - len(names)
    listed = ", ".join(names[:-1]) + (" and " if len(names) > 1 and not more else ", " if len(names) > 1 else "")
    return f"{listed}{names[-1]}{f' and {more} more modules' if more else ''} of {network}"
