"""SmoothGrad: the mean of a map over noisy copies of its clip, of a large network in bfloat16 where that serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress

import torch
from torch import Tensor

from reportgen.analyses.common.budget import GRADIENT_PASSES
from reportgen.analyses.common.reducing import reducing_pays
from reportgen.errors import NetworkError
from reportgen.networks.core.passes import REFUSALS
from reportgen.records.manifest import LayerFacts

NOISE_SHARE = 0.15
"""SmoothGrad's noise as a share of the clip's range (Smilkov et al. 2017: 10 to 20 per cent)."""

_LIKE = 0.95
"""How alike maps of a noisy clip in bfloat16 and float32 must be: rounding is then a tenth of a map's variance, and of
one by which maps of two noisy clips differ a small part."""

_PAYS = 3
"""So many times as many clips as the first ones, which are asked in both precisions, must be left for bfloat16."""

Attributing = Callable[[Tensor], Tensor]
Rounding = Callable[[], AbstractContextManager[None]]


def smoothing_reduced(layers: Mapping[str, LayerFacts], samples: int, device: torch.device) -> bool:
    """Return whether maps over so many noisy clips of a network of `layers` are to be made in bfloat16 if it serves."""
    return reducing_pays(layers, samples * GRADIENT_PASSES, device)


def smoothed(
    clip: Tensor,
    attribute: Attributing,
    *,
    samples: int,
    seed: int,
    batch_size: int,
    rounding: Rounding | None = None,
    tried: Attributing | None = None,
) -> Tensor:
    """Return the mean attribution `1 C T H W` over `samples` noisy copies of a clip.

    captum's NoiseTunnel draws from the global generator, batch by batch, so that its answer depends on the batch
    size and the device; here sample i has its own seed.

    Within the context `rounding` a network computes in bfloat16. There the copies behind the first batch are asked,
    where `tried`, which is asked as `attribute` is, says there of the first one what float32 says.
    """
    spread = NOISE_SHARE * float(clip.max() - clip.min())
    total = torch.zeros_like(clip)
    context: Rounding = nullcontext
    for start in range(0, samples, batch_size):
        numbers = range(start, min(start + batch_size, samples))
        noisy = torch.cat([clip + spread * _noise(clip, seed, number) for number in numbers])
        with context():
            found = attribute(noisy)
        if start == 0 and rounding and tried and samples >= (1 + _PAYS) * len(noisy):
            context = rounding if _serves(found, noisy, tried, rounding) else context
        total += found.sum(dim=0, keepdim=True)
    return total / samples


def _serves(found: Tensor, noisy: Tensor, tried: Attributing, rounding: Rounding) -> bool:
    """Return whether the maps `found` of noisy clips are in bfloat16 what they are in float32."""
    with suppress(NetworkError, *REFUSALS), rounding():  # the network need not run in it
        rough = tried(noisy)
        likeness = torch.cosine_similarity(rough.double().flatten(1), found.double().flatten(1))
        return bool((likeness >= _LIKE).all())
    return False


def _noise(clip: Tensor, seed: int, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    return torch.randn(clip.shape, generator=generator, dtype=torch.float32).to(clip)
