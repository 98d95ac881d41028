"""What is told of a run before it is computed, in the middle of it, and when nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.cli.tables import plan_table
from reportgen.commands.compute import compute
from reportgen.commands.plan import plan
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, UnknownNameError
from reportgen.records.layout import record_name
from reportgen.records.store import Store
from reportgen.runner.costs.forecast import PlanCost, PlanForecast

SMALL = {"kernels": {"steps": 6, "count": "3", "batch_size": 2}}
ANALYSES = ("kernels", "decomposition", "saliency")


def options(folder: Path, zoo: Path, **more: object) -> BuildOptions:
    asked = {"models": ("tiny",), "zoo": (zoo,), "untrained": True, "preset": "quick", "runs": folder / "runs"}
    return BuildOptions(**{**asked, "analyses": ANALYSES, "parameters": SMALL, "threads": 1, **more})  # type: ignore[arg-type]


def whole(found: list[PlanForecast]) -> PlanCost:
    (one,) = found
    return one.costs[-1]


@pytest.mark.slow
def test_a_plan_is_told_before_and_between_and_nothing_is_written(tiny_zoo: Path, tmp_path: Path) -> None:
    asked = options(tmp_path, tiny_zoo)
    before = plan(asked.model_copy(update={"workers": 3}))
    assert not (tmp_path / "runs").exists()
    assert {row.analysis for row in before[0].costs} >= {*ANALYSES, "all"}
    assert whole(before).done == 0
    assert whole(before).hours
    assert whole(before).error_median is None
    assert "measured on" in whole(before).basis
    assert [(end.executor, end.workers) for end in before[0].ends] == [("local", 1), ("local", 3), ("slurm", 3)]
    ends = [end.hours for end in before[0].ends]
    assert ends[2] <= ends[1] <= ends[0] * 3.1  # type: ignore[operator]
    compute(asked)
    store = Store(tmp_path / "runs" / "tiny")
    jobs = [one for one in store.read_plan().jobs if one.inapplicable is None]
    after = plan(asked)
    assert whole(after).jobs == whole(before).jobs == whole(after).done == len(jobs)
    assert (whole(after).left, whole(after).hours, whole(after).bytes) == (0, 0, 0)
    assert after[0].ends[0].hours == 0
    gone = [one.job for one in jobs if one.job.analysis == "saliency"]
    for job in gone:
        (store.folder / record_name(job.key)).unlink()
    written = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
    between = plan(asked)
    assert whole(between).left == len(gone)
    assert whole(between).hours
    assert written == {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
    text = plan_table(between)
    assert "tiny on " in text
    assert f"{len(gone):,}" in text


@pytest.mark.long
def test_hours_rest_on_the_records_of_other_runs_too(tiny_zoo: Path, tmp_path: Path) -> None:
    compute(options(tmp_path, tiny_zoo))
    (found,) = plan(options(tmp_path, tiny_zoo, seed=1))
    rows = {row.analysis: row for row in found.costs}
    assert rows["kernels"].left == rows["kernels"].jobs
    assert rows["kernels"].basis == "records"
    assert rows["kernels"].hours == pytest.approx(
        sum(
            record.spent.seconds
            for record in Store(tmp_path / "runs" / "tiny").manifest().of("kernels")
        ) / 3600,
        rel=0.9,
    )  # fmt: skip


def test_another_machine_is_not_known_unless_its_speed_is_declared(tiny_zoo: Path, tmp_path: Path) -> None:
    asked = options(tmp_path, tiny_zoo, workers=8)
    (unknown,) = plan(asked, machine="NVIDIA H100 80GB HBM3")
    assert unknown.costs[-1].hours is None
    assert [end.end for end in unknown.ends] == [None]
    assert any("is not known: `times`" in note for note in unknown.notes)
    assert "not known" in plan_table([unknown])
    (declared,) = plan(asked, machine="NVIDIA H100 80GB HBM3", times=30)
    assert declared.costs[-1].unit == "GPU-hours"
    (here,) = plan(asked)
    assert declared.costs[-1].hours == pytest.approx(here.costs[-1].hours / 30)  # type: ignore[operator]
    with pytest.raises(UnknownNameError, match="machine"):
        plan(asked, machine="*B200*")
    with pytest.raises(OptionError, match="above 0"):
        plan(asked, machine="x", times=0)


@pytest.mark.long
def test_the_stated_error_holds_for_layers_that_were_left_out(tmp_path: Path) -> None:
    """The bundled network: what some layers took tells what the others will take, within the stated error."""
    base = {"preset": "quick", "runs": tmp_path / "runs", "analyses": ("kernels",), "threads": 1, "choose": "spread"}
    some = BuildOptions(**base, kernels="4", layers=("stem.conv", "res1.conv2", "res2"))  # type: ignore[arg-type]
    compute(some)
    every = BuildOptions(**base, kernels="4")  # type: ignore[arg-type]
    (found,) = plan(every)
    row = next(row for row in found.costs if row.analysis == "kernels")
    assert row.basis == "records"
    assert 0 < row.left < row.jobs
    summary = compute(every)
    measured = sum(tally.seconds for name, tally in summary.models[0].analyses.items() if name == "kernels") / 3600
    assert row.hours is not None
    stated = row.error_ninety or 0.0
    assert abs(row.hours - measured) / measured < max(2 * stated, 0.6), (row.hours, measured, stated)
