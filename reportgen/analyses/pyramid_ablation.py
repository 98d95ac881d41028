"""The causal check of a pyramid: does silencing the kept kernels cost the class more than silencing random ones?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.pyramid import ClassPyramid, one_clip
from reportgen.analyses.pyramid_measure import Response, ResponseObserver
from reportgen.errors import NetworkError, OptionError
from reportgen.networks.connections import ConnectionGraph
from reportgen.networks.connections.build import class_output, evaluating
from reportgen.networks.network import Network

Silenced = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class AblationRow:
    """Silencing `count` kernels of the layer (of all layers together for `layer` None).

    `drop` is logit - logit without the kept kernels; `random_drops` the same for each draw of as many random kernels
    of the same layers, with their `random_mean` and the 2.5th and 97.5th percentiles `random_low`, `random_high`.
    """

    layer: str | None
    count: int
    drop: float
    random_drops: NDArray[np.float64]

    @property
    def random_mean(self) -> float:
        """The mean drop over the random draws."""
        return float(self.random_drops.mean())

    @property
    def random_low(self) -> float:
        """The lower end of the 95% interval of the random draws."""
        return float(np.percentile(self.random_drops, 2.5))

    @property
    def random_high(self) -> float:
        """The upper end of the 95% interval of the random draws."""
        return float(np.percentile(self.random_drops, 97.5))

    @property
    def beats(self) -> float:
        """The share of random draws that cost the class less than the kept kernels do."""
        return float((self.random_drops < self.drop).mean())


@dataclass(frozen=True)
class Ablation:
    """The intact logit, the check of all layers together, and of each layer by itself."""

    logit: float
    together: AblationRow
    layers: tuple[AblationRow, ...]


class _Silencer(ResponseObserver):  # type: ignore[no-untyped-call, unused-ignore]
    """Sets the responses of kernels to zero where they are complete, for each clip of the batch its own kernels.

    `ends` gives the step at which the response of each kernel operation of the pass is complete; `keep` (B, K) by
    layer is 0 where a kernel is silenced.
    """

    def __init__(
        self,
        graph: ConnectionGraph,
        module: nn.Module,
        layers: Sequence[str],
        ends: Sequence[int],
        keep: Mapping[str, Tensor],
    ) -> None:
        super().__init__(graph, module, layers)
        self._ends = ends
        self._keep = keep

    def reached(self, response: Response) -> None:
        if response.layer not in self._keep or response.step != self._ends[response.call]:
            return
        tensor, keep = response.tensor, self._keep[response.layer]
        if tensor.shape[0] % len(keep):
            raise NetworkError(f"{response.layer} does not keep the clips of a batch apart: ablate with batch=1.")
        mask = keep.repeat_interleave(tensor.shape[0] // len(keep), 0)
        tensor.mul_(mask.reshape([n if a in {0, response.axis} else 1 for a, n in enumerate(tensor.shape)]))


def ablate(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    pyramid: ClassPyramid,
    *,
    draws: int = 20,
    seed: int = 0,
    batch: int = 7,
) -> Ablation:
    """Silence a pyramid's kept kernels, and as many random ones of the same layers, and compare the logit's drop.

    A silenced kernel's response is zero at all positions, behind its batch norm and activation. Layers are silenced
    each by itself and all together; random kernels are drawn without replacement from the whole layer, `draws` times.
    `clip` is as for `class_pyramid`; `batch` conditions run in one forward pass.

    Raises OptionError for a pyramid that keeps nothing.
    """
    kept = {name: np.array(indices, np.int64) for name, indices in pyramid.kept().items()}
    if not kept:
        raise OptionError("The pyramid keeps no kernel behind the class: lower its threshold before ablating.")
    if draws < 1 or batch < 1:
        raise OptionError("draws and batch must be at least 1.")
    borrowed = network if isinstance(network, Network) else Network(network)
    pixels = one_clip(borrowed, clip)
    generator = np.random.default_rng(seed)
    groups: list[Silenced] = [kept, *({name: indices} for name, indices in kept.items())]
    conditions: list[Silenced] = [{}]
    for group in groups:
        conditions += [group, *(_random_like(group, pyramid.graph, generator) for _ in range(draws))]
    logits = np.concatenate(list(_logits(borrowed, pixels, class_index, pyramid.graph, conditions, batch)))
    drops = (logits[0] - logits[1:]).reshape(len(groups), draws + 1)
    rows = [
        AblationRow(
            None if place == 0 else next(iter(group)), sum(len(i) for i in group.values()), float(own[0]), own[1:]
        )
        for place, (group, own) in enumerate(zip(groups, drops, strict=True))
    ]
    return Ablation(float(logits[0]), rows[0], tuple(rows[1:]))


def _random_like(group: Silenced, graph: ConnectionGraph, generator: np.random.Generator) -> Silenced:
    return {
        name: generator.choice(graph.layer(name).size, len(indices), replace=False) for name, indices in group.items()
    }


def _logits(
    network: Network,
    pixels: Tensor,
    class_index: int,
    graph: ConnectionGraph,
    conditions: Sequence[Silenced],
    batch: int,
) -> Iterator[NDArray[np.float64]]:
    module = network.module
    layers = sorted({name for condition in conditions for name in condition})
    with torch.no_grad(), evaluating(module):
        plain = ResponseObserver(graph, module, layers)
        with plain:
            class_output(network, pixels)
        ends = [response.final().step for response in plain.responses]
        for first in range(0, len(conditions), batch):
            part = conditions[first : first + batch]
            keep = {name: _mask(graph, part, name, pixels) for name in layers}
            clips = pixels.expand(len(part), *pixels.shape[1:]).clone()
            with _Silencer(graph, module, layers, ends, keep):
                scores = class_output(network, clips)
            yield scores[:, class_index].double().cpu().numpy()


def _mask(graph: ConnectionGraph, conditions: Sequence[Silenced], layer: str, like: Tensor) -> Tensor:
    keep = np.ones((len(conditions), graph.layer(layer).size), np.float32)
    for row, condition in enumerate(conditions):
        keep[row, condition.get(layer, [])] = 0.0
    return torch.from_numpy(keep).to(like)
