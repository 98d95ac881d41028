"""The causal check of a pyramid: does silencing the kept kernels cost the class more than silencing random ones?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, one_clip
from reportgen.analyses.pyramid.replay import Crossing, Recorder, Replay
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network, borrow
from reportgen.networks.trace.build import class_output, evaluating
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.seen import clip_seen

Silenced = Mapping[str, NDArray[np.int64]]
Floats = NDArray[np.float64]


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
    borrowed = borrow(network)
    pixels = one_clip(borrowed, clip)
    generator = np.random.default_rng(seed)
    groups: list[Silenced] = [kept, *({name: indices} for name, indices in kept.items())]
    conditions = [[group, *(_random_like(group, pyramid.graph, generator) for _ in range(draws))] for group in groups]
    clips = pixels.expand(batch, *pixels.shape[1:])
    passes = _Passes(borrowed, clips, class_index, pyramid.graph, list(kept))
    found: dict[int, Floats] = {}
    for place in sorted(range(len(groups)), key=lambda place: passes.recording.start(groups[place])):
        found[place] = passes.logit - passes.logits(groups[place], conditions[place])
    rows = [
        AblationRow(
            None if place == 0 else next(iter(group)),
            sum(len(indices) for indices in group.values()),
            float(found[place][0]),
            found[place][1:],
        )
        for place, group in enumerate(groups)
    ]
    return Ablation(passes.logit, rows[0], tuple(rows[1:]))


def _random_like(group: Silenced, graph: ConnectionGraph, generator: np.random.Generator) -> Silenced:
    return {
        name: generator.choice(graph.layer(name).size, len(indices), replace=False) for name, indices in group.items()
    }


class _Passes:
    """Passes of a batch of the same clip, each from the first layer that is silenced.

    Ask for the layers in the order of the pass: what crosses into a layer is made from what crossed into the last.
    """

    def __init__(
        self, network: Network, clips: Tensor, class_index: int, graph: ConnectionGraph, layers: Sequence[str]
    ) -> None:
        self._network, self._clips, self._class, self._graph = network, clips, class_index, graph
        recorder = Recorder(graph, network.module, layers)
        self.logit = float(self._scores(recorder)[0])
        if any(one.axis != 1 or one.tensor.shape[0] != len(clips) for one in recorder.responses):
            tracer = FieldTracer()
            recorder = Recorder(graph, network.module, layers, tracer=tracer)
            self._scores(recorder, tracer)
        self.recording = recorder.recording
        self._start, self._known = 0, dict[Crossing, Tensor]()

    def logits(self, layers: Iterable[str], conditions: Sequence[Silenced]) -> Floats:
        """Return the class's logit under each condition; all silence kernels of `layers` only."""
        self._go_to(self.recording.start(layers))
        size, found = len(self._clips), []
        for first in range(0, len(conditions), size):
            part = list(conditions[first : first + size])
            padded = [*part, *[part[-1]] * (size - len(part))]
            keep = {name: _mask(self._graph, padded, name, self._clips) for name in layers}
            replay = Replay(self.recording, self._start, self._known, keep=keep)
            found.append(self._scores(replay)[: len(part)])
        return np.concatenate(found)

    def _go_to(self, start: int) -> None:
        """Remember what crosses into operation `start`; where a pass cannot be resumed, run it whole instead."""
        if start <= self._start:
            return
        replay = Replay(self.recording, self._start, self._known, capture=start)
        self._scores(replay)
        again = self._scores(Replay(self.recording, start, replay.captured))
        if np.allclose(again, self.logit, rtol=1e-4, atol=1e-5):
            self._start, self._known = start, replay.captured

    def _scores(self, mode: TorchDispatchMode, tracer: FieldTracer | None = None) -> Floats:
        clips = self._clips.clone()
        if tracer is not None:
            tracer.mark(clips, clip_seen(clips.shape))
        with torch.no_grad(), evaluating(self._network.module), tracer or nullcontext(), mode:
            scores = class_output(self._network, clips)
        return np.asarray(scores[:, self._class].double().cpu().numpy())


def _mask(graph: ConnectionGraph, conditions: Sequence[Silenced], layer: str, like: Tensor) -> Tensor:
    keep = np.ones((len(conditions), graph.layer(layer).size), np.float32)
    for row, condition in enumerate(conditions):
        keep[row, condition.get(layer, [])] = 0.0
    return torch.from_numpy(keep).to(like)
