"""Which kernels of a network feed which, derived from the network itself.

`connection_graph` observes one forward pass and follows, for every tensor, from which kernels each of its channels
comes: through normalisation, activations, pooling, padding, slicing, addition, concatenation, splitting, shuffling,
reshaping, gates, and convolutions of all kinds. Nothing is listed by hand and the network is not edited.
"""

from reportgen.networks.connections.build import connection_graph
from reportgen.networks.connections.graph import ConnectionGraph, KernelLayer

__all__ = ["ConnectionGraph", "KernelLayer", "connection_graph"]
