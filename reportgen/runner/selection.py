"""`--select`: a part of a plan, by the identities of what is asked about."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.errors import EmptySelectionError
from reportgen.records.identities import is_selected
from reportgen.runner.evidence_clips import EVIDENCE
from reportgen.runner.places import Place
from reportgen.runner.plan import Plan
from reportgen.wording import option


class BuildSelection:
    """What a build was told to do of its plans; no patterns select everything."""

    def __init__(self, patterns: Sequence[str], places: Sequence[Place]) -> None:
        """Find the networks of which the patterns may select something.

        Raises EmptySelectionError, before any work, for a pattern that is about none of them.
        """
        self._missing = list(patterns)
        self._patterns = tuple(patterns)
        heads = [pattern.partition("/")[0] for pattern in patterns]
        for pattern, head in zip(patterns, heads, strict=True):
            if not any(is_selected(place.name, (head,)) for place in places):
                names = ", ".join(place.name for place in places)
                raise EmptySelectionError(
                    f"{option('--select', pattern)} is about no network of this build: it has {names}."
                )
        self.places = [place for place in places if not heads or is_selected(place.name, heads)]
        self._left = len(self.places)

    def keys(self, plan: Plan, *, reference: bool) -> frozenset[str] | None:
        """Return the keys of the jobs to do: those selected, and those whose answers they need; None for all.

        `reference` says that real clips are shown beside kernels. To be asked once for each network, in their
        order: raises EmptySelectionError when the last one has nothing either that some pattern selects.
        """
        if not self._patterns:
            return None
        jobs = list(plan.jobs())
        self._left -= 1
        self._missing = [pattern for pattern in self._missing if not any(is_selected(j.unit, (pattern,)) for j in jobs)]
        if self._missing and self._left == 0:
            example = jobs[-1].unit if jobs else ""
            raise EmptySelectionError(
                f"{option('--select', self._missing[0])} matches nothing that this build asks about (such as "
                f"{example}): "
                f"{option('--layers')}, {option('--kernels')}, {option('--clip')} and {option('--class')} choose "
                "what that is."
            )
        # The run's header names the clips that the evidence shows: without it, it would lose their pictures.
        wanted = {
            job.key for job in jobs if is_selected(job.unit, self._patterns) or (reference and job.analysis == EVIDENCE)
        }
        for job in reversed(jobs):  # what a job needs comes before it
            if job.key in wanted:
                wanted.update(job.needs)
        return frozenset(wanted)
