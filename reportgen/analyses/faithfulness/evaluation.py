"""How far a map may be believed: does the logit follow when what it marks is hidden, or shown alone?

Everything is measured on the class's logit above the mean of all logits.

A clip's parts are space-time tubes, and what is hidden shows a baseline. What does
not depend on the map (random maps, random parts hidden) is measured once per clip and class, and serves all maps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor, nn

from reportgen.analyses.common.baselines import make_baseline
from reportgen.analyses.common.representation import in_one_line, with_axes
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.analyses.faithfulness.curves import Curves, ShownTubes, curves_of, curves_of_random_maps
from reportgen.analyses.faithfulness.tubes import Tubes, make_tubes
from reportgen.errors import ClipError, NetworkError, a_type
from reportgen.networks.core.classes import ClassLike, clip_logits, explained_class
from reportgen.networks.core.given_clips import Clips, given_clip
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.progress import SILENT, Progress, observer
from reportgen.result import ShownResult, Unexplained

HIDDEN_SHARE = 0.2
"""Share of the tubes that each random part hides: the same for all, or a map that is flat would foretell the falls."""


@dataclass(frozen=True, eq=False)
class Probes(ShownResult):
    """How the logit of a class answers to hiding parts of one clip, whatever the map.

    `random` are the curves of random maps: `insertion` is one map's, `deletion` that of its reverse. `hidden` R count
    says which tubes each random part hides, `drops` R by how much the logit then falls.
    """

    clip: Tensor
    baseline: Tensor
    class_index: int
    tubes: Tubes
    steps: int
    logit: float
    baseline_logit: float
    random: tuple[Curves, ...]
    hidden: Tensor
    drops: Tensor
    seed: int

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"class {self.class_index}",
            f"clip {with_axes(self.clip, 'N C T H W')}",
            f"logit above the mean {self.logit:.3g}, of the baseline {self.baseline_logit:.3g}",
            f"{self.tubes.count} tubes",
            f"{len(self.random)} random maps",
            f"{len(self.drops)} random parts",
        )


@dataclass(frozen=True)
class Band:
    """What random maps reach: their mean, and between which values a further one would lie (95 per cent)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Faithfulness(ShownResult):
    """How one map fares.

    `insertion_gain` and `deletion_gain` are how much better than the mean of random maps its areas are (both positive
    for a faithful map); it `beats_random` when both areas lie beyond the bands. `unexplained` is in [0, 1]: the share
    of the variance of the logit's falls, when random parts are hidden, that the map's sums over these parts leave
    unexplained, 1 - r^2. It is the infidelity of Yeh et al. 2019 (arXiv 1901.09392) with scale and offset fitted, so
    that maps in any unit compare; 1 also for a map whose sums run against the falls.
    """

    curves: Curves
    insertion_band: Band
    deletion_band: Band
    unexplained: float

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"insertion {self.curves.insertion_auc:.2f} ({self.insertion_gain:+.2f} beside random maps)",
            f"deletion {self.curves.deletion_auc:.2f} ({-self.deletion_gain:+.2f})",
            f"unexplained {self.unexplained:.2f}",
        )

    @property
    def insertion_gain(self) -> float:
        """Insertion area above random maps'."""
        return self.curves.insertion_auc - self.insertion_band.mean

    @property
    def deletion_gain(self) -> float:
        """Deletion area below random maps'."""
        return self.deletion_band.mean - self.curves.deletion_auc

    @property
    def gain(self) -> float:
        """The mean of the two gains."""
        return (self.insertion_gain + self.deletion_gain) / 2

    @property
    def beats_random(self) -> bool:
        """Whether both areas are better than a further random map's would be."""
        return (
            self.curves.insertion_auc > self.insertion_band.high and self.curves.deletion_auc < self.deletion_band.low
        )


@leaving_unchanged
def probe(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    *,
    tube: Sequence[int] | None = None,
    baseline: str | Clips = "blur",
    steps: int = 14,
    maps: int = 10,
    samples: int = 64,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool = SILENT,
) -> Probes | Unexplained:
    """Measure on one clip `1 C T H W` what every map of the class will be compared with.

    `tube` is a part's size (t, h, w; default: 4 x 7 x 7 tubes a clip), `steps` how many times tubes are added along a
    curve, `maps` how many random maps are drawn, `samples` how many random parts are hidden.

    `clip` may be in any form that `given_clips` knows; `class_index` is a class's name or index, None the predicted
    one. Where the clip has no larger logit than its baseline there is nothing to lose, which an `Unexplained` says in
    place of the probes. Raises ClipError for other clips; UnknownNameError for an unknown class or baseline;
    OutOfMemoryError.
    """
    progress = observer(progress)
    require_whole(steps=steps, maps=maps, samples=samples, batch_size=batch_size)
    require_whole(least=0, seed=seed)
    seen = as_network(network)
    shown = given_clip(seen, clip)
    if shown.ndim != 5:
        raise ClipError(f"A clip is probed alone, 1 C T H W, got {tuple(shown.shape)}.")
    if maps < 2 or steps < 1 or samples < 2:
        raise NetworkError(f"Probing needs 2 maps, 1 step and 2 samples at least, not {maps}, {steps}, {samples}.")
    index = explained_class(seen, class_index, clip_logits(seen, shown))
    hidden_clip = make_baseline(baseline, shown, seen)
    tubes = make_tubes(shown.shape[2:], tube)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand((maps, tubes.count), generator=generator, dtype=torch.float64)
    hidden = random_parts(samples, tubes.count, generator)
    with progress.task("What random maps reach", maps * (steps - 1) + samples + 2) as task:
        measure = ShownTubes(seen, shown, hidden_clip, index, tubes, batch_size, task.advance)
        none, whole = measure(torch.stack([torch.zeros(tubes.count), torch.ones(tubes.count)]).bool()).tolist()
        if not whole > none:
            return Unexplained(
                "probe",
                index,
                whole,
                f"The logit of class {index} is not larger on the clip ({whole:.3g}) than on its baseline "
                f"({none:.3g}): choose the predicted class, or another baseline.",
            )
        random = curves_of_random_maps(measure, scores, steps, none, whole)
        drops = whole - measure(~hidden)
    return Probes(
        clip=shown,
        baseline=hidden_clip,
        class_index=index,
        tubes=tubes,
        steps=steps,
        logit=whole,
        baseline_logit=none,
        random=tuple(random),
        hidden=hidden,
        drops=drops,
        seed=seed,
    )


