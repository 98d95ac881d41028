"""What shuffled weights say of the maps of one method."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from reportgen.analyses.faithfulness.map_checks import Randomisation, weight_randomisations
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network


def weight_randomisation(
    network: Network | nn.Module, clip: Tensor, class_index: int, method: str, **more: Any
) -> Randomisation:
    """Return what `weight_randomisations` says of one method, or raise why it says nothing."""
    found = weight_randomisations(network, clip, class_index, (method,), **more)[method]
    if isinstance(found, NetworkError):
        raise found
    return found
