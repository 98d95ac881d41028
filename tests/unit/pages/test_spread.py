"""A histogram of responses counts each once, and says at which end it was cut."""

from __future__ import annotations

import numpy as np

from reportgen.pages.spread import BINS, hundredth, hundredth_or_none, response_histogram


def test_every_response_is_counted_once_between_the_smallest_and_the_largest() -> None:
    values = np.linspace(-1.0, 3.0, 101).tolist()
    found = response_histogram(values)
    assert found is not None
    assert (found["low"], found["high"]) == (-1.0, 3.0)
    counts = found["counts"]
    assert isinstance(counts, list)
    assert (len(counts), sum(counts)) == (BINS, 101)
    assert max(counts) - min(counts) <= 2, "evenly spaced responses fill all bars alike"
    assert not {"less", "more"} & found.keys()


def test_a_few_responses_far_off_cut_the_axis_and_stand_in_its_last_bar() -> None:
    values = [*np.linspace(0.0, 1.0, 99).tolist(), 50.0, 60.0]
    found = response_histogram(values)
    assert found is not None
    assert found["more"] is True
    assert "less" not in found
    assert found["high"] < 2.0  # type: ignore[operator]
    assert sum(found["counts"]) == 101  # type: ignore[call-overload]
    mirrored = response_histogram(sorted(-value for value in values))
    assert mirrored is not None
    assert mirrored["less"] is True
    assert mirrored["counts"] == found["counts"][::-1]  # type: ignore[index]


def test_equal_responses_are_one_bar_and_unknown_ones_none() -> None:
    assert response_histogram([2.0, 2.0, 2.0]) == {"low": 2.0, "high": 2.0, "counts": [3]}
    assert response_histogram([1.0]) is None
    assert response_histogram([]) is None


def test_a_share_is_kept_to_the_hundredth_that_pages_show() -> None:
    shares = [value / 997 for value in range(-1000, 1400)]
    assert [round(100 * hundredth(share)) for share in shares] == [round(100 * share) for share in shares]
    assert hundredth(0.9649) == 0.96
    assert (hundredth(0.125), hundredth(-0.125)) == (0.13, -0.12), "as Math.round"
    assert hundredth_or_none(None) is None
    assert hundredth_or_none(-0.128) == -0.13
