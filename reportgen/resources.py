"""The one place that knows where `templates/` and `modelzoo/` lie: inside a wheel, or beside a checkout."""

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


def modelzoo_folder() -> Path:
    """Return the folder of the bundled model cards."""
    return _resource_folder("modelzoo")
