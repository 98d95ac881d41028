"""`reportgen schema`: the documents that there are keep to it, and documents that are wrong do not."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reportgen.analyses.registry import methods
from reportgen.commands.schema import schema
from reportgen.errors import UnknownNameError
from reportgen.records.answers.registry import answer_models
from tests.children import reportgen, run_python
from tests.schemas import faults, faults_of_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def kernel(written_sample: Path) -> dict[str, Any]:
    """The record of a kernel's answer."""
    records = (json.loads(path.read_text()) for path in sorted((written_sample / "drift" / "records").rglob("*.json")))
    return next(one for one in records if one["job"]["analysis"] == "kernels" and one["outcome"]["status"] == "done")


def test_every_document_has_a_schema_that_is_one() -> None:
    found = schema()
    assert set(found) == {"run", "plan", "record", "pyramid", "card", "config"} | {
        f"answer.{name}" for name in answer_models()
    }
    for name, one in found.items():
        jsonschema.Draft202012Validator.check_schema(one)
        assert one == schema(name)


@pytest.mark.parametrize("run", ["drift", "plain_net"])
def test_the_sample_runs_keep_to_the_schemas(written_sample: Path, run: str) -> None:
    assert faults_of_run(written_sample / run) == []


def test_the_answer_in_a_record_is_checked_as_its_method_s(kernel: dict[str, Any]) -> None:
    answer = kernel["outcome"]["answer"]
    assert faults("answer.kernels", answer) == []
    assert faults("answer.path", answer) != []
    wrong = {**kernel, "outcome": {**kernel["outcome"], "answer": {**answer, "steps": -1, "loudness": 3}}}
    (negative, unknown) = sorted(faults("record", wrong))
    assert "loudness" in unknown
    assert negative.startswith("$.outcome.answer.steps: -1")
    of_another = {**kernel, "job": {**kernel["job"], "analysis": "path"}}
    assert faults("record", of_another) != []


def test_an_answer_of_a_method_that_is_not_installed_is_any_table(kernel: dict[str, Any]) -> None:
    wrong = {**kernel["outcome"], "answer": {"loudness": 3}}
    assert faults("record", {**kernel, "job": {**kernel["job"], "analysis": "colour"}, "outcome": wrong}) == []


def test_a_logit_that_is_no_number_is_a_word(written_sample: Path) -> None:
    run = json.loads((written_sample / "drift" / "run.json").read_text())
    run["clips"][0]["predictions"] = [[0, "NaN", 0.5]]
    assert faults("run", run) == []
    run["clips"][0]["predictions"] = [[0, "much", 0.5]]
    assert len(faults("run", run)) == 1


@pytest.mark.parametrize("path", sorted((ROOT / "modelzoo").rglob("card.toml")), ids=lambda path: path.parent.name)
def test_cards_keep_to_the_schema(path: Path) -> None:
    assert faults("card", tomllib.loads(path.read_text(encoding="utf-8"))) == []


def test_the_configuration_of_the_readme_keeps_to_the_schema() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert faults("config", tomllib.loads(example)) == []


def test_every_table_of_a_configuration_is_checked() -> None:
    assert set(methods()) | {"check"} <= set(schema("config")["properties"])
    assert faults("config", tomllib.loads("kernels = 5\n[check]\nredundant = [0.1, 0.2]\n[saliency]\nsteps = 8")) == []
    assert faults("config", tomllib.loads("kernels = '0,4'\n[parameters.kernels]\nsteps = 8")) == []
    for wrong in ("sede = 1", "kernels = 1.5", "[kernels]\nstepz = 5", "[saliency]\nsteps = -3", "[check]\nred = 1"):
        assert len(faults("config", tomllib.loads(wrong))) == 1, wrong


def test_an_unknown_document_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean answer\.kernels"):
        schema("answers.kernels")


def test_the_command_prints_what_the_call_returns(tmp_path: Path) -> None:
    done = reportgen("schema", "config", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == schema("config")
    assert json.loads(reportgen("schema", "--json", cwd=tmp_path).stdout) == schema()
    assert reportgen("schema", "recrod", cwd=tmp_path).returncode == UnknownNameError.exit_code


def test_schemas_need_no_torch() -> None:
    assert run_python("import sys, reportgen; reportgen.schema(); sys.exit('torch' in sys.modules)").returncode == 0
