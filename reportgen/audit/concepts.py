"""Concepts: from which figures a kernel is said to stand out, in words, and as a row of the audit."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict, at_least, graded
from reportgen.reading.concepts import ConceptView, DrivenKernel
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, fixed, number, plural
from reportgen.reading.run_view import RunView

_MOST_NAMED = 3
"""Concepts named in a kernel's sentence."""


def stands_out(kernel: DrivenKernel, limits: Limits, concepts: int = 1) -> bool:
    """Whether a concept drives a kernel clearly more than the reference clips do.

    Where the best of so many `concepts` is picked for the kernel, its q is multiplied by their number.
    """
    return kernel.auroc is not None and kernel.auroc >= limits.concept_auroc and _is_told(kernel, limits, concepts)


def is_silenced(kernel: DrivenKernel, limits: Limits) -> bool:
    """Whether a concept drives a kernel clearly less than the reference clips do."""
    return kernel.auroc is not None and kernel.auroc <= 1 - limits.concept_auroc and _is_told(kernel, limits, 1)


def _is_told(kernel: DrivenKernel, limits: Limits, concepts: int) -> bool:
    return kernel.q is not None and kernel.q * concepts <= limits.concept_q


def concepts_of(model: RunView, layer: str, index: int, limits: Limits) -> list[DrivenKernel]:
    """Return the concepts that a kernel stands out for, the largest AUROC first."""
    found = [kernel for concept in model.concepts if (kernel := concept.kernel(layer, index))]
    tested = sum(concept.was_tested for concept in model.concepts)
    clear = [kernel for kernel in found if stands_out(kernel, limits, tested)]
    return sorted(clear, key=lambda kernel: (-(kernel.auroc or 0.0), kernel.rank))


def concept_words(found: Sequence[DrivenKernel]) -> str:
    """Return what a kernel's concepts say in a sentence; empty where it stands out for none."""
    if not found:
        return ""
    named = Excerpt.of(found, _MOST_NAMED)
    parts = [f"“{kernel.concept}” ({concept_figures(kernel)})" for kernel in named]
    more = f" and {named.left_out} more" if named.left_out else ""
    many = "s" if len(found) > 1 else ""
    return f"Driven by the concept{many} {', '.join(parts)}{more}."


def concept_figures(kernel: DrivenKernel) -> str:
    """Return a kernel's AUROC for a concept with all that is known of how far to believe it."""
    parts = [f"AUROC {fixed(kernel.auroc)}"]
    if kernel.low is not None and kernel.high is not None:
        parts.append(f"95% {fixed(kernel.low)} to {fixed(kernel.high)}")
    parts.append(f"{plural(kernel.clips, 'clip')} against {count(kernel.reference)}")
    if kernel.q is not None:
        parts.append(f"q {number(kernel.q, 2)}")
    return ", ".join(parts)


def concept_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return for how many concepts some kernel stands out; no row where no concept was asked about."""
    if not model.concepts:
        return []
    tested = [concept for concept in model.concepts if concept.was_tested]
    found = [concept for concept in tested if any(stands_out(kernel, limits) for kernel in concept.kernels())]
    share = len(found) / len(tested) if tested else None
    without = [concept.name for concept in tested if concept not in found]
    untested = len(model.concepts) - len(tested)
    few = [concept for concept in tested if concept.answer.reference < limits.reference_clips]
    state = graded(share, *limits.concepts)
    return [
        Verdict(
            "warn" if few and state == "pass" else state,
            "Concepts that some kernel stands out for",
            share,
            f"{len(found)} of {len(tested)}" if tested else "–",
            f"{at_least(limits.concepts)} of concepts drive a kernel with an AUROC of at least "
            f"{fixed(limits.concept_auroc)} and q at most {fixed(limits.concept_q)}",
            "Does a kernel stand for what its picture suggests? Pictures and clips of the concept itself tell."
            + (f" No kernel stands out for: {_listed(without)}." if without else "")
            + (f" Not enough evidence to pass: fewer than {limits.reference_clips} reference clips." if few else "")
            + (f" Not tested: {untested}, for want of clips." if untested else ""),
            model.addresses.concepts,
        )
    ]


def _listed(names: Sequence[str]) -> str:
    shown = Excerpt.of(names, _MOST_NAMED)
    return ", ".join(shown) + (f" and {shown.left_out} more" if shown.left_out else "")


def concept_sentence(concept: ConceptView, limits: Limits) -> str:
    """Return what a concept drives, in a sentence or two."""
    answer, name = concept.answer, f"“{concept.name}”"
    if not concept.was_tested:
        if min(answer.clips, answer.reference) >= answer.least:
            return f"No kernel of this network responds differently to any two clips of {name} and the reference."
        return (
            f"Not tested: {plural(answer.clips, 'clip')} of {name} and {plural(answer.reference, 'reference clip')}; a "
            f"test needs {answer.least} of each. What they drive is shown below."
        )
    kernels = concept.kernels()
    more = [kernel for kernel in kernels if stands_out(kernel, limits)]
    less = sum(is_silenced(kernel, limits) for kernel in kernels)
    compared = f"{plural(answer.clips, 'clip')} of {name} against {plural(answer.reference, 'reference clip')}"
    also = f"; {plural(less, 'kernel')} {'responds' if less == 1 else 'respond'} clearly less." if less else "."
    if not more:
        return f"{compared}: of {count(answer.tested)} kernels none responds clearly more{also}"
    verb = "responds" if len(more) == 1 else "respond"
    return f"{compared}: of {count(answer.tested)} kernels {count(len(more))} {verb} clearly more{also}"
