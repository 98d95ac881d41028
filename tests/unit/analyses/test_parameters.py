"""Parameters of methods: every one is described, typed and within its range, whatever the method."""

from __future__ import annotations

from typing import Annotated, get_args

import numpy as np
import pytest
from pydantic import Field

from reportgen.analyses.common.baselines import BASELINES
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.method import PresetName
from reportgen.analyses.parameters import NO_PART_OF_KEY, Parameters
from reportgen.analyses.registry import find_method, methods
from reportgen.analyses.saliency.methods import METHODS
from reportgen.analyses.saliency.parameters import READ_BY, BaselineName, MethodName
from reportgen.errors import OptionError, UnknownNameError
from tests.children import run_python

PRESETS: tuple[PresetName, ...] = get_args(PresetName)


class Own(Parameters):
    """Two parameters, of which one only says how."""

    much: int = Field(2, ge=1, description="How much.")
    at_once: Annotated[int, NO_PART_OF_KEY] = Field(1, description="How much at once.")


@pytest.mark.parametrize("name", methods())
def test_every_parameter_says_what_it_means(name: str) -> None:
    for parameter, field in find_method(name).parameters.model_fields.items():
        assert field.description, parameter
        assert field.description.endswith("."), parameter


@pytest.mark.parametrize("name", methods())
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_and_survive_being_written(name: str, preset: PresetName) -> None:
    method = find_method(name)
    asked = method.preset(preset)
    assert type(asked) is method.parameters
    assert method.parameters.model_validate_json(asked.model_dump_json()) == asked


def test_what_a_key_depends_on_leaves_out_what_only_says_how() -> None:
    assert Own(much=3, at_once=7).keyed() == {"much": 3}


def test_a_bad_value_names_its_table() -> None:
    with pytest.raises(OptionError, match=r"^\[own\] much is 0: it must be at least 1\.$"):
        Own.of({"much": 0}, "own")


def test_numbers_of_numpy_are_numbers() -> None:
    assert Own.of({"much": np.int64(3)}) == Own(much=3)
    assert AscentOptions.of({"learning_rate": np.float32(0.5)}).learning_rate == 0.5
    with pytest.raises(OptionError, match="much is true"):
        Own.of({"much": True})


def test_a_method_comes_after_those_whose_answers_it_reads() -> None:
    names = list(methods())
    for name, method in methods().items():
        assert all(names.index(before) < names.index(name) for before in (*method.after, *method.follows))


def test_an_unknown_method_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean saliency"):
        find_method("salency")


def test_the_names_that_may_be_asked_for_are_those_that_there_are() -> None:
    assert set(get_args(MethodName)) == set(METHODS)
    assert set(get_args(BaselineName)) == set(BASELINES)
    reading = {name for name, method in METHODS.items() if method.reads_layer}
    assert set(READ_BY["layer"]) == reading
    assert set(READ_BY["baseline"]) == {name for name, method in METHODS.items() if method.compared}
    assert set(READ_BY["samples"]) == {name for name, method in METHODS.items() if method.stochastic}


def test_options_are_read_without_torch() -> None:
    script = (
        "import sys; from reportgen.config.reading import load_options; "
        "load_options({'preset': 'full'}).method_parameters(); sys.exit('torch' in sys.modules)"
    )
    assert run_python(script).returncode == 0
