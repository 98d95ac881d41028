"""All that makes passes through a network quicker and changes no answer but by rounding, for a few of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from reportgen.networks.core.network import Network
from reportgen.networks.speed.folding import folded_stems
from reportgen.networks.speed.layout import channels_last, channels_last_pays
from reportgen.networks.speed.reused_memory import reused_memory


@contextmanager
def quick_passes(network: Network, *, reduced_precision: bool = False) -> Iterator[None]:
    """Arrange a network within the context: weights in the fastest order, strides folded, memory kept."""
    with ExitStack() as stack:
        stack.enter_context(reused_memory())
        if channels_last_pays(network, reduced_precision=reduced_precision):
            stack.enter_context(channels_last(network))
        stack.enter_context(folded_stems(network))
        yield
