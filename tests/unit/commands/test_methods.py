"""What `reportgen methods` says: every parameter with its defaults, its range and its meaning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reportgen.analyses.registry import methods
from reportgen.cli.tables import methods_table
from reportgen.commands.methods import list_methods, values_text
from reportgen.config.options import BuildOptions
from tests.children import reportgen, run_python

ROWS = {row.name: row for row in list_methods()}


def test_every_method_and_parameter_is_listed() -> None:
    assert list(ROWS) == list(methods())
    for name, row in ROWS.items():
        assert [one.name for one in row.parameters] == list(methods()[name].parameters.model_fields)
        assert all(one.meaning for one in row.parameters)


@pytest.mark.parametrize("preset", ["quick", "standard", "full"])
def test_what_is_listed_is_what_a_build_takes(preset: str) -> None:
    asked = BuildOptions.model_validate({"preset": preset}).method_parameters()
    for name, row in ROWS.items():
        listed = {one.name: one.presets[preset] for one in row.parameters}
        assert listed == asked[name].model_dump(mode="json")


def test_a_parameter_that_follows_another_method_says_so() -> None:
    rate = next(one for one in ROWS["path"].parameters if one.name == "learning_rate")
    assert rate.follows == "kernels"
    assert rate.presets["quick"] == 0.1
    assert "As in kernels unless given." in methods_table(list(ROWS.values()))


@pytest.mark.parametrize(
    ("method", "parameter", "values"),
    [
        ("kernels", "steps", "whole number >= 1"),
        ("kernels", "rotation", "number >= 0, <= 180"),
        ("kernels", "basis", "fft | pixels"),
        ("pyramid", "threshold", "number >= 0, <= 1"),
        ("pyramid", "mass", "number > 0, <= 1"),
        ("pyramid", "per_layer", "table of whole number >= 1"),
        ("saliency", "window", "[whole number >= 1, whole number >= 1, whole number >= 1]"),
        ("kernels", "grow", "true | false"),
    ],
)
def test_ranges_are_words(method: str, parameter: str, values: str) -> None:
    assert next(one for one in ROWS[method].parameters if one.name == parameter).values == values


def test_a_schema_without_a_type_takes_any_value() -> None:
    assert values_text({}) == "any value"


@pytest.mark.slow
def test_the_table_and_json_say_the_same(tmp_path: Path) -> None:
    listed = json.loads(reportgen("methods", "--json", cwd=tmp_path).stdout)
    assert [row["name"] for row in listed] == list(ROWS)
    table = reportgen("methods", cwd=tmp_path).stdout
    for row in listed:
        assert f"{row['name']}: {row['title']}" in table
        assert all(one["meaning"] in table for one in row["parameters"])


def test_methods_are_listed_without_torch() -> None:
    script = "import sys, reportgen; reportgen.list_methods(); sys.exit('torch' in sys.modules)"
    assert run_python(script).returncode == 0
