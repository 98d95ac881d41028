"""What a report rests on, as BibTeX: the report itself, its networks, and the methods that it was made by."""

from __future__ import annotations

import re

from reportgen.outputs.latex.text import slug_of, tex
from reportgen.pages.citing import citation_of
from reportgen.pages.method_notes import notes_of
from reportgen.pages.report import ModelView, Report
from reportgen.resources import templates_folder
from reportgen.summary.methods import answered

_ENTRY = re.compile(r"@[a-z]+\{([\w:.-]+),.*\n\}", re.DOTALL)
_COMMAND = re.compile(r"\\[A-Za-z]{3,}|\\[A-Za-z]\b(?![{])")
_SIGNS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f$#%&~^]")


def bibliography(report: Report, root_digest: str | None = None) -> str:
    """Return the references of a report as a BibTeX file; `root_digest` is that of its site, where it is known."""
    kept = _methods()
    methods = dict.fromkeys(key for note in notes_of(answered(report)) for key in note.references)
    own = "".join(map(_sign, citation_of(report, root_digest).bibtex))
    entries = [
        *([] if report.anonymous else [own]),
        *dict.fromkeys(map(_network, report.models)),
        *(kept[key] for key in methods),
    ]
    return "\n\n".join(entries) + "\n"


def _sign(sign: str) -> str:
    """Return a sign of an entry as LaTeX reads it; commands and line breaks are the entry's own."""
    return sign if sign == "\n" or (sign.isascii() and sign.isprintable() and sign not in "<>|") else tex(sign)


def _methods() -> dict[str, str]:
    """Return the references of methods by their keys."""
    text = (templates_folder() / "paper" / "methods.bib").read_text(encoding="utf-8")
    entries = [entry.strip() for entry in re.split(r"\n(?=@)", text) if entry.strip()]
    return {match[1]: entry for entry in entries if (match := _ENTRY.fullmatch(entry))}


def _network(model: ModelView) -> str:
    """Return the reference of a network: that of its card where it has one that holds no command, else its name."""
    card = model.run.card
    told = (card.citation or "").strip()
    if _ENTRY.fullmatch(told) and _is_plain(told):
        return told
    about = "; ".join(filter(None, (told.replace("\n", " "), f"weights {model.run.weights.digest(16)}")))
    key = slug_of(model.name)
    fields = {"key": key, "title": f"{{{tex(card.title)}}}", "note": tex(about)}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{network-{key},\n{lines}\n}}"


def _is_plain(entry: str) -> bool:
    """Whether an entry is one, with its braces closed, and holds accents at most: it may come from anyone's card."""
    depth = 0
    for sign in entry:  # BibTeX counts braces after a backslash, too
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    one = depth == 0 and entry.count("\n@") == 0 and entry.startswith("@")
    return one and entry.isascii() and not _COMMAND.search(entry) and not _SIGNS.search(entry.replace("\\&", ""))
