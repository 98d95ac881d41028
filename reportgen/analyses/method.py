"""A method as everybody sees it: its name, its parameters and their presets, and how its analysis is loaded.

Declarations need no torch: options are validated, and methods listed, before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from reportgen.analyses.parameters import Parameters
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis

PresetName = Literal["quick", "standard", "full"]
"""How much is done. A preset never changes what is true: what is reported is always computed in float32."""

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class Method(Generic[P]):
    """What is known of a method without running it.

    `version` rises when its answers change. `load` imports and returns the analysis. `presets` are the parameters of
    those presets that ask for more or less than the defaults. `off_in` are the presets in which the method runs only
    when it is named. `after` names the methods whose answers it reads.
    `follows` names the parameters that it takes over from another method unless it is told otherwise, because it
    judges the other's answers.
    `bytes_per_pixel` (of a clip, in all its frames) and `page_bytes` are what a unit adds to a site, about: its
    pictures, and its pages and records. `bytes_per_kernel` is what the method adds to every kernel of the network.
    `site_share` is how much of a unit's part in a site there is with other parameters than the default ones.
    `most_chunks` is in how many chunks the units of a group may be computed, where they take long: what they share is
    computed in each.
    """

    name: str
    title: str
    summary: str
    version: int
    parameters: type[P]
    load: Callable[[], Analysis[P]]
    presets: Mapping[PresetName, P] = field(default_factory=dict)
    off_in: tuple[PresetName, ...] = ()
    after: tuple[str, ...] = ()
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bytes_per_pixel: float = 0.0
    page_bytes: int = 40_000
    bytes_per_kernel: int = 0
    site_share: Callable[[P], float] = lambda _: 1.0
    most_chunks: int = 1

    def preset(self, name: PresetName) -> P:
        """Return the parameters of a preset."""
        return self.presets[name] if name in self.presets else self.parameters()

    def site_bytes(self, parameters: P, pixels: int) -> float:
        """Return the bytes that a unit adds to a site, about, for clips of so many pixels."""
        return self.site_share(parameters) * (self.page_bytes + self.bytes_per_pixel * pixels)

    def resolved(self, preset: PresetName, given: Mapping[str, Any], judged: Mapping[str, Parameters]) -> P:
        """Return the preset's parameters, over them what the method takes over, and over these what is `given`.

        `judged` are the parameters of the methods that it follows. Raises OptionError that names every value that is
        not valid, or that is void beside another that is given.
        """
        taken = {name: getattr(judged[other], name) for other, names in self.follows.items() for name in names}
        found = self.parameters.of({**self.preset(preset).model_dump(), **taken, **given}, self.name)
        faults = {name: void.why for name, void in found.unread().items() if name in given and void.cause in given}
        for other in self.follows:
            faults |= found.at_odds_with(judged[other])
        if faults:
            raise OptionError(
                " ".join(f"[{self.name}] {name} cannot be set so: {why}." for name, why in faults.items())
            )
        return found

    def void(self, parameters: P, given: Mapping[str, Any]) -> list[str]:
        """Return a sentence for each value of `given` that has no effect, because of the preset's own values."""
        return [
            f"[{self.name}] {name} has no effect: {void.why}."
            for name, void in parameters.unread().items()
            if name in given
        ]
