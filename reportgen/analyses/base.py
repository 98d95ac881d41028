"""What every analysis is to the runner: which units it can be asked about, and its answers as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor

from reportgen.analyses.choice.selection import ChooseBy, KernelSelection
from reportgen.analyses.parameters import Parameters
from reportgen.clips import Clip, ClipReference
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.figures import Result
from reportgen.records.manifest import LayerFacts
from reportgen.records.objective import Objective
from reportgen.records.targets import Target

Arrays = Mapping[str, NDArray[Any]]

V = TypeVar("V")
P_contra = TypeVar("P_contra", bound=Parameters, contravariant=True)


def tensor(clip: Clip) -> Tensor:
    """Return a clip's pixels 1 C T H W as a tensor on the CPU, in the same memory."""
    return torch.from_numpy(clip.pixels)


@dataclass(frozen=True)
class Concept:
    """What a person has pictures or clips of, to be compared with the reference clips.

    `name` is as it was given; `source` says whether its clips are of files or of the card's generator.
    """

    name: str
    clips: tuple[ClipReference, ...]
    source: Literal["given", "generated"] = "given"


@dataclass(frozen=True)
class Subject:
    """What a run is about: the network, the layers and kernels it shows, the clips it asks about and what it explains.

    `name` is the network's in the run; None is the network's own.

    `selection` and `choose` say which kernels are to be shown; `kernels` are the chosen ones, known once the method
    choice has answered, which reads the `pyramids` of these units. `clips` are in memory; `reference` clips are loaded
    one by one. `objective` is what a kernel's response means throughout the run.
    """

    network: Network
    layers: Mapping[str, LayerFacts]
    stages: tuple[str, ...]
    selection: KernelSelection = field(default_factory=KernelSelection)
    choose: ChooseBy = "important"
    kernels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    clips: tuple[Clip, ...] = ()
    reference: tuple[ClipReference, ...] = ()
    concepts: tuple[Concept, ...] = ()
    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    pyramids: tuple[str, ...] = ()
    objective: Objective = "firing"
    seed: int = 0
    name: str | None = None

    @property
    def model(self) -> str:
        """The model's name in the run."""
        return self.name or self.network.name

    @property
    def every_clip(self) -> tuple[ClipReference, ...]:
        """Every clip that no analysis made, each once: those shown, then the reference clips."""
        every = (*(clip.reference() for clip in self.clips), *self.reference)
        return tuple({clip.name: clip for clip in every}.values())

    def clip(self, name: str) -> Clip:
        """Return the clip of that name."""
        return next(clip for clip in self.clips if clip.name == name)


@dataclass(frozen=True)
class Unit:
    """One question of an analysis.

    `group` are units that are answered together (the kernels of a layer). `inputs` are digests of what the answer
    depends on beside the network, `parameters` what distinguishes this unit in its job's key, `needs` the (analysis,
    unit, role) of the arrays that it reads. What units of several methods ask about is read by its name: `clip`,
    `target`, `kernel`, `method`; each raises TypeError for a unit that is not about one.
    """

    name: str
    group: str
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[tuple[str, str, str], ...] = ()

    @property
    def clip(self) -> str:
        """Name of the clip that it asks about; see `Subject.clip`."""
        return self._told("clip", str)

    @property
    def target(self) -> Target:
        """What it explains."""
        return Target.parse(self._told("target", str))

    @property
    def kernel(self) -> int:
        """The kernel's index in its layer."""
        return self._told("kernel", int)

    @property
    def method(self) -> str:
        """Name of the method whose map it asks for."""
        return self._told("method", str)

    def _told(self, name: str, kind: type[V]) -> V:
        value = self.parameters.get(name)
        if not isinstance(value, kind):
            raise TypeError(f"the unit {self.name} is about no {name}: its parameters are {dict(self.parameters)}")
        return value


@dataclass(frozen=True)
class Inapplicable:
    """A unit that an analysis cannot be asked about, with the reason for the reader."""

    name: str
    reason: str


class Answers(Protocol):
    """Reads the arrays that earlier jobs left."""

    def __call__(self, analysis: str, unit: str, role: str) -> Arrays:
        """Return the arrays by name."""
        ...


class Analysis(Protocol[P_contra]):
    """What a method does; `reportgen.analyses.method.Method` declares the rest, without torch."""

    def units(self, subject: Subject, parameters: P_contra) -> Sequence[Unit | Inapplicable]:
        """Return what can be asked, in the order of the report."""
        ...

    def run(
        self, subject: Subject, units: Sequence[Unit], parameters: P_contra, answers: Answers, progress: Progress
    ) -> Iterator[tuple[Unit, Result | NetworkError]]:
        """Yield each unit's answer as soon as it is there, or why it has none; `units` are of one group.

        What is raised instead is the reason of all units that are not answered yet.
        """
        ...
