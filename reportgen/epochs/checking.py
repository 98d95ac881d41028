"""Judging a network in memory: a few probes on a few clips, by the limits and words of the audit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from torch import Tensor, nn

from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.analyses.faithfulness.evaluation import Faithfulness, evaluate_maps, probe
from reportgen.analyses.motion.motion_audit import MotionAudit, motion_audit
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import attribute_converged
from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.audit.verdicts import State, Verdict, at_least, at_most, graded, judged
from reportgen.clips import Clip
from reportgen.epochs.network_audit import NetworkAudit
from reportgen.errors import ClipError, NetworkError, NoAnswerError, a_type, unknown_name
from reportgen.networks.core.above_mean import above_mean
from reportgen.networks.core.classes import ClassLike, class_index, clip_logits
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.core.network import Network, borrow
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.trace.build import connection_graph
from reportgen.progress import SILENT, Progress, observer
from reportgen.reading.format import fixed, percent
from reportgen.result import Unexplained

_DULL = 1e-6
"""Share of a layer's largest response up to which a kernel's responses scatter by rounding alone."""

_DRAWS, _MAPS, _STEPS, _PARTS = 4, 10, 6, 24
"""Of the probes: shuffled orders; random maps, steps of their curves, and random parts hidden."""


@dataclass(frozen=True)
class _Asked:
    """What is judged: a network, clips `N C T H W` with their logits `N K`, and how."""

    network: Network
    clips: Tensor
    logits: Tensor
    limits: Limits
    seed: int

    @property
    def singly(self) -> list[tuple[Tensor, int]]:
        """Each clip with the class that the network says."""
        return list(zip(self.clips.split(1), self.logits.argmax(1).tolist(), strict=True))


_Found = tuple[list[Verdict], dict[str, float | None]]


@leaving_unchanged
def audit(
    network: Network | nn.Module,
    clips: Clips,
    *,
    labels: Sequence[ClassLike] | Tensor | None = None,
    checks: Sequence[str] | str = ("motion", "maps", "pyramids", "kernels"),
    most: int = 4,
    limits: Limits | Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | bool = SILENT,
) -> NetworkAudit:
    """Judge a network in memory, on some clips, in seconds: what an epoch of a training can afford.

    `clips` are `N C T H W` in [0, 1] RGB or any other form that `given_clips` knows; `labels` their classes, by name or
    index (a `Clip` may bring its own), for the accuracy alone. Of the `checks` "motion" asks whether a class relies on
    motion, "maps" whether integrated gradients add up and beat random maps, "pyramids" whether relevance is conserved,
    "kernels" how many convolutions' kernels answer alike to every clip. The dearer ones ask about the first `most`
    clips, each about the class that the network says. `limits` are those of the audit. Verdicts have the names and
    limits of the report's audit page, which asks more of the network before it calls something a pass.

    The network is left as it was. Raises ClipError and UnknownNameError for other clips, labels and checks,
    NetworkError for a network without classes, OptionError for limits that are not valid.
    """
    progress = observer(progress)
    started = time.perf_counter()
    require_whole(most=most)
    require_whole(least=0, seed=seed)
    checks = [checks] if isinstance(checks, str) else checks
    unknown = [name for name in checks if name not in CHECKS]
    if unknown:
        raise unknown_name("check", unknown[0], CHECKS)
    subject = borrow(network)
    if not subject.has_classes:
        raise NetworkError(f"{subject.name} has no classes: an audit asks what its classes are made of.")
    pixels = given_clips(subject, clips)
    logits = clip_logits(subject, pixels)
    asked = _Asked(subject, pixels, logits, Limits.of(limits), seed)
    few = _Asked(subject, pixels[:most], logits[:most], asked.limits, seed)
    verdicts: list[Verdict] = []
    figures: dict[str, float | None] = {"accuracy": _accuracy(asked, _labels(clips, labels))}
    figures["logit_above_mean"] = float(above_mean(logits).amax(1).mean())
    with progress.task(f"audit of {subject.name}", len(checks)) as task:
        for name in checks:
            found, numbers = CHECKS[name](asked if name == "kernels" else few)
            verdicts += found
            figures |= numbers
            task.advance()
    return NetworkAudit(subject.name, len(pixels), tuple(verdicts), figures, time.perf_counter() - started)


def _labels(clips: Any, given: Any) -> list[ClassLike | None]:
    if given is not None:
        if isinstance(given, Tensor):
            return list(given.reshape(-1).tolist())
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise ClipError(f"Labels are a list with one for each clip, and not {a_type(given)}.")
        return list(given)
    each = list(clips) if isinstance(clips, list | tuple) else [clips]
    return [one.label if isinstance(one, Clip) else None for one in each]


def _accuracy(asked: _Asked, labels: Sequence[ClassLike | None]) -> float | None:
    """Return the share of clips that are taken for their class; None where no clip's class is known."""
    known = [(place, one) for place, one in enumerate(labels) if one is not None]
    if not known:
        return None
    if len(labels) != len(asked.clips):
        raise ClipError(f"There are {len(asked.clips)} clips and {len(labels)} labels: give one for each clip.")
    said = asked.logits.argmax(1)
    return fmean(int(said[place]) == class_index(asked.network, one) for place, one in known)


