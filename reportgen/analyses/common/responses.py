"""How every kernel of some layers responds to clips: one forward pass per batch of clips serves all layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.analyses.common.memory import with_less_memory
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.taps import Reached
from reportgen.networks.kernels.preactivation import Preactivation, placement, preactivations, summary
from reportgen.progress import SILENT, Progress
from reportgen.records.objective import Objective


@dataclass(frozen=True)
class LayerResponses:
    """One layer's answers to N clips, on the CPU.

    `values` `N K` float32 are the responses; `peaks` `N K` int64 where each kernel's pre-activation is largest, as
    the flat index into its map; empty where places were not asked for.
    """

    values: Tensor
    peaks: Tensor


class Meter:
    """Measures all kernels of some layers while clips pass through the network.

    Each map is reduced as soon as its layer has run, so that as many layers as there are cost the memory of one.
    `layers` are names as the network has them; `clip_shape` is (T, H, W). A kernel's response is over all that its
    layer does for a clip: frames that are samples of their own, and calls. With `places` the peaks are found too.
    Raises NetworkError for a layer that the clips do not reach.
    """

    def __init__(
        self,
        network: Network,
        layers: Sequence[str],
        clip_shape: tuple[int, int, int],
        channels: int,
        objective: Objective,
        *,
        places: bool = False,
    ) -> None:
        self.objective = objective
        self.places = places
        self.targets: Mapping[str, Preactivation] = preactivations(network, layers, clip_shape, channels)
        self.network = next((target.network for target in self.targets.values()), network)

    @contextmanager
    def listening(self, clips: int, *, ends: bool = False) -> Iterator[dict[str, LayerResponses]]:
        """Yield what is filled by forward passes of `clips` clips within the context: each layer's last answers.

        It is read behind the context, where all of it is on the CPU: a copy in the midst of a pass would hold it up.
        Where that `ends` the pass, it raises Reached as soon as all layers have answered.
        """
        found: dict[str, LayerResponses] = {}
        parts: dict[str, list[_Part | None]] = {layer: [] for layer in self.targets}
        handles = [
            self.network.module.get_submodule(target.layer).register_forward_hook(
                partial(self._measure, found, parts[layer], layer, clips, ends)
            )
            for layer, target in self.targets.items()
        ]
        try:
            yield found
        finally:
            for handle in handles:
                handle.remove()
        for layer, measured in found.items():
            found[layer] = LayerResponses(measured.values.cpu(), measured.peaks.cpu())

    def __call__(self, clips: Tensor) -> dict[str, LayerResponses]:
        """Return each layer's answers to `clips` `N C T H W` in [0, 1] RGB, on whichever device they are.

        Nothing is run behind the last layer.
        """
        with torch.no_grad(), self.listening(len(clips), ends=True) as found, suppress(Reached):
            self.network.run(clips.to(**placement(self.network)), until=f"behind {', '.join(sorted(self.targets))}")
        return found

    def _measure(
        self,
        found: dict[str, LayerResponses],
        parts: list[_Part | None],
        layer: str,
        clips: int,
        ends: bool,
        _module: nn.Module,
        _args: Any,
        output: Tensor,
    ) -> None:
        """Take in what one call returned; the last call of a pass completes the layer's answers."""
        target = self.targets[layer]
        call = target.calls[len(parts) % len(target.calls)]
        values = output.detach().dequantize() if output.is_quantized else output.detach()
        parts.append(None if call is None else self._part(target.normalised(call.maps(values, clips)).float()))
        if len(parts) < len(target.calls):
            return
        seen = [part for part in parts if part is not None]
        found[layer] = _together(seen, self.objective, places=self.places)
        parts.clear()
        if ends and len(found) == len(self.targets):
            raise Reached

    def _part(self, maps: Tensor) -> _Part:
        """Return what one call's maps `N K ...` say."""
        flat = maps.flatten(2) if maps.ndim > 2 else maps.unsqueeze(2)
        values = summary(maps.flatten(0, 1), self.objective).view(maps.shape[:2])
        highest, peaks = flat.max(2) if self.places else (values, torch.zeros_like(values, dtype=torch.int64))
        return _Part(values, highest, peaks, flat.shape[2])


@dataclass(frozen=True)
class _Part:
    """One call's share of a layer's answers: the responses `N K`, the largest values and where they are."""

    values: Tensor
    highest: Tensor
    peaks: Tensor
    positions: int


