"""The theme's styles keep every rule that may match, and lose those that cannot."""

from __future__ import annotations

import pytest

from reportgen.site_styles import NamedParts, without_unused

PAGE = (
    '<html lang="en" class="no-js"><body dir="ltr" data-scheme="slate"><nav class="md-nav md-nav--primary" id="top">'
    '<a href="x">y</a><input type="checkbox"></nav><p style="color:var(--page)">1 &lt; 2</p></body></html>'
)
NAMED = NamedParts.of([PAGE], ['element.classList.toggle("md-open"); document.createElement("dialog");'])


def left(style: str, *others: str) -> str:
    """Return what is left of one style sheet."""
    return without_unused({"main": style}, NAMED, others)["main"]


@pytest.mark.parametrize(
    "rule",
    [
        ".md-nav{color:red}",
        ".md-nav--primary>a:hover{color:red}",
        ".md-nav.md-open{color:red}",
        "dialog::backdrop{color:red}",
        "#top a:not(.nowhere,kbd){color:red}",
        "[dir=ltr] input[type=checkbox]:checked~p{color:red}",
        "[data-scheme] a[href^=x],:root,*{color:red}",
        ":is(.nowhere,.md-nav){color:red}",
        "@media print{.md-nav{color:red}}",
        "@font-face{font-family:x}",
        "@keyframes k{0%{color:red}to{color:blue}}",
    ],
)
def test_what_may_match_stays(rule: str) -> None:
    assert left(rule) == rule


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        (".nowhere{color:red}.md-nav{color:blue}", ".md-nav{color:blue}"),
        (".md-nav .nowhere,.md-nav a{color:red}", ".md-nav a{color:red}"),
        (".md-nav kbd{color:red}", ""),
        ("[dir=rtl] .md-nav{color:red}", ""),
        ("[data-scheme=default]{color:red}", ""),
        ("#bottom{color:red}", ""),
        ("@media print{.nowhere{color:red}}", ""),
        ("@media print{.nowhere{color:red}.md-nav{color:red}}", "@media print{.md-nav{color:red}}"),
    ],
)
def test_what_cannot_match_goes(style: str, kept: str) -> None:
    assert left(style) == kept


def test_properties_that_nothing_reads_go_with_those_that_only_they_read() -> None:
    style = ":root{--a:var(--b);--b:1px;--page:2px;--own:3px;--rule:4px}.md-nav{margin:var(--rule)}"
    assert left(style, ".x{margin:var(--own)}") == ":root{--page:2px;--own:3px;--rule:4px}.md-nav{margin:var(--rule)}"


def test_a_property_that_another_sheet_reads_stays() -> None:
    found = without_unused({"main": ".md-nav{color:var(--fg)}", "palette": ":root{--fg:red;--bg:blue}"}, NAMED, ())
    assert found == {"main": ".md-nav{color:var(--fg)}", "palette": ":root{--fg:red}"}


def test_a_picture_within_a_rule_is_kept_as_it_is() -> None:
    rule = '.md-nav:after{mask-image:url("data:image/svg+xml,<svg viewBox=\\"0 0 24 24\\"/>");content:",;}\\""}'
    assert left(rule) == rule
