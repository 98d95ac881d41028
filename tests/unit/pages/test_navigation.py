"""The navigation is short, in order, and safe."""

from __future__ import annotations

from pathlib import Path

import yaml

from reportgen.pages.navigation import LEAST_LISTED, LONGEST_TITLE, MOST_LISTED, WHOLE, navigation, site_configuration
from reportgen.pages.page import Page


def page(uri: str, nav: tuple[str, ...] | None, title: str = "t") -> Page:
    return Page(uri, title, "x", {}, nav=nav, nav_title=title)


def test_sections_come_in_the_order_of_their_first_page() -> None:
    pages = [
        page("index.md", (), "Report"),
        page("m/index.md", ("M",), "Overview"),
        page("m/a/index.md", ("M", "Layers"), "A"),
        page("m/a/0001.md", None),
        page("methods.md", (), "Methods"),
        page("m/p.md", ("M",), "Provenance"),
    ]
    assert navigation(pages) == [
        {"Report": "index.md"},
        {"M": [{"Overview": "m/index.md"}, {"Layers": [{"A": "m/a/index.md"}]}, {"Provenance": "m/p.md"}]},
        {"Methods": "methods.md"},
    ]


def test_titles_are_escaped_because_themes_write_them_as_they_are() -> None:
    found = navigation([page("a.md", ("<b>",), "<script>")])
    assert found == [{"&lt;b&gt;": [{"&lt;script&gt;": "a.md"}]}]


def test_a_section_lists_only_so_many_pages() -> None:
    (section,) = navigation([page(f"{i}.md", ("S",), str(i)) for i in range(MOST_LISTED + 50)])
    ((title, listed),) = section.items()
    assert len(listed) == MOST_LISTED
    assert title == f"S ({MOST_LISTED} of {MOST_LISTED + 50})"


def test_all_sections_together_list_only_so_many_pages() -> None:
    pages = [page(f"{s}/{i}.md", (f"M{s}", "Clips"), str(i)) for s in range(30) for i in range(50)]
    listed = [len(clips) for model in navigation(pages) for (group,) in model.values() for clips in group.values()]
    assert len(listed) == 30
    assert sum(listed) <= WHOLE
    assert min(listed) >= LEAST_LISTED


def test_a_long_title_is_cut_in_the_navigation() -> None:
    (entry,) = navigation([page("a.md", (), "x" * 300)])
    ((title, _),) = entry.items()
    assert title == "x" * (LONGEST_TITLE - 1) + "…"


def test_the_configuration_is_whole_and_plain(tmp_path: Path) -> None:
    base = tmp_path / "base.yml"
    base.write_text("theme: {name: material}\nplugins: []\n", encoding="utf-8")
    text = site_configuration(base, [page("index.md", (), "Report")], name="A <b>", site="../site")
    settings = yaml.safe_load(text)
    assert settings["site_name"] == "A &lt;b&gt;"
    assert (settings["docs_dir"], settings["site_dir"], settings["theme"]["custom_dir"]) == (
        "docs",
        "../site",
        "overrides",
    )
    assert settings["nav"] == [{"Report": "index.md"}]
