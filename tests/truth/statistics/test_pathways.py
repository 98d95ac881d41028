"""The causal check of a class pathway: null pathways seldom pass, planted ones do."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_clips import compared
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, class_pyramid
from reportgen.analyses.pyramid.controls import controls
from reportgen.audit.limits import Limits
from reportgen.audit.pathways import pathway_state, pathway_words
from reportgen.reading.ablation import Drop
from reportgen.reading.words import CLASSES
from reportgen.records.answers.pyramid import ClassClips

KERNELS = 24


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv3d(1, KERNELS, 3), nn.ReLU(), nn.Conv3d(KERNELS, KERNELS, 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(KERNELS, 5),
    ).eval()  # fmt: skip


def clip(seed: int) -> torch.Tensor:
    return torch.rand((1, 1, 4, 8, 8), generator=torch.Generator().manual_seed(seed))


def at_random(pyramid: ClassPyramid, generator: np.random.Generator, most: int = 8) -> ClassPyramid:
    """Keep as many kernels of each layer as the generator says, whatever they do."""

    def kept(size: int) -> np.ndarray:
        mask = np.zeros(size, bool)
        mask[generator.choice(size, int(generator.integers(2, most + 1)), replace=False)] = True
        return mask

    layers = tuple(replace(one, kept=kept(len(one.kept))) if one.depth else one for one in pyramid.layers)
    return replace(pyramid, layers=layers)


def clear_nulls(count: int) -> int:
    clear = 0
    for seed in range(count):
        module = network(seed)
        generator = np.random.default_rng(seed)
        null = at_random(class_pyramid(module, clip(seed), 0, depth=2), generator)
        p = ablate(module, clip(seed), 0, null, draws=99, seed=seed, batch=122).together.p
        assert p is not None
        clear += p <= Limits().pathway_p
    return clear


@pytest.mark.long
def test_few_null_pathways_are_clear() -> None:
    assert clear_nulls(60) <= 60 * 0.05 + 2 * sqrt(60 * 0.05 * 0.95)


@pytest.mark.long
def test_null_pathways_are_clear_in_five_per_cent_of_four_hundred() -> None:
    assert clear_nulls(400) <= 400 * 0.05 + 2 * sqrt(400 * 0.05 * 0.95)


def test_a_planted_pathway_is_clear_and_costs_no_other_class_as_much() -> None:
    module = network(0)
    with torch.no_grad():
        module[-1].weight *= 0.05
        module[-1].weight[0, :4] = 3.0
    row = ablate(module, clip(0), 0, class_pyramid(module, clip(0), 0, depth=1, top=4), seed=1).together
    assert row.p is not None
    assert row.others is not None
    assert row.p <= 0.05
    assert row.drop > 10 * row.others


def test_controls_are_of_the_layer_apart_from_the_pathway_and_as_active() -> None:
    activation = np.geomspace(1, 1e4, 32)
    kept = [1, 2, 9, 17, 25]
    found = controls(kept, activation, np.ones(32))
    assert found is not None
    assert len(found.groups) == 4
    generator = np.random.default_rng(0)
    for _ in range(50):
        drawn = found.apart(generator)
        assert not set(drawn) & set(kept)
        assert len(set(drawn)) == len(kept)
        assert sorted(np.array(drawn) // 8) == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("kept", [16, 15])
def test_a_layer_that_is_kept_nearly_whole_has_no_control(kept: int) -> None:
    assert controls(list(range(kept)), np.ones(16), np.ones(16)) is None


def test_where_few_kernels_are_left_the_most_relevant_ones_face_them() -> None:
    found = controls(list(range(12)), np.ones(16), np.arange(16.0))
    assert found is not None
    assert sorted(found.facing) == [8, 9, 10, 11]


@pytest.mark.slow
def test_a_cost_that_labels_do_not_tell_is_no_class_pathway() -> None:
    generator = np.random.default_rng(0)
    own = np.arange(28) < 4
    found = [compared(generator.standard_t(2, size=28), own, seed=seed) for seed in range(400)]
    clear = sum(one is not None and one.p <= 0.05 for one in found)
    assert clear <= 400 * 0.05 + 2 * sqrt(400 * 0.05 * 0.95)
    told = compared(np.where(own, 5.0, 0.0) + generator.normal(size=28), own, seed=0)
    assert told is not None
    assert told.p <= 0.01
    assert compared(np.ones(18), np.arange(18) < 1, seed=0) is None, "one clip among eighteen tells nothing"


TOLD, UNTOLD = (ClassClips(own=5, others=20, own_drop=3, other_drop=0, p=p) for p in (0.01, 0.4))


@pytest.mark.parametrize(
    ("together", "clips", "state"),
    [
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.01, draws=99), TOLD, "pass"),
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.01, draws=99), UNTOLD, "fail"),
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.01, draws=99), UNTOLD.model_copy(update={"own": 2}), "warn"),
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.01, draws=99), None, "warn"),
        (Drop("together", 3, 1, 0, 2, others=3.5, p=0.01, draws=99), TOLD, "fail"),
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.2, draws=99), TOLD, "fail"),
        (Drop("together", 3, 1, 0, 2, others=0.5, p=0.05, draws=19), TOLD, "untested"),
        (Drop("together", 3, None, None, None, others=0.5), TOLD, "untested"),
        (None, TOLD, "untested"),
    ],
)
def test_a_pathway_passes_only_where_everything_speaks_for_it(
    together: Drop | None, clips: ClassClips | None, state: str
) -> None:
    assert pathway_state(together, clips, Limits()) == state


def test_what_was_not_tested_is_said() -> None:
    assert "No control" in pathway_words(Drop("together", 3, None, None, None), None, CLASSES, Limits())
    words = pathway_words(Drop("together", 3, 1, 0, 2, others=0.5, p=0.05, draws=19), None, CLASSES, Limits())
    assert "19 draws instead of 99" in words
    assert "no other labelled clips" in words