@leaving_unchanged
def evaluate_maps(
    network: Network | nn.Module,
    probes: Probes | Unexplained,
    heats: Sequence[Tensor | NDArray[Any]] | Tensor | NDArray[Any],
    *,
    batch_size: int | None = None,
    progress: Progress | bool = SILENT,
) -> tuple[Faithfulness | Unexplained, ...]:
    """Return how each map `T H W` fares, their passes through the network made together.

    Where the probes had nothing to explain, that is the answer for each map, too. Raises NetworkError for a map of
    another size, OutOfMemoryError.
    """
    progress = observer(progress)
    require_whole(batch_size=batch_size)
    maps = _given_maps(heats)
    if isinstance(probes, Unexplained):
        return (probes,) * len(maps)
    if not isinstance(probes, Probes):
        raise NetworkError(f"Maps are evaluated beside what `probe` returns, and not {a_type(probes)}.")
    if not maps:
        return ()
    tubes = probes.tubes
    scores = torch.stack([tubes.means(heat) for heat in maps])
    with progress.task("How maps fare", len(maps) * 2 * (probes.steps - 1)) as task:
        measure = ShownTubes(
            as_network(network), probes.clip, probes.baseline, probes.class_index, tubes, batch_size, task.advance
        )
        curves = curves_of(measure, scores, probes.steps, probes.baseline_logit, probes.logit)
    insertion = _band([one.insertion_auc for one in probes.random])
    deletion = _band([one.deletion_auc for one in probes.random])
    return tuple(
        Faithfulness(found, insertion, deletion, _unexplained(probes, tubes.sums(heat)))
        for found, heat in zip(curves, maps, strict=True)
    )


def _given_maps(heats: Any) -> list[Tensor]:
    """Return maps as tensors `T H W` float64; one by itself may be given without a list. Raises NetworkError."""
    alone = isinstance(heats, Tensor | np.ndarray) and heats.ndim == 3
    each = [heats] if alone else heats
    if not isinstance(each, Iterable) or isinstance(each, str):
        raise NetworkError(f"Maps are tensors or arrays T H W in a list, and not {a_type(heats)}.")
    found = []
    for heat in each:
        values = torch.from_numpy(heat.copy()) if isinstance(heat, np.ndarray) and heat.dtype.kind in "fiub" else heat
        if not isinstance(values, Tensor) or values.is_complex() or values.is_meta:
            raise NetworkError(f"A map is a tensor or an array T H W of real numbers, and not {_kind(heat)}.")
        if not values.isfinite().all():
            raise NetworkError("The map holds NaN or infinity: check where it comes from.")
        found.append(values.detach().double().cpu())
    return found


def _kind(value: Any) -> str:
    if hasattr(value, "heat"):
        return f"{a_type(value)}: give each of its `heat`"
    return f"one of {value.dtype} on {value.device}" if isinstance(value, Tensor) else a_type(value)


def random_parts(samples: int, count: int, generator: torch.Generator) -> Tensor:
    """Return which tubes are hidden, `samples count` bool, as many in each."""
    place = torch.rand((samples, count), generator=generator, dtype=torch.float64).argsort(dim=1).argsort(dim=1)
    return place < max(1, round(HIDDEN_SHARE * count))


def _unexplained(probes: Probes, sums: Tensor) -> float:
    """Return 1 - r^2 of the falls and the map's sums over what was hidden; 1 where r is not positive."""
    foretold = probes.hidden.double() @ sums
    foretold, drops = foretold - foretold.mean(), probes.drops - probes.drops.mean()
    norm = float(foretold.norm() * drops.norm())
    correlation = float(foretold @ drops) / norm if norm > 0 else 0.0
    return 1 - max(correlation, 0.0) ** 2


def _band(values: Sequence[float]) -> Band:
    """Return Student's prediction interval for one more value."""
    sample = torch.tensor(values, dtype=torch.float64)
    count = len(values)
    reach = float(stdtrit(count - 1, 0.975)) * float(sample.std()) * math.sqrt(1 + 1 / count)
    mean = float(sample.mean())
    return Band(mean, mean - reach, mean + reach)
