"""Known answers of the methods that compare responses: reference clips, natural paths, concepts, orders of maps."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from reportgen.analyses.common.natural_path import LEAST_NATURAL_CLIPS, natural_path
from reportgen.analyses.common.running import Moments
from reportgen.analyses.concepts.rank_tests import RankTests
from reportgen.analyses.evidence.label_words import aurocs, label_words
from reportgen.analyses.known_answers.case import Case
from reportgen.analyses.responses.ordering import kernel_orders
from reportgen.records.answers.known_answers import KnownFigure


def _evidence_figures() -> tuple[KnownFigure, ...]:
    labels = ["dots"] * 5 + ["rings"] * 5
    # One of the 25 pairs of a clip with dots and one with rings is the other way round, one is a tie.
    responses = torch.tensor([9.0, 8.0, 7.0, 6.0, 3.0, 4.0, 3.0, 2.0, 1.0, 0.0]).unsqueeze(1)
    words = label_words(labels)
    area = aurocs(responses, labels, words)[[word.text for word in words].index("dots"), 0]
    drawn = torch.rand((30, 6), generator=torch.Generator().manual_seed(0))
    drawn[:, 2] = 0.0
    drawn[:, 4] = 3 * drawn[:, 1] + 0.5
    moments = Moments(6)
    for part in drawn.split(7):
        moments.add(part)
    pairs = [(one, other) for one, other, _ in moments.duplicates(0.99, LEAST_NATURAL_CLIPS)]
    return (
        KnownFigure(what="AUROC of the label, 23.5 of 25 pairs", found=float(area), known=0.94, margin=1e-9),
        KnownFigure(
            what="dead kernels found, of the one planted",
            found=float(moments.dead() == (2,)),
            known=1.0,
        ),
        KnownFigure(what="pairs of duplicates found, of the one planted", found=float(pairs == [(1, 4)]), known=1.0),
    )


def _gratings(degrees: float, phase: float, size: int) -> Tensor:
    """Return a smooth grating H W about 0, eight px a period."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    angle = math.radians(degrees)
    return torch.cos(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / 8 + phase)


def _first_layer() -> Tensor:
    """Return six detectors of gratings, and four of patterns of single px that no grating shows, 10 1 5 5."""
    seen = torch.stack([_gratings(30 * place, 0.0, 5) for place in range(6)])
    y, x = torch.meshgrid(torch.arange(5), torch.arange(5), indexing="ij")
    fine = torch.stack([(-1.0) ** (x + y), -((-1.0) ** (x + y)), (-1.0) ** x, (-1.0) ** y])
    kernels = torch.cat([seen, fine])
    return (kernels - kernels.mean(dim=(1, 2), keepdim=True)).unsqueeze(1)


def _path_figures() -> tuple[KnownFigure, ...]:
    """Clips of gratings, and two that drive the detector of the first: one through it, one through hidden kernels."""
    bias = torch.tensor([0.0] * 6 + [-3.0] * 4)
    draw = torch.Generator().manual_seed(0)

    def first(pictures: Tensor) -> Tensor:
        maps = torch.nn.functional.conv2d(pictures.unsqueeze(1), _first_layer(), bias)
        return torch.relu(maps).mean(dim=(2, 3))

    real = torch.stack([_gratings(15 * place, phase, 16) for place in range(12) for phase in (0.0, 0.8, 1.5, 2.2)])
    real = 0.5 + 0.3 * real + 0.02 * torch.randn(real.shape, generator=draw)
    y, x = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    honest, hidden = 0.5 + 0.5 * _gratings(0.0, 0.3, 16), 0.5 + 0.5 * (-1.0) ** (x + y)
    clips = first(real)
    ranks = [natural_path({"first": first(one[None])[0]}, {"first": clips}, clips[:, 0]) for one in (honest, hidden)]
    p = [path.natural.p if path else None for path in ranks]
    return (
        KnownFigure(what="p of the clip that takes the gratings' way", found=p[0], asked="most", known=0.05),
        KnownFigure(what="p of the clip that takes the hidden way", found=p[1], asked="least", known=0.05),
    )


def _concept_figures() -> tuple[KnownFigure, ...]:
    apart = np.arange(5.0)[:, None]
    test = RankTests.of(apart + 10, apart, np.zeros(1, dtype=bool))
    return (
        KnownFigure(what="AUROC", found=float(test.auroc[0]), known=1.0),
        KnownFigure(what="two-sided p, 2 of 252 orders", found=float(test.p[0]), known=2 / 252, margin=1e-9),
    )


def planted_groups(
    kernels: int = 48, groups: int = 4, noise: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return maps K T H W that are noisy copies of as many prototypes as there are groups, and the group of each."""
    draw = np.random.default_rng(7)
    prototypes = draw.normal(size=(groups, 3, 9, 11))
    labels = draw.permutation(np.arange(kernels) % groups)
    return prototypes[labels] + noise * draw.normal(size=(kernels, 3, 9, 11)), labels


def _order_figures() -> tuple[KnownFigure, ...]:
    maps, labels = planted_groups(kernels=24)
    orders = {order.name: order for order in kernel_orders(maps.astype(np.float32), clusters=4)}
    agreement = [
        adjusted_rand_score(labels, orders[name].groups) for name in ("kmeans", "kmeans10", "published", "hierarchical")
    ]
    return (
        KnownFigure(
            what="groups that the mean silhouette asks for", found=float(orders["kmeans"].group_count), known=4.0
        ),
        KnownFigure(
            what="adjusted Rand index of the groups, the lowest of four orders",
            found=float(min(agreement)),
            known=1.0,
            margin=1e-9,
        ),
    )


COMPARED_CASES = {
    "evidence": Case(
        "evidence",
        "Five clips of dots and five of rings whose responses are written down, and six kernels, one of them dead and "
        "two of them alike.",
        _evidence_figures,
    ),
    "path": Case(
        "path",
        "A detector of gratings that single pixels in black and white drive as well, by kernels that no grating "
        "reaches; after Geirhos and others.",
        _path_figures,
    ),
    "concepts": Case(
        "concepts",
        "A kernel that every one of five clips of a concept drives more than any of five reference clips.",
        _concept_figures,
    ),
    "responses": Case(
        "responses",
        "Noisy copies of four maps, 24 in all, in random order.",
        _order_figures,
    ),
}
