"""The one place that knows where what is read beside the code lies: inside a wheel, or beside a checkout."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import RenderError

_PACKAGE = Path(__file__).resolve().parent


def _resource_folder(name: str) -> Path:
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise RenderError(f"The folder {name!r} is missing from this installation: install reportgen-conv3d again.")


def templates_folder() -> Path:
    """Return the folder of the page templates and assets."""
    return _resource_folder("templates")


def null_rates_file() -> Path:
    """Return the file of how often verdicts pass on nulls and on planted networks."""
    for file in (_PACKAGE / "_data" / "nulls.json", _PACKAGE.parent / "benchmarks" / "results" / "nulls.json"):
        if file.is_file():
            return file
    raise RenderError("The file 'nulls.json' is missing from this installation: install reportgen-conv3d again.")


def modelzoo_folder() -> Path:
    """Return the folder of the bundled model cards."""
    return _resource_folder("modelzoo")
