"""What a map is asked of, and what a method that makes maps is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from reportgen.analyses.saliency.exposed import Exposures
from reportgen.analyses.saliency.way_back import Pass
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.places import SizedPlaces


@dataclass(frozen=True)
class Question:
    """One clip `1 C T H W` (or `1 C H W`), its logits, the class asked about, and how much work the answer may be.

    `places` says which layers Grad-CAM reads, and where their units look. `batch_size` is how many clips go through
    the network at once. `passed` is the pass that told the logits, where a map goes back through it. `advance` is told
    of every clip that went through, and `notes` takes the sentences that are to be read beside the map. `exposures`
    keeps what guided methods ask. `reduced`: means over many passes may be taken in bfloat16 where that serves.
    """

    network: Network
    clip: Tensor
    scores: Tensor
    class_index: int
    baseline: Tensor
    seed: int
    steps: int
    samples: int
    batch_size: int
    places: Mapping[str, SizedPlaces] = field(default_factory=dict)
    window: tuple[int, ...] | None = None
    passed: Pass | None = None
    advance: Callable[[float], None] = lambda _clips: None
    notes: dict[str, None] = field(default_factory=dict)
    exposures: Exposures = field(default_factory=Exposures)
    reduced: bool = False

    def logits(self, clips: Tensor) -> Tensor:
        """Return the logits `N K`, and report the work; those of the pass that was kept are not computed again."""
        known = self.passed is not None and clips is self.passed.clip
        answer = self.passed.logits if self.passed is not None and known else self.network.logits(clips)
        self.advance(len(clips))
        return answer


Attribute = Callable[[Question], Tensor]


@dataclass(frozen=True)
class MapMethod:
    """An attribution method.

    `signed` maps tell evidence for the class from evidence against it. `additive` ones sum to what the logit gains
    over the baseline's. `compared` ones need a baseline, and those that say so read a layer. `stochastic` ones depend
    on the seed. `differentiates`: the map is made of the gradient of the pass that tells the logits. `passes` is how
    many clips go through the network for one map.
    """

    title: str
    signed: bool
    description: str
    source: str
    compute: Attribute
    additive: bool = False
    compared: bool = False
    stochastic: bool = False
    reads_layer: bool = False
    differentiates: bool = False
    passes: Callable[[Question], int] = lambda _question: 1
