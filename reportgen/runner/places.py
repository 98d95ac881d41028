"""Which folder of the runs is a network's: two networks never share one, whatever they are called.

A network is the same as another one when its name, its weights' values, its architecture's arguments and the file
that defines it are the same. It then goes on in the folder that it has. The first network of a name has that name for
a folder; another one gets a folder of its own, with the first digits of its weights' digest behind the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pydantic import BaseModel, ValidationError

from reportgen.errors import OptionError, StoreError
from reportgen.progress import Progress
from reportgen.records.base import Frozen
from reportgen.records.documents import DamagedError, read_part
from reportgen.records.files import remove_listed, write_text
from reportgen.records.identities import slug
from reportgen.records.jobs import content_key
from reportgen.records.lease import LEASE, held
from reportgen.records.manifest import READ_VERSIONS, Run, SourceFacts
from reportgen.records.store import RUN_FILE, Store
from reportgen.wording import option, worded

CLAIM_FILE = ".network.json"
"""Says whose a folder is while it has no run yet: other builds may be looking for theirs at the same time."""

_BEFORE_A_RUN = {CLAIM_FILE, LEASE}

_SHORT = 8


class NetworkFacts(Frozen):
    """What makes a network of a run the same as another one's; what is None is not known, and tells none apart."""

    name: str
    weights: str
    architecture: str | None = None
    source: str | None = None

    @classmethod
    def of(cls, run: Run) -> NetworkFacts:
        """Return the facts of a run's network."""
        return cls(
            name=run.model,
            weights=run.weights.sha256,
            architecture=content_key(run.card.architecture.model_dump(mode="json")),
            source=run.source.sha256 if run.source else None,
        )

    def differs(self, other: NetworkFacts) -> str:
        """Return what tells this network from the `other` one, as a clause about it; empty for the same network."""
        if self.weights != other.weights:
            return f"its weights are {self.weights[:_SHORT]}, not {other.weights[:_SHORT]}"
        if None not in (self.architecture, other.architecture) and self.architecture != other.architecture:
            return "it was made with other arguments"
        if None not in (self.source, other.source) and self.source != other.source:
            return "another file defines it"
        return "" if self.name == other.name else f"it is called {self.name}"


@dataclass(frozen=True)
class Asked:
    """A network of a build: as the user wrote it, what it is, and the name that the user gave it, if any."""

    model: str
    facts: NetworkFacts
    source: SourceFacts
    given: str | None = None

    def names(self) -> Iterator[str]:
        """Yield the names that its run may have, the one to be preferred first."""
        stem = slug(self.given or self.facts.name)
        yield stem
        if self.given is None:
            own = f"{stem}-{self.facts.weights[:_SHORT]}"
            yield own
            yield from (f"{own}-{number}" for number in count(2))


@dataclass(frozen=True)
class Place:
    """Where a network's run lies; `name` is its name in identities and addresses."""

    asked: Asked
    name: str
    folder: Path

    def release(self) -> None:
        """Take the claim away where the folder has a run, which says whose it is, or nothing at all."""
        if Store(self.folder).has_run():
            remove_listed(self.folder, [CLAIM_FILE])
        elif (self.folder / CLAIM_FILE).is_file() and {path.name for path in self.folder.iterdir()} <= _BEFORE_A_RUN:
            remove_listed(self.folder, _BEFORE_A_RUN)
            with suppress(OSError):
                self.folder.rmdir()  # only when it is empty


@contextmanager
def places_of(runs: Path, networks: Sequence[Asked], progress: Progress) -> Iterator[list[Place]]:
    """Yield where the run of each network of a build lies; folders that have no run yet are claimed meanwhile.

    A network that is asked for twice without a name has one place. Raises OptionError when a name that the user gave
    belongs to another network already, StoreError when a run cannot be read.
    """
    own = _without_twins(networks, progress)
    with held(runs, progress.note):
        owners = _Owners(runs)
        places = [Place(asked, name, runs / name) for asked, name in zip(own, _choose(own, owners, runs), strict=True)]
        for place in places:
            _say_clash(place, owners, runs, progress)
            if owners.get(place.name) is None:
                write_text(place.folder / CLAIM_FILE, _called(place.asked, place.name).model_dump_json() + "\n")
    try:
        yield places
    except BaseException:
        for place in places:
            with suppress(StoreError, OSError):  # why the work ended is told, and not that this fails too
                place.release()
        raise
    for place in places:
        place.release()


def foreseen_places(runs: Path, networks: Sequence[Asked], progress: Progress) -> list[Place]:
    """Return where the run of each network of a build would lie; nothing is claimed, and nobody is waited for.

    Raises the errors of `places_of`.
    """
    own = _without_twins(networks, progress)
    owners = _Owners(runs)
    return [Place(asked, name, runs / name) for asked, name in zip(own, _choose(own, owners, runs), strict=True)]