def _together(parts: Sequence[_Part], objective: Objective, *, places: bool) -> LayerResponses:
    """Return a layer's answers from those of its calls: over all positions, or the centre of the middle call."""
    sizes = [part.positions for part in parts]
    if objective == "neuron":
        values = parts[len(parts) // 2].values
    elif len(parts) == 1:
        values = parts[0].values
    else:
        values = torch.stack([part.values * size for part, size in zip(parts, sizes, strict=True)]).sum(0) / sum(sizes)
    if not places:
        return LayerResponses(values, values.new_empty(0, dtype=torch.int64))
    before = [sum(sizes[:call]) for call in range(len(parts))]
    call = torch.stack([part.highest for part in parts]).argmax(0)
    peaks = torch.stack([part.peaks + start for part, start in zip(parts, before, strict=True)])
    return LayerResponses(values, peaks.gather(0, call[None])[0])


def kernel_responses(
    network: Network | nn.Module,
    clips: Tensor,
    layers: Sequence[str],
    *,
    objective: Objective = "firing",
    batch_size: int = 8,
    progress: Progress = SILENT,
) -> dict[str, Tensor]:
    """Return per layer the response `N K` of each kernel to each clip, float32 on the CPU.

    `clips` are `N C T H W` in [0, 1] RGB (a bare module takes them as is). The response is what activation
    maximisation raises with the same `objective`, so that synthetic and real clips can be compared: of the
    pre-activation map (with the batch norm that reads it) "firing" is the mean of the rectified map, "channel" the
    plain mean, "neuron" the centre unit. `batch_size` clips go through the network at once, or half of them whenever
    memory runs out. Raises NetworkError for clips that the network cannot take, OutOfMemoryError when a single one is
    too large.
    """
    frames, height, width = clips.shape[2:]
    meter = Meter(as_network(network), layers, (frames, height, width), clips.shape[1], objective)
    return responses_by(meter, clips, batch_size=batch_size, progress=progress)


def responses_by(meter: Meter, clips: Tensor, *, batch_size: int = 8, progress: Progress = SILENT) -> dict[str, Tensor]:
    """Return what `kernel_responses` does of the layers of a meter, which is made for clips of this shape."""
    found: dict[str, list[Tensor]] = {layer: [] for layer in meter.targets}
    with progress.task("responses to the clips", len(clips)) as task:
        for batch in clips.split(batch_size):
            for layer, measured in measure_responses(meter, batch).items():
                found[layer].append(measured.values)
            task.advance(len(batch))
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def measure_responses(meter: Meter, clips: Tensor) -> dict[str, LayerResponses]:
    """Return each layer's answers to `clips` `N C T H W`, in as small parts as memory demands.

    Raises OutOfMemoryError when a single clip is too large.
    """

    def in_parts(size: int) -> dict[str, LayerResponses]:
        parts = [meter(part) for part in clips.split(size)]
        return {
            layer: LayerResponses(
                torch.cat([part[layer].values for part in parts]), torch.cat([part[layer].peaks for part in parts])
            )
            for layer in meter.targets
        }

    return with_less_memory(in_parts, meter.network.at_once(len(clips)), "the pass over the clips")


def selectivity(responses: Tensor, labels: Sequence[int | None] = ()) -> Tensor:
    """Return how well each kernel's responses `N K` tell the clips apart, `K`.

    Where labels repeat, the measure is eta squared over the clips that have one, the share of the response's
    variance that lies between labels: what a kernel owes to a clip's chance colours does not count. Otherwise it is
    how far the best clip stands out, (max - mean) / std.
    """
    known = [place for place, label in enumerate(labels) if label is not None]
    named = [label for label in labels if label is not None]
    if len(set(named)) < len(named):
        own = responses[known]
        within = _variance_within(own, named) / own.var(dim=0, correction=0).clamp_min(1e-24)
        return torch.ones_like(within) - within
    spread = responses.std(dim=0, correction=0)
    return (responses.amax(dim=0) - responses.mean(dim=0)) / spread.clamp_min(1e-12)


def most_selective(score: Tensor, spread: Tensor, count: int) -> tuple[int, ...]:
    """Return the `count` kernels of the largest `score` (`K`), the largest first.

    A kernel that responds alike to every clip (its `spread`, the std over the clips, under 1e-6 of the layer's
    largest) tells nothing apart and comes last.
    """
    scores = [
        -float("inf") if dead else value
        for value, dead in zip(score.tolist(), (spread <= 1e-6 * spread.amax()).tolist(), strict=True)
    ]
    # Equal scores (all-dead layers) fall back on the order of the kernels.
    return tuple(sorted(range(len(scores)), key=lambda kernel: (-scores[kernel], kernel))[:count])


def _variance_within(responses: Tensor, labels: Sequence[int]) -> Tensor:
    """Return the mean squared distance `K` of the responses `N K` from the mean of their label."""
    _, place, counts = torch.unique(torch.tensor(labels), return_inverse=True, return_counts=True)
    sums = responses.new_zeros(len(counts), responses.shape[1]).index_add_(0, place, responses)
    means = sums / counts.unsqueeze(1)
    within: Tensor = (responses - means[place]).square().mean(0)
    return within
