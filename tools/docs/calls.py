"""The pages of the public Python calls: each name of the package, by its docstring."""

from __future__ import annotations

import reportgen

GROUPS = {
    "commands": ("The commands as calls", "Each command of the command line is one call."),
    "methods": ("Methods", "The methods of the report, on any network and clip, without a run."),
    "parts": ("Networks, clips and options", "What the methods and the commands are given, and what writes results."),
}
_PLACES = {"commands": "commands", "analyses": "methods"}


def call_paths() -> dict[str, str]:
    """Return the full path of each public name."""
    places = reportgen._PUBLIC
    return {name: f"{places[name]}.{name}" for name in sorted(places, key=str.lower)}


def call_pages() -> dict[str, str]:
    """Return a page for each group of names, which mkdocstrings fills from their docstrings."""
    pages = {group: f"# {title}\n\n{words}\n" for group, (title, words) in GROUPS.items()}
    for name, path in call_paths().items():
        group = _PLACES.get(path.split(".")[1], "parts")
        options = f"    options:\n      heading: reportgen.{name}\n      toc_label: {name}\n"
        pages[group] += f"\n[](){{ #reportgen.{name} }}\n\n::: {path}\n{options}"
    return {f"calls/{group}.md": text for group, text in pages.items()}
