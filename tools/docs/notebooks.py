"""The notebooks of the documentation: run, and written as pages with what they show.

python -m tools.docs.notebooks docs/notebooks/03-decompose-a-clip.ipynb
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat

_PANDAS_STYLE, _PANDAS_TABLE = re.compile(r"<style scoped>.*?</style>"), '<table border="1" class="dataframe">'
"""What pandas writes around its tables: here they look as all others."""

NOTEBOOKS = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
LONGEST = 600
"""Seconds that one cell may take."""


def notebook_files() -> list[Path]:
    """Return the notebooks, by name."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def run_notebook(path: Path, folder: Path) -> Any:
    """Return a notebook with what its cells put out, run in a folder; an error that no cell announces is raised."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook,
        timeout=LONGEST,
        iopub_timeout=60,  # on a busy machine outputs may come late, and must not be missed
        raise_on_iopub_timeout=True,
        kernel_name="python3",
        resources=resources,
    )
    client.execute()
    return notebook


def notebook_pages(*, run: bool) -> dict[str, str]:
    """Return a page for each notebook by its address; with `run` they show what their cells put out."""
    pages = {}
    for path in notebook_files():
        with tempfile.TemporaryDirectory() as folder:
            notebook = run_notebook(path, Path(folder)) if run else nbformat.read(path, as_version=4)
        pages[f"notebooks/{path.stem}.md"] = "\n\n".join(parts_of(notebook)) + "\n"
    return pages


def parts_of(notebook: Any) -> Iterator[str]:
    """Yield the cells of a notebook, and what they put out, as pieces of Markdown."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source
        else:
            yield f"```python\n{cell.source}\n```"
            yield from filter(None, map(_shown, _joined(cell.outputs)))


def _joined(outputs: Any) -> list[Any]:
    """Return the outputs of a cell with what one stream put out piece by piece as one."""
    found: list[Any] = []
    for output in outputs:
        last = found[-1] if found else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            found.append(output)
    return found


def _shown(output: Any) -> str:
    """Return one output as Markdown: the richest form that a page without scripts shows."""
    if output.output_type == "error":
        return _text(f"{output.ename}: {output.evalue}")
    if output.output_type == "stream":
        return _text(output.text)
    data = output.data
    if "text/html" in data:
        html = _PANDAS_STYLE.sub("", "".join(data["text/html"].splitlines()))
        return f'<div class="nb-output">{html.replace(_PANDAS_TABLE, "<table>")}</div>'
    if "image/png" in data:
        picture = "".join(data["image/png"].split())
        return (
            f'<img class="nb-output" src="data:image/png;base64,{picture}" alt="{escape(data.get("text/plain", ""))}">'
        )
    return _text(data.get("text/plain", ""))


def _text(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""


def main() -> int:
    """Run the notebooks that are named, or all, and say how long each took."""
    import time

    for path in map(Path, sys.argv[1:] or map(str, notebook_files())):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            run_notebook(path.resolve(), Path(folder))
        print(f"{path.name}: {time.monotonic() - begun:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
