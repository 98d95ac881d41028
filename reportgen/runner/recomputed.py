"""The third answer about a report: whether a sample of its records comes out the same when it is computed again."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.config.options import BuildOptions
from reportgen.errors import ReportgenError, VerificationError
from reportgen.progress import Progress
from reportgen.proof.likeness import Deviation, deviations
from reportgen.proof.outcome import MissedForgeries, Recomputation, first_names
from reportgen.proof.sampling import drawn, missed_forgeries
from reportgen.reading.format import duration
from reportgen.records.files import PART
from reportgen.records.jobs import Done
from reportgen.records.manifest import Manifest
from reportgen.records.store import Store
from reportgen.runner.recompute import Bench, Candidate, bench

_FINER = 10.0
"""Two computations by rounding alone are compared within this part of the tolerance, so that their noise is seen."""

_NOISE = 3.0
"""A difference that is less than so many times what rounding alone makes proves nothing."""

_SHOWN = 3


@dataclass(frozen=True)
class Sampling:
    """How many records are drawn, by which seed, and within what share of a number they must come out the same."""

    count: int
    seed: int
    tolerance: float


@dataclass
class _Verdicts:
    """What came of the records that were drawn, each named by its analysis and unit."""

    same: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def recomputed(
    runs: Sequence[tuple[Store, Manifest]], options: BuildOptions, sampling: Sampling, progress: Progress
) -> Recomputation:
    """Compute a sample of the records of a report's `runs` again and compare; `options` are the reader's.

    The expected time is said before the work. Raises the errors of the network and the clips that the reader gives.
    """
    with tempfile.TemporaryDirectory(prefix=PART) as folder, ExitStack() as opened:
        benches: list[tuple[Store, Bench, Path]] = []
        left: list[str] = []
        for number, (store, manifest) in enumerate(runs):
            place = Path(folder, str(number))
            place.mkdir()
            try:
                benches.append((store, opened.enter_context(bench(manifest, options, place, progress)), place))
            except VerificationError as error:
                left.append(f"{manifest.run.model}: {error}")
            except ReportgenError as error:
                if len(runs) == 1:
                    raise
                left.append(f"{manifest.run.model}: {error}")
        left += [f"{one.run.model}: {one.others}" for _, one, _ in benches if one.others]
        if not benches:
            return Recomputation(
                holds="no", sentence=f"It is not of this network: {first_names(left)}.", details=tuple(left)
            )
        return _sampled(benches, sampling, left, progress)


def _sampled(
    benches: Sequence[tuple[Store, Bench, Path]], sampling: Sampling, left: list[str], progress: Progress
) -> Recomputation:
    population = [(number, one) for number, (_, tools, _) in enumerate(benches) for one in tools.candidates]
    sample = drawn(population, sampling.count, sampling.seed)
    chosen = [[one for place, one in sample if place == number] for number in range(len(benches))]
    keys = [frozenset(one.key for one in own) for own in chosen]
    seconds = sum(tools.seconds(tools.needed(own)) for (_, tools, _), own in zip(benches, keys, strict=True))
    progress.note(
        f"{len(sample)} of {len(population)} records are computed again, drawn by the seed {sampling.seed}. They took "
        f"{duration(seconds)} where the report was computed, with those that they read."
    )
    verdicts = _Verdicts()
    for (store, tools, place), own in zip(benches, chosen, strict=True):
        if own:
            _judge(store, tools, place, own, sampling.tolerance, verdicts, progress)
    return _answer(verdicts, len(population), sampling, left)


def _judge(
    store: Store,
    tools: Bench,
    place: Path,
    own: Sequence[Candidate],
    tolerance: float,
    verdicts: _Verdicts,
    progress: Progress,
) -> None:
    """Compute records again and compare them; those that differ once more on other threads, which round otherwise."""
    ours = tools.compute([one.key for one in own], place / "first", progress, tools.threads)
    doubtful: dict[str, list[Deviation]] = {}
    for one in own:
        done = _done(ours, one.key)
        if done is None:
            verdicts.undecided.append(f"{_name(one)} could not be computed here")
        elif found := deviations((store, _outcome(one)), (ours, done), tolerance):
            doubtful[one.key] = found
        else:
            verdicts.same.append(_name(one))
    if not doubtful:
        return
    again = tools.compute(list(doubtful), place / "second", progress, 1 if tools.threads > 1 else 2)
    for one in (one for one in own if one.key in doubtful):
        first, second = _done(ours, one.key), _done(again, one.key)
        noise = deviations((ours, first), (again, second), tolerance / _FINER) if first and second else []
        clear = list(_beyond(doubtful[one.key], noise))
        words = "; ".join(deviation.words for deviation in (clear or doubtful[one.key])[:_SHOWN])
        if clear:
            verdicts.different.append(f"{_name(one)}: {words}")
        else:
            verdicts.undecided.append(f"{_name(one)}: {words}, and rounding alone changes it as much")


def _beyond(found: Sequence[Deviation], noise: Sequence[Deviation]) -> Iterator[Deviation]:
    """Yield the differences that are more than rounding makes in the same place."""
    rounding: dict[str, float] = {}
    for one in noise:
        place = _plain(one.place)
        rounding[place] = max(rounding.get(place, 0.0), one.times / _FINER)
    for one in found:
        allowed = _NOISE * rounding.get(_plain(one.place), 0.0)
        if not (one.times <= allowed or math.isinf(allowed)):
            yield one


def _plain(place: str) -> str:
    return re.sub(r"\[\d+\]", "", place)


def _answer(verdicts: _Verdicts, population: int, sampling: Sampling, left: list[str]) -> Recomputation:
    decided = len(verdicts.same) + len(verdicts.different)
    missed = missed_forgeries(population, decided) if decided else ()
    facts = {
        "candidates": population,
        "compared": decided,
        "seed": sampling.seed,
        "tolerance": sampling.tolerance,
        "missed": missed,
        "details": (*verdicts.different, *verdicts.undecided, *(f"not computed again: {one}" for one in left)),
    }
    how = f"of {population} records, drawn by the seed {sampling.seed}"
    if verdicts.different:
        sentence = f"{len(verdicts.different)} of {decided} ({how}) say something else than the network."
        return Recomputation(holds="no", sentence=sentence, **facts)
    if not decided:
        why = "rounding alone changes them as much" if verdicts.undecided else "none asks what can be asked here"
        return Recomputation(holds="not known", sentence=f"No record could be compared ({why}).", **facts)
    sentence = f"{decided} ({how}) come out the same within {sampling.tolerance:.2g}. {_risk(missed)}"
    return Recomputation(holds="not known" if verdicts.undecided else "yes", sentence=sentence, **facts)


def _risk(missed: Sequence[MissedForgeries]) -> str:
    """Return how probably forged records were missed."""
    likely = [one for one in missed if one.probability > 0]
    if not likely:
        return "These are all of them."
    cases = ", ".join(f"{one.probability:.2g} if there are {one.forged}" for one in likely)
    return f"The probability that no forged record was among them is {cases}."


def _name(one: Candidate) -> str:
    return f"{one.record.job.analysis} of {one.record.job.unit}"


def _outcome(one: Candidate) -> Done:
    assert isinstance(one.record.outcome, Done)
    return one.record.outcome


def _done(store: Store, key: str) -> Done | None:
    record = store.record(key)
    return record.outcome if record and isinstance(record.outcome, Done) else None
