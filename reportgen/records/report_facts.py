"""What a site says of how it was rendered, so that it can be rendered again from the records that it carries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reportgen.records.base import Frozen

REPORT_FILE = "report.json"


class ReportFacts(Frozen):
    """The ``report.json`` of a site."""

    schema_version: Literal[1] = 1
    reportgen: str = Field(description="Version of the program that rendered the pages.")
    renderer: str = Field(description="Digest of that program and its templates: equal ones write equal pages.")
    selected: tuple[str, ...] = Field((), description="Globs of the identities that the report was limited to.")
    arrows: bool = False
    media: Literal["standard", "full"] = "standard"
