"""The page that lists a branch's reports, and the pages by which `latest` leads to one of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from reportgen.bidi import without_bidi
from reportgen.publishing.catalogue import LATEST, Catalogue
from reportgen.publishing.contents import megabytes

_STYLE = """
:root { color-scheme: light dark; --quiet: #5c6370; --line: #d5d9e0; --link: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --quiet: #a4abb8; --line: #3a414d; --link: #8ab4f8; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
a { color: var(--link); }
li { list-style: none; padding: .9rem 0; border-top: 1px solid var(--line); }
ul { padding: 0; margin: 1.5rem 0; border-bottom: 1px solid var(--line); }
li a { font-weight: 600; }
small { color: var(--quiet); display: block; font-size: .875rem; overflow-wrap: anywhere; }
"""


def chooser_page(catalogue: Catalogue) -> str:
    """Return the page at the branch's top: every report, the one published last first."""
    rows = []
    for report in reversed(catalogue.reports):
        latest = f' · <a href="{LATEST}/index.html">latest</a>' if report.name == catalogue.latest else ""
        rows.append(
            f'<li><a href="{quote(report.name)}/index.html">{escape(report.name)}: {escape(report.title)}</a>{latest}'
            f"<small>published {escape(report.published)} · {report.files:,} files, "
            f"{megabytes(report.size)}</small></li>"
        )
    return _page("Reports", f"<h1>Reports</h1>\n<ul>\n{chr(10).join(rows)}\n</ul>")


def redirects(name: str, pages: Iterable[str]) -> dict[str, str]:
    """Return the pages of `latest`: at each address of the report one that leads there, its part (#...) kept."""
    made: dict[str, str] = {}
    for page in pages:
        address = f"{LATEST}/{page}"
        target = "../" * address.count("/") + quote(f"{name}/{page}")
        script = f"location.replace({json.dumps(target)} + location.search + location.hash);"
        made[address] = _page(
            "Latest report",
            f'<p>This is <a href="{target}">{escape(name)}</a>.</p>',
            f'<link rel="canonical" href="{target}">\n<script>{script}</script>\n'
            f'<noscript><meta http-equiv="refresh" content="0; url={target}"></noscript>\n',
        )
    return made


def _page(title: str, body: str, head: str = "") -> str:
    return without_bidi(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n{head}'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
