"""Where a network lets no gradient through, found without arithmetic and once for a network as it is."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from reportgen.networks.core.attributes import state_of
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import cuts_of_pass, gradient_cuts
from reportgen.networks.trace.cuts import Cut
from reportgen.networks.trace.valueless import without_values

_Asked = tuple[tuple[int, ...], tuple[str, ...]]

_KNOWN: WeakKeyDictionary[nn.Module, tuple[object, dict[_Asked, tuple[Cut, ...]]]] = WeakKeyDictionary()


def known_cuts(network: Network, clip: Tensor, behind: Sequence[str] = ()) -> tuple[Cut, ...]:
    """Return what `gradient_cuts` does, for a clip of this shape.

    What was found is kept as long as the network's modules, all that they hold and their hooks are the same: a setting
    in a list, a table, an object or a tensor is one as well.
    """
    state = state_of(network.module)
    known = _KNOWN.get(network.module)
    if known is None or known[0] != state:
        known = _KNOWN[network.module] = state, {}
    asked = (tuple(clip.shape), tuple(behind))
    if asked not in known[1]:
        known[1][asked] = _found(network, clip, behind)
    return known[1][asked]


def _found(network: Network, clip: Tensor, behind: Sequence[str]) -> tuple[Cut, ...]:
    try:
        return without_values(
            network, clip.shape, clip.device, clip.dtype, lambda asked, empty: cuts_of_pass(asked, empty, behind)
        )
    except Exception:  # a network's own code may raise anything for want of values; a real pass tells
        return gradient_cuts(network, clip, behind)
