"""Jinja templates whose every value is inert: neither HTML, nor Markdown, nor a template, whatever a file is called."""

from __future__ import annotations

import html
import re
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reportgen.outputs.model import data_address
from reportgen.outputs.site.draw import draw
from reportgen.outputs.site.tables import table_html
from reportgen.outputs.site.text import anchor, breakable, inert, prose, symbols
from reportgen.outputs.yaml_text import yaml_string
from reportgen.pages.comparable import COMPARE_PAGE
from reportgen.pages.compiled import CompiledTemplates
from reportgen.pages.page import Page
from reportgen.pages.places import PageAddresses
from reportgen.reading import format as formats
from reportgen.reading.addresses import relative_link
from reportgen.reading.format import shortened

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_LONG_HEADING = 100


def _link(here: str, places: PageAddresses, target: str, words: object) -> Markup:
    """Return `words` as a link to `target`, and as words alone where there is no such place."""
    text = words if isinstance(words, Markup) else inert(words)
    if not places.has(target):
        return text
    taken = Markup(" download") if target in places.files else ""
    return Markup('<a href="{}"{}>{}</a>').format(relative_link(here, target), taken, text)


def _finalize(value: Any) -> Any:
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value


DESCRIBED = 200
"""Characters of a page's description, of which search engines show about 160."""


class Templates:
    """The page templates of a folder; those that were `compiled` before are not compiled again."""

    def __init__(self, folder: Path, compiled: CompiledTemplates | None = None) -> None:
        self.folder = folder
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            bytecode_cache=compiled or CompiledTemplates(),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters.update(
            number=formats.number,
            count=formats.count,
            percent=formats.percent,
            with_margin=formats.with_margin,
            duration=formats.duration,
            bytes=formats.bytes_size,
            anchor=anchor,
            breakable=breakable,
            fixed=formats.fixed,
            plural=formats.plural,
            shortened=formats.shortened,
            plain=formats.plain,
            prose=prose,
            symbols=symbols,
            shape=formats.shape,
            receptive_field=formats.receptive_field_text,
            short_layer=formats.short_layer_name,
        )

    def render(self, page: Page, places: PageAddresses | None = None, **shared: Any) -> str:
        """Return a page as Markdown with its front matter; `shared` is what every page is told.

        Templates link by ``link(target, words)`` to what may be missing, which asks `places`, and ask ``leads(target)``
        where more than a link depends on it; by ``href(target)`` to what is always there. ``drawn(figure)`` and
        ``tabled(table)`` write what is in the neutral model, ``data_of(name)`` tells where a block's data lies.
        """
        places = places or PageAddresses()
        href, link = partial(relative_link, page.uri), partial(_link, page.uri, places)
        front = {
            "title": str(Markup.escape(page.title)),
            "description": str(Markup.escape(shortened(page.description or page.title, DESCRIBED))),
        }
        lines = [f"{name}: {yaml_string(value)}" for name, value in front.items()]
        hidden = [name for name, off in (("navigation", not page.nav), ("toc", page.wide)) if off]
        if hidden:
            lines.append(f"hide: [{', '.join(hidden)}]")
        body = self._environment.get_template(page.template).render(
            {**shared, **page.context},
            page=page,
            href=href,
            leads=places.has,
            link=link,
            drawn=partial(draw, href=href),
            tabled=partial(table_html, link=link),
            data_of=partial(data_address, page.uri),
        )
        if page.compared:
            key, here = relative_link(COMPARE_PAGE, page.uri), href(COMPARE_PAGE)
            body += f'\n\n<div class="rg-tray" data-tray="{here}" data-key="{key}" hidden></div>'
        return "---\n" + "\n".join(lines) + "\n---\n\n" + _HEADING.sub(_fitting, body.strip(), count=1) + "\n"


def _fitting(heading: re.Match[str]) -> str:
    """Return a page's heading, set smaller where names of many words would fill the screen with it."""
    return f"{heading[0]} {{: .rg-title--long }}" if len(html.unescape(heading[1])) > _LONG_HEADING else heading[0]
