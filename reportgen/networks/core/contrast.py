"""One class rather than another: a network whose only logit is the difference of two."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor, nn

from reportgen.errors import NetworkError, unknown_name
from reportgen.networks.core.network import Network, as_network


@dataclass(frozen=True)
class ContrastNetwork(Network):
    """A network that is asked why `wanted` rather than `against`: its logits `N 1` are y_wanted - y_against.

    What both classes share cancels, so that an attribution of it says what tells them apart.
    """

    wanted: int = 0
    against: int = 0

    def logits(self, clips: Tensor) -> Tensor:
        """Return y_wanted - y_against of clips `N C T H W` in [0, 1] RGB, as `N 1`."""
        found = super().logits(clips)
        for index in (self.wanted, self.against):
            if not 0 <= index < found.shape[1]:
                raise unknown_name("class", str(index), [f"0 to {found.shape[1] - 1}"])
        return found[:, self.wanted, None] - found[:, self.against, None]


def contrast(network: Network | nn.Module, wanted: int, against: int) -> ContrastNetwork:
    """Return the network as one that has a single class 0, the contrast of two of its own.

    Every method that asks about a class answers about the contrast when it asks this network about class 0.
    Raises NetworkError when both are the same class.
    """
    if wanted == against:
        raise NetworkError(f"A contrast needs two classes, and class {wanted} is given twice.")
    seen = as_network(network)
    shared = {one.name: getattr(seen, one.name) for one in fields(Network)}
    return ContrastNetwork(**shared, wanted=wanted, against=against)
