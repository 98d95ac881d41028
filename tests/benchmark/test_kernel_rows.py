"""What the kernels' speed table compares: the same activation on both sides, and the peak of the precision used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.kernel_rows import Row, Work, check_machine, read_rows, table, write_rows
from benchmarks.kernels import work_of
from benchmarks.published_kernels import STEPS, published_loop
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.errors import OptionError
from reportgen.zoo.load import load_network

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks/results/kernels-epyc-avx512-bf16-2-threads.json"

ROW = Row(
    model="net",
    layer="conv",
    published_seconds_per_step=8.0,
    published_course=((100, 2.0), (201, 3.0)),
    our_steps=64,
    our_activation=3.1,
    our_seconds=40.0,
    our_learning_rate=0.2,
    our_kernels=4,
    precision="bfloat16",
    rate=150.0,
    peak=300.0,
    peak_memory=1.0,
)


def test_the_published_loop_is_charged_the_steps_to_the_activation_compared() -> None:
    assert ROW.goal == 3.0
    assert ROW.charged_steps == 201
    assert ROW.charged_seconds == 1608.0
    assert ROW.ratio == pytest.approx(40.2)


def test_a_loop_that_falls_again_is_charged_up_to_its_highest_activation() -> None:
    row = replace(ROW, published_course=((100, 3.0), (201, 2.5)))
    assert (row.goal, row.charged_steps) == (3.0, 100)
    assert row.ratio == pytest.approx(20.0)


def test_the_end_of_the_published_steps_is_compared_only_where_they_were_run() -> None:
    assert ROW.ratio_to_the_end is None
    whole = replace(ROW, published_course=((750, 3.0), (STEPS, 2.9)))
    assert whole.ratio == pytest.approx(150.0)
    assert whole.ratio_to_the_end == pytest.approx(300.0)


def test_there_is_no_ratio_to_what_was_not_reached() -> None:
    row = replace(ROW, our_activation=2.9)
    assert (row.ratio, row.ratio_to_the_end) == (None, None)
    assert "not reached" in table([row])
    assert "40x" not in table([row])


def test_the_share_of_peak_is_that_of_the_precision_used() -> None:
    assert ROW.share_of_peak == 0.5
    for row in read_rows(KEPT).values():
        assert row.share_of_peak <= 1.01, f"{row.layer} is faster than the device can be"


def test_the_roofline_is_the_longer_of_arithmetic_and_traffic_of_each_level() -> None:
    arithmetic, traffic = Work(90.0, 1.0, 45.0, 10.0), Work(10.0, 40.0, 100.0, 8.0)
    assert (arithmetic.least_seconds, traffic.least_seconds) == (2.0, 5.0)
    row = replace(ROW, work=(arithmetic, traffic))
    assert row.least_seconds == 7.0
    assert row.most_ratio == pytest.approx(1608 / 7)
    assert "| 230x |" in table([row])
    assert "not counted" in table([row, ROW])
    assert "roofline" not in table([ROW])
    assert replace(row, our_activation=2.9).most_ratio is None


@pytest.mark.long
def test_the_work_of_steps_is_that_of_a_kernel_and_level_by_level(tiny_zoo: Path) -> None:
    network = load_network("tiny", zoo=[tiny_zoo], untrained=True)
    level = Search(network, "first", [0], AscentOptions()).levels[0]
    alone, all_of_two = (work_of(network, "first", [0], [(level, steps)]) for steps in (8, 16))
    assert sum(one.multiply_adds for one in all_of_two) == pytest.approx(2 * sum(one.multiply_adds for one in alone))
    assert all(one.gigabytes > 0 and one.peak > 0 and one.bandwidth > 0 for one in alone)


def test_rows_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    row = replace(ROW, work=(Work(1.0, 2.0, 3.0, 4.0),))
    write_rows(tmp_path / "rows.json", {"device": "none"}, [row])
    assert read_rows(tmp_path / "rows.json") == {("net", "conv"): row}
    assert read_rows(tmp_path / "none.json") == {}


def test_rows_of_two_machines_do_not_share_a_file(tmp_path: Path) -> None:
    path, here = tmp_path / "rows.json", {"device": "this one", "threads": 2}
    check_machine(path, here)
    write_rows(path, here, [ROW])
    check_machine(path, here)
    with pytest.raises(OptionError, match="name another file"):
        check_machine(path, {**here, "device": "another"})


def test_the_readme_states_the_rows_of_the_kept_file() -> None:
    assert table(read_rows(KEPT).values()) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_published_loop_can_be_looked_at_on_its_way(tiny_zoo: Path) -> None:
    network = load_network("tiny", zoo=[tiny_zoo], untrained=True)
    found = published_loop(network, "first", 0, steps=3, shortened=True)
    assert found.looked_at == (1, 2, 3)
    assert found.seen(0).shape == found.seen(3).shape == (1, 3, 16, 112, 112)
    assert not torch.equal(found.seen(0), found.seen(3))


def test_both_are_charged_up_to_the_activation_and_a_whole_call_stands_beside_it() -> None:
    row = replace(ROW, steps_asked=16, arrival_activation=3.05, arrival_seconds=4.0)
    assert row.ratio == pytest.approx(402)
    assert row.ratio_of_a_call == pytest.approx(40.2)
    assert "| 16, 4 s | 402x |" in table([row])
    assert "| 64, 40 s | 40x |" in table([row])
    missed = replace(row, our_activation=2.9)
    assert (missed.ratio, missed.ratio_of_a_call) == (pytest.approx(402), None)
    assert "| not looked at | not reached |" in table([ROW])
