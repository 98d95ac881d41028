"""Every figure that a GPU is needed for, in one call.

    python -m benchmarks.gpu                            # nine minutes at most; again with the same file: what is left
    python -m benchmarks.gpu --parts throughput --minutes 40
    python -m benchmarks.gpu --device cpu --smoke       # the smallest work that covers every part
    python -m benchmarks.gpu --table FILE               # the table of a JSON, nothing measured

It runs in a checkout without an installation. Beside torch and NumPy it needs pydantic and safetensors, and for
saliency captum; where there is no package index they can be carried as wheels.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.gpu import decomposition, equality, processes, pyramids, saliency, shares, throughput
from benchmarks.gpu.cases import Clock, Part, Setting, TimeIsUp, ending_after, run_cases
from benchmarks.gpu.report import table
from benchmarks.machine import describe
from reportgen.errors import OptionError

RESULTS = Path(__file__).resolve().parents[1] / "results"
_SPARE = 15.0  # seconds at the end in which no case begins

PARTS = (
    Part("equality", "The same activations as on a CPU", equality.cases),
    Part("shares", "Share of the device's own peak", shares.cases),
    Part("throughput", "Kernels per hour", throughput.cases),
    Part("pyramids", "Stepping back, against the published algorithm", pyramids.cases),
    Part("saliency", "Saliency maps", saliency.cases),
    Part("decomposition", "Decomposition of a clip", decomposition.cases),
    Part("processes", "Several processes on one device", processes.cases),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is left, print the table, and return 1 where something still is."""
    options = _parser().parse_args(arguments)
    if options.table:
        print(table(json.loads(options.table.read_text(encoding="utf-8"))))
        return 0
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("There is no CUDA device here: take --device cpu --smoke to see whether the parts run.", file=sys.stderr)
        return 2
    device = torch.device(options.device)
    machine = describe(device)
    path = options.json or RESULTS / f"gpu-{_slug(str(machine['device']))}{'-smoke' if options.smoke else ''}.json"
    parts = [part for part in PARTS if part.name in options.parts]
    seconds = 60 * options.minutes
    try:
        with ending_after(seconds):
            document = run_cases(parts, Setting(device, options.smoke), machine, path, Clock(seconds - _SPARE), _say)
    except TimeIsUp:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OptionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(table(document))
    left = [f"{part.name}: {', '.join(cases)}" for part in parts if (cases := _left(document, part.name))]
    print(f"{path}: " + (f"left for the next call: {'; '.join(left)}" if left else "everything is measured"))
    return 1 if left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part.name for part in PARTS]
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--smoke", action="store_true", help="the smallest work that covers every part")
    parser.add_argument("--json", type=Path, help="the figures, and what is left; default by the device's name")
    parser.add_argument("--table", type=Path, help="a JSON whose table is printed; nothing is measured")
    return parser


def _left(document: dict[str, dict[str, dict[str, list[str]]]], part: str) -> list[str]:
    return document["parts"].get(part, {}).get("left", ["all"])


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
