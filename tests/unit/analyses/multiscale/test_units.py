"""Of which kernels pictures are grown, and by which schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen import load_network
from reportgen.analyses.base import Subject, Unit
from reportgen.analyses.choice.selection import KernelSelection
from reportgen.analyses.multiscale.analysis import MultiscaleAnalysis, affordable_growth
from reportgen.analyses.multiscale.method import METHOD
from reportgen.analyses.multiscale.parameters import MultiscaleParameters
from reportgen.networks.kernels.layers import describe_layers
from reportgen.runner.subject import select_layers


@pytest.fixture(scope="module")
def subject() -> Subject:
    network = load_network("texture_motion")
    layers = {facts.name: facts for facts in describe_layers(network)}
    stages = select_layers(network, layers, ())
    return Subject(network, layers, stages, kernels=dict.fromkeys(stages, (1, 4, 7)))


def asked(subject: Subject, parameters: MultiscaleParameters) -> list[tuple[str, int]]:
    units = MultiscaleAnalysis().units(subject, parameters)
    return [(unit.group, unit.kernel) for unit in units if isinstance(unit, Unit)]


def test_the_standard_preset_grows_one_kernel_of_the_first_the_middle_and_the_last_stage(subject: Subject) -> None:
    assert asked(subject, MultiscaleParameters()) == [("stem.conv", 1), ("res1.conv2", 1), ("res2.conv2", 1)]


def test_what_was_listed_is_all_taken(subject: Subject) -> None:
    chosen = replace(
        subject,
        stages=("stem.conv", "plain.conv"),
        kernels=dict.fromkeys(("stem.conv", "plain.conv"), (1, 4)),
        selection=KernelSelection(listed=(1, 4)),
    )
    expected = [("stem.conv", 1), ("stem.conv", 4), ("plain.conv", 1), ("plain.conv", 4)]
    assert asked(chosen, MultiscaleParameters()) == expected


def test_the_full_preset_grows_every_shown_kernel(subject: Subject) -> None:
    assert len(asked(subject, METHOD.preset("full"))) == 15


def test_the_schedule_suits_the_clip_and_the_work(subject: Subject) -> None:
    options, notes = affordable_growth(subject, "res2.conv2", MultiscaleParameters())
    assert (options.start, options.sizes, notes) == (16, 10, ())
    options, notes = affordable_growth(subject, "res2.conv2", MultiscaleParameters(work=20.0))
    assert options.sizes < 10
    assert notes == (f"{options.sizes} sizes instead of 10: this preset bounds the work on a kernel.",)
