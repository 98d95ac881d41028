"""Bad input: one clear sentence on standard error, its own exit code, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen import errors
from tests.children import reportgen

TINY = ["build", "--zoo", "ZOO", "--model", "tiny", "--untrained"]

CASES: dict[str, tuple[list[str], type[errors.ReportgenError], str]] = {
    "unknown model": (["build", "--model", "texture_motoin"], errors.UnknownNameError, "did you mean texture_motion"),
    "unknown layer": (
        [*TINY, "--layers", "frist"],
        errors.UnknownNameError,
        "did you mean first",
    ),
    "layer glob that matches nothing": (
        [*TINY, "--layers", "conv*"],
        errors.EmptySelectionError,
        "`reportgen layers tiny` lists them",
    ),
    "layers of a network that is not built": (
        [*TINY, "--layers", "tinny=first"],
        errors.UnknownNameError,
        "did you mean tiny?",
    ),
    "layers of no network": ([*TINY, "--layers", "=first"], errors.OptionError, "such as conv3* or i3d=s3*"),
    "layers without a glob": ([*TINY, "--layers", "tiny="], errors.OptionError, "such as conv3* or i3d=s3*"),
    "layers of one network that has none such": (
        [*TINY, "--layers", "tiny=conv*"],
        errors.EmptySelectionError,
        "No layer of tiny matches 'conv*'",
    ),
    "layer without kernels": (
        [*TINY, "--layers", "pool"],
        errors.EmptySelectionError,
        "no convolution",
    ),
    "kernel that no layer has": (
        [*TINY, "--kernels", "99,"],
        errors.EmptySelectionError,
        "at most 6",
    ),
    "unknown class": (
        [*TINY, "--class", "dwon"],
        errors.UnknownNameError,
        "did you mean down",
    ),
    "class out of range": (
        [*TINY, "--class", "17"],
        errors.UnknownNameError,
        "0 to 3",
    ),
    "unknown analysis": (["build", "--analyses", "kernls"], errors.UnknownNameError, "did you mean kernels"),
    "lists of analyses that are empty": (
        ["build", "--analyses", ",", "--analyses", ""],
        errors.OptionError,
        "--analyses names nothing",
    ),
    "unknown preset": (["build", "--preset", "quik"], errors.UnknownNameError, "did you mean quick"),
    "parameter that there is not": (["build", "--config", "stepz.toml"], errors.OptionError, "did you mean steps?"),
    "parameter out of range": (["compute", "--config", "few.toml"], errors.OptionError, "must be at least 1."),
    "two bad values at once": (
        ["build", "--preset", "quik", "--device", "gpu", "--frames", "9:3"],
        errors.OptionError,
        "device",
    ),
    "clip field that there is not": (
        ["build", "--clip-spec", '{"framez": 8}'],
        errors.OptionError,
        "did you mean frames?",
    ),
    "adapter field of another type": (
        ["layers", "--adapter", '{"strides": "fast"}', "texture_motion"],
        errors.OptionError,
        "--adapter is not valid: strides",
    ),
    "adapter that is no JSON": (["build", "--adapter", "{output: 1}"], errors.OptionError, "--adapter is not JSON"),
    "clip that is no object": (["build", "--clip-spec", "[16]"], errors.OptionError, '{"frames": 16}'),
    "no weights": (["build", "--zoo", "ZOO", "--model", "tiny"], errors.WeightsError, "--untrained"),
    "weights that do not exist": (
        ["build", "--zoo", "ZOO", "--model", "tiny", "--weights", "gone.pth"],
        errors.WeightsError,
        "gone.pth",
    ),
    "clip that does not exist": (
        [*TINY, "--clip", "gone.mp4"],
        errors.ClipError,
        "gone.mp4",
    ),
    "cuda that is not there": (
        [*TINY, "--device", "cuda:7"],
        errors.DeviceError,
        "choose --device cpu",
    ),
    "configuration that does not exist": (["build", "--config", "gone.toml"], errors.OptionError, "gone.toml"),
    "no runs to render": (["render"], errors.StoreError, "reportgen compute"),
    "no site to serve": (["serve"], errors.RenderError, "reportgen build"),
}


#: Cases in which the network is loaded before the fault is found: one of them stands for the others in `make test`.
LOADING = [case for case, (words, *_) in CASES.items() if words[: len(TINY)] == TINY and "=" not in words[-1]]
LONG = set(LOADING) - {"unknown class"}


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.long) if c in LONG else c for c in CASES])
def test_bad_input_is_one_sentence_and_an_exit_code(case: str, tmp_path: Path, tiny_zoo: Path) -> None:
    words, error, hint = CASES[case]
    (tmp_path / "stepz.toml").write_text("[kernels]\nstepz = 5\n")
    (tmp_path / "few.toml").write_text("[saliency]\nsteps = -3\n")
    done = reportgen(*[tiny_zoo if word == "ZOO" else word for word in words], cwd=tmp_path)
    assert done.returncode == error.exit_code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: "), done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_every_bad_option_is_named_at_once(tmp_path: Path) -> None:
    done = reportgen("build", "--preset", "quik", "--device", "gpu", "--frames", "9:3", cwd=tmp_path)
    for word in ("quick", "gpu", "9:3"):
        assert word in done.stderr


def test_wrong_usage_is_exit_code_two(tmp_path: Path) -> None:
    assert reportgen("build", "--no-such-option", cwd=tmp_path).returncode == 2
    assert reportgen("biuld", cwd=tmp_path).returncode == 2


def test_a_folder_without_permission_is_said_before_any_work(tmp_path: Path, tiny_zoo: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = reportgen(
        "build", "--zoo", tiny_zoo, "--model", "tiny", "--untrained", "--runs", blocked / "runs", cwd=tmp_path
    )
    assert done.returncode == errors.StoreError.exit_code
    assert "Traceback" not in done.stderr


def test_help_answers_at_once(tmp_path: Path) -> None:
    done = reportgen("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("build", "compute", "render", "models", "layers", "serve", "clean"):
        assert command in done.stdout


def test_a_site_in_the_folder_of_runs_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "net" / "run.json"
    run.parent.mkdir(parents=True)
    run.write_text("{}")
    result = reportgen("render", "--site", "runs/x", cwd=tmp_path)
    assert result.returncode == 11, result.stderr
    assert "must not lie in" in result.stderr
