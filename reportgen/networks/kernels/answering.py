"""Which layers have a part in what is explained, where a network answers more than that."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.kernels.layers import is_layer


def layers_apart(network: Network) -> frozenset[str]:
    """Return the layers of which nothing is left in the answer that is explained: heads of the network's other outputs.

    They are found by the steps that autograd would go back from the answer, on the meta device: no arithmetic is done.
    Where these steps do not lead back to the clip (a network that cuts its gradients, or cannot run there) it is not
    known which layers stand apart, and none are returned; a layer that leaves no step is none either.
    """
    ends: dict[str, list[Any]] = {}

    def watch(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> None:
            ends.setdefault(name, []).append(output.grad_fn)

        return hook

    layers = {name: part for name, part in network.module.named_modules() if is_layer(part)}
    handles = [part.register_forward_hook(watch(name)) for name, part in layers.items()]
    assert network.spec is not None  # a network with a card
    try:
        with torch.enable_grad():
            clip = torch.zeros(1, *network.spec.shape, device="meta", requires_grad=True)
            answer = network.class_scores(clip) if network.has_classes else network.signal(clip)
    except (NetworkError, *REFUSALS):
        return frozenset()
    finally:
        for handle in handles:
            handle.remove()
    steps = _steps_back(answer)
    if not any(getattr(step, "variable", None) is clip for step in steps):
        return frozenset()
    return frozenset(name for name, own in ends.items() if all(step is not None and step not in steps for step in own))


def _steps_back(answer: Tensor) -> set[Any]:
    """Return the nodes of autograd's graph that the answer was made by."""
    found: set[Any] = set()
    waiting = [answer.grad_fn]
    while waiting:
        step = waiting.pop()
        if step is not None and step not in found:
            found.add(step)
            waiting += [before for before, _ in step.next_functions]
    return found
