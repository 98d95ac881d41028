"""The style sheet: one class name has one rule, so that no page restyles what another page shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "templates" / "assets" / "css"


def rules(text: str, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield what every rule of a style sheet selects, a list as a whole, with the at-rules that it stands in."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    place = 0
    while (opened := text.find("{", place)) >= 0:
        head, depth, end = text[place:opened].rpartition(";")[2].strip(), 1, opened + 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        if head.startswith("@"):
            yield from rules(text[opened + 1 : end - 1], f"{within} {head}")
        else:
            yield within, " ".join(head.split())
        place = end


def own_class(selector: str) -> str | None:
    """Return the class that a rule is about as such: `a.rg-card` within Material's text is, `.rg-card:hover` is not."""
    found = re.fullmatch(r"(?:\.md-typeset )?[a-z]*\.([\w-]+)", selector)
    return found[1] if found else None


def twice(text: str) -> list[str]:
    """Return what a style sheet says in two places: a selector, or a class as such."""
    every = list(rules(text))
    selectors = [f"{selector}{within}" for (within, selector), count in Counter(every).items() if count > 1]
    classes = Counter((within, name) for within, selector in every if (name := own_class(selector)))
    return [*selectors, *(f".{name}{within}" for (within, name), count in classes.items() if count > 1)]


def test_no_class_has_two_rules() -> None:
    assert not twice("\n".join(path.read_text(encoding="utf-8") for path in sorted(CSS.glob("*.css"))))


@pytest.mark.parametrize(
    "text",
    [
        ".rg-tile { width: 1px } .rg-tile { height: 2px }",
        ".md-typeset a.rg-tile { width: 1px } /* { */ .rg-tile { height: 2px }",
        ".rg-tiles { gap: 0 } @media print { .rg-tiles { gap: 1px } } .rg-tiles { gap: 2px }",
        "@media print { .rg-b { gap: 1px } :is(.a, .rg-b) { gap: 0 } .rg-b { gap: 2px } }",
        ".rg-a, .rg-b { gap: 0 } .rg-a:hover { gap: 1px } .rg-a, .rg-b { gap: 2px }",
    ],
)
def test_two_rules_of_one_class_are_found(text: str) -> None:
    assert twice(text)


def test_a_class_may_be_told_otherwise_on_paper_and_share_a_rule_with_others() -> None:
    assert not twice(
        ".rg-a, .rg-b { gap: 0 } .rg-a { top: 0 } .rg-b .rg-a { gap: 1px } .rg-a:hover { gap: 2px }"
        "@media print { .rg-a { gap: 0 } }"
    )
