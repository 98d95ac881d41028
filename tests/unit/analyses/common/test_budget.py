"""What a large network has less of where a preset bounds the work."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.analyses.common.budget import fitted, forward_work, lowered, passes_within
from reportgen.analyses.faithfulness.analysis import affordable_checks
from reportgen.analyses.faithfulness.method import METHOD
from tests.made import layers_of


def product(counts: Mapping[str, int]) -> int:
    return counts["a"] * counts["b"]


def test_work_is_counted_up_to_the_layer_that_is_named() -> None:
    network = layers_of(1e9, 2e9, 4e9)
    assert forward_work(network) == 7
    assert forward_work(network, "conv1") == 3
    assert passes_within(network, 70) == 10


def test_a_network_without_work_affords_everything() -> None:
    assert passes_within(layers_of(0), 1) == float("inf")


def test_what_fits_stays_as_it_was_asked_for() -> None:
    assert fitted({"a": 3, "b": 4}, {"a": 1, "b": 1}, product, 12) == {"a": 3, "b": 4}


def test_what_matters_least_is_lowered_first_and_the_rest_only_as_far_as_needed() -> None:
    assert fitted({"a": 3, "b": 4}, {"a": 2, "b": 1}, product, 9) == {"a": 2, "b": 4}
    assert fitted({"a": 3, "b": 4}, {"a": 2, "b": 1}, product, 6) == {"a": 2, "b": 3}


def test_nothing_is_lowered_below_the_fewest_nor_raised_to_them() -> None:
    assert fitted({"a": 3, "b": 1}, {"a": 2, "b": 2}, product, 0) == {"a": 2, "b": 1}


def test_the_reader_is_told_what_was_lowered() -> None:
    assert lowered({"a": 3, "b": 4}, {"a": 2, "b": 4}, {"a": "maps", "b": "steps"}) == ["maps: 2 instead of 3"]


def test_a_small_network_is_probed_as_asked_and_nothing_is_noted() -> None:
    asked = METHOD.preset("quick")
    assert affordable_checks(layers_of(1e6), asked) == (asked, ())


def test_a_large_network_is_probed_less_and_the_reader_is_told() -> None:
    asked = METHOD.preset("quick")
    assert asked.work == 1000
    chosen, notes = affordable_checks(layers_of(2e11), asked)
    assert (chosen.hidden, chosen.maps, chosen.curve_steps, chosen.layers) == (4, 4, 2, 1)
    assert chosen.check_steps == asked.check_steps
    (note,) = notes
    assert f"random maps: 4 instead of {asked.maps}; " in note
    assert note.endswith("This preset bounds the work on a map.")


def test_without_a_bound_any_network_is_probed_as_asked() -> None:
    asked = METHOD.preset("quick").model_copy(update={"work": None})
    assert affordable_checks(layers_of(1e15), asked) == (asked, ())
