"""Classes and contrasts as units: a contrast names both classes, and only saliency asks about it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reportgen.analyses.base import Subject, Unit
from reportgen.analyses.common.targets import asked, target_units, title_of
from reportgen.analyses.registry import find_method
from reportgen.clips import Clip
from reportgen.config.options import BuildOptions
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import TargetNetwork
from reportgen.records.targets import Target

CLIP = Clip("tennis", torch.rand(1, 3, 4, 8, 8).numpy(), known_as="digest")
NETWORK = Network(
    nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 8 * 8, 3)).requires_grad_(False), labels=("walk", "run", "jump")
)
SUBJECT = Subject(NETWORK, {}, (), clips=(CLIP,), targets={"tennis": (Target.of(1), Target.of(1, 2))})


def units(*, contrasts: bool) -> list[Unit]:
    return [
        unit for unit in target_units(SUBJECT, [{"method": "gradients"}], contrasts=contrasts) if isinstance(unit, Unit)
    ]


def test_a_contrast_is_a_unit_of_its_own_group() -> None:
    one, both = units(contrasts=True)
    assert one.name == "Sequential/tennis/class-0001/gradients"
    assert both.name == "Sequential/tennis/class-0001-vs-0002/gradients"
    assert both.group == "Sequential/tennis/class-0001-vs-0002"
    assert one.target == Target.of(1)
    assert both.target == Target.of(1, 2)


def test_only_those_who_ask_get_contrasts() -> None:
    assert len(units(contrasts=False)) == 1
    found = BuildOptions(parameters={"saliency": {"methods": ["gradients"]}}).method_parameters()
    names = ("saliency", "faithfulness", "pyramid")
    counts = {name: len(find_method(name).load().units(SUBJECT, found[name])) for name in names}
    assert counts == {"saliency": 2, "faithfulness": 2, "pyramid": 1}


def test_what_is_asked() -> None:
    one, both = units(contrasts=True)
    assert asked(SUBJECT, one) == (NETWORK, 1)
    network, index = asked(SUBJECT, both)
    assert isinstance(network, TargetNetwork)
    assert (network.target, index) == (Target.of(1, 2), 0)
    assert [title_of(SUBJECT, unit.target) for unit in (one, both)] == ["run", "run rather than jump"]


def test_what_a_unit_is_about_is_read_by_its_name_and_by_its_type() -> None:
    unit = Unit("net/conv/0003", "conv", {"layer": "conv", "kernel": 3})
    assert unit.kernel == 3
    with pytest.raises(TypeError, match="net/conv/0003 is about no clip"):
        _ = unit.clip
    with pytest.raises(TypeError, match="about no kernel"):
        _ = Unit("net/conv/0003", "conv", {"kernel": "3"}).kernel
