"""The causal check of a pyramid: does silencing the kept kernels cost the class more than silencing random ones?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, one_clip
from reportgen.analyses.pyramid.controls import Controls, controls
from reportgen.analyses.pyramid.replay import Crossing, MixedClipsError, Recorder, Replay
from reportgen.analyses.pyramid.select import Floats
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network, borrow, evaluating
from reportgen.networks.trace.build import class_output
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.seen import clip_seen

_Answer = TypeVar("_Answer")

Silenced = Mapping[str, NDArray[np.int64]]

APART = 20
"""Draws of kernels that are not kept, whose mean and spread are shown."""


@dataclass(frozen=True, eq=False)
class AblationRow:
    """Silencing `count` kernels of the layer (of all layers together for `layer` None).

    `drop` is logit - logit without the kept kernels, `others` the mean of that over the other classes (None for a
    network of one logit). `random_drops` is the same for each of APART draws of as many kernels of the same layers, as
    active and not kept; empty where a layer has too few of them. For all layers together, `p` tells how often kernels
    drawn from the pathway's and their controls alike cost the class as much as the pathway's do (see `Controls`).
    """

    layer: str | None
    count: int
    drop: float
    random_drops: Floats
    others: float | None = None
    p: float | None = None

    @property
    def controlled(self) -> bool:
        """Whether there are kernels to compare with."""
        return len(self.random_drops) > 0

    @property
    def random_mean(self) -> float:
        """The mean drop over the random draws; not a number without any."""
        return float(self.random_drops.mean()) if self.controlled else math.nan

    @property
    def random_low(self) -> float:
        """The 2.5th percentile of the random draws."""
        return float(np.percentile(self.random_drops, 2.5)) if self.controlled else math.nan

    @property
    def random_high(self) -> float:
        """The 97.5th percentile of the random draws."""
        return float(np.percentile(self.random_drops, 97.5)) if self.controlled else math.nan


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
    draws: int = 99,
    seed: int = 0,
    batch: int = 7,
) -> Ablation:
    """Silence a pyramid's kept kernels, and as many others of the same layers, and compare the logit's drop.

    A silenced kernel's response is zero at all positions, behind its batch norm and activation. Layers are silenced
    each by itself and all together. The kernels to compare with are of the same layers, as active, and not kept (see
    `controls`); `draws` exchanges of the two make the p of all layers together. `clip` is as for `class_pyramid`;
    `batch` conditions run in one pass, or one where a layer does not keep the clips of a pass apart.

    Raises OptionError for a pyramid that keeps nothing.
    """
    if draws < 1 or batch < 1:
        raise OptionError("draws and batch must be at least 1.")
    borrowed = borrow(network)
    pixels = one_clip(borrowed, clip)
    return kept_apart(
        lambda size: _ablated(borrowed, pixels.expand(size, *pixels.shape[1:]), class_index, pyramid, draws, seed),
        borrowed.at_once(batch),
    )


def kept_apart(ask: Callable[[int], _Answer], batch: int) -> _Answer:
    """Return what `ask` answers with passes of `batch` clips, or of one where a layer does not keep clips apart."""
    try:
        return ask(batch)
    except MixedClipsError:
        return ask(1)


def _ablated(
    network: Network, clips: Tensor, class_index: int, pyramid: ClassPyramid, draws: int, seed: int
) -> Ablation:
    """Return the ablation by passes of as many conditions as `clips` holds copies of the clip."""
    kept = kept_kernels(pyramid)
    passes = Passes(network, clips, pyramid.graph, list(kept))
    generator = np.random.default_rng(seed)
    known = {name: source for name in kept if (source := _controls(pyramid, name, kept[name]))}
    apart = [{name: one.apart(generator) for name, one in known.items()} for _ in range(APART if known else 0)]
    facing = {name: one.facing for name, one in known.items()}
    exchanged = [{name: one.exchanged(generator) for name, one in known.items()} for _ in range(draws if known else 0)]
    everywhere = passes.drops(list(kept), [kept, *apart, facing, *exchanged])
    p = _p(everywhere[1 + APART :, class_index]) if known else None
    together = _row(None, everywhere[: 1 + len(apart)], class_index, sum(map(len, kept.values())), p)
    layers: dict[str, AblationRow] = {}
    for name in sorted(kept, key=lambda name: passes.recording.start([name])):
        conditions = [{name: draw[name]} for draw in (kept, *apart) if name in draw]
        layers[name] = _row(name, passes.drops([name], conditions), class_index, len(kept[name]))
    return Ablation(float(passes.intact[0, class_index]), together, tuple(layers[name] for name in kept))


def _p(drops: Floats) -> float:
    """Return (1 + b) / (n + 1), b of the drops behind the first one being as large; rounding is no difference."""
    least = drops[0] - 1e-6 * max(float(np.abs(drops).max()), 1e-12)
    return (1 + int((drops[1:] >= least).sum())) / len(drops)


def _controls(pyramid: ClassPyramid, layer: str, kept: NDArray[np.int64]) -> Controls | None:
    found = pyramid.layer(layer)
    return controls(kept.tolist(), found.activation, found.relevance)


def kept_kernels(pyramid: ClassPyramid) -> dict[str, NDArray[np.int64]]:
    """Return the kernels that a pyramid keeps behind the class; raises OptionError where there are none."""
    kept = {name: np.array(indices, np.int64) for name, indices in pyramid.kept().items()}
    if not kept:
        raise OptionError("The pyramid keeps no kernel behind the class: lower its threshold before ablating.")
    return kept


def _row(layer: str | None, drops: Floats, class_index: int, count: int, p: float | None = None) -> AblationRow:
    """Return the row of the drops `1+n K` of all logits: without the kept kernels, then without each draw of others."""
    others = np.delete(drops[0], class_index)
    return AblationRow(
        layer=layer,
        count=count,
        drop=float(drops[0, class_index]),
        random_drops=drops[1:, class_index],
        others=float(others.mean()) if len(others) else None,
        p=p,
    )


class Passes:
    """Passes of a batch of clips, each from the first layer that is silenced.

    Ask for the layers in the order of the pass: what crosses into a layer is made from what crossed into the last.
    """

    def __init__(self, network: Network, clips: Tensor, graph: ConnectionGraph, layers: Sequence[str]) -> None:
        self._network, self._clips, self._graph = network, clips, graph
        recorder = Recorder(graph, network.module, layers)
        self.intact = self.scores(recorder)
        if len(clips) > 1 and not {one.layer for one in recorder.responses}.issuperset(layers):
            raise MixedClipsError("A layer has weights for each clip of a batch.")
        if any(one.axis != 1 or one.tensor.shape[0] != len(clips) for one in recorder.responses):
            tracer = FieldTracer()
            recorder = Recorder(graph, network.module, layers, tracer=tracer)
            self.scores(recorder, tracer)
        self.recording = recorder.recording
        self._start, self._known = 0, dict[Crossing, Tensor]()

    def drops(self, layers: Iterable[str], conditions: Sequence[Silenced]) -> Floats:
        """Return by how much each condition lowers the logits of the one clip, `n K`; all silence `layers` only."""
        self._go_to(self.recording.start(layers))
        size, found = len(self._clips), []
        for first in range(0, len(conditions), size):
            part = list(conditions[first : first + size])
            padded = [*part, *[part[-1]] * (size - len(part))]
            keep = {name: _mask(self._graph, padded, name, self._clips) for name in layers}
            replay = Replay(self.recording, self._start, self._known, keep=keep)
            found.append(self.scores(replay)[: len(part)])
        return self.intact[:1] - np.concatenate(found)

    def without(self, silenced: Silenced) -> Floats:
        """Return by how much silencing the same kernels in all of the clips lowers their logits, `N K`.

        After `resume` they must be of its layers.
        """
        keep = {name: _mask(self._graph, [silenced] * len(self._clips), name, self._clips) for name in silenced}
        return self.intact - self.scores(Replay(self.recording, self._start, self._known, keep=keep))

    def resume(self, layers: Iterable[str]) -> None:
        """Remember what lies in front of the first place where kernels of these layers can be silenced."""
        self._go_to(self.recording.silenceable(layers))

    def _go_to(self, start: int) -> None:
        """Remember what crosses into operation `start`; where a pass cannot be resumed, run it whole instead."""
        if start <= self._start:
            return
        replay = Replay(self.recording, self._start, self._known, capture=start)
        self.scores(replay)
        again = self.scores(Replay(self.recording, start, replay.captured))
        if np.allclose(again, self.intact, rtol=1e-4, atol=1e-5):
            self._start, self._known = start, replay.captured

    def scores(self, mode: TorchDispatchMode, tracer: FieldTracer | None = None) -> Floats:
        """Return the logits `N K` of the clips in a pass that `mode` watches or changes."""
        clips = self._clips.clone()
        if tracer is not None:
            tracer.mark(clips, clip_seen(clips.shape))
        with torch.no_grad(), evaluating(self._network.module), tracer or nullcontext(), mode:
            scores = class_output(self._network, clips)
        return np.asarray(scores.double().cpu().numpy())


def _mask(graph: ConnectionGraph, conditions: Sequence[Silenced], layer: str, like: Tensor) -> Tensor:
    keep = np.ones((len(conditions), graph.layer(layer).size), np.float32)
    for row, condition in enumerate(conditions):
        keep[row, condition.get(layer, [])] = 0.0
    return torch.from_numpy(keep).to(like)
