"""What is said of classes and maps: pathways, motion, conservation, faithfulness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.null_cases.networks import CLASSES, KERNELS, textures, untrained
from reportgen.analyses.faithfulness.hiding import hiding_tests
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.motion.motion_audit import motion_audit
from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_clips import on_clips
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.audit.limits import Limits
from reportgen.audit.maps import faithful_state
from reportgen.audit.moving import relies_on_motion
from reportgen.audit.pathways import pathway_state
from reportgen.audit.verdicts import graded
from reportgen.clips import Clip
from reportgen.networks.core.network import as_network
from reportgen.progress import SILENT
from reportgen.reading.ablation import Drop
from reportgen.records.answers.faithfulness import FaithfulnessAnswer
from reportgen.records.answers.pyramid import ClassClips
from reportgen.records.targets import Target

LIMITS = Limits()
OWN, OTHERS = 6, 20


def pathways(seed: int, *, planted: bool) -> Iterator[bool]:
    """The whole verdict: an untrained network, labels at random; planted: a class of kernels that its clips drive."""
    network, clips = untrained(seed), textures(1 + OWN + OTHERS, seed)
    if planted:
        clips = _drive(network, clips)
    labels = [0] * (1 + OWN) + [1 + place % (CLASSES - 1) for place in range(OTHERS)]
    pyramid = class_pyramid(network, clips[:1], 0, depth=None, top=4)
    made = [
        Clip(f"c{place}", clip[None].numpy(), label=label)
        for place, (clip, label) in enumerate(zip(clips, labels, strict=True))
    ]
    held = on_clips(
        as_network(network), [clip.reference() for clip in made[1:]], 0, pyramid, seed=seed, batch=OWN + OTHERS
    )
    if held is None or held.p > LIMITS.pathway_p:  # whatever the removal costs on the clip of the choice
        yield False
        return
    found = ablate(network, clips[:1], 0, pyramid, draws=99, seed=seed, batch=122).together
    row = Drop("together", found.drop, None, None, None, others=found.others, p=found.p, draws=99)
    yield pathway_state(row, ClassClips(**vars(held)), LIMITS) == "pass"


def _drive(network: nn.Sequential, clips: Tensor) -> Tensor:
    """Let class 0 read four kernels, and its clips show what drives them."""
    convolution: Any = network[0]  # which have these weights and biases
    second: Any = network[2]
    classifier: Any = network[6]
    second.weight.copy_(torch.eye(KERNELS)[..., None, None, None])
    second.bias.zero_()
    classifier.weight.mul_(0.05)
    classifier.weight[0, :4] = 3.0
    found = clips.clone()
    pattern: Tensor = convolution.weight[:4].mean(0).sign().mul(0.4).add(0.5).repeat(1, 2, 4, 4)
    found[: 1 + OWN] = 0.5 * found[: 1 + OWN] + 0.5 * pattern
    return found


class Frames(nn.Module):
    """Judges every frame by itself and takes the mean: no motion enters."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Conv3d(1, 8, (1, 3, 3)), nn.ReLU(), nn.Conv3d(8, CLASSES, 1))

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        maps: Tensor = self.layers(clips)
        return maps.mean((2, 3, 4))


class Directions(nn.Module):
    """Four classes, the directions of motion, by correlations of neighbouring frames (Reichardt detectors)."""

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        centred = clips - clips.mean((-2, -1), keepdim=True)
        now, later = centred[:, :, :-1], centred[:, :, 1:]
        moved = [torch.roll(now, step, dims=axis) for axis in (-1, -2) for step in (1, -1)]
        return torch.stack([(each * later).flatten(1).mean(1) for each in moved], 1)


def motion(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether the predicted class of a clip relies on motion, in a network of single frames or one of directions."""
    network = Directions() if planted else Frames(seed)
    still = torch.rand((1, 1, 12, 12), generator=torch.Generator().manual_seed(seed))
    clip = torch.stack([torch.roll(still, frame, dims=-1) for frame in range(8)], 2)
    with torch.no_grad():
        label = int(network(clip).argmax())
        found = motion_audit(network, clip, label, draws=2)
    yield relies_on_motion(found.motion_reliance, found.dissolved_loss, LIMITS)


class Squares(nn.Module):
    """Squares the responses of random kernels: relevance is twice the logit."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.inner = untrained(seed)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        layers = self.inner
        logits: Tensor = layers[6](layers[3](layers[2](layers[1](layers[0](clips)))).square().mean((2, 3, 4)))
        return logits


def conservation(seed: int, *, planted: bool) -> Iterator[bool]:
    """A network whose relevance is not conserved, or a piecewise-linear one with biases."""
    network = untrained(seed) if planted else Squares(seed)
    found = class_pyramid(network, textures(1, seed), 0, depth=2).conservation
    yield found is not None and graded(found.error, *LIMITS.conservation) == "pass"


class Weighted(nn.Module):
    """One class: how far each box's pixels lie from their mean, by a weight of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        weight = torch.rand((4, 6, 6), generator=torch.Generator().manual_seed(seed)) ** 3
        self.weight = weight.repeat_interleave(2, 0).repeat_interleave(4, 1).repeat_interleave(4, 2)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        apart = (clips - clips.mean((2, 3, 4), keepdim=True)).abs()
        return (apart * self.weight).sum((1, 2, 3, 4))[:, None]


def maps(seed: int, *, planted: bool) -> Iterator[bool]:
    """The map of another network, or that of the network itself."""
    network, other = Weighted(seed), Weighted(seed + 10_000)
    noise = torch.rand((1, 1, 8, 24, 24), generator=torch.Generator().manual_seed(seed))
    clip = 0.5 + 0.8 * (noise - 0.5)
    apart = (clip[0, 0] - clip.mean()).abs()
    heat = apart * (network if planted else other).weight
    parameters = FaithfulnessParameters(hidden=2)
    (tests,) = hiding_tests(
        as_network(network), seed, Clip("c", np.asarray(clip.numpy())), 0, [heat], parameters, SILENT
    )
    answer = FaithfulnessAnswer(method="gradients", target=Target.of(0), clip="c", tests=tests)
    yield faithful_state(answer, LIMITS) == "pass"
