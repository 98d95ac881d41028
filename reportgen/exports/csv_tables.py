"""Every table and the data of every chart as CSV, in folders like those of the site."""

from __future__ import annotations

from pathlib import Path

from reportgen.exports.base import ExportRequest
from reportgen.outputs.comma_separated import csv_text
from reportgen.outputs.model import data_address
from reportgen.records.files import write_text
from reportgen.records.paths import inside


class CsvTables:
    """A folder of CSV files: raw numbers under headers with units."""

    name = "csv"
    suffix = ""
    summary = "every table and the data of every chart as CSV"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the tables at the addresses that the site has them at."""
        tables = [(data_address(s.address, table.name), table) for s in request.document.sections for table in s.data()]
        with request.progress.task("Writing tables", len(tables)) as task:
            for address, table in tables:
                write_text(inside(target, address), csv_text(table))
                task.advance()
