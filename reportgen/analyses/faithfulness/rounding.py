"""Whether a copy of a network, or reduced precision, may measure in its place what hiding parts of a clip does."""

from __future__ import annotations

import torch
from torch import Tensor

from reportgen.analyses.common.baselines import make_baseline
from reportgen.analyses.faithfulness.evaluation import random_parts
from reportgen.analyses.faithfulness.tubes import make_tubes
from reportgen.networks.core.classes import clip_logits
from reportgen.networks.core.network import Network
from reportgen.networks.speed.reduced import ReducedNetwork

_ENDS = 1e-3
"""How far a quick copy's logits may be from the network's, as a share of the class's gain over the baseline."""

_VALUE = 5e-3
"""The same in reduced precision: an area under a curve is a mean of such values, told to a hundredth."""

_FALLS = 0.1
"""Reduced precision's error beside the falls of parts hidden: r^2 with a map is lowered by its square."""

_PARTS = 6


def measuring_network(
    network: Network, quick: Network | None, clip: Tensor, index: int, baseline: str, *, seed: int, reduced: bool
) -> Network:
    """Return what measures how the logit of a class answers to hiding parts of a clip `1 C T H W`.

    That is the `quick` copy where both say the same of the ends of all curves: rounding must be small beside what
    hiding the whole clip costs the class. With `reduced` it is asked in bfloat16 where, of some random parts, hidden
    and shown alone, that says what float32 does: beside the ends of the curves, and beside how the parts differ.
    """
    if quick is None:
        return network
    behind = make_baseline(baseline, clip, network)
    ends = torch.cat([clip, behind])
    wanted, found = (_told(one, ends, index) for one in (network, quick))
    if not (found - wanted).abs().max() <= _ENDS * (wanted[0] - wanted[1]).abs():
        return network
    if not reduced:
        return quick
    rough = ReducedNetwork.of(quick)
    tubes = make_tubes(clip.shape[2:])
    hidden = random_parts(_PARTS, tubes.count, torch.Generator().manual_seed(seed))
    some = torch.where(tubes.masks(torch.cat([~hidden, hidden[:2]])).to(clip.device), clip, behind)
    exact = _shares(found, _told(quick, some, index))
    rounded = _shares(_told(rough, ends, index), _told(rough, some, index))
    return rough if _alike(rounded, exact) else quick


def _alike(rounded: Tensor, exact: Tensor) -> bool:
    """Return whether shares `N` of a logit's way, of which the first are of parts hidden, tell the same."""
    errors = rounded - exact
    parts = errors[:_PARTS].square().mean().sqrt() <= _FALLS * exact[:_PARTS].std()
    return bool(parts) and bool(errors.abs().max() <= _VALUE)


def _shares(ends: Tensor, logits: Tensor) -> Tensor:
    """Return the shares that logits `N` have of the way from the baseline's, the second end, to the clip's."""
    return (logits - ends[1]) / (ends[0] - ends[1])


def _told(network: Network, clips: Tensor, index: int) -> Tensor:
    return network.told(clip_logits(network, clips).double())[:, index]
