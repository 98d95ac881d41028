"""A clip's way through a network, kept for the way back: one pass tells the logits and is differentiated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, a_type
from reportgen.networks.core.classes import asked_logits
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.arrangement import as_batch


@dataclass(frozen=True, eq=False)
class Pass:
    """A clip `1 C T H W` (or `1 C H W`), its logits `1 K`, and what layers returned, call by call.

    The logits lead back to the clip, or to the `outputs` where a pass kept these.
    """

    clip: Tensor
    logits: Tensor
    outputs: Mapping[str, Sequence[Tensor]] = field(default_factory=dict)


def pass_to_clip(network: Network, clip: Tensor) -> Pass:
    """Return a pass whose logits lead back to a copy of the clip; errors as for `clip_logits`."""
    asked = clip.detach().clone().requires_grad_()
    with torch.enable_grad():
        return Pass(asked, asked_logits(network, asked))


def pass_to_layers(network: Network, clip: Tensor, layers: Iterable[str]) -> Pass:
    """Return a pass whose logits lead back to what `layers` returned, and not beyond the first of these.

    What comes behind an output reads a copy of it: an operation in place would overwrite what was kept. Errors as for
    `clip_logits`, and NetworkError for a layer that returns no tensor.
    """
    outputs: dict[str, list[Tensor]] = {name: [] for name in layers}

    def keep(name: str, module: nn.Module, _args: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise NetworkError(f"{name} returns {a_type(output)}: choose a layer that returns a tensor.")
        maps = as_batch(module, output)
        kept = maps if maps.requires_grad else maps.detach().requires_grad_()
        outputs[name].append(kept)
        return kept.reshape(output.shape).clone()

    with ExitStack() as stack, torch.enable_grad():
        for name in outputs:
            stack.callback(network.module.get_submodule(name).register_forward_hook(partial(keep, name)).remove)
        logits = asked_logits(network, clip.detach())
    if silent := [name for name, kept in outputs.items() if not kept]:
        raise NetworkError(f"{silent[0]} does not lead to the class asked about: choose another layer.")
    return Pass(clip, logits, outputs)
