"""An anonymous report tells nobody who made it: the fields are gone, and what would be left is found and refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_run import LAYERS, SampleRun

from reportgen.anonymous.fields import DROPPED
from reportgen.anonymous.runs import anonymous_copy
from reportgen.anonymous.text import somebodys_place, without_places
from reportgen.commands.export import export
from reportgen.errors import ForbiddenWordError, OptionError
from reportgen.exports.anonymity import check_own_words
from reportgen.pages.report import Report
from reportgen.records.jobs import Done, Failed, FailedAttempt, Record
from reportgen.records.manifest import Run, SourceFacts, WeightsFacts
from reportgen.records.store import Store
from reportgen.scanning.machine import forbidden_words
from reportgen.scanning.scanner import scan
from reportgen.scanning.words import ForbiddenWords
from reportgen.site import write_site

pytestmark = pytest.mark.slow

PERSON, HOST, LAB = "wendelgard", "gpu17.phys.example.edu", "Gardlab"
SECRETS = (PERSON, HOST, LAB, "0123456789abcdef0123456789abcdef01234567", "ab" * 32, "cd" * 32, "gard-cam")
WORDS = ForbiddenWords(forbidden_words(SECRETS))
FINISHED = "2025-11-20T12:02:10+01:00"


class Telling(SampleRun):
    """A run in which every field that an anonymous report is without tells who made it."""

    kernels = 2

    def write(self) -> None:
        super().write()
        run = self.store.read_run()
        told: list[Record] = []
        for record in self.records:
            outcome = record.outcome
            if isinstance(outcome, Done):
                note = f"read /home/{PERSON}/clips/gard-cam.mp4 from {HOST} as {PERSON}@{HOST}"
                outcome = outcome.model_copy(update={"notes": (note,)})
            job = record.job.model_copy(update={"inputs": {"weights": "ab" * 32, "card": "cd" * 32, "clip": "ef" * 32}})
            if isinstance(outcome, Failed):
                lines = (f'File "/home/{PERSON}/net.py", line 3', "RuntimeError")
                attempt = FailedAttempt(machine=HOST, ended=f"killed by {PERSON}", log=f"logs/{LAB}.txt", lines=lines)
                told_by = {"message": f"/home/{PERSON}/x: not enough memory on {HOST}", "attempts": (attempt,) * 2}
                outcome = outcome.model_copy(update=told_by)
            told.append(record.model_copy(update={"job": job, "outcome": outcome}))
            self.store.add(told[-1])
        clips = [run.clips[0].model_copy(update={"title": "gard-cam", "source": "gard-cam.mp4"}), *run.clips[1:]]
        card = run.card.model_copy(
            update={
                "citation": f"@misc{{x, author={{{PERSON}}}, institution={{{LAB}}}}}",
                "checked_against": f"the code of {LAB}",
                "notes": (f"Ask {PERSON}@{HOST}.",),
                "aliases": (LAB,),
                "summary": f"A network, see https://{HOST}/{PERSON} and /srv/{LAB}/nets.",
            }
        )
        weights = run.weights.model_copy(
            update={"file": f"{LAB}.pth", "source": f"https://{HOST}/w", "file_sha256": "cd" * 32, "published": False}
        )
        environment = run.environment.model_copy(
            update={"command": ("reportgen", "build", f"{LAB}.mp4"), "commit": SECRETS[3]}
        )
        fields = {"card": card, "weights": weights, "environment": environment, "clips": tuple(clips)}
        source = SourceFacts(file=f"{LAB}.py", sha256="cd" * 32)
        options = {**run.options, "models": [f"{LAB}.py"], "clips": ["gard-cam.mp4"], "zoo": [LAB]}
        plan = tuple(record.key for record in told)
        times = {"plan": plan, "started": FINISHED, "finished": FINISHED}
        self.store.write_run(run.model_copy(update={**fields, "source": source, "options": options, **times}))


@pytest.fixture(scope="module")
def telling_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("telling") / "runs"
    Telling(folder / "drift", "drift", "Drift", seed=0).write()
    return folder


@pytest.fixture(scope="module")
def anonymous_zip(telling_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USER", PERSON)
        patch.setattr("socket.gethostname", lambda: HOST)
        return export(telling_runs, "zip", to=tmp_path_factory.mktemp("zip") / "report.zip", anonymous=True)


def hits(place: Path) -> list[str]:
    return [hit.sentence for hit in scan(place, WORDS, place.name)]


def contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as file:
        yield from ((name, file.read(name)) for name in file.namelist())


def test_nothing_of_the_run_tells_who_made_it(anonymous_zip: Path) -> None:
    assert not hits(anonymous_zip)
    for name, content in contents(anonymous_zip):
        assert "tennis" not in name, "the clip was called so"
        assert b"12:02:10" not in content, name
        assert b"+01:00" not in content, name
        assert b"citation_author" not in content, name
        assert b"Cite this report" not in content, name


def test_the_same_run_is_found_out_where_it_is_not_anonymous(telling_runs: Path, tmp_path: Path) -> None:
    for word in (PERSON, LAB, "gard-cam"):
        with pytest.raises(ForbiddenWordError, match=rf"(?i){word}"):
            export(telling_runs, "csv" if word != LAB else "zip", to=tmp_path / "x", forbid=[word])
        assert not list(tmp_path.iterdir())


def test_the_report_is_whole(anonymous_zip: Path, telling_runs: Path, tmp_path: Path) -> None:
    names = {name for name, _ in contents(anonymous_zip)}
    assert {"report/index.html", "report/SHA256SUMS", "report/drift/clip-1/index.html"} <= names
    plain = write_site(Report.of([Store(telling_runs / "drift")]), tmp_path / "site", tmp_path / "build").parent
    kept = {path.relative_to(plain).as_posix() for path in plain.rglob("*.html")}
    assert {name.removeprefix("report/") for name in names if name.endswith(".html")} == {
        name.replace("tennis", "clip-1") for name in kept
    }


def test_a_copy_is_a_sound_run(telling_runs: Path, tmp_path: Path) -> None:
    store = Store(telling_runs / "drift")
    before = store.manifest()
    copy = anonymous_copy(store, before, tmp_path / "copy", WORDS).store
    after = copy.manifest()
    assert after.trouble is None
    assert after.run.anonymous
    assert len(after.records) == len(before.records)
    assert all(record.job.inputs == {"clip": "ef" * 32} for record in after.records)
    assert not {record.key for record in after.records} & {record.key for record in before.records}
    for old, new in zip(before.records, after.records, strict=True):
        assert (new.outcome.status, new.job.analysis) == (old.outcome.status, old.job.analysis)
        assert len(new.job.needs) == len(old.job.needs)
        if isinstance(old.outcome, Failed) and isinstance(new.outcome, Failed):
            assert new.outcome.attempts == (FailedAttempt(),) * len(old.outcome.attempts)
    assert not hits(tmp_path / "copy")


def test_the_weights_digest_stays_where_it_is_asked_for(telling_runs: Path, tmp_path: Path) -> None:
    store = Store(telling_runs / "drift")
    with_it = anonymous_copy(store, store.manifest(), tmp_path / "copy", WORDS, keep_digest=True)
    assert with_it.store.read_run().weights.sha256 == "ab" * 32
    assert "ab" * 32 not in with_it.withheld
    without = anonymous_copy(store, store.manifest(), tmp_path / "other", WORDS)
    assert without.store.read_run().weights.digest(12) == "withheld"
    assert "ab" * 32 in without.withheld


def test_a_word_in_what_the_user_wrote_is_told_before_any_work(telling_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenWordError, match=r"'moving', which `forbid` names, stands in a class label of drift"):
        export(telling_runs, "zip", to=tmp_path / "x.zip", anonymous=True, forbid=["moving"])
    with pytest.raises(ForbiddenWordError, match="the name of drift"):
        export(telling_runs, "zip", to=tmp_path / "x.zip", forbid=["drift network", "Drift"])
    assert not list(tmp_path.iterdir())


def test_a_name_of_this_machine_in_what_the_user_wrote_is_told_with_its_field(
    telling_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(telling_runs / "drift")
    run = store.read_run()
    own = Store(tmp_path / "runs" / "drift")
    own.write_run(run.model_copy(update={"plan": (), "clips": (), "weights": _licensed(run, f"(c) {PERSON}")}))
    monkeypatch.setenv("USER", PERSON)
    with pytest.raises(ForbiddenWordError, match=rf"'{PERSON}', the user's name, stands in the licence of the weights"):
        export(tmp_path / "runs", "csv", to=tmp_path / "x", anonymous=True)
    own.write_run(run.model_copy(update={"plan": (), "clips": (), "weights": _licensed(run, "MIT")}))
    check_own_words([own.manifest()], ForbiddenWords(forbidden_words([HOST])), without_places)
    with pytest.raises(ForbiddenWordError, match="the summary"):
        check_own_words([own.manifest()], ForbiddenWords(forbidden_words([HOST])))


def _licensed(run: Run, licence: str) -> WeightsFacts:
    return run.weights.model_copy(update={"licence": licence})


def test_an_address_is_refused_in_an_anonymous_report(telling_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="`published`"):
        export(telling_runs, "csv", to=tmp_path / "x", anonymous=True, published="https://jane.example/report/")


@pytest.mark.long
def test_other_forms_are_anonymous_too(telling_runs: Path, tmp_path: Path) -> None:
    assert not hits(export(telling_runs, "csv", to=tmp_path / "tables", anonymous=True))
    gifs = export(telling_runs, "gifs", to=tmp_path / "gifs", anonymous=True, select=[f"drift/{LAYERS[0]}"])
    assert not hits(gifs)
    assert list(gifs.glob("*.gif"))


def test_the_documentation_lists_what_is_left_out() -> None:
    page = (Path(__file__).parents[2] / "docs" / "anonymous.md").read_text(encoding="utf-8")
    for name, what in DROPPED.items():
        assert f"| {name} | {what} |" in page


@pytest.mark.long
def test_names_in_records_are_those_of_the_header(anonymous_zip: Path) -> None:
    for name, content in contents(anonymous_zip):
        if name.endswith(".json"):
            assert "tennis" not in json.dumps(json.loads(content))


@pytest.mark.parametrize(
    ("label", "place"),
    [
        ("dogs of /home/ada/kinetics", "/home/ada"),
        ("/Users/ada.b/x", "/Users/ada.b"),
        (r"C:\Users\ada\dogs", r"C:\Users\ada"),
        ("ask ada@lab.example.org", "ada@lab.example.org"),
        ("playing drums/beat", ""),
        ("kernel@2", ""),
        ("at home/users/outside", ""),
    ],
)
def test_a_name_that_tells_somebodys_place_is_refused_whosever_it_is(label: str, place: str) -> None:
    assert somebodys_place(label) == place


def test_a_label_that_is_a_home_folder_is_refused(telling_runs: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs/drift")
    run = Store(telling_runs / "drift").read_run()
    store.write_run(run.model_copy(update={"labels": ("a", "/home/ada/b", "c", "d"), "plan": (), "clips": ()}))
    with pytest.raises(ForbiddenWordError, match="'/home/ada' stands in a class label of drift"):
        export(tmp_path / "runs", "csv", to=tmp_path / "csv", anonymous=True)
    assert not (tmp_path / "csv").exists()
