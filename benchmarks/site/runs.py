"""A synthetic run of any number of kernels, each with what a real run holds of one; its figures are invented."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.records.answers.evidence import packed_statistics
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.figures import ClipFigure, DataFigure, Figure, ImageFigure
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done
from reportgen.records.manifest import ClipFacts, LayerFacts

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "site"))
import sample_run
from sample_run import SampleRun, drifting, texture

LAYER = 250
"""Kernels of a layer."""

REFERENCE = 200
"""Reference clips, of which every one drives some kernel most and has pictures."""

PICTURES = 8
"""Clips with pictures of their own; the others show these again, for encoding is not what is measured."""

QUANTILES = 101
EXAMPLES = 3
WORDS = ("moving left", "moving up", "dots", "rings", "checks", "blobs", "static", "zooming")
PROBES = ("frozen", "dissolved", "reversed", "shuffled", "half_speed", "double_speed", "scrambled")
VISUALISED = 40
"""Kernels with synthetic pictures, over all layers, as the preset standard makes them."""


class LargeRun(SampleRun):
    """A run of so many kernels in layers of LAYER, with `visualised` of them shown by synthetic clips."""

    def __init__(self, folder: Path, kernels: int, visualised: int = VISUALISED) -> None:
        super().__init__(folder, "large", f"{kernels:,} kernels", seed=0)
        self.width = min(LAYER, max(kernels // 4, 1))
        parts = range(0, kernels, self.width)
        self.counts = {f"stage{i:03d}.conv": min(self.width, kernels - start) for i, start in enumerate(parts)}
        self.chosen: dict[str, list[int]] = {}
        for place in np.unique(np.linspace(0, kernels - 1, min(visualised, kernels)).round().astype(int)).tolist():
            self.chosen.setdefault(list(self.counts)[place // self.width], []).append(place % self.width)
        self.clips: list[str] = []

    def write(self) -> None:
        """Write the run; the sample's layers are this one's meanwhile."""
        before, sample_run.LAYERS = sample_run.LAYERS, tuple(self.counts)
        try:
            super().write()
        finally:
            sample_run.LAYERS = before

    kernels = 0  # the sample's own loop over its layers makes none

    def _clips(self) -> Iterator[ClipFacts]:
        shown = [
            self.figure("clips", f"clip{number}", ClipFigure(drifting(texture(self.rng, 6, 64), (1.0, 0.0), 16)))
            for number in range(PICTURES)
        ]
        for number in range(REFERENCE):
            name = f"r{number:05d}-{WORDS[number % len(WORDS)].replace(' ', '-')}"
            self.clips.append(name)
            artifacts = shown[number % PICTURES]
            yield ClipFacts(
                name=name,
                title=name[7:],
                source="generated",
                sha256=f"{number:064x}",
                frames=16,
                height=64,
                width=64,
                label=number % 4,
                reference=number > 0,
                clip=next((one for one in artifacts if one.kind == "clip"), None),
                poster=next((one for one in artifacts if one.kind == "image"), None),
            )

    def _layers(self) -> Iterator[LayerFacts]:
        for order, (name, count) in enumerate(self.counts.items()):
            shapes = {"kernel_size": (3, 3, 3), "stride": (1, 1, 1), "receptive_field": (5, 31, 31)}
            yield LayerFacts(
                name=name, kind="Conv3d", kernels=count, inputs=LAYER, **shapes, groups=1,
                output=(count, 16, 14, 14), parameters=27 * LAYER * count,
                multiply_adds=10**8, order=order,
            )  # fmt: skip

    def _evidence(self, clips: list[str]) -> None:
        responses: dict[str, Any] = {}
        layers = {}
        for layer, count in self.counts.items():
            values = self.rng.gamma(2.0, 0.9, (len(clips), count)).astype(np.float32)
            responses[layer] = values
            layers[layer] = self._layer_of(values)
        document = {
            "objective": "firing", "clips": len(clips), "labelled": len(clips), "unreadable": 0, "reasons": {},
            "names": clips, "layers": layers,
        }  # fmt: skip
        kept = self.figure("evidence", "responses", DataFigure(responses, "Responses"))
        self.keep("evidence", self.model, {}, Done(artifacts=kept, answer=document))
        self._visualise()

    def _layer_of(self, values: Any) -> dict[str, Any]:
        count = values.shape[1]
        order = values.argsort(axis=0)
        ranks = np.linspace(0, len(values) - 1, QUANTILES).round().astype(int)

        def examples(rows: Any) -> list[Any]:
            return [[[int(i), float(f"{values[i, k]:.6g}"), 8, 20, 40] for i in rows[:, k]] for k in range(count)]

        quantiles = np.sort(values, axis=0)[ranks].T
        word = [WORDS[i] for i in self.rng.integers(0, len(WORDS), count)]
        told = [
            {"text": text, "auroc": float(f"{area:.6g}"), "others": ["dots", "rings", "checks", "blobs"], "other": 0.64,
             "q": 0.0010909, "low": 0.8381773, "high": 0.9730632, "clips": 20}
            for text, area in zip(word, self.rng.uniform(0.6, 1.0, count), strict=True)
        ]  # fmt: skip
        return {
            "kernels": count, "dead": [3] if count > 3 else [], "duplicates": [[1, 2, 0.995]] if count > 2 else [],
            "comparable": count, "words": told, "held": [{**one, "p": 3.0457e-06, "q": None} for one in told],
            "quantiles": packed_statistics(quantiles.tolist()),
            "field": [5, 31, 31], "most": examples(order[::-1][:EXAMPLES]), "least": examples(order[:EXAMPLES]),
            "drawn": examples(self.rng.permuted(order, axis=0)[:EXAMPLES]),
        }  # fmt: skip

    def _kernel(self, layer: str, index: int) -> None:
        kernel = KernelId(model=self.model, layer=layer, index=index)
        still = texture(self.rng, 5, 64)
        answer = KernelAnswer(
            layer=layer, index=index, activation=9.0, objective="firing", steps=96, curve=(0.0, 9.0), contrast=0.2
        )
        clip: dict[str, Figure] = {"stage1": ClipFigure(drifting(still, (1.0, 0.5), 16))}
        self._seen("kernels", kernel, clip, answer=answer.model_dump(mode="json"))
        parts: dict[str, Figure] = {
            "texture": ImageFigure(still),
            "reconstruction": ClipFigure(drifting(still, (1.0, 0.5), 16)),
        }
        told = {"psnr": 31.5, "explained_variance": 0.94, "mean_speed": 1.1, "direction_degrees": 27.0}
        rest = {"direction_coherence": 0.9, "speed_p99": 1.2, "evidence_share": 0.6, "texture_activation": 2.0}
        rest |= {"reconstruction_activation": 8.0, "activation_kept": 0.9}
        self._seen("decomposition", kernel, parts, answer=told | rest)

    def _visualise(self) -> None:
        """Make the synthetic pictures of some kernels, spread over the layers."""
        for layer, indices in self.chosen.items():
            for index in indices:
                self._kernel(layer, index)
        self.keep("choice", self.model, {}, Done(answer={"kernels": self.chosen, "rule": "selective"}))

    def _class_answers(self, clip: str) -> None:
        self._pyramid(clip, 2)
        self._probe()

    def _graph(self) -> dict[str, Any]:
        deepest = list(self.counts)[-3:][::-1]
        kept = {layer: {*range(0, self.counts[layer], 9), *self.chosen.get(layer, ())} for layer in deepest}
        columns = [(layer, sorted(indices)) for layer, indices in kept.items()]
        document = sample_run.graph_document(self.rng, columns)
        for layer in document["layers"]:
            count = self.counts[layer["name"]]
            layer |= {"kernels": count, "relevances": self.rng.normal(0, 0.1, count).round(4).tolist()}
        return document

    def _probe(self) -> None:
        layers = {
            layer: {
                "left": {name: {"whole": 0.6} for name in PROBES},
                "measured": count,
                "clip": self.rng.integers(0, 20, count).tolist(),
                "response": self.rng.gamma(2.0, 1.0, count).round(4).tolist(),
                "kept": {name: self.rng.uniform(0, 1, count).round(5).tolist() for name in PROBES},
            }
            for layer, count in self.counts.items()
        }
        document = {
            "clips": 20, "of": REFERENCE, "labelled": 20, "names": self.clips[:20], "classes": [], "layers": layers
        }  # fmt: skip
        self.keep("motion", self.model, {}, Done(answer={"overall": document}))

    def _grown(self, layer: str, index: int) -> None:
        """Grow nothing."""

    def _concepts(self, clips: list[str]) -> None:
        """Ask of no concept."""

    def _weights(self, clips: list[str]) -> None:
        """Ask of no weights."""

    def _responses(self, clip: str) -> None:
        """Keep no maps."""


def write_large(folder: Path, kernels: int, visualised: int = VISUALISED) -> Path:
    """Write a run below `folder` and return the folder."""
    LargeRun(folder / "large", kernels, visualised).write()
    return folder
