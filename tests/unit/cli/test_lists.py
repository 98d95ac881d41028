"""Flags that take lists: given twice, they name what both do."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from reportgen.cli.flags import read_options
from reportgen.cli.options import WHAT
from reportgen.config.options import BuildOptions


def options(*words: str) -> BuildOptions:
    """Return what `reportgen build` would be asked to do by these words."""
    found: list[BuildOptions] = []

    @WHAT
    def build(**flags: object) -> None:
        found.append(read_options(flags))

    done = CliRunner().invoke(click.command(build), words, catch_exceptions=False, standalone_mode=False)
    assert done.exit_code == 0
    return found[0]


@pytest.mark.parametrize(
    "words",
    [
        ("--analyses", "kernels, saliency,concepts"),
        ("--analyses", "kernels", "--analyses", "saliency,concepts"),
        ("--analyses", "kernels,saliency", "--analyses", "saliency , concepts,", "--analyses", ""),
    ],
)
def test_lists_of_analyses_add_up(words: tuple[str, ...]) -> None:
    assert options(*words).analyses == ("kernels", "saliency", "concepts")


def test_without_a_list_the_preset_chooses() -> None:
    assert options().analyses == ()
