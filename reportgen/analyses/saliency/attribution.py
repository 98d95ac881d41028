"""Where and when a network looked: attribution of a class logit to the pixels of a clip."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.analyses.common.baselines import BASELINES, make_baseline
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.common.representation import in_one_line, with_axes
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.analyses.saliency.answering import MANY_PASSES, quickly_answered
from reportgen.analyses.saliency.class_map import cam_places
from reportgen.analyses.saliency.exposed import Exposures
from reportgen.analyses.saliency.methods import METHODS
from reportgen.analyses.saliency.question import Question
from reportgen.errors import ClipError, NetworkError, OptionError, unknown_name
from reportgen.networks.core.classes import ClassLike, clip_logits
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.core.network import Network, as_network, no_weight_gradients
from reportgen.networks.core.one_by_one import given_one_by_one
from reportgen.networks.core.unchanged import gradients_told, leaving_unchanged
from reportgen.networks.kernels.places import SizedPlaces, sized_places
from reportgen.networks.speed.quick_copy import quick_copy
from reportgen.networks.trace.build import gradient_cuts
from reportgen.networks.trace.cuts import Cut, cut_sentences
from reportgen.networks.trace.known_cuts import known_cuts
from reportgen.progress import SILENT, Progress, observer
from reportgen.result import ShownResult, Unexplained, required

__all__ = ["METHODS", "Attribution", "attribute", "attribute_converged", "cam_places"]


@dataclass(frozen=True, eq=False)
class Attribution(ShownResult):
    """What each pixel of N clips did for a class logit; tensors are float32 on the CPU.

    `attribution` is like the clip, `N C T H W`. `heat` N T H W sums it over channels, and its magnitude where the
    map is not `signed`. `temporal_profile` N T is the sum of |attribution| over channels and positions. For methods
    that promise that attributions sum to the logit's gain over the baseline, `completeness_errors` says by which
    share of that gain they miss, per clip. `layers` are those that Grad-CAM read, one a pathway;
    `baseline` what was compared with. `above_mean` are the logits above the mean of all classes' (as they are, where
    each is true or not by itself). `clip` is what was explained, `N C T H W`; `notes` say where the network lets no
    gradient through, and the map stops, and what of it a method's rule does not reach.
    """

    attribution: Tensor
    heat: Tensor
    temporal_profile: Tensor
    logits: tuple[float, ...]
    class_index: int
    method: str
    signed: bool
    baseline: str | None
    completeness_errors: tuple[float, ...] | None
    seconds: float
    seed: int
    layers: tuple[str, ...] = ()
    above_mean: tuple[float, ...] = ()
    clip: Tensor | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"{self.method} of class {self.class_index}",
            f"attribution {with_axes(self.attribution, 'N C T H W')}",
            f"logit {self.logit:.3g}",
            f"baseline {self.baseline}" if self.baseline else "",
            f"completeness error {self.completeness_error:.2g}" if self.completeness_error is not None else "",
            f"{self.seconds:.1f} s",
        )

    @property
    def logit(self) -> float:
        """The class logit of the clip; the mean over clips where there are several."""
        return math.fsum(self.logits) / len(self.logits)

    @property
    def completeness_error(self) -> float | None:
        """The largest completeness error over clips; None for methods that promise none."""
        return None if self.completeness_errors is None else max(self.completeness_errors)


@leaving_unchanged
def attribute(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    method: str = "integrated_gradients",
    *,
    seed: int = 0,
    batch_size: int | None = None,
    steps: int | None = None,
    samples: int | None = None,
    baseline: str | Clips | None = None,
    layer: str | None = None,
    window: tuple[int, ...] | None = None,
    signed: bool | None = None,
    progress: Progress | bool = SILENT,
) -> Attribution | Unexplained:
    """Return what each pixel of `clip` did for the logit of a class, by one of METHODS.

    `clip` is `N C T H W` in [0, 1] RGB or any other form that `given_clips` knows, and what a bare module takes (`N C T
    H W` or `N C H W`) for that. `class_index` is a class's name or index, None the predicted one (of several clips: the
    one that all are said to be). Attributions are with respect to these values, behind which lies the card's
    normalisation. `steps` are those of integrated gradients (default: 64), `samples` those of SmoothGrad (16),
    `window` is occlusion's box (t, h, w), `layer` Grad-CAM's (`cam_places`), `baseline` one of BASELINES or a clip
    (blur); a method that has no use for one of them refuses it. Clips are answered one by one, `batch_size` passes at
    once (default: by memory, halved when it runs out); neither changes the answer beyond rounding. The network is left
    as it was. `progress` True shows a bar.

    Where the map is zero everywhere, for nothing in the clip speaks for the class, that is said by an `Unexplained` in
    its place. Raises ClipError for a clip that is not what it must be, UnknownNameError for an unknown method, class or
    baseline, OptionError for an option that the method has no use for, NetworkError when the method does not apply to
    the network or its map is not finite, OutOfMemoryError when one pass does not fit into memory.
    """
    progress = observer(progress)
    require_whole(steps=steps, samples=samples, batch_size=batch_size)
    require_whole(least=0, seed=seed)
    said = {"steps": steps, "samples": samples, "baseline": baseline, "layer": layer, "window": window}
    settings = _settings(method, seed, batch_size, said)
    return attribute_with(network, clip, class_index, method, settings, signed=signed, progress=progress)


@leaving_unchanged
def attribute_with(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None,
    method: str,
    settings: MapSettings,
    *,
    signed: bool | None = None,
    progress: Progress = SILENT,
) -> Attribution | Unexplained:
    """Return what `attribute` does, by settings of which a method reads what it has a use for."""
    found = attribute_unchecked(network, clip, class_index, method, settings, signed=signed, progress=progress)
    seen = as_network(network)
    for one in found.attribution:
        if not torch.isfinite(one).all():
            raise NetworkError(f"{_about(found)} is not finite: the network overflows on this clip.")
        if not one.any():
            return Unexplained(method, found.class_index, found.logit, _nothing(found, seen))
    return replace(found, notes=(*found.notes, *cut_sentences(_cuts(found, seen))))


def attribute_converged(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    *,
    steps: int = 64,
    first: int = 16,
    tolerance: float = 0.01,
    progress: Progress = SILENT,
    **options: Any,
) -> tuple[Attribution, int]:
    """Return integrated gradients and their steps: `first` ones, and more until the sum is as near as asked for.

    Twice as many each time, or at once as many as an error needs that falls with the square of the steps (it falls no
    faster), until the completeness error is at most `tolerance`, or `steps` are reached. The other options are
    fields of MapSettings, the errors those of `attribute`, and NetworkError for a map that is zero everywhere.
    """

    def asked(steps: int) -> Attribution:
        settings = MapSettings(steps=steps, **options)
        return required(attribute_with(network, clip, class_index, "integrated_gradients", settings, progress=progress))

    used = min(first, steps)
    found = asked(used)
    while used < steps and found.completeness_error is not None and not found.completeness_error <= tolerance:
        excess = found.completeness_error / max(tolerance, 1e-9)
        used = min(used * max(2, math.floor(math.sqrt(excess))) if math.isfinite(excess) else steps, steps)
        found = asked(used)
    return found, used


@dataclass(frozen=True)
class MapSettings:
    """How a map is made, beside its method: the keyword arguments of `attribute`.

    `quick` is a quick copy of the network, held against it on such clips, which makes the map in its place. Where maps
    of several methods are asked for, they share one, and `exposures`. `reduced`: SmoothGrad's passes are made in
    bfloat16 where a first one says there what it says in float32.
    """

    seed: int = 0
    batch_size: int | None = None
    steps: int = 64
    samples: int = 16
    baseline: str | Clips = "blur"
    layer: str | None = None
    window: tuple[int, ...] | None = None
    quick: Network | None = None
    exposures: Exposures = field(default_factory=Exposures, compare=False)
    reduced: bool = False


def _settings(method: str, seed: int, batch_size: int | None, said: Mapping[str, Any]) -> MapSettings:
    """Return how a map is made; raises OptionError for what its method has no use for, or is not said right."""
    given = {name: value for name, value in said.items() if value is not None}
    if method in METHODS:
        chosen = METHODS[method]
        used = {
            "steps": method == "integrated_gradients",
            "samples": chosen.stochastic,
            "baseline": chosen.compared,
            "layer": chosen.reads_layer,
            "window": method == "occlusion",
        }
        if void := [name for name in given if not used[name]]:
            raise OptionError(f"{chosen.title} has no use for {' and '.join(void)}: leave it out.")
    return MapSettings(seed, batch_size, **given)


def attribute_unchecked(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None,
    method: str,
    effort: MapSettings,
    *,
    signed: bool | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Return what `attribute` does, also when the map is zero everywhere: a network made blind on purpose may be."""
    if method not in METHODS:
        raise unknown_name("saliency method", method, METHODS)
    if min(effort.steps, effort.samples) < 1:
        raise NetworkError(f"Steps and samples must be at least 1, not {effort.steps} and {effort.samples}.")
    started = time.perf_counter()
    chosen = METHODS[method]
    seen = as_network(network)
    clips = given_clips(seen, clip)
    if clips.ndim not in (4, 5):
        raise ClipError(f"Saliency needs clips N C T H W (or N C H W), got {tuple(clips.shape)}.")
    reference = make_baseline(effort.baseline, clips, seen) if chosen.compared else clips
    if seen.card is None and chosen.passes(_question(seen, clips, effort)) > 1:
        seen = given_one_by_one(seen, clips.shape[1:])
    with no_weight_gradients(seen):
        places = _places(seen, clips[:1], effort.layer) if chosen.reads_layer else {}
        every = replace(_question(seen, clips, effort), baseline=reference, places=places)
        with gradients_told(seen.name, lambda: gradient_cuts(seen, clips[:1])):
            answered = quickly_answered(chosen, every, class_index, progress, effort.quick)
        found, scores, index = answered.attribution, answered.scores, answered.class_index
        logits = scores[:, index]
        errors = None
        if chosen.additive:
            errors = _completeness(found, logits, clip_logits(effort.quick or seen, reference)[:, index])
    signed = chosen.signed if signed is None else signed
    found = found.float().cpu()
    volume = found if found.ndim == 5 else found.unsqueeze(2)
    return Attribution(
        attribution=found,
        heat=volume.sum(dim=1) if signed else volume.abs().sum(dim=1),
        temporal_profile=volume.abs().sum(dim=(1, 3, 4)),
        logits=tuple(logits.tolist()),
        above_mean=tuple(seen.told(scores)[:, index].tolist()),
        class_index=index,
        method=method,
        signed=signed,
        baseline=_baseline_name(effort.baseline) if chosen.compared else None,
        completeness_errors=errors,
        seconds=time.perf_counter() - started,
        seed=effort.seed,
        layers=tuple(places),
        clip=clips.detach().float().cpu(),
        notes=tuple(every.notes),
    )


