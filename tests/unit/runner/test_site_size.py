"""What a build says of the size of its site before it starts."""

from __future__ import annotations

import pytest

from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.config.reading import load_options
from reportgen.errors import OptionError
from reportgen.runner.site_size import SHELL, size_notes


@pytest.mark.parametrize(
    ("beside", "own", "said"),
    [(0, 10_000_000 - SHELL, "10 MB"), (40_000_000, 60_000_000, "101 MB"), (0, 998_800_000, "1.0 GB")],
)
def test_a_size_within_the_limit_is_said_and_no_more(beside: int, own: int, said: str) -> None:
    assert list(size_notes(beside, own, 10**9, "standard")) == [f"The site will have about {said}."]


def test_a_site_beyond_the_limit_is_warned_of_with_what_makes_it_smaller() -> None:
    _, warning = size_notes(900_000_000, 100_000_000, 10**9, "full")
    assert "more than 1.0 GB (`max_size`)" in warning
    assert "`preset='standard'`" in warning
    assert "`preset='quick'`" in list(size_notes(0, 1000, 1000, "standard"))[1]
    assert "`preset" not in list(size_notes(0, 1000, 1000, "quick"))[1], "there is no smaller one"


@pytest.mark.parametrize(("written", "size"), [("500MB", 500_000_000), ("2GB", 2 * 10**9), (1000, 1000)])
def test_sizes_are_written_with_their_unit(written: object, size: int) -> None:
    assert load_options({"max_size": written}).max_size == size


@pytest.mark.parametrize("written", ["much", "-5MB", 0, "0B"])
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(OptionError, match="max_size"):
        load_options({"max_size": written})


def test_a_gigabyte_is_the_limit_that_nobody_has_to_give() -> None:
    assert BuildOptions().max_size == 10**9


def test_every_method_says_what_a_unit_adds() -> None:
    for name, method in methods().items():
        assert method.page_bytes > 0, name
        assert 0 <= method.bytes_per_pixel < 20, name
