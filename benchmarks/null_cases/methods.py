"""What is said of methods of saliency maps: sums, weights, noise and seeds."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.null_cases.networks import CLASSES, KERNELS, textures, untrained
from reportgen.analyses.faithfulness.map_checks import sensitivity, stability, weight_randomisations
from reportgen.analyses.saliency.attribution import MapSettings, attribute, attribute_converged
from reportgen.audit.limits import Limits
from reportgen.audit.maps import map_verdicts
from reportgen.errors import NetworkError
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, ShuffledWeights
from reportgen.records.targets import Target

LIMITS = Limits()
SHAPE = (4, 24, 24)


def adds_up(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether integrated gradients add up, where the network's gradient is that of its answer, or another."""
    network = untrained(seed) if planted else Surrogate(seed)
    found, _ = attribute_converged(network, textures(1, seed), 0)
    yield _badge("adds up", completeness=found.completeness_error)


class Surrogate(nn.Module):
    """Thresholds its responses, and passes gradients back as through a sigmoid, as binary networks do."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.inner = untrained(seed)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        layers = self.inner
        first = layers[0](clips)
        soft = torch.sigmoid(4 * first)
        fired = (first > 0).to(first) + soft - soft.detach()
        logits: Tensor = layers[4:](layers[3](layers[2](fired)))
        return logits


def reads_the_weights(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a map forgets with its network: the network's own, or one that is mostly the clip's edges."""
    network, method = Places(seed, edges=0.0 if planted else 50.0), "integrated_gradients"
    effort = MapSettings(seed=seed, steps=4)
    found = weight_randomisations(network, _noise(seed), 0, (method,), effort=effort)[method]
    if isinstance(found, NetworkError):
        raise found
    yield _badge(
        "reads the weights", randomisation=ShuffledWeights(layers=found.layers, correlations=found.correlations)
    )


class Places(nn.Module):
    """Adds up how far pixels lie from their mean, each box by its own weights, and edges whatever the weights."""

    def __init__(self, seed: int, *, edges: float) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.edges = edges
        self.boxes = nn.AvgPool3d((2, 4, 4))
        self.read = nn.Linear(2 * 6 * 6, CLASSES, bias=False)
        with torch.no_grad():
            self.read.weight.copy_(torch.rand(self.read.weight.shape) ** 3)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        apart = (clips - clips.mean((2, 3, 4), keepdim=True)).abs()
        steps = (clips - clips.roll(1, -1)).abs() + (clips - clips.roll(1, -2)).abs()
        own: Tensor = self.read(self.boxes(apart).flatten(1))
        return own + self.edges * steps.mean((1, 2, 3, 4))[:, None]


def steady_under_noise(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a gradient changes little under faint noise: of a plain network, or of one that winds."""
    network = untrained(seed) if planted else Winding(seed)
    found = sensitivity(network, textures(1, seed), 0, "gradients", effort=MapSettings(seed=seed), samples=1)
    yield _badge("steady under noise", sensitivity=found)


def same_with_other_seeds(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether two seeds of SmoothGrad agree: on a plain network, or on one that winds."""
    network, clip = untrained(seed) if planted else Winding(seed), textures(1, seed)
    effort = MapSettings(seed=seed)
    (heat,) = attribute(network, clip, 0, "smoothgrad", seed=seed).heat
    yield _badge("same with other seeds", stability=stability(network, clip, 0, "smoothgrad", heat, effort=effort))


class Winding(nn.Module):
    """Sines of random sums of pixels, so fast that a grey level turns them round."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.sums = nn.Conv3d(1, KERNELS, 3)
        self.read = nn.Linear(KERNELS, CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        logits: Tensor = self.read(torch.sin(1000 * self.sums(clips)).mean((2, 3, 4)))
        return logits


def _noise(seed: int) -> Tensor:
    return torch.rand((1, 1, *SHAPE), generator=torch.Generator().manual_seed(seed))


def _badge(
    name: str,
    *,
    completeness: float | None = None,
    randomisation: ShuffledWeights | None = None,
    sensitivity: float | None = None,
    stability: float | None = None,
) -> bool:
    answer = FaithfulnessAnswer(
        method="gradients",
        target=Target.of(0),
        clip="clip",
        tests={},
        randomisation=randomisation,
        sensitivity=sensitivity,
        stability=stability,
    )
    return next(found.state for found in map_verdicts(completeness, answer, LIMITS) if found.name == name) == "pass"
