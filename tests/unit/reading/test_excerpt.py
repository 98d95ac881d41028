"""A cap on a list says how many it leaves out, and makes nothing of those."""

from __future__ import annotations

from itertools import count

from reportgen.reading.excerpt import Excerpt


def test_what_is_left_out_is_counted() -> None:
    assert Excerpt.of("abc", 2) == Excerpt(("a", "b"), 3)
    assert Excerpt.of("abc", 2).left_out == 1
    assert Excerpt.of("abc", 5).left_out == 0
    assert list(Excerpt.of("abc", 2)) == ["a", "b"]
    assert not Excerpt.of("", 2)


def test_only_what_is_shown_is_made() -> None:
    made: list[int] = []
    shown = Excerpt.of(count(), 3, total=10**6).map(made.append)
    assert made == [0, 1, 2]
    assert (len(shown), shown.left_out) == (3, 10**6 - 3)
