"""Which concepts are tested where none is given by flag; needs no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from reportgen.analyses.concepts.folders import check_folders
from reportgen.analyses.parameters import NO_PART_OF_KEY, Parameters

Folders = Annotated[tuple[str, ...], Strict(False), AfterValidator(check_folders)]


class ConceptParameters(Parameters):
    """Which concepts are tested."""

    folders: Annotated[Folders, NO_PART_OF_KEY] = Field(
        (), description="Concepts as NAME=DIR, each a folder of pictures or clips, as --concept gives them."
    )
    generated: Annotated[bool, NO_PART_OF_KEY] = Field(
        True, description="Without folders, test the concepts that the card's generator makes clips of."
    )