def shared_copy(network: Network, clip: Clips, methods: Iterable[str], effort: MapSettings) -> Network | None:
    """Return a quick copy for the maps of several methods of a clip, all of one `effort`, to be given as its `quick`.

    None where they take too few passes to pay for it, or the network has none. Its weights stay as they are while the
    copy is used.
    """
    clips = given_clips(network, clip)
    every = _question(network, clips, effort)
    passes = sum(METHODS[method].passes(every) for method in methods if not METHODS[method].reads_layer)
    if passes < MANY_PASSES:
        return None
    with no_weight_gradients(network):
        return quick_copy(network, [clips[:1]])


def _question(network: Network, clips: Tensor, effort: MapSettings) -> Question:
    """Return what is asked about clips, before it is known what the network says of them."""
    return Question(
        network=network,
        clip=clips,
        scores=clips.new_empty(0),
        class_index=-1,
        baseline=clips,
        seed=effort.seed,
        steps=effort.steps,
        samples=effort.samples,
        batch_size=network.at_once(effort.batch_size or starting_batch(clips[:1])),
        window=effort.window,
        exposures=effort.exposures,
        reduced=effort.reduced,
    )


def _places(network: Network, clip: Tensor, wanted: str | None) -> dict[str, SizedPlaces]:
    """Return the layers that Grad-CAM reads, and where their units look."""
    return sized_places(network, clip.shape, [network.layer_name(wanted)]) if wanted else cam_places(network, clip)


