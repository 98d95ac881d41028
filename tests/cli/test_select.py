"""`--select`: a part of a build and a part of a report, by the identities that are the pages' addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen import BuildOptions, build, compute, render
from reportgen.errors import EmptySelectionError
from reportgen.records.store import Store
from tests.children import reportgen

pytestmark = pytest.mark.slow

QUICK = {"preset": "quick", "models": ("tiny",), "untrained": True, "device": "cpu"}
FEW = {"analyses": ("kernels", "decomposition", "saliency"), "parameters": {"kernels": {"steps": 2, "grow": False}}}


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def options(tiny_zoo: Path) -> BuildOptions:
    return BuildOptions.model_validate({**QUICK, **FEW, "zoo": (tiny_zoo,), "kernels": "2"})


def answered(analysis: str) -> list[str]:
    return [record.job.unit for record in Store(Path("runs/tiny")).manifest().of(analysis)]


def test_only_what_is_selected_is_computed_and_the_plan_stays_whole(options: BuildOptions) -> None:
    def selecting(*patterns: str) -> BuildOptions:
        return options.model_copy(update={"select": patterns})

    compute(selecting("tiny/first"))
    first = answered("kernels")
    assert len(first) == 2
    assert answered("decomposition") == first
    assert not answered("saliency")
    compute(selecting("*/class-*"))
    assert answered("saliency")
    assert answered("kernels") == first, "what was computed before is kept"
    (tally,) = (one.analyses["kernels"] for one in compute(options).models)
    assert (tally.computed, tally.reused) == (2, 2)


def test_what_a_selected_answer_needs_is_computed_too(options: BuildOptions) -> None:
    both = options.model_copy(update={"analyses": ("path",), "select": ("tiny/second/*",)})
    compute(both)
    assert answered("kernels") == answered("path") != []


def test_a_part_of_a_report_says_so_on_every_page(options: BuildOptions) -> None:
    build(options.model_copy(update={"select": ("tiny/second",)}))
    pages = {path.relative_to("site").as_posix(): path.read_text() for path in Path("site").rglob("*.html")}
    del pages["404.html"]
    assert all("A part of the report" in page for page in pages.values())
    assert "tiny/second/index.html" in pages
    assert "tiny/first/index.html" not in pages
    render(Path("runs"), Path("site"))
    assert "A part of the report" not in Path("site/index.html").read_text()


def test_a_selector_that_matches_nothing_is_an_error_before_any_job(options: BuildOptions) -> None:
    for pattern in ("other/first", "tiny/third", "tiny/first/9999"):
        with pytest.raises(EmptySelectionError, match=pattern):
            compute(options.model_copy(update={"select": ("tiny/first", pattern)}))
        assert not list(Path("runs").glob("*/run.json"))
    compute(options.model_copy(update={"analyses": ("kernels",)}))
    done = reportgen("render", "--select", "tiny/third", cwd=Path())
    assert done.returncode == EmptySelectionError.exit_code
    assert done.stderr.startswith("Error: --select tiny/third matches none of the")
