"""How long a pyramid's page takes to lay its graph out, and to answer a key, in headless Chromium.

    python -m benchmarks.graph_pages            # 5,000 and 100,000 edges

Prints one line of JSON per size: the edges and nodes drawn, `ready_ms` (from the script's start to the first complete
picture: choosing, layout and drawing), `script_cpu_ms` (processor time of all scripts of the page until then, which
other work on the machine does not lengthen), and `worst_step_ms` and `median_step_ms` (of 30 steps by the arrow keys,
each up to the next frame). `render_s` is what `reportgen render` takes for the report, mkdocs included.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reportgen.commands.render import render
from tests.chromium import launched

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "site"))
from sample_run import SampleRun, graph_document

#: Name to layers, kernels per layer and connections per kernel.
SIZES = {"5,000": (5, 100, 10), "100,000": (10, 400, 25)}

STEPS = """async () => {
  const graph = document.querySelector('.rg-graph__canvas');
  const times = [];
  const keys = ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'ArrowLeft'];
  for (let step = 0; step < 30; step += 1) {
    const begun = performance.now();
    graph.dispatchEvent(new KeyboardEvent('keydown', { key: keys[step % keys.length] }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b);
}"""


class GraphRun(SampleRun):
    """A run of one pyramid with as many edges as asked for, and no kernels."""

    kernels = 0

    def __init__(self, folder: Path, layers: int, width: int, degree: int) -> None:
        super().__init__(folder, "graph", "Graph", seed=0)
        self.size = (layers, width, degree)

    def _graph(self) -> dict[str, Any]:
        layers, width, degree = self.size
        columns = [(f"layer{depth}.conv", list(range(width))) for depth in range(layers)]
        return graph_document(self.rng, columns, degree)

    def _class_answers(self, clip: str) -> None:
        self._pyramid(clip, 2)


def main() -> None:
    """Measure every size."""
    with launched() as browser, tempfile.TemporaryDirectory() as name:
        for size, shape in SIZES.items():
            folder = Path(name) / size.replace(",", "")
            GraphRun(folder / "runs" / "graph", *shape).write()
            begun = time.perf_counter()
            render(folder / "runs", folder / "site", build_dir=folder / "build")
            seconds = time.perf_counter() - begun
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(f"{(folder / 'site').as_uri()}/graph/tennis/class-0002.html#share=100&top=999")
            page.wait_for_selector("#pyramid-graph[data-ready]")
            drawn = page.locator("#pyramid-graph").evaluate("(element) => ({ ...element.dataset })")
            metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
            steps = page.evaluate(STEPS)
            figures = {
                "size": size,
                "edges": int(drawn["edges"]),
                "nodes": int(drawn["nodes"]),
                "ready_ms": float(drawn["ready"]),
                "script_cpu_ms": round(1000 * metrics["ScriptDuration"], 1),
                "median_step_ms": round(steps[len(steps) // 2], 1),
                "worst_step_ms": round(steps[-1], 1),
                "render_s": round(seconds, 1),
            }
            print(json.dumps(figures), flush=True)
            page.close()


if __name__ == "__main__":
    main()