def _completeness(found: Tensor, logits: Tensor, reference: Tensor) -> tuple[float, ...]:
    """Return |sum of attributions - gain| / |gain| per clip, the gain being the logit's over its baseline's."""
    gain = logits.double() - reference.double()
    missed = found.double().flatten(1).sum(dim=1) - gain
    least = 1e-6 * logits.double().abs().clamp(min=1)
    return tuple((missed.abs() / torch.maximum(gain.abs(), least)).tolist())


def _nothing(found: Attribution, network: Network) -> str:
    """Return why a map is zero everywhere, as far as it can be told."""
    nothing = (
        f"{_about(found)} is zero everywhere: nothing in this clip speaks for the class by this method; choose another "
        "class, layer or method."
    )
    return " ".join((nothing, *cut_sentences(_cuts(found, network))))


def _cuts(found: Attribution, network: Network) -> tuple[Cut, ...]:
    """Return where no gradient comes through on the ways that a map follows."""
    if found.clip is None or found.method == "occlusion":
        return ()
    return known_cuts(network, found.clip[:1].to(network.device), behind=found.layers)


def _about(found: Attribution) -> str:
    return f"{METHODS[found.method].title} of class {found.class_index}"


def _baseline_name(baseline: str | Clips) -> str:
    return baseline if isinstance(baseline, str) and baseline in BASELINES else "given"
