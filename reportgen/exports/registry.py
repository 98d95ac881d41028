"""The forms of export, by name."""

from __future__ import annotations

from reportgen.errors import unknown_name
from reportgen.exports.base import ExportForm
from reportgen.exports.csv_tables import CsvTables
from reportgen.exports.gifs import PublishedGifs
from reportgen.exports.html_file import HtmlFile
from reportgen.exports.latex_folder import LatexFragments
from reportgen.exports.pdf import Pdf
from reportgen.exports.zip_archive import ZipArchive
from reportgen.given import given_as

FORMS: dict[str, ExportForm] = {
    form.name: form for form in (ZipArchive(), Pdf(), HtmlFile(), LatexFragments(), CsvTables(), PublishedGifs())
}


def export_form(name: str) -> ExportForm:
    """Return the form of that name; raises UnknownNameError."""
    if given_as(name, str, "An export format") not in FORMS:
        raise unknown_name("export format", name, FORMS)
    return FORMS[name]
