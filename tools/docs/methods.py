"""The pages of the methods: the report's own text on how each is computed, and what each may be told."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import cast

from reportgen.commands.methods import list_methods
from reportgen.pages.methods import pages
from reportgen.pages.report import Report
from reportgen.pages.templating import Templates
from reportgen.resources import templates_folder
from tools.docs.text import code, inert, table, value

_PRESETS = ("quick", "standard", "full")


def method_pages() -> dict[str, str]:
    """Return the page on how each method is computed, and the one of their parameters."""
    return {"methods.md": _computed(), "parameters.md": _parameters()}


def _computed() -> str:
    """Return the report's page "Methods and limits" without the pictures of a report."""
    without_runs = cast("Report", SimpleNamespace(models=(), untrained=()))
    (page,) = pages(without_runs)
    text = Templates(templates_folder()).render(page, selected=())
    return re.sub(r"\A---\n.*?\n---\n+", "", text, flags=re.DOTALL)


def _parameters() -> str:
    parts = [
        "# Parameters of the methods",
        "Each method has a table of its name in `reportgen.toml`, which goes over its preset. `reportgen methods` "
        "prints the same.",
    ]
    for method in list_methods():
        parts += [f"## {inert(method.title)} {{ #{method.name} }}", f"`{method.name}`: {inert(method.summary)}"]
        if method.parameters:
            rows = [
                (
                    code(one.name),
                    inert(one.values),
                    *(_preset(one.presets[name]) for name in _PRESETS),
                    inert(one.meaning),
                )
                for one in method.parameters
            ]
            parts.append(table(("parameter", "values", *_PRESETS, "meaning"), rows))
        else:
            parts.append("It has no parameters.")
    return "\n\n".join(parts) + "\n"


def _preset(found: object) -> str:
    return " " if found is None else value(found)
