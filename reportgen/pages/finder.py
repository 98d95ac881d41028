"""What the finder searches: every page with a name, as plain data for a script (Material's own needs a server)."""

from __future__ import annotations

from typing import Any

from reportgen.pages.cards import kernel_card
from reportgen.pages.report import Report


def finder_index(report: Report) -> list[dict[str, Any]]:
    """Return one entry per page: its address, title, what it is, the words that find it, and its picture if any."""
    found: list[dict[str, Any]] = [
        _entry("index.md", "Report", "front page", ""),
        _entry("methods.md", "Methods and limits", "how it was made", "formula caveats citation threshold"),
    ]
    for model in report.models:
        name = model.title
        found += [
            _entry(model.addresses.home, name, "network", model.run.model),
            _entry(model.addresses.audit, f"Audit of {name}", "audit", "pass warn fail"),
            *(
                [_entry(model.addresses.motion, "Motion or appearance", name, "freeze shuffle reverse reliance")]
                if model.manifest.of("motion")
                else []
            ),
            _entry(model.addresses.provenance, f"Provenance of {name}", "provenance", "seed version digest weights"),
        ]
        for layer, views in model.kernels.items():
            found.append(_entry(model.addresses.layer(layer), model.stage_title(layer), f"layer of {name}", layer))
            for view in views:
                card = kernel_card(model, view)
                picture = card.stage1.poster if card.stage1 else ""
                words = f"{view.id} {view.stage} {card.sentence}"
                entry = _entry(view.uri, card.name, f"{card.first} {card.second}".strip(), words, picture)
                if view.figures.motion_reliance is not None:
                    entry["motion"] = round(view.figures.motion_reliance, 3)
                found.append(entry)
        for clip in model.subjects:
            picture = model.addresses.file(clip.poster.path) if clip.poster else ""
            found.append(_entry(model.addresses.clip(clip.name), clip.title, f"clip, {name}", "saliency", picture))
        for asked in model.classes("pyramid"):
            uri = model.addresses.pyramid(asked.clip, asked.index)
            title = model.clip_title(asked.clip, asked.index)
            found.append(_entry(uri, model.label(asked.index), f"class pyramid on {title}", "graph class"))
    return found


def _entry(uri: str, title: str, what: str, words: str, picture: str = "") -> dict[str, Any]:
    page = uri.removesuffix(".md") + ".html"
    return {"page": page, "title": title, "what": what, "words": words, "picture": picture}
