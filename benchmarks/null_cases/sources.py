"""What is said of the filters' importance, of concepts, and of which class is like which."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.null_cases.networks import CLASSES, KERNELS, textures, untrained
from reportgen import concept_tests
from reportgen.analyses.concepts.compare import ConceptTests
from reportgen.analyses.weight_gradients.confusion import AskedReference, ClassesToCompare, compare_classes
from reportgen.analyses.weight_gradients.ordering import importance_test
from reportgen.analyses.weight_gradients.removal import (
    SCORES,
    SHARES,
    AskedClip,
    Removal,
    mean_scores,
    removal_by,
)
from reportgen.audit.concepts import stands_out
from reportgen.audit.importance import ordering_state
from reportgen.audit.limits import Limits
from reportgen.clips import Clip
from reportgen.networks.core.network import as_network
from reportgen.networks.trace.build import connection_graph
from reportgen.reading.concepts import DrivenKernel

LIMITS = Limits()
CLIPS = 16
CONCEPT, REFERENCE = 12, 40


class Mixed(nn.Module):
    """Linear in its filters, of which some have large weights or are read strongly, and others both."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.filters = nn.Conv3d(1, KERNELS, 3)
        self.pool, self.flat, self.read = nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(KERNELS, CLASSES)
        with torch.no_grad():
            large, strong = (2 ** torch.randint(-3, 4, (KERNELS,), generator=generator).float() for _ in range(2))
            self.filters.weight.copy_(torch.rand(self.filters.weight.shape, generator=generator))
            self.filters.weight.mul_(large.view(-1, 1, 1, 1, 1))
            self.filters.bias.zero_()  # type: ignore[union-attr]
            self.read.weight.zero_()
            self.read.weight[0] = strong
        self.eval().requires_grad_(False)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits N K of clips N 1 T H W."""
        found: Tensor = self.read(self.flat(self.pool(self.filters(clips))))
        return found


def importance(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a score is said to order filters best: the scores of another network, or one that is right."""
    network = as_network(Mixed(seed) if planted else untrained(seed))
    judged = as_network(Mixed(seed) if planted else untrained(seed + 10_000))
    clips = textures(2 * CLIPS, seed)
    asked = [AskedClip(lambda clip=clip: clip[None], 0) for clip in clips]  # type: ignore[misc]
    graph = connection_graph(network, (1, *clips.shape[1:]))
    scores = mean_scores(judged, asked[:CLIPS], connection_graph(judged, (1, *clips.shape[1:])))
    yield _said_best(removal_by(network, asked[CLIPS:], scores, graph, "logit", seed=seed, batch=CLIPS))


def importance_alike(seed: int, *, planted: bool) -> Iterator[bool]:
    """Three scores that order filters equally well on average over clips, or one that does better than the others."""
    rng = np.random.default_rng(seed)
    better = {"first_order": 0.3} if planted else {}
    shape = (CLIPS, len(SHARES))
    clip = rng.normal(size=(CLIPS, 1))

    def left(middle: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return middle + 0.3 * clip + 0.3 * rng.normal(size=(CLIPS, 1)) + 0.1 * rng.normal(size=shape)

    yield _said_best(
        Removal(
            measure="logit",
            intact=np.ones(CLIPS),
            least={name: left(0.8 + better.get(name, 0.0)) for name in SCORES},
            most={name: left(0.2 - better.get(name, 0.0)) for name in SCORES},
            drawn=np.stack([left(0.5) for _ in range(20)]),
            removed=(1, 2, 3, 6, 12),
            filters=KERNELS,
        )
    )


def _said_best(found: Removal) -> bool:
    return ordering_state(importance_test(found, scored=CLIPS), LIMITS) == "best"


def concepts(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether any kernel stands out for a concept: clips drawn as the reference is, or with a kernel's own pattern."""
    network = untrained(seed)
    clips = textures(CONCEPT + REFERENCE, seed)
    if planted:
        clips[:CONCEPT] = _with_pattern(network, clips[:CONCEPT], seed % KERNELS)
    found = concept_tests(network, {"it": clips[:CONCEPT]}, clips[CONCEPT:])["it"]
    yield any(stands_out(kernel, LIMITS) for kernel in _kernels("it", found))


def concept_words(seed: int, *, planted: bool) -> Iterator[bool]:
    """Whether a kernel's headline names one of three concepts: kernels of no concept, or that of the first."""
    network = untrained(seed)
    clips = textures(3 * CONCEPT + REFERENCE, seed)
    own = seed % KERNELS
    if planted:
        clips[:CONCEPT] = _with_pattern(network, clips[:CONCEPT], own)
    given = {f"c{place}": clips[place * CONCEPT : (place + 1) * CONCEPT] for place in range(3)}
    tested = concept_tests(network, given, clips[3 * CONCEPT :])
    said = {
        (kernel.layer, kernel.index)
        for name, found in tested.items()
        for kernel in _kernels(name, found)
        if stands_out(kernel, LIMITS, len(tested))
    }
    if planted:
        yield ("0", own) in said
    else:
        yield from (("0", index) in said for index in range(KERNELS))


def _with_pattern(network: nn.Module, clips: Tensor, kernel: int) -> Tensor:
    """Return clips that show a first-layer kernel's own weights, more or less."""
    weight: Tensor = network[0].weight[kernel]  # type: ignore[index]
    pattern = weight.sign().mul(0.5).add(0.5).repeat(1, 2, 4, 4)
    return 0.4 * clips + 0.6 * pattern


def _kernels(name: str, found: ConceptTests) -> Iterator[DrivenKernel]:
    for layer, tests in found.layers.items():
        for index, rank in enumerate(tests.rank.tolist()):
            figures = (tests.score, tests.auroc, tests.low, tests.high, tests.p, tests.q)
            told = (float(values[index]) for values in figures)
            score, auroc, low, high, p, q = (value if np.isfinite(value) else None for value in told)
            clips, reference = len(found.clips), len(found.reference)
            yield DrivenKernel(name, layer, index, rank, score, auroc, low, high, p, q, clips, reference)


def compared_classes(seed: int, *, planted: bool, classes: int = 6, clips: int = 8) -> ClassesToCompare:
    """Return which classes are compared by invented logits; planted: 1 is often taken for 0, and 2 never.

    Without, no class is more like another than any.
    """
    rng = np.random.default_rng(seed)
    apart = np.full((classes, classes), -2.0)
    np.fill_diagonal(apart, 0.0)
    if planted:
        apart[0, 1] = apart[1, 0] = -0.5
        apart[0, 2] = apart[2, 0] = -4.0
    pixels = np.zeros((1, 1, 1, 1, 1), np.float32)
    asked = [
        AskedReference(
            Clip(f"{label}-{place}", pixels, label=label).reference(), apart[label] + rng.normal(size=classes)
        )
        for label in range(classes)
        for place in range(clips)
    ]
    return compare_classes(asked, [f"class {index}" for index in range(classes)], given={"reference": 0})
