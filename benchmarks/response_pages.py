"""How long a page of response maps takes to show its first picture, its volume, and what is asked of it, in Chromium.

    python -m benchmarks.response_pages            # 512 and 2,048 kernels, opened from file://

Prints one line of JSON per size: bytes of the page with its script, `maps_ms` (from the start of the navigation until
grid, slices and rows are drawn: a performance mark of the page), `volume_ms` (until the volume is drawn once it is
scrolled to), `script_cpu_ms` (processor time of all scripts until then, which other work on the machine does not
lengthen), and `turn_ms`, `page_ms` and `order_ms`: from a key, a click and a choice up to the next frame, the median of
several. WebGL is drawn in software where there is no graphics card.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.commands.render import render
from reportgen.records.answers.responses import KernelOrder
from tests.chromium import launched

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "site"))
from sample_run import LAYERS, SampleRun

SIZES = {"512": (512, 8, 28, 28), "2,048": (2048, 4, 7, 7)}
"""Kernels, frames, rows and columns of noise, the least compressible of maps."""

TIMES = 5

ACT = """async ([act, selector]) => {
  const element = document.querySelector(selector);
  const begun = performance.now();
  if (act === "key") element.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", cancelable: true }));
  if (act === "click") element.click();
  if (act === "change") {
    element.selectedIndex = 1 - element.selectedIndex;
    element.dispatchEvent(new Event("change"));
  }
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begun;
}"""
ACTS = {
    "turn_ms": ("key", ".rg-volume__stage"),
    "page_ms": ("click", ".rg-pager button:last-child"),
    "order_ms": ("change", ".rg-responses__order"),
}


class LargeRun(SampleRun):
    """A run of no kernels and the maps of one large layer."""

    kernels = 0

    def __init__(self, folder: Path, shape: tuple[int, int, int, int]) -> None:
        super().__init__(folder, "maps", "Maps", seed=0)
        self.shape = shape

    def _responses(self, clip: str) -> None:
        kernels = self.shape[0]
        order = tuple(self.rng.permutation(kernels).tolist())
        orders = (
            KernelOrder(name="none", title="index", order=tuple(range(kernels))),
            KernelOrder(name="component", title="first principal component", order=order),
        )
        self.keep_maps(clip, LAYERS[0], self.rng.normal(size=self.shape).astype(np.float32), orders)


def mark(page: Any, name: str) -> float:
    """Return when a performance mark of the page was set, in ms since its navigation began."""
    page.wait_for_function("name => performance.getEntriesByName(name).length", arg=name)
    return round(float(page.evaluate("name => performance.getEntriesByName(name)[0].startTime", name)), 1)


def measured(browser: Any, folder: Path, shape: tuple[int, int, int, int]) -> dict[str, float]:
    """Return the figures of a layer's page."""
    LargeRun(folder / "runs" / "maps", shape).write()
    render(folder / "runs", folder / "site", build_dir=folder / "build")
    own = folder / "site" / "maps" / LAYERS[0]
    files = [*own.glob("responses-*.html"), *own.glob("responses-*.js")]
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(next(file for file in files if file.suffix == ".html").as_uri())
    figures = {"bytes": sum(file.stat().st_size for file in files), "maps_ms": mark(page, "reportgen:maps")}
    begun = page.evaluate("performance.now()")
    page.locator(".rg-volume__stage").scroll_into_view_if_needed()
    figures["volume_ms"] = round(mark(page, "reportgen:volume") - begun, 1)
    metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    figures["script_cpu_ms"] = round(1000 * metrics["ScriptDuration"], 1)
    page.wait_for_timeout(2000)
    for name, act in ACTS.items():
        figures[name] = round(statistics.median(page.evaluate(ACT, list(act)) for _ in range(TIMES)), 1)
    page.close()
    return figures


def main() -> None:
    """Measure every size."""
    with launched() as browser, tempfile.TemporaryDirectory() as name:
        for size, shape in SIZES.items():
            found = measured(browser, Path(name) / size.replace(",", ""), shape)
            print(json.dumps({"kernels": size, **found}), flush=True)


if __name__ == "__main__":
    main()
