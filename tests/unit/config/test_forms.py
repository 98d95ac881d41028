"""Options as Python gives them: one in place of several, paths, indices; typed without pydantic's plug-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.config.forms import BuildKeywords
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError


def test_the_keywords_that_type_checkers_see_are_the_options() -> None:
    assert set(BuildKeywords.__annotations__) == set(BuildOptions.model_fields)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"models": "i3d"}, ("i3d",)),
        ({"clips": [Path("a.mp4"), "b.mp4"]}, ("a.mp4", "b.mp4")),
        ({"classes": np.int64(3)}, ("3",)),
        ({"contrasts": [("walking", 3)]}, (("walking", "3"),)),
        ({"frames": (10, None)}, "10:"),
        ({"kernels": [0, 4]}, "0,4,"),
        ({"kernels": [4]}, "4,"),
        ({"kernels": np.int64(4)}, "4"),
        ({"concepts": {"wheels": Path("w")}}, ("wheels=w",)),
        ({"zoo": "mine"}, (Path("mine"),)),
    ],
)
def test_options_take_the_forms_of_python(given: dict[str, Any], kept: object) -> None:
    assert getattr(BuildOptions(**given), next(iter(given))) == kept


def test_truth_is_no_index() -> None:
    with pytest.raises(OptionError, match="must be text"):
        BuildOptions(classes=[True])
