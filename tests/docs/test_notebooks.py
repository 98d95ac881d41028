"""The notebooks run from their first cell to their last, and are kept without what they show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT

nbformat = pytest.importorskip("nbformat", reason="pip install -c constraints.txt -e '.[notebooks]' brings it")
pytest.importorskip("nbclient", reason="pip install -c constraints.txt -e '.[notebooks]' brings it")

from tools.docs.notebooks import NOTEBOOKS, notebook_files, notebook_pages, parts_of, run_notebook  # noqa: E402

CHEAP = "09-own-card"
FILES = notebook_files()


def ids(path: Path) -> str:
    return path.stem


def test_there_are_the_ten_tasks() -> None:
    assert [path.stem[:2] for path in FILES] == [f"{number:02d}" for number in range(1, 11)]
    assert Path("docs/notebooks") == NOTEBOOKS.relative_to(ROOT)


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_a_notebook_is_kept_small_and_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    assert path.stat().st_size < 8192
    assert notebook["cells"][0]["source"][0].startswith("# ")
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_each_is_a_page_of_the_documentation() -> None:
    pages = notebook_pages(run=False)
    assert list(pages) == [f"notebooks/{path.stem}.md" for path in FILES]
    assert all(page.startswith("# ") and "```python\n" in page for page in pages.values())


def test_what_a_cell_shows_is_in_its_page() -> None:
    output = nbformat.v4.new_output
    shown = [
        output("stream", name="stdout", text="one\n"),
        output("stream", name="stdout", text="two\n"),
        output(
            "display_data",
            data={"text/html": '<table border="1" class="dataframe">\n<b>3</b></table>', "text/plain": "-"},
        ),
        output("display_data", data={"image/png": "AAAA\n", "text/plain": "<Figure>"}),
        output("error", ename="ClipError", evalue="There is none.", traceback=[]),
        output("execute_result", data={"text/plain": "4"}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=shown)])
    assert list(parts_of(notebook)) == [
        "```python\nx\n```",
        "```text\none\ntwo\n```",
        '<div class="nb-output"><table><b>3</b></table></div>',
        '<img class="nb-output" src="data:image/png;base64,AAAA" alt="&lt;Figure&gt;">',
        "```text\nClipError: There is none.\n```",
        "```text\n4\n```",
    ]


@pytest.mark.long  # `make docs` runs all notebooks
@pytest.mark.filterwarnings("ignore")
def test_a_card_of_ones_own_builds_its_network(tmp_path: Path) -> None:
    notebook = run_notebook(NOTEBOOKS / f"{CHEAP}.ipynb", tmp_path)
    errors = [one for cell in notebook.cells for one in cell.get("outputs", ()) if one.output_type == "error"]
    assert [one.ename for one in errors] == ["CardError"]
    assert "clip.frams" in errors[0].evalue
    assert (tmp_path / "my_zoo" / "make_net" / "make_net.pth").is_file()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_mistakes_are_told_in_a_sentence_each(tmp_path: Path) -> None:
    notebook = run_notebook(NOTEBOOKS / "10-mistakes.ipynb", tmp_path)
    told = "".join(
        one.text for cell in notebook.cells for one in cell.get("outputs", ()) if one.get("name") == "stdout"
    )
    lines = [line for line in told.splitlines() if "Error: " in line]
    assert len(lines) == 20
    assert all(line.endswith((".", "?")) for line in lines)
    assert [line for line in told.splitlines() if line.startswith("no error")] == [
        line for line in told.splitlines() if line.startswith("no error: Attribution(")
    ]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", [path for path in FILES if path.stem != CHEAP], ids=ids)
def test_a_notebook_runs_to_its_end(path: Path, tmp_path: Path) -> None:
    notebook = run_notebook(path, tmp_path)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source)
