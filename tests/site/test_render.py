"""Runs become a site: every page, nothing invented, nothing lost, nothing done twice, nothing foreign touched."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from filelock import FileLock
from sample_run import HOSTILE_LABEL, HOSTILE_LAYER, LABELS, LAYERS

from reportgen.commands.render import render
from reportgen.errors import RenderError, StoreError
from reportgen.outputs.site.scripts import script_data
from reportgen.pages.links import broken_links
from reportgen.pages.page import CopiedDocument, MotionStrip, PackedFile
from reportgen.pages.places import PageAddresses
from reportgen.pages.registry import PAGES, all_pages
from reportgen.pages.report import Extras, Report
from reportgen.pages.templating import Templates
from reportgen.records.finding import find_runs
from reportgen.records.lease import LEASE
from reportgen.records.owned import STAMP
from reportgen.resources import templates_folder
from tests.children import LONGEST, alive, child, reportgen_command, run, run_python
from tests.documents import replace_text


def text_of(page: Path) -> str:
    """The words of a page as a reader sees them."""
    html = page.read_text(encoding="utf-8")
    body = html[html.index("<article") : html.index("</article>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


class Notes:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tasks: list[str] = []

    def task(self, title: str, total: float) -> Notes:
        self.tasks.append(title)
        return self

    def note(self, message: str) -> None:
        self.notes.append(message)

    def advance(self, steps: float = 1) -> None: ...

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *error: object) -> None: ...


@pytest.fixture(scope="module")
def report(sample_runs: Path) -> Report:
    return Report.of(find_runs(sample_runs))


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_every_kind_of_page_has_a_page_with_a_title_and_a_template(kind: str, report: Report) -> None:
    pages = list(PAGES[kind](report))
    assert pages
    assert all(page.title and page.uri.endswith(".md") for page in pages)


def test_no_page_counts_frames_from_one(report: Report, sample_site: Path) -> None:
    """Frames count from 0 on every page, in every caption, chart and mark, as in `--target`."""
    longest = max(clip.frames for model in report.models for clip in model.run.clips)
    named = [
        (page.name, int(frame), int(last or longest - 1))
        for page in sample_site.rglob("*.html")
        for frame, last in re.findall(r"\bframe (\d+)\b(?! times)(?: \(0–(\d+)\))?", page.read_text(encoding="utf-8"))
    ]
    assert any(frame == 0 for _, frame, _ in named)
    assert [each for each in named if each[1] > each[2]] == []
    assert not any(re.search(r"\bframe \d+(/| of )\d", page.read_text("utf-8")) for page in sample_site.rglob("*.html"))


def test_every_page_of_the_registry_is_built(report: Report, sample_site: Path) -> None:
    for page in all_pages(report):
        assert (sample_site / page.uri).with_suffix(".html").is_file()


def test_pages_have_addresses_of_their_own(report: Report) -> None:
    uris = [page.uri for page in all_pages(report)]
    assert len(uris) == len(set(uris))


def test_all_sources_of_pages_are_records(report: Report) -> None:
    keys = {record.key for model in report.models for record in model.manifest.records}
    assert all(set(page.sources) <= keys for page in all_pages(report))


def test_every_link_and_anchor_of_the_site_resolves(sample_site: Path) -> None:
    assert [str(link) for link in broken_links(sample_site)] == []


def test_hostile_names_are_shown_as_such_everywhere(sample_site: Path) -> None:
    pages = sorted(sample_site.rglob("*.html"))
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert "<script>alert" not in html, page
        assert "<img src=x" not in html, page
        assert html[: html.index("<body")].count("</title>") == 1, page
        assert "<b>&</b>" not in html, page
    assert HOSTILE_LABEL in text_of(sample_site / "drift" / "tennis" / "class-0002.html")
    layer = next(page for page in pages if page.parent.name.startswith("s4.") and page.name == "index.html")
    assert HOSTILE_LAYER in text_of(layer)


def test_hostile_names_cannot_leave_script_data(sample_site: Path) -> None:
    for script in sample_site.rglob("*.js"):
        if "data" in script.parts or script.name.endswith("-graph.js"):
            assert "<" not in script.read_text(encoding="utf-8")


def test_failed_and_skipped_jobs_say_why(sample_site: Path) -> None:
    failed = text_of(sample_site / "drift" / "s2.res0.branch2.c" / "0028.html")
    assert "Failed: not enough memory at 512x512; run again with --device cuda." in failed
    assert "Skipped: it needs the answer of kernels" in failed
    assert "Failed: this network reuses its ReLU in a loop." in text_of(sample_site / "drift" / "tennis" / "index.html")
    audit = text_of(sample_site / "plain_net" / "audit.html")
    assert "pyramid: plain_net Skipped: this network has no classes" in audit


def test_untrained_weights_are_announced_on_every_page_of_their_model(sample_site: Path) -> None:
    for page in (sample_site / "plain_net").rglob("*.html"):
        assert "Untrained weights." in text_of(page), page
    for name in ("index.html", "methods.html"):
        assert "Untrained weights." in text_of(sample_site / name)
    assert "Untrained weights." not in text_of(sample_site / "drift" / "index.html")


def test_the_front_page_holds_the_result_table(sample_site: Path) -> None:
    html = (sample_site / "index.html").read_text(encoding="utf-8")
    table = html[html.index("Result table") :]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table[: table.index("</table>")], re.DOTALL)
    assert len(rows) == len(LAYERS)
    assert all(row.count("<td>") == 3 for row in rows)
    # The still texture stands above the moving clip.
    assert rows[0].index("texture.avif") < rows[0].index("stage1.avif")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            "stem.conv/0007.html",
            [
                "Responds most to a texture moving",
                "at 1.4 px/frame.",
                "activation kept 90%",
                "times that of the best of 6 reference clips",
                "not tested natural path",
                "Motion reliance 0.75",
                "25% is left in the best frozen frame",
                "chosen because labels explain their responses best, on one half of the labelled clips",
                "“moving up” (AUROC 0.93, 3 clips, q 0.010, on clips that had no part in choosing this kernel)",
            ],
        ),
        (
            "motion.html",
            [
                "Of 4 classes, 3 rely on motion (they lose at least 50% of their logit when nothing moves), and 1 ",
                "1.45 dots moving right",
                "Of 124 kernels that clips drive, 16 (13%) rely on motion (they lose at least 50% of their response "
                "when nothing moves). Not counted: 2 near-silent kernels, driven to less than 10% of the "
                "layer's median response.",
                "8 clips of 20 reference clips, drawn at random",
            ],
        ),
        ("audit.html", ["Classes that rely on motion pass 3 of 4"]),
        (
            "stem.conv/index.html",
            ["#63", "moving up (0.95)", "moving up (0.93)", "Chosen because labels explain", "#3 ", " dead", "as #1"],
        ),
    ],
)
def test_pages_say_what_was_measured(sample_site: Path, page: str, said: list[str]) -> None:
    text = text_of(sample_site / "drift" / page)
    assert not [words for words in said if words not in text]


def test_published_figures_stand_beside_the_published_weights_only(sample_site: Path) -> None:
    said = "Clips whose texture and motion it both names"
    assert f"Published figure of these weights Value {said} 99.1%" in text_of(sample_site / "drift" / "index.html")
    assert said not in text_of(sample_site / "plain_net" / "index.html"), "its weights are untrained"


def test_files_that_could_not_be_read_are_told(sample_site: Path) -> None:
    said = "(1 more could not be read: broken.mp4 was cut off: copy it again)."
    assert said in text_of(sample_site / "drift" / "audit.html")


def test_what_is_not_texture_plus_motion_is_not_called_so(sample_site: Path) -> None:
    text = text_of(sample_site / "drift" / "stem.conv" / "0021.html")
    assert "Not texture plus motion" in text
    assert "Responds most to" not in text


def test_an_analysis_without_a_page_of_its_own_is_shown(sample_site: Path) -> None:
    page = sample_site / "drift" / "analysis" / "colour_audit.html"
    assert "A new analysis that no page was designed for." in text_of(page)
    assert "reliance 0.25" in text_of(page)
    assert "probe.avif" in page.read_text(encoding="utf-8")


def test_every_record_and_artifact_can_be_taken_away(report: Report, sample_site: Path) -> None:
    for model in report.models:
        for file in model.files():
            carried, own = (sample_site / file.uri).read_bytes(), file.source.read_bytes()
            assert len(carried) <= len(own)
            if isinstance(file, PackedFile):
                carried = gzip.decompress(carried)
            assert json.loads(carried) == json.loads(own) if isinstance(file, CopiedDocument) else carried == own


def test_long_graphs_and_tables_are_carried_compressed_and_their_links_say_so(sample_site: Path) -> None:
    page = (sample_site / "drift" / "tennis" / "class-0002.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"]*)" download[^>]*>(graph · JSON[^<]*)</a> <span>([^<]*)</span>', page)
    assert [(words, size.endswith(" unpacked")) for _, words, size in links] == [("graph · JSON, gzip", True)]
    file = (sample_site / "drift" / "tennis" / unquote(links[0][0])).resolve()
    assert json.loads(gzip.decompress(file.read_bytes()))["class"]["index"] == 2
    assert not file.with_suffix("").exists(), "once is enough"


def test_provenance_names_what_is_needed_to_repeat_it(sample_site: Path) -> None:
    text = text_of(sample_site / "drift" / "provenance.html")
    for fact in ("reportgen build --clip 'a clip.mp4'", "ab" * 32, "2.13.0", "2 min 10 s", "cpu"):
        assert fact in text


def test_the_graph_is_data_that_a_script_reads(sample_site: Path) -> None:
    script = (sample_site / "drift" / "tennis" / "class-0002-graph.js").read_text(encoding="utf-8")
    _, data = script_data(script) or ("", {})
    assert len(data["layer"]) == 1 + 11 * len(LAYERS) == len(data["relevance"]) == len(data["order"])
    assert len(data["source"]) == len(data["target"]) == len(data["contribution"]) > 100
    assert all(data["layer"][s] == data["layer"][t] + 1 for s, t in zip(data["source"], data["target"], strict=True))


def test_nothing_is_done_when_nothing_changed(written_sample: Path, sample_site: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in sample_site.rglob("*")}
    notes = Notes()
    index = render(written_sample, sample_site, build_dir=sample_site.parent / "build", progress=notes)
    assert index == sample_site / "index.html"
    assert notes.notes == [f"Nothing has changed since {index} was written."]
    assert notes.tasks == []
    assert {path: path.stat().st_mtime_ns for path in sample_site.rglob("*")} == before


@pytest.fixture
def small_run(sample_runs: Path, tmp_path: Path) -> Path:
    """A copy of the smaller run that a test may change."""
    return Path(shutil.copytree(sample_runs / "plain_net", tmp_path / "runs" / "plain_net"))


@pytest.mark.slow
def test_a_site_that_lost_a_file_or_whose_run_changed_is_built_again(small_run: Path, tmp_path: Path) -> None:
    site, build = tmp_path / "site", tmp_path / "build"
    site.mkdir()
    (site / ".gitkeep").touch()
    render(small_run, site, build_dir=build)
    (site / "methods.html").unlink()
    render(small_run, site, build_dir=build)
    assert (site / "methods.html").is_file()
    replace_text(small_run / "run.json", "never run", "hardly run")
    render([small_run], site, build_dir=build)
    assert "hardly run" in text_of(site / "index.html")
    assert (site / ".gitkeep").is_file()


@pytest.mark.long
def test_many_sites_are_rendered_at_once_from_one_folder(sample_runs: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from reportgen import render\n"
        "render(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    pairs = [(sample_runs / "plain_net", tmp_path / "a" / "site"), (sample_runs / "drift", tmp_path / "b" / "site")]
    with ExitStack() as stack:
        running = [stack.enter_context(child([sys.executable, "-c", program, *pair], cwd=tmp_path)) for pair in pairs]
        for process, (run, site) in zip(running, pairs, strict=True):
            assert process.communicate(timeout=LONGEST)[1] == ""
            assert process.returncode == 0
            assert (site / run.name / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("held", [pytest.param(f"build/{LEASE}", marks=pytest.mark.long), f"site/{LEASE}"])
def test_whoever_renders_a_site_that_another_process_writes_waits_for_it(
    small_run: Path, tmp_path: Path, held: str
) -> None:
    """The site's own lock is one for all working folders, each of which has a build folder of its own."""
    build, site, notes = tmp_path / "build", tmp_path / "site", Notes()
    (tmp_path / held).parent.mkdir()
    other = FileLock(tmp_path / held)
    other.acquire()
    with ThreadPoolExecutor() as pool:
        rendered = pool.submit(render, small_run, site, build_dir=build, progress=notes)
        try:
            while not notes.notes:
                assert not rendered.done()
                time.sleep(0.01)
            assert notes.notes == [f"Another process works in {(tmp_path / held).parent}: waiting for it."]
            assert not (site / "index.html").exists()
        finally:
            other.release()
        assert rendered.result(timeout=60).is_file()


