"""What tests of the runner share: a small network, prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.config.options import BuildOptions
from reportgen.progress import SILENT
from reportgen.runner.loading import Loader
from reportgen.runner.places import places_of
from reportgen.runner.prepare import Prepared, prepare


@pytest.fixture
def options(tiny_zoo: Path, tmp_path: Path) -> BuildOptions:
    """A quick build of the tiny network."""
    return BuildOptions(models=("tiny",), zoo=(tiny_zoo,), untrained=True, preset="quick", runs=tmp_path / "runs")


@pytest.fixture
def prepared(options: BuildOptions) -> Prepared:
    """The tiny network with its generated clips."""
    options.runs.mkdir()
    load = Loader(options)
    with places_of(options.runs, load.asked(), SILENT) as (place,):
        return prepare(place, load, options, options.layers, SILENT)
