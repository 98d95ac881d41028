"""How every kernel of a layer responds to clips: one forward pass per batch of clips serves all layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reportgen.networks.network import Network, as_network
from reportgen.networks.preactivation import preactivation
from reportgen.networks.taps import Taps
from reportgen.progress import SILENT, Progress


def kernel_responses(
    network: Network | nn.Module,
    clips: Tensor,
    layers: Sequence[str],
    *,
    batch_size: int = 8,
    progress: Progress = SILENT,
) -> dict[str, Tensor]:
    """Return per layer the mean response `N K` of each kernel to each clip.

    `clips` are `N C T H W` in [0, 1] RGB (a bare module takes them as is). The response is the pre-activation (with
    the batch norm that reads it) averaged over its map, the quantity that the `channel` objective of activation
    maximisation raises; float32. Raises NetworkError for clips that the network cannot take.
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
                    # The batch norm is affine per kernel, so it may be applied to the mean instead of the map.
                    found[layer].append(targets[layer].normalised(channel_means(taps[layer])).cpu())
            task.advance(len(batch))
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def channel_means(response: Tensor) -> Tensor:
    """Return `N K` from a layer's output: a map `N K ...` averaged over its positions, or `N K` itself."""
    return response.float() if response.ndim == 2 else response.float().flatten(2).mean(2)


def selective_kernels(responses: Tensor, count: int) -> tuple[int, ...]:
    """Return the `count` kernels whose response tells the clips apart best, the strongest first.

    `responses` is `N K`. The measure is how far the best clip stands out, (max - mean) / std over the clips; a
    kernel that responds alike to every clip (std under 1e-6 of the layer's largest) tells nothing apart and comes
    last.
    """
    spread = responses.std(dim=0, correction=0)
    stands_out = (responses.amax(dim=0) - responses.mean(dim=0)) / spread.clamp_min(1e-12)
    stands_out[spread <= 1e-6 * spread.amax()] = -torch.inf
    # Equal scores (all-dead layers) fall back on the order of the kernels.
    order = sorted(range(len(stands_out)), key=lambda kernel: (-float(stands_out[kernel]), kernel))
    return tuple(order[:count])
