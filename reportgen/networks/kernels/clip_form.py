"""How a bare module takes its clips, where these are not N C T H W with the channels of its first convolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reportgen.errors import NetworkError, OptionError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, preactivation

_COLOURS = (3, 1, 2)
"""The channels of clips whose frames come to the first convolution as channels: colours, grey, optical flow."""


def clip_preactivation(network: Network, layer: str, clip_shape: tuple[int, int, int]) -> Preactivation:
    """Return how to read the pre-activation of `layer` for clips of `clip_shape` (T, H, W), as `preactivation` does.

    A network with a card has its clips. A bare module is given N C T H W as it is: with the channels of its first
    convolution, or else with three, one or two, for frames may arrive there as channels; and where it takes none of
    these, in the form that `Network.from_module` finds. Raises NetworkError where no form is found.
    """
    if network.card is not None or network.channels is not None:
        return preactivation(network, layer, clip_shape, clip_channels(network))
    refused: NetworkError | None = None
    for form in _forms(network, clip_shape):
        try:
            return preactivation(form, layer, clip_shape, clip_channels(form))
        except NetworkError as error:
            refused = refused or error
    assert refused is not None  # there is one form at least
    frames, *size = clip_shape
    raise NetworkError(
        f"{refused} If it takes its clips in another form than N C T H W, say which: Network.from_module(module, "
        f"frames={frames}, size={tuple(size)}, adapter=...), and ask the network that this returns; or wrap it so that "
        "it takes clips N C T H W."
    ) from refused


def _forms(network: Network, clip_shape: tuple[int, int, int]) -> Iterator[Network]:
    """Yield the network with the forms of clips to try, the likeliest first."""
    own = clip_channels(network)
    yield network
    yield from (replace(network, channels=channels) for channels in _COLOURS if channels != own)
    frames, *size = clip_shape
    try:
        found = Network.from_module(network.module, mean=0.0, std=1.0, frames=frames, size=(size[0], size[1]))
    except (NetworkError, OptionError):  # the first refusal tells more
        return
    yield replace(found, labels=network.labels)
