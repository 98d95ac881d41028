"""Reference clips whose label is the concept's name belong to the concept; a name within a label does not decide."""

from __future__ import annotations

import pytest

from reportgen.analyses.concepts.alike import labelled_like

PAIRS = ("dots static", "dots moving right", "rings static", "rings moving right", None)
WHOLE = ("walking the dog", "dog", "Riding a_bike", None, "dog")


@pytest.mark.parametrize(
    ("concept", "labels", "places"),
    [
        ("dots", PAIRS, {0, 1}),
        ("Moving-Right", PAIRS, {1, 3}),
        ("rings static", PAIRS, {2}),
        ("moving", PAIRS, set()),
        ("dog", WHOLE, {1, 4}),
        ("riding a bike", WHOLE, {2}),
        ("bike", WHOLE, set()),
        ("dog", (None, None), set()),
    ],
)
def test_a_label_is_the_concept_s_where_it_is_its_name_or_one_of_its_two_parts(
    concept: str, labels: tuple[str | None, ...], places: set[int]
) -> None:
    assert labelled_like(concept, labels) == places
