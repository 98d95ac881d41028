"""Methods rank by how much better than random they are."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.pages.maps import method_means, places, ranking
from reportgen.records.answers.faithfulness import FaithfulnessAnswer
from reportgen.records.targets import Target
from tests.made import map_checks


def test_methods_rank_by_their_gain_here_and_on_the_mean() -> None:
    here = [
        map_checks("a", 0.6, 0.4),
        map_checks("b", 0.9, 0.1),
        FaithfulnessAnswer(target=Target.of(0), clip="clip", method="c"),
    ]
    other = [map_checks("a", 0.9, 0.1), map_checks("b", 0.7, 0.3)]
    assert places(here) == {"b": 1, "a": 2}
    rows = ranking(here, method_means([here, other], Limits()), {"b": "Bee"})
    assert [(row.title, row.place) for row in rows] == [("Bee", 1), ("a", 2), ("c", None)]
    assert rows[0].mean_place == 1.5
    assert rows[0].mean_gain == pytest.approx(0.3)
    assert (rows[0].beaten, rows[0].maps) == (2, 2)
    assert rows[0].control == 0.0
    assert rows[2].mean_gain is None
