"""An anonymous report: its runs without what tells who made them, and the words that it must not hold at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.anonymous.runs import anonymous_copy
from reportgen.anonymous.text import somebodys_place, without_places
from reportgen.errors import ForbiddenWordError
from reportgen.progress import SILENT, Progress
from reportgen.records.manifest import Manifest, check_selection
from reportgen.records.store import Store
from reportgen.scanning.machine import forbidden_words, machine_words, withheld_words
from reportgen.scanning.words import ForbiddenWords


@dataclass(frozen=True)
class AnonymousRuns:
    """Copies of runs without what tells who made them.

    Whoever finishes a report from them gives `words` to `reportgen.scanning.scanner.check_report`: names of this
    machine and its user, what the copies leave out, and what the user forbids.
    """

    stores: tuple[Store, ...]
    words: ForbiddenWords


def anonymous_runs(
    stores: Sequence[Store],
    folder: Path,
    *,
    select: Sequence[str] = (),
    forbid: Sequence[str] = (),
    keep_digest: bool = False,
    progress: Progress = SILENT,
) -> AnonymousRuns:
    """Copy runs, or what `select` leaves of them, into `folder` without what tells who made them.

    See `reportgen.anonymous.fields.DROPPED`. With `keep_digest` the digests of weights stay. A report of the copies is
    made without `select`. Raises StoreError, RenderError and EmptySelectionError as reading the runs does, and
    ForbiddenWordError where a name that the user gave, such as a class label, holds a word that `forbid` names.
    """
    manifests = [store.manifest() for store in stores]
    check_selection(select, manifests)
    parts = [found.selected(select) if select else found for found in manifests]
    chosen = [(store, part) for store, part in zip(stores, parts, strict=True) if part]
    own, forbidden = machine_words(), forbidden_words(forbid)
    names = [*forbidden, *own]
    _check_places(part for _, part in chosen)
    told = [*forbidden, *(word for word in own if not word.narrow)]  # a class may be called like a common user
    check_own_words([part for _, part in chosen], ForbiddenWords(told), without_places)
    known, copies = ForbiddenWords(names), []
    with progress.task("Leaving out who made it", len(chosen)) as task:
        for number, (store, part) in enumerate(chosen):
            copies.append(anonymous_copy(store, part, folder / f"{number:03d}", known, keep_digest=keep_digest))
            task.advance()
    withheld = [value for copy in copies for value in copy.withheld]
    return AnonymousRuns(tuple(copy.store for copy in copies), ForbiddenWords([*names, *withheld_words(withheld)]))


def _check_places(manifests: Iterable[Manifest]) -> None:
    """Raise ForbiddenWordError where a name that every report shows is of somebody's folder or address."""
    for manifest in manifests:
        for what, text in _own_texts(manifest, without_places):
            if place := somebodys_place(text):
                raise ForbiddenWordError(
                    f"{place!r} stands in {what} of {manifest.run.model}: {text[:80]!r}. It tells whose it is; give it "
                    "another name and compute the run again."
                )


def check_own_words(manifests: Sequence[Manifest], words: ForbiddenWords, shown: Callable[[str], str] = str) -> None:
    """Raise ForbiddenWordError where a word stands in what the user wrote and every report shows, before any work.

    `shown` returns what a report shows of a longer text.
    """
    for manifest in manifests:
        for what, text in _own_texts(manifest, shown):
            if found := next(words.in_metadata(text), None):
                raise ForbiddenWordError(
                    f"The word {found.word.text!r}, {found.word.what}, stands in {what} of {manifest.run.model}: "
                    f"{text[:80]!r}; give it another name and compute the run again, or leave the word out."
                )


def _own_texts(manifest: Manifest, shown: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    run = manifest.run
    yield "the name", run.model
    yield "the title", run.title or run.card.title
    yield "the summary", shown(run.card.summary)
    yield "the training data", shown(run.weights.trained_on or "")
    yield "the licence of the weights", run.weights.licence or ""
    yield from (("a class label", label) for label in run.labels)
    yield from (("a layer's name", layer.name) for layer in run.layers)
    yield from (("a stage's title", stage.title) for stage in run.card.stages)
    yield from (("a concept's name", r.job.unit.rpartition("/concept-")[2]) for r in manifest.of("concepts"))
