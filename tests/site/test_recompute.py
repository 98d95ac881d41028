"""Records that do not say what the network says are found by computing them again, honest ones are not accused."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from reportgen.cli import cli
from reportgen.commands.build import build
from reportgen.commands.compute import compute
from reportgen.commands.render import render
from reportgen.commands.verify import verify
from reportgen.config.options import BuildOptions
from reportgen.errors import ReportgenError, UnknownNameError, VerificationError
from reportgen.progress import SILENT
from reportgen.proof.sampling import miss_probability
from reportgen.records.root_digest import seal
from reportgen.records.store import Store
from reportgen.runner.recomputed import Sampling, recomputed
from tests.documents import edit

pytestmark = pytest.mark.slow

ALL = 1_000


def quick(zoo: Path, folder: Path, **more: Any) -> BuildOptions:
    return BuildOptions(
        models=("tiny",), untrained=True, preset="quick", zoo=(zoo,), runs=folder / "runs", site=folder / "site", **more
    )


@pytest.fixture(scope="module")
def run(tiny_zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recompute")
    compute(quick(tiny_zoo, folder, analyses=("kernels", "saliency", "motion")))
    return folder / "runs" / "tiny"


def records_of(run: Path) -> dict[Path, str]:
    """Return the files of a run's records in order, with the analysis of each."""
    files = sorted((run / "records").rglob("*.json"))
    return {file: json.loads(file.read_text())["job"]["analysis"] for file in files}


def record_of(run: Path, analysis: str) -> Path:
    """Return the first record of an analysis."""
    return next(file for file, own in records_of(run).items() if own == analysis)


def forge(path: Path) -> str:
    """Make one number of a record a tenth larger, renew its digest, and return which question it answers."""
    asked = json.loads(path.read_text())["job"]

    def change(fields: dict[str, Any]) -> None:
        assert _raise(fields["outcome"]["answer"]), path

    edit(path, change)
    return f"{asked['analysis']} of {asked['unit']}"


def _raise(value: Any) -> bool:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(entries):
        if isinstance(one, float) and abs(one) > 0.01:
            value[key] = one * 1.1
            return True
        if isinstance(one, dict | list) and _raise(one):
            return True
    return False


def judged(run: Path, zoo: Path, sample: int = ALL, seed: int = 0, **options: Any) -> Any:
    store = Store(run)
    sampling = Sampling(sample, seed, 0.01)
    return recomputed([(store, store.manifest())], BuildOptions(zoo=(zoo,), **options), sampling, SILENT)


def test_a_forged_record_is_named_and_the_honest_ones_are_not(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    forged = Path(shutil.copytree(run, tmp_path / "tiny"))
    record = record_of(forged, "saliency")
    name = forge(record)
    found = judged(forged, tiny_zoo)
    assert found.holds == "no"
    assert found.compared == found.candidates == len(list((run / "records").rglob("*.json")))
    assert [detail.partition(":")[0] for detail in found.details] == [name]


def test_other_weights_and_what_is_not_given_are_said(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "tiny"))
    edit(other / "run.json", lambda fields: fields["weights"].update(sha256="1" * 64))
    assert judged(other, tiny_zoo).holds == "no"
    assert "not of this network" in judged(other, tiny_zoo).sentence
    edit(other / "run.json", lambda fields: fields["card"].update(name="unheard_of"))
    with pytest.raises(UnknownNameError):
        judged(other, tiny_zoo)


def test_a_report_that_withholds_its_weights_digest_is_not_accused(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    anonymous = Path(shutil.copytree(run, tmp_path / "tiny"))
    edit(anonymous / "run.json", lambda fields: fields.update(anonymous=True, source=None))
    edit(anonymous / "run.json", lambda fields: fields["weights"].update(sha256=""))
    assert judged(anonymous, tiny_zoo, 3).holds == "yes"


def hostile_run(run: Path, tiny_zoo: Path, folder: Path) -> tuple[Path, Path]:
    """Return a run whose options name programs, weights and clips that lie in it, and the mark they would leave."""
    mark = folder / "mark"
    hostile = Path(shutil.copytree(run, folder / "tiny"))
    program = f"open({str(mark)!r}, 'w')\ndef make(*a, **k): raise SystemExit\nbuild = make\n"
    (hostile / "zoo/tiny").mkdir(parents=True)
    shutil.copytree(tiny_zoo / "tiny", hostile / "zoo/tiny", dirs_exist_ok=True)
    for name in ("net.py", "zoo/tiny/arch.py", "zoo/tiny/clips.py", "conftest.py", "sitecustomize.py"):
        (hostile / name).write_text(program)

    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str, str]]:
            return open, (str(mark), "w")

    (hostile / "net.pt2").write_bytes(pickle.dumps(Bomb()))
    np.savez(hostile / "media.npz", a=np.array([Bomb()], dtype=object))
    options = {
        "models": [str(hostile / "net.py:make"), str(hostile / "net.pt2")],
        "zoo": [str(hostile / "zoo")],
        "weights": str(hostile / "net.pt2"),
        "labels": str(hostile / "net.pt2"),
        "clips": [str(hostile / "media.npz")],
        "reference": str(hostile),
        "concepts": [f"a={hostile}"],
        "model_args": {"path": str(hostile / "net.pt2")},
        "title": "<script>alert(1)</script>",
    }
    edit(hostile / "run.json", lambda fields: fields["options"].update(options))
    edit(hostile / "run.json", lambda fields: fields.update(title="<script>alert(1)</script>"))
    return hostile, mark


