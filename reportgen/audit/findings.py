"""What a report says first: its strongest finding, its most surprising one, and what is least to be trusted in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reportgen.audit.checks import checks
from reportgen.audit.headline import KernelHeadline, headline
from reportgen.audit.heard import claims_change
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.pathways import pathway_state
from reportgen.audit.silence import known_times
from reportgen.audit.verdicts import WORST_FIRST, State, Verdict
from reportgen.reading.ablation import causal_drops
from reportgen.reading.format import fixed, number, percent, plural
from reportgen.reading.run_view import RunView
from reportgen.reading.views import KernelView, Pyramid
from reportgen.records.answers.pyramid import PyramidAnswer

Kind = Literal["strongest", "surprising", "doubtful"]


@dataclass(frozen=True)
class Finding:
    """A sentence with the address of its evidence; `kernel` or `clip` is what a picture shows of it."""

    kind: Kind
    state: State
    sentence: str
    link: str
    kernel: KernelView | None = None
    clip: str = ""


def findings(model: RunView, limits: Limits) -> list[Finding]:
    """Return a model's findings; one of a kind that nothing can be said of is left out."""
    found = (_strongest(model, limits), _surprising(model, limits), _doubtful(model, limits))
    return [finding for finding in found if finding]


def _strongest(model: RunView, limits: Limits) -> Finding | None:
    """Return the pathway that costs its class most, of those that pass; else the kernel that most badges speak for."""
    passed = [found for pyramid in model.pyramids if (found := _pathway(model, pyramid, limits))]
    if passed:
        return max(passed, key=lambda pair: pair[0])[1]
    # A plain clip passes what it is asked, and is no finding.
    clean = [v for v in model.all_kernels if _passes(v, limits) and claims_change(v.figures, limits) is not None]
    for view in best_supported(clean, 1, limits):
        passed_checks = plural(_passes(view, limits), "check")
        said = f"{_named(view, headline(view.figures, limits))} {passed_checks} of it passed, and none failed."
        return Finding("strongest", "pass", said, view.uri, view)
    return None


def _passes(view: KernelView, limits: Limits) -> int:
    """Return how many badges of a kernel pass; 0 where one of them does not, or the headline warns."""
    states = [verdict.state for verdict in kernel_verdicts(view.figures, limits)]
    doubted = headline(view.figures, limits).state == "warn" or not {"warn", "fail"}.isdisjoint(states)
    return 0 if doubted else states.count("pass")


def best_supported(views: Iterable[KernelView], most: int, limits: Limits) -> list[KernelView]:
    """Return the kernels of which most badges pass; of equal ones those first that reference clips drive most.

    How far a synthetic clip outdoes reference ones would favour kernels that reference clips barely drive.
    """

    def place(view: KernelView) -> tuple[int, float]:
        passed = sum(verdict.state == "pass" for verdict in kernel_verdicts(view.figures, limits))
        times = known_times(view.figures, limits)
        return -passed, math.inf if times is None else times

    return sorted((view for view in views if view.answer("kernels")), key=place)[:most]


def _pathway(model: RunView, pyramid: Pyramid, limits: Limits) -> tuple[float, Finding] | None:
    """Return how much more a pathway costs than other kernels do, in shares of its logit; None unless it passes."""
    answer = model.answer(pyramid.view.record, PyramidAnswer)
    together = next((drop for drop in causal_drops(answer) if drop.name == "together"), None) if answer else None
    if answer is None or together is None or together.random_mean is None or not answer.logit:
        return None
    if pathway_state(together, answer.class_clips, limits) != "pass":
        return None
    kept = sum(node.depth > 0 for node in pyramid.graph.nodes)
    said = (
        f"Without the {plural(kept, 'kernel')} of its pyramid the {model.words.value} of {pyramid.label} falls by "
        f"{number(together.drop)} of {number(answer.logit)}; without as many others that are as active, by "
        f"{number(together.random_mean)} (p = {fixed(together.p, 3)})."
    )
    size = (together.drop - together.random_mean) / abs(answer.logit)
    return size, Finding("strongest", "pass", said, pyramid.uri, clip=pyramid.view.clip)


def _surprising(model: RunView, limits: Limits) -> Finding | None:
    """Return where two measurements of one thing disagree most, or a clip that is taken for another class."""
    found = sorted(_disagreements(model, limits), key=lambda pair: -pair[0])
    return found[0][1] if found else _mistaken(model)


def _disagreements(model: RunView, limits: Limits) -> Iterator[tuple[float, Finding]]:
    """Yield the kernels whose headline the reference clips contradict, with the share of the evidence that does."""
    for view in model.all_kernels:
        said = headline(view.figures, limits)
        if said.but and said.kinds:
            yield 1 - said.agreeing / said.kinds, Finding("surprising", "warn", _named(view, said), view.uri, view)


def _named(view: KernelView, said: KernelHeadline) -> str:
    return f"{view.name}: {said.sentence}"


def _mistaken(model: RunView) -> Finding | None:
    for clip in model.subjects:
        if clip.label is None or not clip.predictions or model.run.weights.untrained:
            continue
        taken = model.taken_for(clip)
        if not taken:
            said = f"The network takes a clip of {model.label(clip.label)} for none of its classes."
            return Finding("surprising", "warn", said, model.addresses.clip(clip.name), clip=clip.name)
        first, share = taken[0]
        if clip.label not in (index for index, _ in taken):
            sure = "" if share is None else f", with a probability of {percent(share)}"
            said = f"The network takes a clip of {model.label(clip.label)} for {model.label(first)}{sure}."
            return Finding("surprising", "warn", said, model.addresses.clip(clip.name), clip=clip.name)
    return None


def _doubtful(model: RunView, limits: Limits) -> Finding | None:
    """Return the audit's worst verdict; of equal ones the first."""
    found = sorted(checks(model, limits), key=lambda row: WORST_FIRST.index(row.state))
    if not found or found[0].state == "pass":
        return None
    worst = found[0]
    also = sum(row.state == worst.state for row in found) - 1
    more = f" {plural(also, 'more check')} of the audit {'is' if also == 1 else 'are'} no better." if also else ""
    said = f"{worst.name}: {worst.figure}. {worst.meaning}{more}"
    clip = next((clip.name for clip in model.subjects if model.addresses.clip(clip.name) == worst.link), "")
    # What a check of the kernels is about can be seen on one of them; of a job that failed there is nothing to see.
    kernel = _worst(model, limits) if worst.link == model.addresses.home else None
    return Finding("doubtful", worst.state, said, model.addresses.audit, kernel, clip)


def _worst(model: RunView, limits: Limits) -> KernelView | None:
    """Return the kernel against which most of its own badges speak; of equal ones the one that clips drive least."""

    def against(verdicts: Sequence[Verdict]) -> int:
        return sum({"fail": 2, "warn": 1}.get(verdict.state, 0) for verdict in verdicts)

    told = [(against(kernel_verdicts(view.figures, limits)), view) for view in model.all_kernels]
    most = max((count for count, _ in told), default=0)
    worst = [view for count, view in told if count == most] if most else []
    return max(worst, key=lambda view: known_times(view.figures, limits) or 0.0, default=None)
