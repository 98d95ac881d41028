"""What a draw that finds no forgery proves is the hypergeometric distribution's."""

from __future__ import annotations

import pytest
from scipy.stats import hypergeom

from reportgen.proof.sampling import drawn, miss_probability, missed_forgeries


@pytest.mark.parametrize(
    ("population", "forged", "sample"), [(119, 5, 20), (15, 1, 15), (10, 10, 1), (25_000, 50, 400)]
)
def test_the_probability_of_missing_all_forged_records(population: int, forged: int, sample: int) -> None:
    expected = float(hypergeom.pmf(0, population, forged, sample))
    assert miss_probability(population, forged, sample) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_draws_find_forged_records_as_often_as_is_said() -> None:
    found = sum(not {0, 1, 2}.isdisjoint(drawn(range(40), 8, seed)) for seed in range(4000)) / 4000
    assert found == pytest.approx(1 - miss_probability(40, 3, 8), abs=0.025)


def test_a_seed_draws_the_same_again_and_no_more_than_there_are() -> None:
    assert drawn(range(100), 10, 7) == drawn(range(100), 10, 7)
    assert drawn(range(100), 10, 7) != drawn(range(100), 10, 8)
    assert drawn("abc", 10, 1) == ["a", "b", "c"]
    assert [one.forged for one in missed_forgeries(7, 3)] == [1, 2, 5]
