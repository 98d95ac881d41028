"""Synthetic runs of many clips, classes and networks with long names and no pictures: what caps on pages are tried on.

    python tests/site/many_runs.py FOLDER [CLIPS CLASSES PER_CLIP NETWORKS]

writes them, renders them, and prints how long each step took as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sample_run import LAYERS, SampleRun, graph_document

from reportgen.commands.render import render
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.figures import JsonFigure
from reportgen.records.identities import KernelId, TargetId
from reportgen.records.jobs import Done
from reportgen.records.manifest import ClipFacts
from reportgen.records.targets import Target


def long_name(beginning: str, length: int) -> str:
    """Return a name of `length` characters; names of one length differ in their beginning and at their end only."""
    return f"{beginning}-{'long ' * length}"[: length - len(beginning) - 1] + f"-{beginning}"


@dataclass(frozen=True)
class Size:
    """How many of everything, and how long their names are."""

    clips: int = 40
    classes: int = 30
    per_clip: int = 30
    networks: int = 3
    kernels: int = 10
    name: int = 300


class ManyRun(SampleRun):
    """One network: every clip asked about `per_clip` classes, by a pyramid and by saliency maps."""

    def __init__(self, folder: Path, number: int, size: Size) -> None:
        super().__init__(folder, f"net{number}", long_name(f"Network {number}", size.name), number)
        self.size = size
        self.kernels = size.kernels
        self.classes = size.classes
        self.labels = tuple(long_name(f"class{i}", size.name) for i in range(size.classes))

    def _clips(self) -> Iterator[ClipFacts]:
        for i in range(self.size.clips):
            name = long_name(f"clip{i}", self.size.name)
            yield ClipFacts(
                name=name, title=name, source=name, sha256=f"{i:02d}" * 32, frames=8, height=16, width=16, label=0
            )

    def _kernel(self, layer: str, index: int) -> None:
        kernel = KernelId(model=self.model, layer=layer, index=index)
        parameters = {"layer": layer, "kernel": index}
        answer = KernelAnswer(
            layer=layer, index=index, activation=1.0 + index, objective="firing", steps=2, curve=(0.0, 1.0)
        )
        self.keep("kernels", str(kernel), parameters, Done(answer=answer.model_dump(mode="json")))

    def _class_answers(self, clip: str) -> None:
        del clip
        for number in range(self.size.clips):
            clip = long_name(f"clip{number}", self.size.name)
            for place in range(self.size.per_clip):
                self._asked(clip, (number + place) % self.size.classes)

    def _asked(self, clip: str, index: int) -> None:
        self._pyramid(clip, index)
        unit = str(TargetId(model=self.model, clip=clip, target=Target.of(index)))
        for method in ("gradients", "grad_cam"):
            answer = SaliencyAnswer(
                method=method, title=method, target=Target.of(index), logit=1.0, signed=False, scale=1.0
            )
            done = Done(answer=answer.model_dump(mode="json"))
            self.keep("saliency", f"{unit}/{method}", {"method": method, "class": index}, done)

    def _pyramid(self, clip: str, index: int) -> None:
        chosen = [sorted(self.rng.choice(7 * self.kernels, 8, replace=False).tolist()) for _ in LAYERS]
        document = graph_document(self.rng, list(zip(reversed(LAYERS), chosen, strict=True)))
        document |= {"network": self.model, "clip": clip, "class": {"index": index, "label": self.labels[index]}}
        for layer in document["layers"]:
            layer |= {"kernels": 7 * self.kernels, "relevances": self.rng.random(7 * self.kernels).round(4).tolist()}
        self.keep(
            "pyramid",
            str(TargetId(model=self.model, clip=clip, target=Target.of(index))),
            {},
            self._graph_answer(document),
        )

    def _graph_answer(self, document: dict[str, Any]) -> Done:
        answer = PyramidAnswer(
            logit=7.25,
            target=Target.of(document["class"]["index"]),
            clip=document["clip"],
            scoring="attribution",
            kernels=len(document["nodes"]),
            edges=len(document["edges"]),
        )
        figures = self.figure("pyramid", "graph", JsonFigure(document))
        return Done(artifacts=figures, answer=answer.model_dump(mode="json"))


def write_many(folder: Path, size: Size) -> Path:
    """Write the runs below `folder` and return it."""
    for number in range(size.networks):
        ManyRun(folder / f"net{number}", number, size).write()
    return folder


def main() -> None:
    """Write, render and say how long it took."""
    folder = Path(sys.argv[1])
    numbers = [int(text) for text in sys.argv[2:]]
    size = Size(*numbers)
    begun = time.perf_counter()
    runs = write_many(folder / "runs", size)
    written = time.perf_counter()
    index = render(runs, folder / "site", build_dir=folder / "build")
    done = time.perf_counter()
    pages = list(index.parent.rglob("*.html"))
    figures = {
        "size": vars(size),
        "write_s": round(written - begun, 1),
        "render_s": round(done - written, 1),
        "pages": len(pages),
        "html_mb": round(sum(page.stat().st_size for page in pages) / 1e6, 1),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
