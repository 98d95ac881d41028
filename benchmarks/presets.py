"""Processor seconds of each analysis on the bundled network, by preset: the table of docs/tutorial.md.

    python -m benchmarks.presets quick standard

Each preset is computed in an empty folder, in a process of its own with one thread, whose clock is that of the
processor: what other programs do meanwhile is not counted. Prints a table of Markdown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from reportgen.analyses.registry import methods

PRESETS = ("quick", "standard")


def computed(folder: Path, preset: str) -> None:
    """Compute the report's run in this process; the seconds of its records are the processor's."""
    time.perf_counter = time.process_time
    from reportgen.cli import main

    sys.argv = ["reportgen", "compute", "--preset", preset, "--threads", "1", "--runs", str(folder)]
    main()


def seconds(preset: str) -> dict[str, float]:
    """Return the processor seconds of each analysis, and under "" those of the whole process."""
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name, "whole")
        code = (
            "import sys, time; from pathlib import Path; from benchmarks.presets import computed\n"
            "folder, preset = Path(sys.argv[1]), sys.argv[2]\n"
            "try:\n    computed(folder, preset)\n"
            "finally:\n    (folder / 'seconds').write_text(str(time.process_time()))"
        )
        subprocess.run([sys.executable, "-c", code, str(whole), preset], check=True)
        found: dict[str, float] = defaultdict(float)
        for path in whole.glob("*/records/**/*.json"):
            record = json.loads(path.read_bytes())
            found[record["job"]["analysis"]] += record["spent"]["seconds"]
        return {**found, "": float((whole / "seconds").read_text())}


def table(found: dict[str, dict[str, float]]) -> str:
    """Return the seconds as a table of Markdown: a row for each analysis that a preset asks, and one for all."""
    names = [name for name in methods() if any(name in one for one in found.values())]
    lines = [f"| analysis | {' | '.join(found)} |", f"| --- |{' ---: |' * len(found)}"]
    for name, title in [*((name, name.replace("_", " ")) for name in names), ("", "all, with loading")]:
        cells = (f"{one[name]:.1f}" if name in one else "–" for one in found.values())
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the presets that are named, or quick and standard."""
    print(table({preset: seconds(preset) for preset in sys.argv[1:] or PRESETS}))


if __name__ == "__main__":
    main()