def test_nothing_that_a_report_names_is_run_or_opened(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    hostile, mark = hostile_run(run, tiny_zoo, tmp_path)
    assert judged(hostile, tiny_zoo, 3).holds == "yes"
    assert not mark.exists()


@pytest.mark.long
def test_nothing_that_a_hostile_site_holds_is_run_or_opened(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    hostile, mark = hostile_run(run, tiny_zoo, tmp_path)
    site = render(hostile, tmp_path / "site", build_dir=tmp_path / "build").parent
    for path in ("net.py", "net.pt2", "zoo/tiny/arch.py", "media.npz"):
        (site / "tiny" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(hostile / path, site / "tiny" / path)
    seal(site)
    found = verify(site, sample=3, options=BuildOptions(zoo=(tiny_zoo,)))
    assert found.consistent.holds == "no", "these files are not made from its records"
    assert found.recomputed.holds == "yes"
    assert not mark.exists()
    assert "<script>alert" not in (site / "index.html").read_text()


@pytest.mark.long
def test_forged_records_are_found_at_the_stated_rate(run: Path, tiny_zoo: Path, tmp_path: Path) -> None:
    total, forged, sample, trials = len(list((run / "records").rglob("*.json"))), 2, 4, 60
    caught = 0
    for trial in range(trials):
        copy = Path(shutil.copytree(run, tmp_path / f"{trial}"))
        with_figures = [file for file, analysis in records_of(copy).items() if analysis != "choice"]
        for path in random.Random(trial).sample(with_figures, forged):
            forge(path)
        found = judged(copy, tiny_zoo, sample, seed=1000 + trial)
        caught += found.holds == "no"
        assert found.compared == sample
        shutil.rmtree(copy)
    rate = 1 - miss_probability(total, forged, sample)
    spread = (rate * (1 - rate) / trials) ** 0.5
    assert abs(caught / trials - rate) < 3 * spread, (caught / trials, rate)


@pytest.mark.long
@pytest.mark.parametrize("number", range(20))
def test_twenty_honest_reports_on_one_and_two_threads_are_not_accused(
    tiny_zoo: Path, tmp_path: Path, number: int
) -> None:
    threads = 1 + number % 2
    build(quick(tiny_zoo, tmp_path, seed=number // 2, threads=threads, media="full" if number < 4 else "standard"))
    for own in (None, 3 - threads):
        options = BuildOptions(zoo=(tiny_zoo,), threads=own)
        found = verify(tmp_path / "site", sample=ALL, options=options)
        assert found.consistent.holds == "yes", found.consistent
        assert found.recomputed.holds != "no", found.recomputed
        assert own or found.recomputed.holds == "yes", found.recomputed


@pytest.mark.long
def test_a_forgery_with_its_pages_and_sums_is_found_from_the_command_line(
    run: Path, tiny_zoo: Path, tmp_path: Path
) -> None:
    forged = Path(shutil.copytree(run, tmp_path / "tiny"))
    forge(record_of(forged, "kernels"))
    site = render(forged, tmp_path / "site", build_dir=tmp_path / "build").parent
    seal(site)
    words = ["verify", str(site), "--json", "-q", "--zoo", str(tiny_zoo), "--sample", str(ALL), "--seed", "5"]
    result = CliRunner().invoke(cli, words)
    assert isinstance(result.exception, VerificationError)
    answers = json.loads(result.output)
    assert answers["consistent"]["holds"] == "yes", "it agrees with itself"
    assert answers["recomputed"]["holds"] == "no"
    assert answers["recomputed"]["seed"] == 5
    assert issubclass(VerificationError, ReportgenError)
