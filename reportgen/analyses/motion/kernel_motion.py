"""Motion or appearance, kernel by kernel: what each probe leaves of all kernels of all layers, clip after clip.

The probes are those of `motion_audit`. One set of forward passes per clip serves the classes and every kernel; of each
kernel only its answers to the few clips that drive it most are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from reportgen.analyses.common.intervals import Estimate, ratio_over_clips
from reportgen.analyses.common.memory import starting_batch, with_less_memory
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.motion.motion_audit import PROBE_MEANINGS, probe_clips

JUDGED_CLIPS = 3
"""How many of the clips a kernel is judged on: those that drive it most."""

#: The clip as it is, then every probe: the rows of a kernel's answers.
VARIANTS = ("clip", *PROBE_MEANINGS)

_FROZEN, _SHUFFLED = VARIANTS.index("frozen"), VARIANTS.index("shuffled")


@dataclass(frozen=True)
class ProbedClip:
    """One clip under every probe.

    `logits` are those `V C` of each probe's variants (empty for a network without classes); `responses` each layer's
    `P K` in the order of VARIANTS: over the variants of a probe the largest for `frozen`, else the mean.
    """

    logits: Mapping[str, Tensor]
    responses: Mapping[str, Tensor]


def probe_clip(
    meter: Meter,
    clip: Tensor,
    *,
    draws: int = 8,
    seed: int = 0,
    frozen: int | None = None,
    values: Callable[[Tensor], Tensor] | None = None,
) -> ProbedClip:
    """Return what every probe leaves of one clip `1 C T H W` in [0, 1] RGB; a few variants pass at a time.

    `frozen` bounds the frames that are frozen; see `probe_clips`.
    `values` computes the logits `V C` of variants, or what is explained instead of them; without it there are none.
    Raises NetworkError for a clip of one frame, OutOfMemoryError when a single variant is too large.
    """
    network = meter.network
    variants = {"clip": clip, **probe_clips(clip, draws=draws, seed=seed, frozen=frozen)}
    counts = [len(some) for some in variants.values()]
    size = network.at_once(min(starting_batch(clip.to(network.device)), sum(counts)))
    scores, responses = _measured(meter, list(variants.values()), size, values)
    logits = dict(zip(variants, scores.split(counts), strict=True)) if scores is not None else {}
    left = {
        layer: torch.stack(
            [
                some.amax(0) if name == "frozen" else some.mean(0)
                for name, some in zip(variants, found.split(counts), strict=True)
            ]
        )
        for layer, found in responses.items()
    }
    return ProbedClip(logits, left)


def _measured(
    meter: Meter, variants: Sequence[Tensor], size: int, values: Callable[[Tensor], Tensor] | None
) -> tuple[Tensor | None, dict[str, Tensor]]:
    """Return the logits `V C` and each layer's responses `V K` of all variants, in their order.

    A pass takes those of several probes: most have a single variant, and passes of one clip cost twice as much.
    """
    network = meter.network
    rows = [row for some in variants for row in some.split(1)]  # views: a frozen clip is one frame in memory

    def in_parts(size: int) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
        scores, responses = [], []
        for start in range(0, len(rows), size):
            part = torch.cat(rows[start : start + size])
            with torch.no_grad(), meter.listening(len(part)) as found:
                given = part.to(network.device)
                if values is not None:
                    scores.append(values(given).float().cpu())
                else:
                    network.run(given)
            responses.append({layer: measured.values for layer, measured in found.items()})
        return scores, responses

    scores, responses = with_less_memory(in_parts, size, "the motion probes")
    together = {layer: torch.cat([part[layer] for part in responses]) for layer in meter.targets}
    return torch.cat(scores) if scores else None, together


@dataclass
class ProbedLayer:
    """A layer's kernels under the probes, over the clips so far.

    `responses` `n P K` and `clips` `n K` are those of the at most JUDGED_CLIPS clips that drive each kernel most, the
    strongest first; `sums` holds for each clip the sum `P` over the kernels that it drives.
    """

    responses: Tensor
    clips: Tensor
    sums: list[Tensor] = field(default_factory=list)

    @classmethod
    def of(cls, kernels: int) -> ProbedLayer:
        """Return a layer before its first clip."""
        return cls(torch.empty((0, len(VARIANTS), kernels)), torch.empty((0, kernels), dtype=torch.int64))

    def add(self, clip: int, responses: Tensor) -> None:
        """Take in a clip by its number and the layer's answers `P K` to it."""
        self.sums.append((responses * (responses[:1] > 0)).double().sum(1))
        together = torch.cat([self.responses, responses.unsqueeze(0)])
        clips = torch.cat([self.clips, torch.full((1, responses.shape[1]), clip)])
        chosen = together[:, 0].argsort(dim=0, descending=True, stable=True)[:JUDGED_CLIPS]
        self.responses = together.gather(0, chosen.unsqueeze(1).expand(-1, len(VARIANTS), -1))
        self.clips = clips.gather(0, chosen)

    @property
    def kept(self) -> Tensor:
        """The share of each kernel's response that each probe leaves, `P K`: over its drivers together.

        Not a number for a kernel that no clip drives above zero.
        """
        driven = (self.responses[:, :1] > 0).to(self.responses)
        sums = (self.responses * driven).double().sum(0)
        return torch.where(sums[:1] > 0, sums / sums[:1], torch.nan)

    @property
    def motion_reliance(self) -> Tensor:
        """1 - what the best frozen frame leaves, `K`."""
        return 1 - self.kept[_FROZEN]

    @property
    def order_sensitivity(self) -> Tensor:
        """1 - what shuffled frames leave, `K`."""
        return 1 - self.kept[_SHUFFLED]

    @property
    def measured(self) -> int:
        """Of how many kernels the motion reliance is known."""
        return int((~self.motion_reliance.isnan()).sum())

    def whole_kept(self) -> dict[str, Estimate | None]:
        """Return what each probe leaves of all responses of the layer to all clips, with its interval over clips."""
        sums = torch.stack(self.sums).T.tolist() if self.sums else [[] for _ in VARIANTS]
        return {name: ratio_over_clips(sums[place], sums[0]) for place, name in enumerate(VARIANTS) if name != "clip"}


class KernelMotion:
    """The probes over all kernels of some layers, clip after clip; a few numbers are kept of each clip."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.names: list[str] = []
        self.layers = {layer: ProbedLayer.of(target.kernels) for layer, target in meter.targets.items()}

    def add(self, name: str, probed: ProbedClip) -> None:
        """Take in one clip."""
        for layer, state in self.layers.items():
            state.add(len(self.names), probed.responses[layer])
        self.names.append(name)
