"""What a build says of the size of its site before it starts."""

from __future__ import annotations

import re
from pathlib import Path

import imageio.v3
import numpy as np
import pytest

from reportgen.analyses.registry import methods
from reportgen.commands.build import build
from reportgen.commands.plan import plan
from reportgen.config.options import BuildOptions
from reportgen.config.reading import load_options
from reportgen.errors import OptionError
from reportgen.runner.site_size import SHELL, size_notes


@pytest.mark.parametrize(
    ("beside", "own", "said"),
    [(0, 10_000_000 - SHELL, "10 MB"), (40_000_000, 60_000_000, "100 MB"), (0, 10**9 - SHELL, "1.0 GB")],
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


def _foreseen(asked: dict[str, object], folder: Path) -> float:
    """Return the megabytes that a site will have, as `plan` says before anything is computed."""
    (found,) = plan(BuildOptions.model_validate({**asked, "runs": folder / "runs", "threads": 1}))
    (told,) = (told for note in found.notes if (told := re.fullmatch(r"The site will have about ([\d.]+) MB\.", note)))
    return float(told[1])


@pytest.mark.parametrize(
    ("preset", "megabytes"), [("quick", 4.61), pytest.param("standard", 9.21, marks=pytest.mark.long)]
)
def test_what_is_foreseen_of_the_bundled_report_is_what_it_had_when_it_was_measured(
    preset: str, megabytes: float, tmp_path: Path
) -> None:
    assert _foreseen({"preset": preset}, tmp_path) == pytest.approx(megabytes, rel=0.15)


@pytest.mark.long
def test_what_is_foreseen_of_a_large_network_is_what_it_had_when_it_was_measured(tmp_path: Path) -> None:
    clip = tmp_path / "clip.gif"
    imageio.v3.imwrite(
        clip, np.random.default_rng(0).integers(0, 256, (64, 256, 256, 3), np.uint8), duration=33, loop=0
    )
    asked = {"models": ("i3d",), "untrained": True, "clips": (str(clip),), "preset": "standard"}
    assert _foreseen(asked, tmp_path) == pytest.approx(20.26, rel=0.15)


@pytest.mark.long
@pytest.mark.parametrize("more", [{}, {"kernels": 4}], ids=["as_it_is", "more_kernels"])
def test_a_site_has_the_size_that_was_foreseen(more: dict[str, object], tmp_path: Path) -> None:
    asked = {"preset": "quick", **more}
    options = {**asked, "runs": tmp_path / "runs", "site": tmp_path / "site", "threads": 1}
    build(BuildOptions.model_validate(options))
    size = sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert size / 1e6 == pytest.approx(_foreseen(asked, tmp_path), rel=0.15)
