"""Random numbers from a seed: those of `torch.manual_seed`, within the context alone."""

from __future__ import annotations

import torch

from reportgen.networks.core.random_state import drawing_from


def test_numbers_are_those_of_the_seed_and_the_caller_s_go_on() -> None:
    torch.manual_seed(1)
    whole = torch.rand(4)
    torch.manual_seed(7)
    seeded = torch.rand(3)
    torch.manual_seed(1)
    before = torch.rand(2)
    with drawing_from(7, [torch.device("cpu")]):
        assert torch.equal(torch.rand(3), seeded)
    assert torch.equal(torch.cat([before, torch.rand(2)]), whole)
