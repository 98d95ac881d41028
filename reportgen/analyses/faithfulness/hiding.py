"""How the maps of one class on one clip fare when parts of the clip are hidden, by each baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from reportgen.analyses.base import tensor
from reportgen.analyses.faithfulness.controls import network_free_maps
from reportgen.analyses.faithfulness.evaluation import (
    Band,
    Faithfulness,
    Probes,
    evaluate_maps,
    probe,
)
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.faithfulness.rounding import measuring_network
from reportgen.clips import Clip
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.answers.faithfulness import HidingTest, RandomBand
from reportgen.result import Unexplained, required

HIDDEN_BEHIND = ("blur", "mean_frame")
"""What parts are hidden behind: a map whose method has one of them as its own baseline is tried by the other, too."""

CONTROLS = 3
"""Maps that see no network."""


def hiding_tests(
    network: Network,
    seed: int,
    clip: Clip,
    index: int,
    heats: Sequence[Tensor],
    parameters: FaithfulnessParameters,
    progress: Progress,
    *,
    quick: Network | None = None,
    reduced: bool = False,
) -> list[dict[str, HidingTest]]:
    """Return how each map fares by each of the HIDDEN_BEHIND, beside random maps and those that see no network.

    `quick` is a quick copy of the network, which is asked in its place where it says the same, and with `reduced` in
    bfloat16 where that does: see `measuring_network`.
    """
    controls = network_free_maps(tensor(clip))
    found: list[dict[str, HidingTest]] = [{} for _ in heats]
    for baseline in _baselines(clip):
        measured = measuring_network(network, quick, tensor(clip), index, baseline, seed=seed, reduced=reduced)
        probes = probe(
            measured,
            tensor(clip),
            index,
            maps=parameters.maps,
            steps=parameters.curve_steps,
            samples=parameters.hidden,
            baseline=baseline,
            seed=seed,
            progress=progress,
        )
        if isinstance(probes, Unexplained):
            for tests in found:
                tests[baseline] = HidingTest(reason=probes.reason)
            continue
        fares = [
            required(fare) for fare in evaluate_maps(measured, probes, [*heats, *controls.values()], progress=progress)
        ]
        beside = dict(zip(controls, (fare.gain for fare in fares[len(heats) :]), strict=True))
        for tests, fare in zip(found, fares, strict=False):
            tests[baseline] = _test(probes, fare, beside)
    return found


def _baselines(clip: Clip) -> Sequence[str]:
    return HIDDEN_BEHIND if clip.pixels.shape[2] > 1 else HIDDEN_BEHIND[:1]


def _test(probes: Probes, fare: Faithfulness, controls: Mapping[str, float]) -> HidingTest:
    curves = fare.curves
    return HidingTest(
        insertion_auc=curves.insertion_auc,
        deletion_auc=curves.deletion_auc,
        insertion_band=_band(fare.insertion_band),
        deletion_band=_band(fare.deletion_band),
        controls=dict(controls),
        unexplained=fare.unexplained,
        random_maps=len(probes.random),
        shares=tuple(curves.shares),
        insertion=tuple(curves.insertion),
        deletion=tuple(curves.deletion),
        random_insertion=_mean([one.insertion for one in probes.random]),
        random_deletion=_mean([one.deletion for one in probes.random]),
    )


def _band(band: Band) -> RandomBand:
    return RandomBand(mean=band.mean, low=band.low, high=band.high)


def _mean(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(math.fsum(values) / len(values) for values in zip(*curves, strict=True))