@pytest.mark.long
def test_the_process_that_builds_the_site_ends_with_its_command(small_run: Path, tmp_path: Path) -> None:
    command = reportgen_command("render", "--runs", small_run, "--site", "site")
    with child(command, cwd=tmp_path) as process:
        while not list(tmp_path.glob("build/*/mkdocs.yml")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        process.terminate()
        process.communicate(timeout=LONGEST)
        assert not alive(process.pid)
    assert process.returncode == 143
    assert run(command, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("place", ["site", "build/docs"])
def test_a_folder_with_foreign_files_is_not_emptied(sample_runs: Path, tmp_path: Path, place: str) -> None:
    foreign = tmp_path / place / "thesis.tex"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("years of work", encoding="utf-8")
    with pytest.raises(RenderError, match="did not write"):
        render(sample_runs, tmp_path / "site", build_dir=tmp_path / "build")
    assert foreign.read_text(encoding="utf-8") == "years of work"


def test_no_runs_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There are no runs in"):
        render(tmp_path, tmp_path / "site", build_dir=tmp_path / "build")


@pytest.mark.long
def test_a_warning_of_mkdocs_is_an_error_that_quotes_it(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(__file__).resolve().parents[2] / "templates"
    templates = Path(shutil.copytree(source, tmp_path / "templates"))
    methods = templates / "pages" / "methods.md.j2"
    methods.write_text(methods.read_text(encoding="utf-8") + "\n[gone](gone.md)\n", encoding="utf-8")
    monkeypatch.setattr("reportgen.site.templates_folder", lambda: templates)
    with pytest.raises(RenderError, match=r"mkdocs could not build the site.*gone\.md"):
        render(small_run, tmp_path / "site", build_dir=tmp_path / "build")
    stamp = json.loads((tmp_path / "site" / STAMP).read_text(encoding="utf-8"))
    assert stamp["digest"] == ""


@pytest.mark.slow
def test_a_link_of_a_template_that_leads_nowhere_is_an_error(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(__file__).resolve().parents[2] / "templates"
    templates = Path(shutil.copytree(source, tmp_path / "templates"))
    methods = templates / "pages" / "methods.md.j2"
    methods.write_text(methods.read_text(encoding="utf-8") + '\n<p><a href="gone.html">x</a></p>\n', encoding="utf-8")
    monkeypatch.setattr("reportgen.site.templates_folder", lambda: templates)
    with pytest.raises(RenderError, match=r"links that lead nowhere: methods\.html links to gone\.html"):
        render(small_run, tmp_path / "site", build_dir=tmp_path / "build")


@pytest.mark.slow
def test_rendering_needs_no_torch(small_run: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path; from reportgen import render\n"
        f"print(render(Path({str(small_run)!r}), Path({str(tmp_path / 'site')!r}), "
        f"build_dir=Path({str(tmp_path / 'build')!r})))"
    )
    result = run_python(program)
    assert result.stdout.strip() == str(tmp_path / "site" / "index.html"), result.stderr


def test_labels_are_those_of_the_run(report: Report) -> None:
    assert [report.models[0].label(i) for i in range(-1, 5)] == ["class -1", *LABELS, "class 4"]


def test_arrows_say_motion_where_they_are_asked_for_and_how_long_one_is(sample_runs: Path, report: Report) -> None:
    templates = Templates(templates_folder())
    told = {}
    for arrows, shown in ((False, report), (True, Report.of(find_runs(sample_runs), extras=Extras(arrows=True)))):
        pages = list(all_pages(shown))
        strips = [asset for page in pages for asset in page.assets if isinstance(asset, MotionStrip)]
        assert bool(strips) == arrows, "without arrows no picture of motion is made anew"
        assert all(strip.arrows for strip in strips)
        kernel = next(page for page in pages if page.template == "pages/kernel.md.j2" and page.context["wheel"])
        told[arrows] = templates.render(kernel, PageAddresses.of(pages), selected=())
    assert "an arrow of 8 px: " in told[True]
    assert "an arrow" not in told[False]


def test_the_saliency_page_shows_contrasts_tubes_and_the_published_view(sample_site: Path) -> None:
    page = sample_site / "drift" / "tennis" / "index.html"
    text, markup = text_of(page), page.read_text(encoding="utf-8")
    assert " rather than " in text
    assert 'id="class-0002-vs-0001"' in markup
    assert "Clip, guided backprop and its SmoothGrad" in text
    assert markup.count('class="rg-frames__row"') >= 2 * 6, "two rows of frames for each map and for the published view"
    assert "The map in the clip's volume: time runs to the right" in text.replace("’", "'")
