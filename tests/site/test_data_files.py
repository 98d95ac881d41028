"""The data of what a page shows lies beside it."""

from __future__ import annotations

from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "pages"


PAGES = (
    *("index.html", "motion.html", "audit.html", "tennis/index.html", "tennis/class-0002.html", "pyramids.html"),
    *("kernels.html", "responses.html", "stem.conv/0000.html", "stem.conv/kernels.html"),
)


def test_the_sample_site_has_the_data_of_each_table_and_chart_beside_the_page(sample_site: Path) -> None:
    for page in PAGES:
        html = (sample_site / "drift" / page).read_text(encoding="utf-8")
        stem = page.removesuffix(".html").rpartition("/")[2]
        linked = [part.partition('"')[0] for part in html.split('class="rg-data" href="')[1:]]
        assert linked, page
        for name in linked:
            text = (sample_site / "drift" / page).with_name(name).read_text(encoding="utf-8")
            assert name.startswith(f"{stem}."), page
            assert text.count("\n") > 1, name


PICTURED = {"front.md.j2": 1, "pyramid_compare.md.j2": 1, "weights.md.j2": 1}
"""Tables that a template writes because their cells are pictures or colours; their data are blocks of the page."""


def test_templates_write_no_tables_of_their_own() -> None:
    written = {path.name: path.read_text(encoding="utf-8").count("<table") for path in TEMPLATES.glob("*.j2")}
    assert {name: count for name, count in written.items() if count} == PICTURED


def test_each_table_of_the_sample_site_has_its_data(sample_site: Path) -> None:
    """Apart from the figures and parameters of a record, which is a file itself."""
    for page in sorted(sample_site.rglob("*.html")):
        html = page.read_text(encoding="utf-8")
        tables = html.count('<table class="rg-t') - html.count('<table class="rg-t"><thead><tr><th scope="col">Figure')
        tables -= html.count('<table class="rg-t"><thead><tr><th scope="col">Parameter')
        assert html.count('class="rg-data"') >= tables, page
