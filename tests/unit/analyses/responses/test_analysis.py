"""Whose maps are kept, how large, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.analyses.responses.analysis import ResponsesAnalysis
from reportgen.analyses.responses.parameters import ResponsesParameters
from reportgen.clips import Clip
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import SILENT
from reportgen.records.answers.responses import ResponsesAnswer
from reportgen.records.figures import Result, VolumeFigure
from reportgen.zoo.load import load_network


def never(*_asked: str) -> Any:
    raise AssertionError("nothing of other methods is read")


def clip(name: str, seed: int, shape: tuple[int, int, int, int]) -> Clip:
    pixels = np.random.default_rng(seed).random((1, *shape), np.float32)
    return Clip(name=name, title=name, source="made", pixels=pixels)


@pytest.fixture(scope="module")
def subject(tiny_zoo: Path) -> Subject:
    network = load_network("tiny", zoo=(tiny_zoo,), untrained=True)
    layers = {facts.name: facts for facts in describe_layers(network)}
    assert network.spec is not None
    clips = tuple(clip(name, seed, network.spec.shape) for seed, name in enumerate(("one", "two")))
    return Subject(network=network, layers=layers, stages=tuple(layers), clips=clips, name="tiny")


def answers(subject: Subject, parameters: ResponsesParameters) -> dict[str, Result]:
    analysis = ResponsesAnalysis()
    units = [unit for unit in analysis.units(subject, parameters) if isinstance(unit, Unit)]
    groups = {unit.group for unit in units}
    return {
        unit.name: result
        for group in sorted(groups)
        for unit, result in analysis.run(
            subject, [one for one in units if one.group == group], parameters, never, SILENT
        )
    }


def test_a_unit_is_a_shown_layer_on_one_of_the_first_clips(subject: Subject) -> None:
    def names(clips: int | None) -> list[str]:
        units = ResponsesAnalysis().units(subject, ResponsesParameters(clips=clips))
        return [unit.name for unit in units if isinstance(unit, Unit)]

    assert names(1) == ["tiny/first/one", "tiny/second/one"]
    assert len(names(None)) == len(names(5)) == 4
    only = ResponsesAnalysis().units(replace(subject, stages=("second",)), ResponsesParameters())
    assert [unit.name for unit in only] == ["tiny/second/one"]


def test_a_layer_without_maps_is_left_out_in_one_sentence(subject: Subject) -> None:
    units = ResponsesAnalysis().units(subject, ResponsesParameters())
    reasons = {unit.name: unit.reason for unit in units if isinstance(unit, Inapplicable)}
    (name,) = reasons
    assert "has no map of rows and columns" in reasons[name]
    second = subject.layers["second"].model_copy(update={"output": None})
    (unit,) = ResponsesAnalysis().units(
        replace(subject, stages=("second",), layers={"second": second}), ResponsesParameters()
    )
    assert isinstance(unit, Inapplicable)
    assert "did not run" in unit.reason
    (unit,) = ResponsesAnalysis().units(replace(subject, clips=()), ResponsesParameters())
    assert isinstance(unit, Inapplicable)
    assert "--clip" in unit.reason


def test_the_answer_says_what_was_kept_and_the_file_holds_it(subject: Subject) -> None:
    for name, result in answers(subject, ResponsesParameters(exact=True, clips=2)).items():
        answer, figure = result.answer, result.figures["maps"]
        assert isinstance(answer, ResponsesAnswer)
        assert isinstance(figure, VolumeFigure)
        assert name == f"tiny/{answer.layer}/{answer.clip}"
        assert figure.maps.shape == (answer.kernels, *answer.kept)
        assert (answer.minimum, answer.maximum) == (figure.maps.min(), figure.maps.max())
        assert answer.percentiles[0] == 0
        assert answer.percentiles[100] == 255
        assert len(answer.moments) == answer.kept[0]
        for order in answer.orders:
            assert sorted(order.order) == list(range(answer.kernels))
        assert not result.notes


def test_large_maps_are_kept_smaller_and_it_is_said(subject: Subject) -> None:
    whole = answers(subject, ResponsesParameters(exact=True))["tiny/first/one"]
    result = answers(subject, ResponsesParameters(exact=True, values=70))["tiny/first/one"]
    answer, figure = result.answer, result.figures["maps"]
    assert isinstance(answer, ResponsesAnswer)
    assert isinstance(figure, VolumeFigure)
    assert isinstance(whole.answer, ResponsesAnswer)
    assert answer.computed == whole.answer.computed != answer.kept
    assert np.prod(answer.kept) <= 70
    assert len(answer.moments) == answer.kept[0]
    said = " ".join(result.notes)
    assert (f"means of {answer.averaged}x{answer.averaged} positions" in said) == (answer.averaged > 1)
    assert (f"one of every {answer.every_frame}" in said) == (answer.every_frame > 1)
    assert said


def test_values_are_rounded_unless_they_are_to_be_exact(subject: Subject) -> None:
    def maps(parameters: ResponsesParameters) -> Any:
        figure = answers(subject, parameters)["tiny/second/one"].figures["maps"]
        assert isinstance(figure, VolumeFigure)
        return figure.maps

    exact, kept = maps(ResponsesParameters(exact=True)), maps(ResponsesParameters())
    assert not np.array_equal(exact, kept)
    assert np.array_equal(kept.astype(np.float16).astype(np.float32), kept), "half precision holds each of them"
    assert np.abs(kept - exact).max() <= 2.0**-11 * np.abs(exact).max()


def test_a_row_that_the_maps_do_not_have_is_the_last_one(subject: Subject) -> None:
    result = answers(subject, ResponsesParameters(row=500))["tiny/second/one"]
    assert isinstance(result.answer, ResponsesAnswer)
    published = next(order for order in result.answer.orders if order.name == "published")
    assert f"row {result.answer.kept[1]}" in published.title
