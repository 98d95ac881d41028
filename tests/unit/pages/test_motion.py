"""The speed of full colour that the kernels of a layer share."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.pages.motion import MotionField, layer_motion, page_scale
from reportgen.reading.addresses import Addresses
from reportgen.records.jobs import Artifact


@pytest.mark.parametrize(
    ("own", "scale"),
    [([], 0.5), ([0.04], 0.5), ([1.4, 0.3], 1.4), ([1.41], 1.5), ([2.0, 0.0], 2.0), ([9.96], 10.0), ([103.0], 110.0)],
)
def test_the_scale_is_the_largest_of_the_kernels_rounded_up(own: list[float], scale: float) -> None:
    assert page_scale(own) == scale


@pytest.mark.parametrize("own", [0.1, 0.123456, 0.7, 0.999, 1.0, 1.23, 3.7000000001, 12.34, 99.5])
def test_no_kernel_is_faster_than_the_scale(own: float) -> None:
    assert own <= page_scale([own]) * (1 + 1e-9)
    assert page_scale([own]) <= max(0.5, 1.1 * own) + 1e-9


def test_a_slow_kernel_is_pale_beside_a_fast_one_and_of_more_colour_by_itself() -> None:
    """A fifth of full colour where it is just said to move, whichever scale its picture was made in."""
    speeds = {0: 0.1, 1: 15.0, 2: 0.7}
    found = layer_motion("net/conv", [_field(*one) for one in speeds.items()], Addresses("net", ["conv"], []))
    assert found
    assert [found.strips[index].fade for index in speeds] == [round(0.1 / 15, 4), 1.0, round(0.7 / 15, 4)]
    alone = [(found.alone[index][0].fade, found.alone[index][1]) for index in speeds]
    assert alone == [(0.2, 0.5), (1.0, 15.0), (1.0, 0.7)]


def _field(index: int, speed: float) -> MotionField:
    sprite = Artifact.model_validate(
        {
            "path": f"media/{index}.avif",
            "role": "motion",
            "kind": "clip",
            "media_type": "image/avif",
            "sha256": "0" * 64,
        }
        | {"bytes": 1, "width": 8, "height": 8, "frames": 4, "scale": speed}
    )
    return MotionField(index, sprite, None, Path(f"{index}.npz"))
