"""Which pairs of classes are told apart."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.errors import OptionError
from reportgen.networks.core.network import Network, class_index


def select_contrasts(network: Network, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """Return pairs of classes, given by name or index, as indices; each pair once.

    Raises UnknownNameError for a class that there is not, OptionError for a pair of one class, or when the network
    has no classes.
    """
    found = []
    for first, second in pairs:
        if not network.has_classes:
            raise OptionError(f"{network.name} has no classes: leave out --contrast.")
        pair = class_index(network, first), class_index(network, second)
        if pair[0] == pair[1]:
            raise OptionError(f"--contrast needs two classes, and {first!r} and {second!r} are the same.")
        found.append(pair)
    return tuple(dict.fromkeys(found))
