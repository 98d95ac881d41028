"""Write the figures of costs that come with reportgen: `python -m benchmarks.costs RUN... [--machine NAME] [--to F]`.

Each RUN is a run that was computed on one machine with nothing else at work; what its chunks took is kept, one line for
each kind of job and chunk. `--machine` names that machine where the runs do not (those of earlier versions). Without
`--to` it prints how far predictions for the chunks are off, each by the other chunks.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from reportgen.records.store import Store
from reportgen.runner.costs.model import error_of, left_out_errors
from reportgen.runner.costs.observed import Observation, observations


def main() -> None:
    """Read runs and print their errors, or write their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--machine", help="Name of the machine of the runs.")
    parser.add_argument("--to", type=Path, help="File to write.")
    asked = parser.parse_args()
    found = [one for run in asked.runs for one in observations(Store(run))]
    if asked.machine:
        found = [one.model_copy(update={"machine": asked.machine}) for one in found]
    if asked.to:
        lines = [json.dumps(json.loads(one.model_dump_json())) for one in found]
        asked.to.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
        return
    kinds: dict[str, list[Observation]] = defaultdict(list)
    for one in found:
        kinds[one.kind].append(one)
    every: list[float] = []
    for kind, own in sorted(kinds.items()):
        errors = left_out_errors(own)
        every += errors
        _tell(kind, len(own), errors)
    _tell("all", len(found), every)


def _tell(kind: str, chunks: int, errors: list[float]) -> None:
    error = error_of(errors)
    said = f"median {error.median:.0%}, nine in ten within {error.ninety:.0%}" if error else "too few to say"
    print(f"{kind}: {chunks} chunks, relative error {said}")


if __name__ == "__main__":
    main()
