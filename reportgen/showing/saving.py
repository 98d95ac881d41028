"""A result as a file: what it can be saved as follows from what it has."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid
from reportgen.analyses.pyramid.export import graphml, pyramid_document
from reportgen.errors import OptionError, a_type
from reportgen.media.arrays import npz_bytes
from reportgen.media.encode import gif_bytes, png_bytes, side_by_side
from reportgen.media.video import mp4_bytes
from reportgen.outputs.comma_separated import no_formula
from reportgen.records.files import atomic_path, check_writable
from reportgen.result import ShownResult
from reportgen.showing.drawings import drawing_of
from reportgen.showing.pictures import in_tiles, pictures_of
from reportgen.showing.tables import arrays_of, figures_of, plain_value, rows_of
from reportgen.version import __version__


def save_result(result: ShownResult, path: Path) -> Path:
    """Write a result as its path's suffix says and return the path; see `ShownResult.save`."""
    forms = _forms(result)
    write = forms.get(path.suffix.lower())
    if write is None:
        asked = f"not as {path.suffix}" if path.suffix else "the path has no suffix"
        *first, last = sorted(forms)
        raise OptionError(f"A{a_type(result)[1:]} is saved as {', '.join(first)} or {last}, and {asked}.")
    content = write()
    check_writable(path.parent)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def _forms(result: ShownResult) -> dict[str, Callable[[], bytes]]:
    """Return what makes the bytes of a result, by suffix."""
    found: dict[str, Callable[[], bytes]] = {".json": partial(_json, result)}
    pictures = pictures_of(result)
    if pictures:
        found[".png"] = lambda: png_bytes(side_by_side(in_tiles(pictures)))
    if any(one.count > 1 for one in pictures):
        found[".gif"] = lambda: gif_bytes(in_tiles(pictures))
        found[".mp4"] = lambda: mp4_bytes(in_tiles(pictures))
    if drawing := drawing_of(result):
        found[".svg"] = drawing.encode
    if rows_of(result):
        found[".csv"] = partial(_csv, result)
    if arrays_of(result):
        found[".npz"] = lambda: npz_bytes(arrays_of(result))
    if isinstance(result, ClassPyramid):
        found[".graphml"] = lambda: graphml(pyramid_document(result, network="network")).encode()
    return found


def _csv(result: ShownResult) -> bytes:
    rows = rows_of(result)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(no_formula, rows[0]))
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in rows[0]])
    return text.getvalue().encode()


def _field(value: Any) -> Any:
    plain = plain_value(value)
    return no_formula(plain) if isinstance(plain, str) else "" if plain is None else plain


def _json(result: ShownResult) -> bytes:
    if isinstance(result, ClassPyramid):
        document: Any = pyramid_document(result, network="network").model_dump(mode="json")
    else:
        rows = [{name: plain_value(value) for name, value in row.items()} for row in rows_of(result)]
        made = {"type": type(result).__name__, "reportgen": __version__}
        document = {**made, "figures": figures_of(result), "rows": rows}
    return (json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1) + "\n").encode()
