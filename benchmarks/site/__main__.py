"""Seconds, memory and bytes of a site of 100 to 25,000 kernels, and how its pages answer in headless Chromium.

    python -m benchmarks.site                      # 100, 1,000, 5,000 and 25,000 kernels
    python -m benchmarks.site 100 1000

Prints one line of JSON per size. `render_s`: reading the run, pages, mkdocs and the check of links; `rss_mb`: the
largest memory of any of the processes; `processor_s`: what all of them took together, which other work on the machine
does not lengthen. `changed_s`: the same after one kernel's record has changed, with what the last render left, and
`as_whole` whether every byte is then that of a whole render. `seal_s` is what its digests take when it is written,
`check_s` when it is checked against its root digest. `site_mb` is all but pictures and clips, `media_mb` these and
`media_kb` their part of a kernel, `first_kb` what a browser loads with the front page, `first_media_kb` how much of it
are pictures and clips, `ready_ms` until it is interactive. `list_ms`: until the list of all kernels is drawn;
`filter_ms` and `sort_ms`: from a key or a choice to the next frame, the median of several; `find_ms`: the same of the
finder; `kernel_ms`: until a kernel's page is drawn. `scroll_mb`: the memory of the page's process that it shares with
no other, after scrolling through the whole list. `missed` names the figures that are above those of `ASKED`, and
`growth` says by which power of the number of kernels some figures grew since the size before: 1 is linear.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from benchmarks.site.runs import write_large
from tests.chromium import launched

SIZES = (100, 1_000, 5_000, 25_000)
ASKED = {
    "render_s": 60, "rss_mb": 1_500, "changed_s": 5, "site_mb": 100, "media_kb": 30, "media_mb": 850, "first_kb": 300,
    "ready_ms": 1_000, "filter_ms": 100, "sort_ms": 100, "scroll_mb": 300,
}  # fmt: skip
"""The largest figures that are asked for, of 25,000 kernels and two processors that do nothing else."""

GROWING = ("processor_s", "changed_processor_s", "site_mb", "rss_mb")
MEDIA = (".avif", ".webp", ".png", ".gif", ".mp4")
TIMES = 5
RENDER = (
    "import sys; from pathlib import Path; from reportgen.commands.render import render; folder = Path(sys.argv[1]); "
    "render(folder / 'runs', folder / 'site', build_dir=folder / 'build', fresh=sys.argv[2] == 'fresh')"
)
MEASURE = """async ([selector, value, event]) => {
  const element = document.querySelector(selector);
  const begun = performance.now();
  element.value = value;
  element.dispatchEvent(new Event(event, { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begun;
}"""
SCROLL = """async () => {
  const view = document.querySelector(".rg-kernels__view");
  for (let part = 0; part <= 200; part += 1) {
    view.scrollTop = (view.scrollHeight * part) / 200;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }
}"""


def rendered(folder: Path, how: str = "") -> dict[str, float]:
    """Render the run of a folder in a process of its own; return its seconds and the largest memory of any process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "REPORTGEN_CACHE": str(folder / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", RENDER, str(folder), how], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "render_s": round(time.perf_counter() - begun, 1),
        "processor_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "rss_mb": round(after.ru_maxrss / 1024),
    }


def sizes(site: Path, kernels: int) -> dict[str, float]:
    """Return the megabytes of a site's media and of the rest, the kilobytes of media a kernel, and how many files."""
    files = [path for path in site.rglob("*") if path.is_file()]
    media = sum(path.stat().st_size for path in files if path.suffix in MEDIA)
    whole = sum(path.stat().st_size for path in files)
    return {
        "site_mb": round((whole - media) / 1e6, 1),
        "media_mb": round(media / 1e6, 1),
        "media_kb": round(media / 1e3 / kernels, 2),
        "files": len(files),
    }


def bytes_of(site: Path) -> dict[str, str]:
    """Return the digests of all files of a site."""
    files = (path for path in site.rglob("*") if path.is_file())
    return {path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changed(folder: Path) -> dict[str, Any]:
    """Return what rendering again takes once a kernel has changed, and whether a whole render gives the same bytes."""
    change_one(folder / "runs")
    again = rendered(folder)
    found = bytes_of(folder / "site")
    rendered(folder, "fresh")
    return {
        "changed_s": again["render_s"],
        "changed_processor_s": again["processor_s"],
        "as_whole": found == bytes_of(folder / "site"),
    }


def change_one(runs: Path) -> None:
    """Change the figures of one visualised kernel of a run, as a new search would."""
    from reportgen.records.jobs import Done
    from reportgen.records.store import Store

    store = Store(runs / "large")
    record = next(one for one in store.manifest().of("kernels") if isinstance(one.outcome, Done))
    assert isinstance(record.outcome, Done)
    answer = {**record.outcome.answer, "activation": 11.5}
    store.add(record.model_copy(update={"outcome": record.outcome.model_copy(update={"answer": answer})}))


def digests(site: Path) -> dict[str, float]:
    """Return the seconds in which a site is sealed, and checked against its root digest."""
    from reportgen.progress import SILENT
    from reportgen.proof.sums import SealedFiles
    from reportgen.records.root_digest import seal

    begun = time.perf_counter()
    root = seal(site)
    sealed = time.perf_counter()
    assert SealedFiles.read(site, root, (), SILENT).unchanged().holds == "yes"
    return {"seal_s": round(sealed - begun, 2), "check_s": round(time.perf_counter() - sealed, 2)}


def loaded(browser: Any, address: str) -> dict[str, float]:
    """Return what a page loads, and when it is interactive."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    files = {Path(unquote(url.removeprefix("file://").partition("?")[0])) for url in asked if url.startswith("file://")}
    page.close()
    whole = sum(file.stat().st_size for file in files)
    still = sum(file.stat().st_size for file in files if file.suffix in MEDIA)
    return {"first_kb": round(whole / 1e3), "first_media_kb": round(still / 1e3), "ready_ms": round(ready)}


def private_mb(browser: Any) -> float:
    """Return the largest memory that a page's process shares with no other, in MB."""
    session = browser.new_browser_cdp_session()
    pids = [one["id"] for one in session.send("SystemInfo.getProcessInfo")["processInfo"] if one["type"] == "renderer"]
    found = []
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        found.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private")))
    return round(max(found) / 1024, 1)


def median_of(page: Any, selector: str, values: list[str], event: str) -> float:
    """Return the median of the milliseconds that a page takes to answer each value of a field."""
    return round(statistics.median(float(page.evaluate(MEASURE, [selector, value, event])) for value in values), 1)


def answered(browser: Any, site: Path) -> dict[str, float]:
    """Return how the list of all kernels, the finder and a kernel's page answer."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    begun = time.perf_counter()
    page.goto((site / "large" / "kernels.html").as_uri())
    page.locator("a.rg-kernel").first.wait_for()
    found: dict[str, float] = {"list_ms": round(1000 * (time.perf_counter() - begun))}
    queries = ["motion>0.5", "m", "dots", "dots motion>0.9", "dead", "", "response>3 stage"]
    found["filter_ms"] = median_of(page, ".rg-kernels input[type=search]", queries, "input")
    page.evaluate(MEASURE, [".rg-kernels input[type=search]", "", "input"])
    orders = ["motion", "best", "auroc", "index", "median"]
    found["sort_ms"] = median_of(page, ".rg-kernels label:nth-of-type(2) select", orders, "change")
    page.evaluate(SCROLL)
    found["scroll_mb"] = private_mb(browser)
    page.locator(".rg-finder input").focus()
    page.wait_for_timeout(1000)
    found["find_ms"] = median_of(
        page, ".rg-finder input", ["dots", "stage003", "motion>0.9", "dots motion>0.9"], "input"
    )
    begun = time.perf_counter()
    page.goto((site / "large" / "stage001.conv" / "kernels.html").as_uri() + "#0007")
    page.locator("#nearest").wait_for()
    found["kernel_ms"] = round(1000 * (time.perf_counter() - begun))
    page.close()
    return found


def measured(browser: Any, folder: Path, kernels: int) -> dict[str, Any]:
    """Return the figures of a site of so many kernels."""
    begun = time.perf_counter()
    write_large(folder / "runs", kernels)
    found: dict[str, Any] = {"write_s": round(time.perf_counter() - begun, 1), **rendered(folder), **changed(folder)}
    site = folder / "site"
    found |= digests(site)
    return found | sizes(site, kernels) | loaded(browser, (site / "index.html").as_uri()) | answered(browser, site)


def growth(smaller: dict[str, Any], larger: dict[str, Any]) -> dict[str, float]:
    """Return by which power of the number of kernels some figures grew from one size to the next."""
    times = math.log(larger["kernels"] / smaller["kernels"])
    return {name: round(math.log(larger[name] / smaller[name]) / times, 2) for name in GROWING}


def main() -> None:
    """Measure every size."""
    asked = [int(text.replace(",", "")) for text in sys.argv[1:]] or SIZES
    before: dict[str, Any] = {}
    with launched() as browser, tempfile.TemporaryDirectory() as name:
        for kernels in asked:
            found = {"kernels": kernels, **measured(browser, Path(name) / str(kernels), kernels)}
            found["missed"] = [figure for figure, most in ASKED.items() if found[figure] > most]
            if before:
                found["growth"] = growth(before, found)
            print(json.dumps(found), flush=True)
            before = found


if __name__ == "__main__":
    main()