def _motion(asked: _Asked) -> _Found:
    if asked.clips.ndim != 5 or asked.clips.shape[2] < 2:
        return [_untested("Classes that rely on motion", "A clip of one frame has no motion.")], {}
    found = [motion_audit(asked.network, clip, index, draws=_DRAWS, seed=asked.seed) for clip, index in asked.singly]
    classes = {one.class_index: [own for own in found if own.class_index == one.class_index] for one in found}
    relying = [index for index, own in classes.items() if _relies(own, asked.limits)]
    known = [index for index, own in classes.items() if _mean(own, "motion_reliance") is not None]
    state: State = "untested" if not known else "pass" if relying else "fail"
    scant = min(map(len, classes.values())) < asked.limits.class_clips or len(known) < asked.limits.motion_classes
    verdict = Verdict(
        "warn" if scant and state == "fail" else state,
        "Classes that rely on motion",
        len(relying) if known else None,
        f"{len(relying)} of {len(known)}" if known else "–",
        f"at least one loses {percent(asked.limits.motion_reliance)} of its logit in its best frozen frame, and where "
        "the first frame dissolves into the last",
        "A video network of which no class needs motion sees pictures."
        + (" Not enough evidence to fail: few clips or classes were probed." if scant and state == "fail" else ""),
    )
    names = ("motion_reliance", "dissolved_loss", "order_sensitivity")
    return [verdict], {name: _mean(found, name) for name in names}


def _relies(found: Sequence[MotionAudit], limits: Limits) -> bool:
    return relies_on_motion(_mean(found, "motion_reliance"), _mean(found, "dissolved_loss"), limits)


def _mean(found: Sequence[Any], name: str) -> float | None:
    values = [value for one in found if (value := getattr(one, name)) is not None]
    return fmean(values) if values else None


def _maps(asked: _Asked) -> _Found:
    errors: list[float] = []
    fares: list[Faithfulness | Unexplained] = []
    reasons: list[str] = []
    for clip, index in asked.singly:
        try:
            found, _ = attribute_converged(asked.network, clip, index, tolerance=asked.limits.completeness[0])
        except NetworkError as reason:  # a map that is zero everywhere: the others are judged
            reasons.append(str(reason))
            continue
        errors.append(found.completeness_error or 0.0)
        if clip.ndim == 5:
            probes = probe(asked.network, clip, index, maps=_MAPS, steps=_STEPS, samples=_PARTS, seed=asked.seed)
            fares += evaluate_maps(asked.network, probes, [found.heat[0]])
    told = [one for one in fares if isinstance(one, Faithfulness)]
    reasons += [one.reason for one in fares if not isinstance(one, Faithfulness)]
    error = max(errors, default=None)
    better = sum(one.beats_random for one in told) / len(told) if told else None
    verdicts = [
        Verdict(
            graded(error, *asked.limits.completeness),
            "Integrated gradients add up (worst clip)",
            error,
            judged(error, *asked.limits.completeness, digits=2),
            at_most(asked.limits.completeness),
            " ".join(["The attributions must sum to the logit's change between baseline and clip.", *reasons[:1]]),
        ),
        Verdict(
            graded(better, *asked.limits.faithful_maps),
            "Integrated gradients better than random maps",
            better,
            f"{sum(one.beats_random for one in told)} of {len(told)}" if told else "–",
            f"{at_least(asked.limits.faithful_maps)} of maps beat random maps at insertion and deletion",
            " ".join(["A map without this is a hint, no proof.", *reasons[:1]]),
        ),
    ]
    gains = {"insertion_gain": _mean(told, "insertion_gain"), "deletion_gain": _mean(told, "deletion_gain")}
    return verdicts, {"completeness_error": error, **gains}


def _pyramids(asked: _Asked) -> _Found:
    errors, reason = [], ""
    graph = connection_graph(asked.network, asked.clips[:1].shape, clip=asked.clips[:1])
    for clip, index in asked.singly:
        try:
            found = class_pyramid(asked.network, clip, index, graph=graph)
        except NoAnswerError as fault:
            reason = str(fault)
            break
        if found.conservation is not None:
            errors.append(found.conservation.error)
    error = max(errors, default=None)
    verdict = Verdict(
        graded(error, *asked.limits.conservation),
        "Relevance is conserved (worst pyramid)",
        error,
        f"{judged(error, *asked.limits.conservation, digits=2)} left over" if error is not None else "–",
        at_most(asked.limits.conservation, 1),
        " ".join(["Where every path passes, relevance and biases must add up to the logit.", reason]).strip(),
    )
    return [verdict], {"conservation_error": error}


def _kernels(asked: _Asked) -> _Found:
    name = "Dead kernels"
    if asked.clips.ndim != 5:
        return [_untested(name, "Kernels are measured on clips N C T H W.")], {}
    layers = describe_layers(asked.network, clip_shape=asked.clips.shape[1:])
    convolutions = [one.name for one in layers if one.kind.startswith("Conv") and one.output is not None]
    if len(asked.clips) < 2 or not convolutions:
        return [_untested(name, "It takes two clips, and convolutions, to see which kernels answer alike.")], {}
    found = kernel_responses(asked.network, asked.clips, convolutions)
    dead = sum(int(((own.amax(0) - own.amin(0)) <= _DULL * own.abs().max()).sum()) for own in found.values())
    total = sum(own.shape[1] for own in found.values())
    few = len(asked.clips) < asked.limits.reference_clips
    state = graded(dead / total, *asked.limits.redundant)
    verdict = Verdict(
        "warn" if few and state != "pass" else state,
        name,
        dead / total,
        f"{judged(dead / total, *asked.limits.redundant, digits=1)} of {total}",
        at_most(asked.limits.redundant),
        "They answer alike to every clip." + (" Few clips were given: others may drive them." if few and dead else ""),
    )
    return [verdict], {"dead_kernels": dead / total}


def _untested(name: str, why: str) -> Verdict:
    return Verdict("untested", name, None, fixed(None), "–", why)


CHECKS: Mapping[str, Callable[[_Asked], _Found]] = {
    "motion": _motion,
    "maps": _maps,
    "pyramids": _pyramids,
    "kernels": _kernels,
}
"""What an audit in memory asks, by name."""
