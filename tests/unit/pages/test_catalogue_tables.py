"""The plain table of all kernels of a layer says in its cells what differs from kernel to kernel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reportgen.outputs.comma_separated import csv_text
from reportgen.pages.catalogue_tables import all_kernels_table
from reportgen.pages.census import measured_kernels
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from tests.site.sample_run import LAYERS


def test_where_one_clip_was_measured_the_header_names_it_and_no_cell_does(written_sample: Path) -> None:
    report = Report.of(find_runs(written_sample))
    model = next(one for one in report.models if one.evidence.names)
    layer, evidence = LAYERS[1], model.evidence
    rows = measured_kernels(model, layer)
    several = all_kernels_table(model, layer, rows)
    assert "Reference clip that drives it most" in [column.header for column in several.columns]
    model.__dict__["evidence"] = replace(evidence, clips=1)
    single = all_kernels_table(model, layer, rows)
    title = model.driver_title(evidence.names[0])
    assert [column.header for column in single.columns][2] == f"Response to {title}"
    assert title in csv_text(single).splitlines()[0]
    assert all(len(row) == len(several.rows[0]) - 1 for row in single.rows)
    assert [row[2] for row in single.rows] == [row[3] for row in several.rows]