def _without_twins(networks: Sequence[Asked], progress: Progress) -> list[Asked]:
    own: list[Asked] = []
    for asked in networks:
        twins = [one for one in own if not one.facts.differs(asked.facts) and one.given == asked.given]
        if twins:
            progress.note(f"{asked.model} is the same network as {twins[0].model}: it is reported once.")
        else:
            own.append(asked)
    return own


def _called(asked: Asked, name: str) -> NetworkFacts:
    return asked.facts.model_copy(update={"name": name})


class _Owners:
    """Whose each folder of runs is, by its name without case: some file systems do not tell Net from net.

    A folder is read when its name is asked for: what others keep beside it is not this build's affair.
    """

    def __init__(self, runs: Path) -> None:
        self._folders = (
            {path.name.casefold(): path for path in runs.iterdir() if path.is_dir()} if runs.is_dir() else {}
        )
        self._known: dict[str, NetworkFacts | None] = {}

    def get(self, name: str) -> NetworkFacts | None:
        """Return the network that has the folder of that name; None when nobody has. Raises StoreError."""
        name = name.casefold()
        if name in self._folders and name not in self._known:
            self._known[name] = _owner(self._folders[name])
        return self._known.get(name)


class _Weights(BaseModel):
    sha256: str


class _OtherHeader(BaseModel):
    """What a header of another version is likely to say too, whatever else it says."""

    model: str
    weights: _Weights


class _DamagedHeader(_OtherHeader):
    """What a header of ours still says when something else in it is damaged."""

    digest: str


def _as_far_as_it_says(folder: Path, kind: type[_OtherHeader]) -> NetworkFacts | None:
    """Return whose a run is that is computed anew, or None where its header does not say."""
    try:
        header = read_part(folder / RUN_FILE, kind)
    except StoreError:
        return None
    return NetworkFacts(name=header.model, weights=header.weights.sha256)


def _owner(folder: Path) -> NetworkFacts | None:
    store = Store(folder)
    if store.has_run() and store.schema_version() not in READ_VERSIONS:
        return _as_far_as_it_says(folder, _OtherHeader)
    if store.has_run():
        try:
            return NetworkFacts.of(store.read_run())
        except DamagedError:
            facts = _as_far_as_it_says(folder, _DamagedHeader)
            if facts is None:  # and nothing says that it is ours to write anew
                raise
            return facts
    try:
        return NetworkFacts.model_validate_json((folder / CLAIM_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _choose(networks: Sequence[Asked], owners: _Owners, runs: Path) -> list[str]:
    """Return a name for each network, no two the same; whoever has a folder keeps it."""
    chosen: dict[int, str] = {}
    for place, asked in enumerate(networks):
        known = (name for name, owner in _taken(asked, owners) if not owner.differs(_called(asked, name)))
        name = next((name for name in known if name not in chosen.values()), None)
        if name is not None:
            chosen[place] = name
    used = {name.casefold() for name in chosen.values()}
    for place, asked in enumerate(networks):
        if place not in chosen:
            free = (name for name in asked.names() if name.casefold() not in used and owners.get(name) is None)
            name = next(free, None)
            if name is None:
                raise _refusal(asked, owners, runs)
            chosen[place] = name
            used.add(name.casefold())
    return [chosen[place] for place in range(len(networks))]


def _taken(asked: Asked, owners: _Owners) -> Iterator[tuple[str, NetworkFacts]]:
    """Yield the network's possible names as far as they are somebody's, and whose."""
    for number, name in enumerate(asked.names()):
        owner = owners.get(name)
        if owner is not None:
            yield name, owner
        elif number > 0:  # the first name may have become free since
            return


def _refusal(asked: Asked, owners: _Owners, runs: Path) -> OptionError:
    name = slug(asked.given or "")
    owner = owners.get(name)
    what = f" ({owner.differs(_called(asked, name))})" if owner else ""
    advice = "choose another name, or remove that folder."
    return OptionError(f"{option('--name', asked.given)}: {runs / name} holds another network{what}: {advice}")


def _say_clash(place: Place, owners: _Owners, runs: Path, progress: Progress) -> None:
    stem = next(place.asked.names())
    if place.name == stem:
        return
    owner = owners.get(stem)
    what = f" ({owner.differs(_called(place.asked, stem))})" if owner else ""
    progress.note(
        worded(
            f"{runs / stem} is for another network of that name{what}: {place.asked.model} goes to {place.folder}. "
            f"{option('--name')} gives it a name of its own."
        )
    )
