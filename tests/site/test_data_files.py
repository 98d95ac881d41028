"""The data of what a page shows lies beside it."""

from __future__ import annotations

from pathlib import Path


def test_the_sample_site_has_the_data_of_each_table_and_chart_beside_the_page(sample_site: Path) -> None:
    for page in ("motion.html", "audit.html", "tennis/index.html", "tennis/class-0002.html", "pyramids.html"):
        html = (sample_site / "drift" / page).read_text(encoding="utf-8")
        stem = page.removesuffix(".html").rpartition("/")[2]
        linked = [part.partition('"')[0] for part in html.split('class="rg-data" href="')[1:]]
        assert linked, page
        for name in linked:
            text = (sample_site / "drift" / page).with_name(name).read_text(encoding="utf-8")
            assert name.startswith(f"{stem}."), page
            assert text.count("\n") > 1, name
