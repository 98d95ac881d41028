"""`reportgen check`: every figure of the audit, and an exit code of its own when one misses its limit."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import reportgen
from reportgen.cli import cli
from reportgen.errors import CheckError, OptionError, StoreError
from tests.documents import edit

LENIENT = "[check]\nmap_weights = [0.95, 1.0]\nfaithful_maps = [0.5, 0.1]\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, written_sample: Path) -> Path:
    return copied(written_sample, tmp_path_factory.mktemp("check"))


def copied(sample: Path, folder: Path) -> Path:
    """Return a folder with a copy of the sample's first run."""
    shutil.copytree(sample / "drift", folder / "drift")
    return folder


@pytest.mark.slow
def test_a_missed_limit_is_an_error_that_names_figure_and_limit(runs: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs)])
    assert isinstance(result.exception, CheckError)
    assert result.exception.exit_code == 24
    assert "Jobs that failed: 4 of" in str(result.exception)
    assert "Methods that read the weights: 1 of 2" in str(result.exception)
    assert "not tested" in result.output, "what was not measured is listed and does not fail"


def test_what_was_measured_with_too_little_effort_warns(runs: Path, tmp_path: Path) -> None:
    config = tmp_path / "strict.toml"
    config.write_text("[check]\nrandom_maps = 11\nfaithful_maps = [0.9, 0.8]\n")
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--config", str(config)])
    assert "Faithful saliency maps" not in str(result.exception)
    assert "warn        drift  Faithful saliency maps: 0 of 2" in result.output


def test_few_reference_clips_cannot_pass_a_synthetic_clip(runs: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs)])
    assert "warn        drift  Synthetic clips above the best reference clip: 18 of 19" in result.output
    config = tmp_path / "few.toml"
    config.write_text("[check]\nreference_clips = 2\nmotion_reliance = 0.95\n")
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--config", str(config)])
    assert "pass        drift  Synthetic clips above the best reference clip: 18 of 19" in result.output
    assert "pass        drift  Classes that rely on motion: 1 of 4" in result.output


@pytest.mark.parametrize(("probed", "verdict"), [(4, "fail"), (5, "warn")])
def test_a_few_classes_do_not_say_that_a_network_sees_pictures(
    runs: Path, tmp_path: Path, probed: int, verdict: str
) -> None:
    config = tmp_path / "classes.toml"
    config.write_text(f"[check]\nmotion_reliance = 2\nmotion_classes = {probed}\n")
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--config", str(config)])
    assert f"{verdict}        drift  Classes that rely on motion: 0 of 4" in result.output
    assert ("Classes that rely on motion" in str(result.exception)) == (verdict == "fail")


def test_limits_can_be_changed(runs: Path, tmp_path: Path) -> None:
    config = tmp_path / "lenient.toml"
    config.write_text(LENIENT)
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--config", str(config)])
    assert isinstance(result.exception, CheckError)
    assert "Methods that read the weights" not in str(result.exception)
    assert "Jobs that failed" in str(result.exception), "failed jobs are no matter of limits"


def test_figures_are_there_for_machines_too(runs: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--json"])
    assert isinstance(result.exception, CheckError), "the exit code is the same"
    (audit,) = json.loads(result.output)
    assert audit["model"] == "drift"
    rows = {row["name"]: row for row in audit["verdicts"]}
    assert rows["Jobs that failed"]["state"] == "fail"
    assert all(
        set(row) == {"state", "name", "value", "figure", "threshold", "meaning", "link"} for row in rows.values()
    )


def test_the_audit_is_one_call_from_python(runs: Path) -> None:
    (audit,) = reportgen.check(runs, limits=reportgen.Limits(map_weights=(0.95, 1.0)))
    assert audit.model == "drift"
    assert not any("Methods that read the weights" in clause for clause in audit.failures)
    with pytest.raises(CheckError, match="Jobs that failed"):
        reportgen.require([audit])


def test_a_class_of_a_few_clips_does_not_show_that_a_network_needs_motion(runs: Path, tmp_path: Path) -> None:
    config = tmp_path / "clips.toml"
    config.write_text("[check]\nclass_clips = 6\n")
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--config", str(config)])
    assert "warn        drift  Classes that rely on motion: 3 of 4" in result.output


def test_a_run_whose_limits_are_of_another_version_is_judged_by_those_that_are_known(
    tmp_path: Path, written_sample: Path
) -> None:
    header = copied(written_sample, tmp_path) / "drift" / "run.json"
    edit(header, lambda run: run["options"].update(check={"gone": 0.5, "motion_reliance": 0.95}))
    result = CliRunner().invoke(cli, ["check", "--runs", str(tmp_path)])
    assert "Classes that rely on motion: 1 of 4" in result.output
    edit(header, lambda run: run["options"].update(check={"motion_reliance": "much"}))
    result = CliRunner().invoke(cli, ["check", "--runs", str(tmp_path)])
    assert isinstance(result.exception, StoreError)


def test_how_many_verdicts_there_were_is_said_and_strict_fails_on_those_not_tested(runs: Path) -> None:
    audits = reportgen.check(str(runs), limits={"map_weights": [0.95, 1.0], "faithful_maps": [0.5, 0.1]})
    words = [verdict.word for audit in audits for verdict in audit.verdicts]
    said = CliRunner().invoke(cli, ["check", "--runs", str(runs)]).output
    assert f"{len(words)} verdicts: " in said
    assert f"{words.count('not tested')} not tested." in said
    (audit,) = audits
    passing = replace(audit, verdicts=tuple(one for one in audit.verdicts if one.state in ("pass", "untested")))
    assert passing.untested
    reportgen.require([passing])
    with pytest.raises(CheckError, match=re.escape(passing.untested[0])):
        reportgen.require([passing], strict=True)
    result = CliRunner().invoke(cli, ["check", "--runs", str(runs), "--strict"])
    assert passing.untested[0] in str(result.exception)


def test_limits_in_a_dict_that_are_not_valid_are_refused(runs: Path) -> None:
    with pytest.raises(OptionError, match="map_weigths"):
        reportgen.check(runs, limits={"map_weigths": [0.9, 1.0]})
