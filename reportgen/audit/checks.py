"""A model's headline figures and the checks of its audit, each with its threshold and the evidence behind it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from reportgen.audit.class_checks import (
    asked_of,
    motion_checks,
    pathways_name,
    pyramid_checks,
    relying_name,
    saliency_checks,
)
from reportgen.audit.concepts import concept_checks
from reportgen.audit.importance import weight_checks
from reportgen.audit.kernel_checks import kernel_checks, path_checks, redundancy_check
from reportgen.audit.known_answers import known_answers_check
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import WORST_FIRST, State, Verdict
from reportgen.errors import StoreError
from reportgen.reading.run_view import RunView
from reportgen.records.manifest import WeightsFacts


@dataclass(frozen=True)
class Headline:
    """A figure large enough for a front page: value, unit in words, and how far to believe it."""

    value: str
    what: str
    state: State
    link: str = ""


def _headlines(model: RunView) -> tuple[tuple[str, str], ...]:
    """Return the checks that stand on front pages, and their figures' words there."""
    words, asked = model.words, asked_of(model)
    return (
        ("Synthetic clips above the best reference clip", "synthetic clips outdo every reference clip"),
        ("Kernels explained as texture plus motion", "kernels are one texture plus one motion"),
        (pathways_name(words), f"{words.one} pathways matter more than random kernels{f', {asked}' if asked else ''}"),
        (relying_name(words), f"{words.many} rely on motion"),
        ("Jobs that failed", "jobs failed"),
    )


def limits_of(model: RunView) -> Limits:
    """Return the limits that a run was made with; the usual ones where it recorded none that this version knows.

    Raises StoreError for limits that are none.
    """
    recorded = model.run.options.get("check") or {}
    if isinstance(recorded, dict):
        recorded = {name: value for name, value in recorded.items() if name in Limits.model_fields}
    try:
        return Limits.model_validate(recorded)
    except ValidationError as error:
        raise StoreError(f"The limits in {model.store.folder} are damaged: compute this run again.") from error


def headlines(model: RunView) -> list[Headline]:
    """Return the front page's figures of a model, the worst first: the checks that matter first, and all that fail."""
    words = dict(_headlines(model))
    found = [
        Headline(row.figure, words.get(row.name, row.name.lower()), row.state, model.addresses.audit)
        for row in checks(model)
        if row.name in words or row.state == "fail"
    ]
    return sorted(found, key=lambda item: WORST_FIRST.index(item.state))


def checks(model: RunView, limits: Limits | None = None) -> list[Verdict]:
    """Return the rows of the audit table by `limits` (default: the run's). What was not measured is not tested."""
    limits = limits or limits_of(model)
    return [
        *_run_checks(model),
        *kernel_checks(model, limits),
        *path_checks(model, limits),
        redundancy_check(model, limits),
        *pyramid_checks(model, limits),
        *saliency_checks(model, limits),
        *motion_checks(model, limits),
        *weight_checks(model, limits),
        *concept_checks(model, limits),
    ]


def _run_checks(model: RunView) -> list[Verdict]:
    counts = model.counts()
    return [
        weights_check(model.run.weights, model.addresses.provenance),
        Verdict(
            "fail" if counts["failed"] else "pass" if sum(counts.values()) else "untested",
            "Jobs that failed",
            counts["failed"],
            f"{counts['failed']} of {sum(counts.values())}",
            "0",
            "Each failed job is listed with its reason on the provenance page.",
            model.addresses.provenance,
        ),
        known_answers_check(model),
    ]


def weights_check(weights: WeightsFacts, link: str) -> Verdict:
    """Return whether the weights are of a training run, as far as it is known where they come from."""
    state: State = "fail" if weights.untrained else "untested" if weights.of_unknown_origin else "pass"
    figures: dict[State, str] = {"fail": "untrained", "untested": "of unknown origin", "pass": "loaded"}
    meaning = "Pictures of an untrained network show its architecture and nothing that was learned."
    if state == "untested":
        meaning += " These weights came with the network itself: name a file with --weights to say which they are."
    return Verdict(state, "Trained weights", None, figures[state], "weights of a training run", meaning, link)
