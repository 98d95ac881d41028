"""How every kernel of a layer responds to clips: one forward pass per batch of clips serves all layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reportgen.networks.network import Network, as_network
from reportgen.networks.preactivation import Objective, preactivation, summary
from reportgen.networks.taps import Taps
from reportgen.progress import SILENT, Progress


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
    plain mean, "neuron" the centre unit. Raises NetworkError for clips that the network cannot take.
    """
    subject = as_network(network)
    frames, height, width = clips.shape[2:]
    targets = {layer: preactivation(subject, layer, (frames, height, width), clips.shape[1]) for layer in layers}
    found: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    with progress.task("responses to the reference clips", len(clips)) as task, torch.no_grad():
        for start in range(0, len(clips), batch_size):
            batch = clips[start : start + batch_size]
            with Taps(subject, layers) as taps:
                subject.module(subject.prepare(batch.to(subject.device)))
                for layer in layers:
                    found[layer].append(_responses(targets[layer].normalised(taps[layer]), objective).cpu())
            task.advance(len(batch))
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def _responses(maps: Tensor, objective: Objective) -> Tensor:
    """Return `N K` from pre-activation maps `N K ...`."""
    return summary(maps.float().flatten(0, 1), objective).view(maps.shape[:2])


def selective_kernels(responses: Tensor, count: int, labels: Sequence[int | None] = ()) -> tuple[int, ...]:
    """Return the `count` kernels whose response tells the clips apart best, the strongest first.

    `responses` is `N K`. With a label for every clip and some labels twice, the measure is eta squared, the share of
    the response's variance over the clips that lies between labels: what a kernel owes to a clip's chance colours
    does not count. Otherwise it is how far the best clip stands out, (max - mean) / std. A kernel that responds alike
    to every clip (std under 1e-6 of the layer's largest) tells nothing apart and comes last.
    """
    spread = responses.std(dim=0, correction=0)
    if len(labels) == len(responses) and None not in labels and len(set(labels)) < len(labels):
        score = 1 - _variance_within(responses, labels) / spread.square().clamp_min(1e-24)
    else:
        score = (responses.amax(dim=0) - responses.mean(dim=0)) / spread.clamp_min(1e-12)
    score[spread <= 1e-6 * spread.amax()] = -torch.inf
    # Equal scores (all-dead layers) fall back on the order of the kernels.
    order = sorted(range(len(score)), key=lambda kernel: (-float(score[kernel]), kernel))
    return tuple(order[:count])


def _variance_within(responses: Tensor, labels: Sequence[int | None]) -> Tensor:
    """Return the mean squared distance `K` of the responses `N K` from the mean of their label."""
    _, place = torch.unique(torch.tensor(labels), return_inverse=True)
    groups = nn.functional.one_hot(place).to(responses)
    means = (groups.T @ responses) / groups.sum(0).unsqueeze(1)
    return (responses - means[place]).square().mean(0)
