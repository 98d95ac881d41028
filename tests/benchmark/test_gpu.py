"""The GPU's figures in one call: every part runs on a CPU too, what is cut goes on, and little but torch is needed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import shares, throughput
from benchmarks.gpu.__main__ import PARTS, RESULTS, main
from benchmarks.gpu.cases import Case, Clock, Found, Part, Setting, TimeIsUp, ending_after, run_cases
from benchmarks.gpu.report import UNKNOWN, table
from benchmarks.step import step_of
from reportgen.errors import OptionError
from reportgen.zoo.cards import default_zoo
from tests.children import run

ROOT = Path(__file__).resolve().parents[2]
HERE = {"device": "a slow device", "torch": "2"}
CPU = Setting(torch.device("cpu"), smoke=True)


class SlowDevice:
    """Every case takes six seconds of a clock that only cases move."""

    def __init__(self) -> None:
        self.time = 0.0
        self.done: list[str] = []

    def now(self) -> float:
        return self.time

    def part(self, name: str, *cases: str) -> Part:
        def measure(case: str) -> Found:
            self.time += 6.0
            self.done.append(case)
            return {"case": case}

        return Part(name, name, lambda _: [Case(one, lambda _, c=one: measure(c), 5.0) for one in cases])

    def run(self, parts: Sequence[Part], path: Path, seconds: float = 14.0) -> dict[str, Any]:
        return run_cases(parts, CPU, HERE, path, Clock(seconds, self.now), lambda line: None)


@pytest.mark.long
def test_the_smoke_call_covers_every_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "smoke.json"
    assert main(["--device", "cpu", "--smoke", "--json", str(path)]) == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    assert list(document["parts"]) == [part.name for part in PARTS]
    for name, part in document["parts"].items():
        assert part["cases"], name
        assert part["left"] == [], name
        assert part["peak_memory"] > 0, name
    assert document["machine"]["device"]
    assert "smoke" in capsys.readouterr().out
    assert main(["--device", "cpu", "--smoke", "--json", str(path)]) == 0
    again = json.loads(path.read_text(encoding="utf-8"))
    assert again == document, "what is measured is not measured again"


def test_parts_that_a_slow_device_had_no_time_for_go_on_with_the_next_call(tmp_path: Path) -> None:
    device, path = SlowDevice(), tmp_path / "slow.json"
    parts = [device.part("first", "a", "b"), device.part("second", "c", "d")]
    document = device.run(parts, path)
    assert device.done == ["a", "b"]
    assert document["parts"]["second"]["left"] == ["c", "d"]
    assert json.loads(path.read_text(encoding="utf-8")) == document
    device.run(parts, path)
    assert device.done == ["a", "b", "c", "d"]
    document = device.run(parts, path)
    assert device.done == ["a", "b", "c", "d"]
    assert [part["left"] for part in document["parts"].values()] == [[], []]


def test_what_a_part_found_is_kept_when_the_call_is_killed_in_the_next(tmp_path: Path) -> None:
    def killed(_: Clock) -> Found:
        raise KeyboardInterrupt

    device, path = SlowDevice(), tmp_path / "killed.json"
    last = Part("last", "last", lambda _: [Case("k", killed, 0)])
    with pytest.raises(KeyboardInterrupt):
        device.run([device.part("first", "a"), last], path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["parts"]["first"]["cases"]["a"]["case"] == "a"


def test_a_case_whose_time_is_up_is_left(tmp_path: Path) -> None:
    def endless(_: Clock) -> Found:
        while True:
            time.sleep(0.01)

    part = Part("endless", "endless", lambda _: [Case("e", endless, 0), Case("f", endless, 0)])
    with ending_after(0.1):
        document = SlowDevice().run([part], tmp_path / "endless.json")
    assert document["parts"]["endless"]["left"] == ["e", "f"]


def test_an_error_cannot_hold_up_the_end_of_the_time() -> None:
    with pytest.raises(TimeIsUp), ending_after(0.05):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue


def test_a_case_that_fails_says_so_and_is_tried_again(tmp_path: Path) -> None:
    answers: list[BaseException | Found] = [torch.OutOfMemoryError("no room"), ValueError("odd"), {"fine": True}]

    def measure(_: Clock) -> Found:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    device, path = SlowDevice(), tmp_path / "failing.json"
    parts = [Part("failing", "failing", lambda _: [Case("f", measure, 0)]), device.part("next", "n")]
    said = []
    for _ in range(3):
        document = device.run(parts, path)
        said.append(document["parts"]["failing"]["cases"]["f"].get("failed"))
    assert said == ["memory ran out", "ValueError: odd", None]
    assert document["parts"]["failing"]["left"] == []
    assert device.done == ["n"]


def test_memory_that_runs_out_halves_the_batch_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def cramped(search: Any, level: Any, kernels: Sequence[int]) -> Any:
        tried.append(len(kernels))
        if len(kernels) > 2:
            raise torch.OutOfMemoryError("no room")
        return step_of(search, level, kernels)

    monkeypatch.setattr(shares, "step_of", cramped)
    (case,) = shares.cases(CPU)
    found = case.measure(Clock(60))
    assert tried[:2] == [4, 2]
    assert found["batch"] == 2


def test_figures_of_two_devices_are_not_mixed(tmp_path: Path) -> None:
    device, path = SlowDevice(), tmp_path / "one.json"
    device.run([device.part("first", "a")], path)
    with pytest.raises(OptionError, match=r"a slow device.*name another file"):
        run_cases([], CPU, {**HERE, "device": "another"}, path, Clock(1), lambda line: None)


def test_without_a_device_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert main([]) == 2
    assert "--device cpu --smoke" in capsys.readouterr().err


@pytest.mark.long
def test_it_needs_nothing_installed_but_torch_and_what_wheels_can_carry() -> None:
    missing = ("av", "captum", "mkdocs", "material", "rich", "jinja2", "click", "yaml", "PIL", "imageio", "scipy")
    code = f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
    code += "import benchmarks.gpu.__main__ as gpu; print(len(gpu.PARTS))"
    done = run([sys.executable, "-c", code], cwd=ROOT)
    assert done.stdout == f"{len(PARTS)}\n", done.stderr


def test_the_table_names_the_device_or_says_that_nothing_was_measured() -> None:
    empty = table(None).splitlines()
    assert empty[0].startswith(f"| on a GPU: {UNKNOWN} |")
    assert all(line.endswith(f"| {UNKNOWN} |") for line in empty[2:])
    card = default_zoo().find(throughput.MODEL).card
    stages = {stage.layer: {"kernels": 100, "kernels run": 10, "hours": 0.05} for stage in card.stages}
    document = {"machine": {"device": "GPU 9"}, "smoke": False, "parts": {"throughput": {"cases": stages}}}
    measured = table(document)
    assert "on a GPU: GPU 9" in measured
    assert "| 15.0 min (50 of 500 kernels run) |" in measured
    del stages[card.stages[-1].layer]
    assert "s1, s2, s3, s4 alone: 12.0 min (40 of 400 kernels run); not measured: s5" in table(document)


def test_the_readme_has_the_table_of_the_kept_figures() -> None:
    kept = sorted(RESULTS.glob("gpu-*.json"))
    tables = [table(json.loads(path.read_text(encoding="utf-8"))) for path in kept] or [table(None)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(one in readme for one in tables)
