"""The speed of full colour that the kernels of a layer share."""

from __future__ import annotations

import pytest

from reportgen.pages.motion import page_scale


@pytest.mark.parametrize(
    ("own", "scale"),
    [([], 0.1), ([0.04], 0.1), ([1.4, 0.3], 1.4), ([1.41], 1.5), ([2.0, 0.0], 2.0), ([9.96], 10.0), ([103.0], 110.0)],
)
def test_the_scale_is_the_largest_of_the_kernels_rounded_up(own: list[float], scale: float) -> None:
    assert page_scale(own) == scale


@pytest.mark.parametrize("own", [0.1, 0.123456, 0.7, 0.999, 1.0, 1.23, 3.7000000001, 12.34, 99.5])
def test_no_kernel_is_faster_than_the_scale(own: float) -> None:
    assert own <= page_scale([own]) * (1 + 1e-9)
    assert page_scale([own]) <= 1.1 * own + 1e-9
