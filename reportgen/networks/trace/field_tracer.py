"""What the elements of every tensor see of the clip, followed through the operations that a network executes.

Nothing is known here about any network or module. An operation without a rule makes what units behind it see unknown,
so that a finite receptive field is never too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from reportgen.networks.core.observing import takes_a_shape
from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.constant_values import ConstantValues
from reportgen.networks.trace.follower import Follower
from reportgen.networks.trace.kernels import CONVOLUTIONS, PRODUCTS
from reportgen.networks.trace.masking import copied_seen, pointwise_seen
from reportgen.networks.trace.operations import Operation
from reportgen.networks.trace.rearranging import constant, first_argument
from reportgen.networks.trace.recurrence import Recurrence
from reportgen.networks.trace.seen import Seen

_NOT_NUMPYS = frozenset({torch.bfloat16})
_WEIGHTED = frozenset({*CONVOLUTIONS, *PRODUCTS, "linear"})


class FieldTracer(Follower[Seen]):
    """While active, follows what is seen by the elements of every tensor that depends on one marked with `mark`.

    `additions` counts the sums of two such tensors of one rank: the ends of residual branches.
    """

    domain = Seen

    def __init__(self) -> None:
        super().__init__()
        self.additions = 0
        self._recurrence = Recurrence()
        self._constants = ConstantValues()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Execute the operation and note what is seen by its outputs."""
        if func is torch.ops.aten._to_copy.default and args[0] not in self._tracked:
            # As every weight is brought to where a pass runs: nothing is seen by it, and its values are all to know.
            copy = func(*args, **(kwargs or {}))
            self._constants.follow(func, args, kwargs or {}, [copy])
            return copy
        return super().__torch_dispatch__(func, types, args, kwargs)

    def _finished(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outputs: Sequence[Tensor]) -> None:
        if self.sourceless(outputs):
            self._constants.follow(func, args, kwargs, outputs)
        else:
            self._constants.forget(outputs)

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values, or None when they are not known."""
        with _disable_current_modes():
            known = self._constants.of(tensor)
            if known is None:
                return None
            return (known.float() if known.dtype in _NOT_NUMPYS else known).numpy()

    def boundary(self, call: TracedCall[Seen], what: str) -> Seen:  # noqa: ARG002 (the same for all)
        """Return what is known of an output that may come from anything in the call's arguments: nothing."""
        return self._any_of(call, call.shape)

    def _any_of(self, call: TracedCall[Seen], shape: Sequence[int]) -> Seen:
        known = [self.known(tensor).unknown(shape) for tensor in call.tensors()]
        return Seen.union(known, shape)

    def _observe(self, call: TracedCall[Seen]) -> None:
        known = [seen for tensor in call.tensors() if not (seen := self.known(tensor)).sourceless]
        self.additions += call.name == "add" and len(known) == 2 and len(known[0].shape) == len(known[1].shape)

    def _by_rule(self, func: Any, call: TracedCall[Seen], operation: Operation) -> Seen:
        if operation.seen is first_argument:
            return copied_seen(call, first_argument(call))
        if operation.seen is not None:
            found = operation.seen(call)
            return self._recurrence.followed(call, found) if call.name in _WEIGHTED else found
        if takes_a_shape(call.name):
            return constant(call)
        return pointwise_seen(call) if torch.Tag.pointwise in func.tags else call.boundary()

    def _other_output(self, call: TracedCall[Seen], first: Seen, shape: tuple[int, ...]) -> Seen:  # noqa: ARG002
        return self._any_of(call, shape)
