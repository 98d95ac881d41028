"""The weight formula against its published check values."""

from __future__ import annotations

import zlib

import formula
import pytest
import torch

ENTRIES = {
    ("conv1.weight", (64, 3, 3, 3, 3)): (-0.12733446061611176, -0.14812949299812317, 0.056819796562194824),
    ("conv1.bias", (64,)): (0.07152488082647324, -0.09554541110992432, 0.0058580245822668076),
    ("bn1.weight", (64,)): (1.2329928874969482, 1.3358200788497925, 1.1467046737670898),
    ("bn1.bias", (64,)): (-0.00105782481841743, -0.08655235171318054, -0.024250157177448273),
    ("bn1.running_mean", (64,)): (0.09316299855709076, 0.07193586975336075, 0.04027282074093819),
    ("bn1.running_var", (64,)): (0.8013546466827393, 1.1007896661758423, 1.0273793935775757),
}


def test_seeds_are_the_keys_checksums() -> None:
    assert zlib.crc32(b"conv1.weight") == 3410522421
    assert zlib.crc32(b"input") == 3626513111


@pytest.mark.parametrize(("key", "shape"), ENTRIES)
def test_entries_have_the_published_values(key: str, shape: tuple[int, ...]) -> None:
    assert tuple(formula.entry(key, shape, gain=1.0).flatten()[:3].tolist()) == ENTRIES[key, shape]


def test_input_has_the_published_values() -> None:
    found = formula.clip((2, 3, 16, 112, 112)).flatten()[:3].tolist()
    assert found == [0.5912773013114929, -0.23261278867721558, -0.38556915521621704]


def test_distance_sees_what_it_is_for() -> None:
    values = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    recorded = formula.summary(values, 8)
    assert formula.distance(values, recorded) < 1e-6
    assert formula.distance(values.T, recorded) == float("inf")
    assert formula.distance(values * 1.001, recorded) > 1e-4
    shifted = values.clone()
    shifted[0, 3] += 0.01
    assert formula.distance(shifted, recorded) > 1e-3
