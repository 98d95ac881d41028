"""A changed report is told from an unchanged one, and a page that says something else than its records is found."""

from __future__ import annotations

import json
import random
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reportgen.cli import cli
from reportgen.commands.verify import verify
from reportgen.errors import OptionError, VerificationError
from reportgen.pages.report import Report
from reportgen.progress import SILENT
from reportgen.proof.archive import checked_files
from reportgen.proof.outcome import Verification
from reportgen.proof.pages import _damaged_clips
from reportgen.proof.sums import SealedFiles
from reportgen.records.finding import find_runs
from reportgen.records.report_facts import REPORT_FILE
from reportgen.records.root_digest import ROOT_FILE, SUMS, read_root, seal
from tests.documents import edit as edit_record

pytestmark = pytest.mark.slow


@pytest.fixture
def site(sample_site: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_site, tmp_path / "site"))


@pytest.fixture(scope="module")
def small(sample_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed report of some thirty files of every kind."""
    folder = tmp_path_factory.mktemp("small")
    kinds: dict[str, int] = {}
    for path in checked_files(sample_site):
        kind = Path(path).suffix
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] <= 3 or path == "index.html":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample_site / path, folder / path)
    seal(folder)
    return folder


def unchanged(folder: Path, digest: str) -> bool:
    return SealedFiles.read(folder, digest, (), SILENT).unchanged().holds == "yes"


def flip(rng: random.Random, path: Path, _: list[Path]) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def edit(rng: random.Random, path: Path, _: list[Path]) -> None:
    content = path.read_bytes()
    place = rng.randrange(len(content) + 1)
    path.write_bytes(content[:place] + b"0.97" + content[place:])


def swap(rng: random.Random, path: Path, others: list[Path]) -> None:
    other = rng.choice([one for one in others if one.read_bytes() != path.read_bytes()])
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


def add(rng: random.Random, path: Path, _: list[Path]) -> None:
    (path.parent / f"added-{rng.randrange(100)}.html").write_text("<p>")


def remove(_: random.Random, path: Path, __: list[Path]) -> None:
    path.unlink()


def rename(rng: random.Random, path: Path, _: list[Path]) -> None:
    path.rename(path.with_name(f"{rng.randrange(100)}-{path.name}"))


def truncate(rng: random.Random, path: Path, _: list[Path]) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def recompress(_: random.Random, path: Path, __: list[Path]) -> None:
    path.write_bytes(zlib.compress(path.read_bytes(), 1))


TAMPERINGS: list[Callable[[random.Random, Path, list[Path]], None]] = [
    *(flip, edit, swap, add),
    *(remove, rename, truncate, recompress),
]


@pytest.mark.parametrize("count", [48, pytest.param(200, marks=pytest.mark.long)])
def test_tamperings_are_all_found_against_the_digest(small: Path, tmp_path: Path, count: int) -> None:
    digest = read_root(small)
    assert digest is not None
    assert unchanged(small, digest)
    missed = []
    for number in range(count):
        rng = random.Random(number)
        folder = Path(shutil.copytree(small, tmp_path / f"{number}"))
        renewed = number % 3 == 0  # by sealing again, which would mend the two files of the seal itself
        paths = [path for path in checked_files(folder) if not (renewed and path in (SUMS, ROOT_FILE))]
        files = [folder / path for path in paths if (folder / path).stat().st_size]
        tampering = TAMPERINGS[number % len(TAMPERINGS)]
        tampering(rng, rng.choice(files), files)
        if renewed:
            seal(folder)
        if unchanged(folder, digest):
            missed.append((number, tampering.__name__, renewed))
        shutil.rmtree(folder)
    assert not missed


@pytest.mark.long
def test_the_command_prints_three_answers_and_an_honest_report_holds(sample_site: Path) -> None:
    done = CliRunner().invoke(cli, ["verify", str(sample_site), "--digest", str(read_root(sample_site)), "-q"])
    assert done.exit_code == 0, done.output
    lines = [re.split(r"  +", line) for line in done.output.splitlines()[1:]]
    assert [line[:2] for line in lines] == [["unchanged", "yes"], ["consistent", "yes"], ["recomputed", "not known"]]


def test_a_digest_is_needed_to_know_and_another_one_is_a_change(small: Path) -> None:
    assert unchanged(small, "0" * 64) is False
    assert SealedFiles.read(small, None, (), SILENT).unchanged().holds == "not known"
    with pytest.raises(OptionError, match="64 digits"):
        verify(small, digest="0123")


def renew(site: Path, path: str, old: str, new: str) -> None:
    """Edit a file of a report, and write all of its sums again."""
    text = (site / path).read_text()
    assert old in text
    (site / path).write_text(text.replace(old, new, 1))
    seal(site)


@pytest.mark.long
def test_forged_pages_and_records_are_found_though_all_sums_were_renewed(site: Path) -> None:
    records = {path: path.read_text() for path in sorted((site / "drift/records").rglob("*.json"))}
    edited, broken, *_ = (path for path, text in records.items() if '"analysis":"kernels"' in text)
    edit_record(edited, lambda fields: fields["outcome"]["answer"].update(activation=1234.5))
    renew(site, broken.relative_to(site).as_posix(), '"seed":0', '"seed":1')
    renew(site, "methods.html", "</p>", " and more</p>")
    (site / "added.html").write_text("<p>")
    (site / "compare.html").unlink()
    seal(site)
    result = CliRunner().invoke(cli, ["verify", str(site), "--json", "-q"])
    assert isinstance(result.exception, VerificationError)
    assert result.exception.exit_code == 28
    found = Verification.model_validate_json(result.output).consistent
    assert found.holds == "no"
    unit = json.loads(records[edited])["job"]["unit"]
    layer, index = unit.split("/")[1:]
    assert {
        f"the record {broken.stem} of drift is damaged",
        "methods.html says something else than its records",
        "added.html is not made from its records",
        "compare.html is gone",
        f"drift/{layer}/{index}.html says something else than its records",
    } <= set(found.details)


def test_files_beside_the_report_are_told_and_may_be_named(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "small"))
    root = read_root(folder)
    (folder / "CNAME").write_text("example.org")
    assert SealedFiles.read(folder, root, (), SILENT).unchanged().holds == "yes", "a host reads it: no part of a report"
    (folder / "notes.txt").write_text("mine")
    assert SealedFiles.read(folder, root, (), SILENT).unchanged().details == ("notes.txt is not listed",)
    assert SealedFiles.read(folder, root, ["notes.*"], SILENT).unchanged().holds == "yes"


@pytest.mark.long
def test_what_cannot_be_compared_is_not_known_and_not_accused(site: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(site, tmp_path / "other"))
    renew(other, REPORT_FILE, '"renderer": "', '"renderer": "0')
    found = verify(other)
    assert found.consistent.holds == "not known"
    assert "Another version" in found.consistent.sentence
    for name in (SUMS, ROOT_FILE):
        (site / name).unlink()
    page = site / "index.html"
    page.write_text(page.read_text().replace("</body>", "<p>mkdocs</p></body>"))
    found = verify(site)
    assert found.consistent.holds == "not known"
    assert "not sealed" in found.consistent.sentence
    with pytest.raises(VerificationError, match="not sealed"):
        found.require(strict=True)


def test_a_clip_s_picture_that_is_another_one_is_told_whoever_wrote_the_pages(
    sample_runs: Path, tmp_path: Path
) -> None:
    """Its digest stands in the run's header: it needs no rendering by the same version, and all sums may be new."""
    runs = Path(shutil.copytree(sample_runs, tmp_path / "runs"))
    first = find_runs(runs)[0]
    told = next(clip.poster for clip in first.read_run().clips if clip.poster)
    assert not [found for store in find_runs(runs) for found in _damaged_clips(Report.of([store]).models[0])]
    content = bytearray(first.path(told).read_bytes())
    content[-1] ^= 1
    first.path(told).write_bytes(content)
    assert [told.path in found for found in _damaged_clips(Report.of([first]).models[0])] == [True]
