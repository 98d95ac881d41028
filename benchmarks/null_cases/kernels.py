"""What is said of kernels: their paths and seeds, their labels, copies and directions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.null_cases.networks import KERNELS, layer_responses, textures, untrained
from reportgen.analyses.common.natural_path import NaturalPath, natural_path, profile_similarity, rank
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.common.running import Moments
from reportgen.analyses.evidence.duplicates import ALIKE, LEAST_DRIVING, rank_alike
from reportgen.analyses.evidence.label_words import driving_words, label_words
from reportgen.audit.headline import synthetic_claim
from reportgen.audit.heard import DIRECTIONS
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.paths import path_state, seeds_state
from reportgen.audit.words_said import word_is_said
from reportgen.reading.figures import KernelFigures
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.answers.path import PathAnswer
from reportgen.records.discovery import false_discovery

LIMITS = Limits()


def _passes(found: NaturalPath | None) -> bool:
    if found is None:
        return False
    answer = PathAnswer(path_natural=found.natural, path_kernels=found.kernels, path_told=found.told)
    return path_state(answer, LIMITS) == "pass"


def natural_paths(seed: int, *, planted: bool) -> Iterator[bool]:
    """A further clip in the place of a synthetic one: one that does not drive the kernel, or one of its drivers.

    Six clips share a texture, and the kernel reads of the layer before it what tells them from the others.
    """
    network = untrained(seed)
    generator = torch.Generator().manual_seed(seed)
    for group in range(8):
        clips, (shared,) = textures(80, 100 * seed + group), textures(1, 100 * seed + group + 50)
        clips[:6] = 0.3 * clips[:6] + 0.7 * shared
        first, _ = layer_responses(network, clips)
        apart = first - first.mean(0)
        driven = (apart @ (apart[:6].mean(0) / first.var(0).clamp_min(1e-12))).clamp_min(0)
        order = driven.argsort(descending=True)
        idle = torch.randint(len(order) // 2, len(order), (1,), generator=generator)
        own = 0 if planted else int(order[idle])
        others = [clip for clip in range(len(clips)) if clip != own]
        yield _passes(natural_path({"a": first[own]}, {"a": first[others]}, driven[others]))


def seeds(seed: int, *, planted: bool) -> Iterator[bool]:
    """Clips of 24 kernels and those of another seed: drawn apart, or the same with a little noise."""
    network, clips = untrained(seed), textures(KERNELS, seed)
    noise = 0.02 * torch.randn(clips.shape, generator=torch.Generator().manual_seed(seed))
    again = (clips + noise) if planted else textures(KERNELS, seed + 10_000)
    shown, other = layer_responses(network, clips)[0], layer_responses(network, again)[0]
    for kernel in range(KERNELS):
        others = torch.cat([shown[:kernel], shown[kernel + 1 :]])
        likeness = float(profile_similarity({"a": shown[kernel]}, {"a": other[kernel][None]}))
        place = rank(likeness, profile_similarity({"a": shown[kernel]}, {"a": others}))
        yield seeds_state(PathAnswer(seed_kernels=place), LIMITS) == "pass"


def above_real(seed: int, *, planted: bool) -> Iterator[bool]:
    """A clip beside the best of twenty reference ones: a further real one, or the kernel's own weights as a clip."""
    network, clips = untrained(seed), textures(21, seed)
    layer = nn.Sequential(next(network.children()))
    found = kernel_responses(layer, clips, ["0"])["0"]
    best = found[:20].amax(0)
    weights: Tensor = layer.get_parameter("0.weight")
    own = [weights[k].sign().mul(0.5).add(0.5).repeat(1, 2, 4, 4) for k in range(KERNELS)]
    synthetic = kernel_responses(layer, torch.stack(own), ["0"])["0"].diagonal() if planted else found[20]
    for kernel in range(KERNELS):
        figures = KernelFigures(activation=float(synthetic[kernel]), best_real=float(best[kernel]), reference_clips=20)
        yield kernel_verdicts(figures, LIMITS)[0].state == "pass"


def label_sentences(seed: int, *, planted: bool) -> Iterator[bool]:
    """What labels say of kernels: labels given at random; planted: one kernel in four lifted on its label's clips."""
    generator = torch.Generator().manual_seed(seed)
    labels = [f"label{number // 10}" for number in range(100)]
    responses = layer_responses(untrained(seed), textures(100, seed))[1][torch.randperm(100, generator=generator)]
    lifted = range(0, KERNELS, 4) if planted else range(KERNELS)
    if planted:
        for kernel in lifted:
            responses[30:40, kernel] += 2.5 * responses[:, kernel].std()
    driven = driving_words(responses, labels, label_words(labels), seed=seed)
    q = false_discovery([word.p for word in driven])
    for kernel in lifted:
        word = LabelWord(text=driven[kernel].text, auroc=driven[kernel].auroc, q=q[kernel])
        yield word_is_said(word, LIMITS) and (not planted or word.text == "label3")


def duplicates(seed: int, *, planted: bool) -> Iterator[bool]:
    """Kernels that each fire for few clips of their own; planted: the odd ones repeat the even ones in another unit."""
    generator = torch.Generator().manual_seed(seed)
    if planted:
        responses = torch.rand((40, KERNELS), generator=generator)
        responses[:, 1::2] = 3 * responses[:, ::2]
    else:
        responses = torch.zeros(20, KERNELS)
        responses[(torch.rand(KERNELS, generator=generator) * 20).long(), torch.arange(KERNELS)] = torch.rand(
            KERNELS, generator=generator
        )
    moments = Moments(KERNELS)
    moments.add(responses)
    repeating = {second for _, second, _ in rank_alike(responses, moments.duplicates(ALIKE, LEAST_DRIVING))}
    yield from (kernel in repeating for kernel in (range(1, KERNELS, 2) if planted else range(KERNELS)))


def directions(seed: int, *, planted: bool) -> Iterator[bool]:
    """The optimum of a kernel that is symmetric in time, or of one that drifts, forwards and backwards."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(KERNELS):
        kernel = _drifting(generator) if planted else torch.randn((5, 5, 5), generator=generator)
        kernel = kernel if planted else kernel + kernel.flip(0)
        kernel = kernel - kernel.mean()
        optimum = kernel.sign()
        figures = KernelFigures(
            activation=_response(kernel, optimum), reversed_activation=_response(kernel, optimum.flip(0)),
            explained_variance=0.95, evidence_share=0.6, mean_speed=1.4, direction=0.0, coherence=0.95,
        )  # fmt: skip
        yield any(f"moving {word} at" in synthetic_claim(figures, LIMITS) for word in DIRECTIONS)


def _response(kernel: Tensor, clip: Tensor) -> float:
    return max(float((kernel * clip).sum()), 0.0)


def _drifting(generator: torch.Generator) -> Tensor:
    phase, angle = 2 * math.pi * torch.rand(2, generator=generator)
    t, y, x = torch.meshgrid(*(torch.arange(5.0) - 2,) * 3, indexing="ij")
    return torch.cos(1.4 * (x * angle.cos() + y * angle.sin()) - 1.4 * t + phase)
