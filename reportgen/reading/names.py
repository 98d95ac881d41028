"""How the runs of one report are told apart: a title and a folder for each, no two the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from reportgen.reading.addresses import folder_names
from reportgen.records.identities import slug
from reportgen.records.manifest import Run

_SHORT = 8

#: What the site itself has beside its models' folders.
_RESERVED = ("assets", "index", "methods", "search")


def report_folders(runs: Sequence[Run]) -> list[str]:
    """Return the folder of each run's pages: its network's name, with the weights' digest where two have one name.

    It does not depend on the order of the runs, so that addresses last, but for copies of the same run.
    """
    several = Counter(slug(run.model).casefold() for run in runs)
    names = [
        run.model if several[slug(run.model).casefold()] == 1 else f"{run.model}-{run.weights.digest(_SHORT)}"
        for run in runs
    ]
    return folder_names(names, _RESERVED)


def run_title(run: Run) -> str:
    """Return the title of a run's network in one line: its own, that of its card, or its name where both are blank."""
    found = (" ".join(title.split()) for title in (run.title or "", run.card.title))
    return next(filter(None, found), run.model)


def report_titles(runs: Sequence[Run]) -> list[str]:
    """Return the title of each run's network; where several have one, with the first fact that tells each apart."""
    titles = [run_title(run) for run in runs]
    several = Counter(map(str.casefold, titles))
    alike = [title.casefold() for title in titles if several[title.casefold()] > 1]
    for title in dict.fromkeys(alike):
        places = [place for place, other in enumerate(titles) if other.casefold() == title]
        for place, fact in zip(places, _telling_facts([runs[place] for place in places]), strict=True):
            titles[place] = f"{titles[place]} ({fact})"
    return titles


def _telling_facts(runs: Sequence[Run]) -> list[str]:
    for fact in _FACTS:
        words = [fact(run) for run in runs]
        if all(words) and len({word.casefold() for word in words}) == len(runs):
            return words
    return [f"{_digest(run)}, {number}" for number, run in enumerate(runs, start=1)]


def _file(run: Run) -> str:
    return "untrained" if run.weights.untrained else run.weights.file or ""


def _source(run: Run) -> str:
    return (run.source.file if run.source else None) or ""


def _digest(run: Run) -> str:
    return f"weights {run.weights.digest(_SHORT)}"


def _both(run: Run) -> str:
    return f"{_source(run)}, {_digest(run)}" if _source(run) else ""


_FACTS: tuple[Callable[[Run], str], ...] = (_file, _source, _digest, _both)
