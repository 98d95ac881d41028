"""Jinja templates whose every value is inert: neither HTML, nor Markdown, nor a template, whatever a file is called."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reportgen.pages.page import Page
from reportgen.pages.places import PageAddresses
from reportgen.reading import format as formats
from reportgen.reading.addresses import relative_link

_SPECIAL = re.compile(r"[^0-9A-Za-z ,./%\u0080-\U0010ffff]")


def inert(value: object) -> Markup:
    """Return text as character references wherever HTML, Markdown or an attribute could read a sign in it."""
    text = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", str(value))
    return Markup(text)  # noqa: S704 (escaped on the line above)


def prose(text: str) -> Markup:
    """Return text as `inert` does, what stands between backticks as code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:  # a lone backtick is only a sign
        return inert(text)
    return Markup().join(Markup("<code>{}</code>").format(inert(p)) if i % 2 else inert(p) for i, p in enumerate(parts))


def anchor(text: str) -> Markup:
    """Return the id of a heading: letters, digits and dashes, so that Markdown reads it as one."""
    return Markup(re.sub(r"[^0-9A-Za-z]+", "-", text).strip("-") or "part")  # noqa: S704 (nothing else is left)


def script_json(value: Any) -> str:
    """Return JSON that may stand in a script: no tag can end it, no line separator can break it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _link(here: str, places: PageAddresses, target: str, words: object) -> Markup:
    """Return `words` as a link to `target`, and as words alone where there is no such place."""
    text = words if isinstance(words, Markup) else inert(words)
    return Markup('<a href="{}">{}</a>').format(relative_link(here, target), text) if places.has(target) else text


def _finalize(value: Any) -> Any:
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class Templates:
    """The page templates of a folder."""

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
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
            fixed=formats.fixed,
            plural=formats.plural,
            shortened=formats.shortened,
            plain=formats.plain,
            prose=prose,
            shape=formats.shape,
            receptive_field=formats.receptive_field_text,
            short_layer=formats.short_layer_name,
        )

    def render(self, page: Page, places: PageAddresses | None = None, **shared: Any) -> str:
        """Return a page as Markdown with its front matter; `shared` is what every page is told.

        Templates link by ``link(target, words)`` to what may be missing, which asks `places`, and ask ``leads(target)``
        where more than a link depends on it; by ``href(target)`` to what is always there.
        """
        places = places or PageAddresses()
        front = {"title": str(Markup.escape(page.title))}
        lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
        hidden = [name for name, off in (("navigation", not page.nav), ("toc", page.wide)) if off]
        if hidden:
            lines.append(f"hide: [{', '.join(hidden)}]")
        body = self._environment.get_template(page.template).render(
            {**shared, **page.context},
            page=page,
            href=partial(relative_link, page.uri),
            leads=places.has,
            link=partial(_link, page.uri, places),
        )
        return "---\n" + "\n".join(lines) + "\n---\n\n" + body.strip() + "\n"
