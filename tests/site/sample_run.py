"""A small synthetic run with every kind of record: what the page tests render, and what a designer looks at.

Its clips are drifting textures whose motion is known; its figures are invented but consistent with each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sample_weights import write_weights

from reportgen.analyses.responses.ordering import kernel_orders
from reportgen.media import write_figure
from reportgen.records.answers.evidence import packed_statistics
from reportgen.records.answers.known_answers import KnownAnswer, KnownFigure
from reportgen.records.answers.responses import KernelOrder, ResponsesAnswer
from reportgen.records.card import ClipSpec, Generator, ModelCard, Stage
from reportgen.records.figures import (
    ClipFigure,
    DataFigure,
    Figure,
    HeatFigure,
    ImageFigure,
    JsonFigure,
    MotionFigure,
    RowFigure,
    StackFigure,
    TableFigure,
    VolumeFigure,
)
from reportgen.records.identities import KernelId, TargetId, slug
from reportgen.records.jobs import Artifact, Done, Failed, Job, Outcome, Record, Skipped, Spent
from reportgen.records.manifest import ClipFacts, Environment, LayerFacts, Run, WeightsFacts
from reportgen.records.store import Store
from reportgen.records.targets import Target
from reportgen.records.volumes import byte_levels, otsu

FRAMES, SIDE = 12, 24
NEAR_SILENT = 28
"""A kernel of each probed layer that clips barely drive: a frozen frame drives it 1,544 times as much."""
HOSTILE_LABEL = "<script>alert(1)</script> | *a* _b_ [c](d) {{ 7 * 7 }} {% raw %} `e` </title>"
HOSTILE_LAYER = "s4.<img src=x onerror=alert(2)>|{{7*7}}"
LABELS = ("dots static", "dots moving right", HOSTILE_LABEL, "rings moving up")
LAYERS: tuple[str, ...] = ("stem.conv", "s2.res0.branch2.c", "s3.pathway0_res0.branch2.c", HOSTILE_LAYER)

Array = NDArray[np.float64]


def texture(rng: np.random.Generator, scale: float, side: int = SIDE) -> Array:
    """Return a periodic coloured texture H W 3 in [0, 1] with details of about `scale` px."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    band = np.exp(-(((frequency - 1 / scale) * 2 * scale) ** 2))
    noise = np.fft.fft2(rng.standard_normal((3, side, side)))
    pixels = np.real(np.fft.ifft2(noise * band))
    pixels = np.tensordot(np.array([[1, 0.5, 0.2], [0.4, 1, -0.4], [0.2, -0.6, 1]]), pixels, axes=1)
    return np.moveaxis(0.5 + 0.22 * pixels / pixels.std(), 0, -1).clip(0, 1)


def drifting(pixels: Array, velocity: tuple[float, float], frames: int = FRAMES) -> Array:
    """Return T H W 3: the periodic texture moving by `velocity` (right, down) px/frame, exact by the shift theorem."""
    side = pixels.shape[0]
    fy, fx = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    spectrum = np.fft.fft2(pixels, axes=(0, 1))
    shifts = [np.exp(-2j * math.pi * t * (fx * velocity[0] + fy * velocity[1])) for t in range(frames)]
    moved = [np.real(np.fft.ifft2(spectrum * shift[..., None], axes=(0, 1))) for shift in shifts]
    return np.stack(moved).clip(0, 1)


def write_sample(folder: Path) -> Path:
    """Write two runs below `folder` and return it: a whole one, and an untrained one without classes."""
    SampleRun(folder / "drift", "drift", "Drift", seed=0).write()
    _UntrainedRun(folder / "plain_net", "plain_net", "Plain <b>&</b> untrained", seed=1).write()
    return folder


class SampleRun:
    """Writes one run, record by record."""

    classes: int | None = len(LABELS)
    labels: tuple[str, ...] = LABELS
    untrained = False
    kernels = 5

    def __init__(self, folder: Path, model: str, title: str, seed: int) -> None:
        self.store = Store(folder)
        self.model = model
        self.title = title
        self.rng = np.random.default_rng(seed)
        self.records: list[Record] = []

    def write(self) -> None:
        """Write the media, the records and the header."""
        clips = tuple(self._clips())
        for layer in LAYERS:
            for index in range(self.kernels):
                self._kernel(layer, index * 7)
        for layer in (LAYERS[1], HOSTILE_LAYER):
            for index in (0, 14, 21, 28):
                self._grown(layer, index)
        self._evidence([clip.name for clip in clips])
        chosen = {layer: [index * 7 for index in range(self.kernels)] for layer in LAYERS}
        self.keep("choice", self.model, {}, Done(answer={"kernels": chosen, "rule": "selective"}))
        self._class_answers(clips[0].name)
        self._concepts([clip.name for clip in clips])
        self._weights([clip.name for clip in clips])
        self._responses(clips[0].name)
        self._known_answers()
        self.keep(
            "colour_audit",
            self.model,
            {"probes": 3},
            Done(
                artifacts=self.figure("colour_audit", "probe", ImageFigure(texture(self.rng, 9), "a probe")),
                answer={"reliance": 0.25, "passed": True, "list": [1, 2]},
                notes=("A new analysis that no page was designed for.",),
            ),
        )
        self.store.write_run(
            Run(
                model=self.model,
                card=self._card(),
                labels=self.labels if self.classes else (),
                weights=WeightsFacts(
                    file=None if self.untrained else "weights.safetensors",
                    sha256="ab" * 32,
                    untrained=self.untrained,
                    published=not self.untrained,
                    licence="Apache-2.0",
                ),
                layers=tuple(self._layers()),
                stages=LAYERS,
                clips=clips,
                options={"preset": "standard", "kernels": self.kernels},
                environment=Environment(
                    reportgen="0.1.0",
                    python="3.11.9",
                    torch="2.13.0",
                    numpy="2.4.6",
                    platform="Linux x86_64",
                    device="cpu",
                    threads=2,
                    command=("reportgen", "build", "--clip", "a clip.mp4"),
                ),
                plan=tuple(record.key for record in self.records),
                started="2025-11-20T12:00:00Z",
                finished="2025-11-20T12:02:10Z",
                seconds=130.0,
            )
        )

    def _card(self) -> ModelCard:
        return ModelCard(
            name=self.model,
            title=self.title,
            summary="A small network that was never run; its figures are invented for tests.",
            clip=ClipSpec(frames=FRAMES, height=SIDE, width=SIDE, mean=(0.5,) * 3, std=(0.25,) * 3),
            classes=self.classes,
            classifier="fc" if self.classes else None,
            stages=tuple(Stage(layer=layer, title=f"Stage {i + 1}") for i, layer in enumerate(LAYERS)),
            generator=Generator(),
            parameters=412_345,
            multiply_adds=1.25,
            licence="Apache-2.0",
            figures={"joint_accuracy": 0.991},
        )

    def _layers(self) -> Iterator[LayerFacts]:
        for order, name in enumerate((*LAYERS, "fc")):
            linear = name == "fc"
            yield LayerFacts(
                name=name,
                kind="Linear" if linear else "Conv3d",
                kernels=4 if linear else 16 * (order + 1),
                inputs=3 if order == 0 else 16 * order,
                kernel_size=(1,) if linear else (3, 3, 3),
                stride=(1,) if linear else (1, 2, 2),
                groups=1,
                output=(4,) if linear else (16 * (order + 1), FRAMES, SIDE >> order, SIDE >> order),
                receptive_field=(None, None, None) if linear else (3 + 2 * order, 3 + 8 * order, 3 + 8 * order),
                parameters=10_000 * (order + 1),
                multiply_adds=None if linear else 10_000_000,
                order=order,
            )

    def figure(self, analysis: str, role: str, figure: Figure) -> tuple[Any, ...]:
        """Write a figure's files and return their artifacts."""
        return write_figure(self.store, f"media/{analysis}/{len(self.records):04d}", role, figure)

    def keep(self, analysis: str, unit: str, parameters: dict[str, Any], outcome: Outcome) -> None:
        """Write the record of a job."""
        job = Job(analysis=analysis, version=1, unit=unit, parameters=parameters, seed=0, inputs={"weights": "ab"})
        spent = Spent(seconds=1.5, finished="2025-11-20T12:01:00Z")
        record = Record(job=job, outcome=outcome, spent=spent)
        self.store.add(record)
        self.records.append(record)

    def _seen(self, analysis: str, kernel: KernelId, figures: Mapping[str, Figure], **outcome: Any) -> None:
        """Write what a method found of a kernel, with its figures by role."""
        artifacts: list[Artifact] = []
        for role, figure in figures.items():
            artifacts += self.figure(analysis, role, figure)
        parameters = {"layer": kernel.layer, "kernel": kernel.index, "objective": "channel"}
        self.keep(analysis, str(kernel), parameters, Done(artifacts=tuple(artifacts), **outcome))

    def _clips(self) -> Iterator[ClipFacts]:
        names = ("tennis", "dots-right", "rings-up", "blobs-static", "checks-left", "noise")
        for i, name in enumerate(names):
            angle = i * math.pi / 3
            frames = drifting(texture(self.rng, 5 + 2 * i), (1.5 * math.cos(angle), 1.5 * math.sin(angle)))
            written = write_figure(self.store, f"media/clips/{name}", "clip", ClipFigure(frames))
            yield ClipFacts(
                name=name,
                title=HOSTILE_LABEL if name == "noise" else name.replace("-", " "),
                source="<b>file</b>.mp4" if i == 0 else "generated",
                sha256=f"{i:02d}" * 32,
                frames=FRAMES,
                height=SIDE,
                width=SIDE,
                label=i % 4 if self.classes else None,
                reference=i > 0,
                clip=written[0],
                poster=written[1],
                predictions=((2, 7.25, 0.81), (1, 5.5, 0.14), (0, 3.0, 0.05)) if self.classes else (),
            )

    def _kernel(self, layer: str, index: int) -> None:
        kernel = KernelId(model=self.model, layer=layer, index=index)
        parameters: dict[str, Any] = {"layer": layer, "kernel": index, "objective": "channel", "basis": "fft"}
        order = LAYERS.index(layer)
        if (order, index) == (1, 28):
            self.keep(
                "kernels",
                str(kernel),
                parameters,
                Failed(message="not enough memory at 512x512; run again with --device cuda.", error="OutOfMemoryError"),
            )
            self.keep("decomposition", str(kernel), parameters, Skipped(reason="it needs the answer of kernels"))
            return
        angle, speed = index * 0.9 + order, (0.0, 1.4, 0.8, 2.4, 1.1)[index // 7]
        velocity = (speed * math.cos(angle), speed * math.sin(angle))
        still = texture(self.rng, 4 + 3 * order)
        activation = 4.0 + order + index / 10
        clip = drifting(still, velocity)
        self._seen(
            "kernels",
            kernel,
            {
                "stage1": ClipFigure(clip),
                "stage1_data": DataFigure({"clip": clip.astype(np.float16)}),
            },
            answer={
                "layer": layer,
                "index": index,
                "activation": activation,
                "objective": "channel",
                "steps": 256,
                "curve": [activation * (1 - math.exp(-step / 12)) for step in range(64)],
                "contrast": 0.2,
                "even_activation": 0.2 * activation,
            },
        )
        explained = index != 21
        motion = np.broadcast_to(np.reshape(velocity, (1, 2, 1, 1)), (FRAMES - 1, 2, SIDE, SIDE)).copy()
        motion += 0.05 * self.rng.standard_normal(motion.shape)
        evidence = np.broadcast_to(np.hypot(*np.gradient(still.mean(-1))) > 0.01, (FRAMES - 1, SIDE, SIDE))
        self._seen(
            "decomposition",
            kernel,
            {
                "texture": ImageFigure(still),
                "motion": MotionFigure(motion, evidence, speed or 0.1),
                "reconstruction": ClipFigure(clip),
            },
            answer={
                "psnr": 31.5,
                "explained_variance": 0.94 if explained else 0.31,
                "mean_speed": speed,
                "direction_degrees": math.degrees(angle) % 360,
                "direction_coherence": 0.9 if index else 0.1,
                "speed_p99": speed,
                "evidence_share": 0.6,
                "reconstruction_activation": activation * 0.9,
                "activation_kept": 0.9 if explained else 0.4,
                "texture_activation": activation * 0.3,
            },
        )

    def _grown(self, layer: str, index: int) -> None:
        kernel = KernelId(model=self.model, layer=layer, index=index)
        parameters: dict[str, Any] = {"layer": layer, "kernel": index, "objective": "channel"}
        if index == 21:
            self.keep("multiscale", str(kernel), parameters, Failed(message="too large", error="OutOfMemoryError"))
            return
        sides = (6, 7, 8, 9, 10, 12, 14, 16, 19, 22, 26)
        clip = drifting(texture(self.rng, 5), (0.5, 0.2))
        strip = RowFigure([texture(self.rng, 4, side) for side in sides], "each size", 26)
        reached = 3.5 + index / 5
        self._seen(
            "multiscale",
            kernel,
            {"multiscale": ClipFigure(clip), "growth": strip},
            answer={
                "layer": layer,
                "index": index,
                "objective": "channel",
                "shapes": [[max(1, side // 2), side, side] for side in sides],
                "activations": [reached * (1 - math.exp(-step / 3)) for step in range(len(sides) + 1)],
                "native_activation": reached,
                "measured_on": "part",
                "steps": 20,
            },
            notes=("Begins at 6 px, not at 5: the layer cannot be reached on less.",),
        )

    def _evidence(self, clips: list[str]) -> None:
        layers = {layer: self._layer_evidence(len(clips)) for layer in LAYERS}
        document = {
            "objective": "channel",
            "clips": len(clips),
            "labelled": len(clips),
            "unreadable": 1,
            "reasons": {"r00009-broken": "broken.mp4 was cut off: copy it again."},
            "names": clips,
            "connected": ["input", *LAYERS, "head"],
            "layers": layers,
        }
        own = np.random.default_rng(9)
        responses = {layer: own.gamma(2.0, size=(30, 64)).astype(np.float32) for layer in LAYERS}
        for values in responses.values():
            values[:, 9] = 2 * values[:, 8]
        kept = self.figure("evidence", "responses", DataFigure(responses, "Response of every kernel"))
        kept += self.figure("evidence", "connections", DataFigure(self._connections(), "The strongest connections"))
        self.keep("evidence", self.model, {}, Done(artifacts=kept, answer=document))

    def _connections(self) -> dict[str, np.ndarray[Any, Any]]:
        """Every kernel is fed by kernels 0 and 1 of the layer before, and feeds what no page is of."""
        found = {}
        for place, layer in enumerate(LAYERS):
            links = np.zeros((64, 2, 5, 3), np.float32)
            links[..., :2] = -1
            if place:
                links[:, 0, :2] = [[place, 0, 0.75], [place, 1, 0.125]]
            links[:, 1, 0] = [len(LAYERS) + 1, 2, 0.5]
            found[layer] = links
        return found

    def _responses(self, clip: str) -> None:
        """Maps of a layer of 70 kernels, of one of 16, and why another has none; four kinds of maps, as made up."""
        for layer, count, frames in ((LAYERS[0], 16, 6), (LAYERS[1], 70, 1)):
            kinds = self.rng.normal(size=(4, frames, 8, 9)) + 0.2
            maps = kinds[np.arange(count) % 4] + 0.2 * self.rng.normal(size=(count, frames, 8, 9))
            self.keep_maps(clip, layer, maps.astype(np.float32), kernel_orders(maps, most_clusters=5))
        reason = f"{LAYERS[2]} has a map of a single position: choose an earlier layer"
        self.keep("responses", f"{self.model}/{LAYERS[2]}/{clip}", {}, Skipped(reason=reason))

    def _known_answers(self, moving: float = 1.0) -> None:
        """Two known answers; what the motion probes find of a network that relies on motion wholly is `moving`."""
        found = (
            ("kernels", "cosine between the clip found and the kernel", 0.9995, {"asked": "least", "known": 0.999}),
            ("motion", "motion reliance of a network that correlates frames", moving, {"known": 1.0, "margin": 1e-4}),
        )
        for method, what, value, asked in found:
            figure = KnownFigure.model_validate({"what": what, "found": value, **asked})
            planted = "A planted case."
            answer = KnownAnswer(case=method, method=method, version=1, planted=planted, figures=(figure,))
            self.keep(
                "known_answers", f"{self.model}/known-{method}", {"case": method}, Done(answer=answer.model_dump())
            )

    def keep_maps(self, clip: str, layer: str, maps: Array, orders: tuple[KernelOrder, ...]) -> None:
        """Keep maps K T H W of a layer; those of one frame are a picture's."""
        levels = byte_levels(maps)
        name = f"L{LAYERS.index(layer) + 1}_{layer}"
        kernels, frames, height, width = maps.shape
        answer = ResponsesAnswer(
            clip=clip,
            layer=layer,
            file_name=name,
            rectified=False,
            still=frames == 1,
            kernels=kernels,
            computed=(frames, height, width),
            kept=(frames, height, width),
            exact=True,
            minimum=float(maps.min()),
            maximum=float(maps.max()),
            scale=float(np.abs(maps).max()),
            otsu=otsu(levels),
            percentiles=tuple(np.percentile(levels, range(101), method="nearest").astype(int).tolist()),
            moments=tuple(float(2 * frame) for frame in range(frames)),
            moments_known=True,
            orders=orders,
        )
        self.keep(
            "responses",
            f"{self.model}/{layer}/{clip}",
            {"clip": clip, "layer": layer},
            Done(
                artifacts=self.figure("responses", "maps", VolumeFigure(maps, name, frames == 1)),
                answer=answer.model_dump(mode="json"),
            ),
        )

    def _layer_evidence(self, clips: int) -> dict[str, Any]:
        values = self.rng.gamma(2.0, 0.9, (clips, 64)).round(3)
        order = values.argsort(axis=0)

        def examples(rows: NDArray[np.int64]) -> list[list[list[float]]]:
            return [[[int(i), float(values[i, k]), 5, 8, 16] for i in rows[:, k]] for k in range(64)]

        return {
            "kernels": 64,
            "dead": [3],
            "duplicates": [[1, 2, 0.995]],
            "words": [{"text": "moving up", "auroc": 0.95, "others": ["dots", "rings"], "other": 0.6}] * 64,
            "held": [{"text": "moving up", "auroc": 0.93, "clips": 3, "p": 0.01}] * 64,
            "quantiles": packed_statistics(np.sort(values, axis=0).T.tolist()),
            "field": [5, 7, 7],
            "most": examples(order[::-1][:3]),
            "least": examples(order[:3]),
            "drawn": examples(self.rng.permuted(order, axis=0)[:3]),
        }

    def _concepts(self, clips: list[str]) -> None:
        """A concept of which some kernels are sure, and one picture of a hostile name."""
        for name, count in (("wheels", 12), (HOSTILE_LABEL, 1)):
            auroc = {layer: np.sort(self.rng.beta(2, 2, 64).clip(max=0.85))[::-1] for layer in LAYERS}
            auroc[LAYERS[1]][:8] = np.linspace(0.99, 0.91, 8)
            every = np.concatenate([*auroc.values()])
            ranks = (-every).argsort().argsort() + 1
            none = [None] * 64
            layers, profiles = {}, {}
            for place, (layer, values) in enumerate(auroc.items()):
                usual = self.rng.gamma(2.0, 0.5, 64)
                q = np.where(values > 0.9, 1e-4, 0.8).tolist()
                layers[layer] = {
                    "score": (3 * values - 1.5).round(3).tolist(),
                    "auroc": values.round(4).tolist(),
                    "low": (values - values * (1 - values)).tolist() if count > 1 else none,
                    "high": (values + values * (1 - values)).tolist() if count > 1 else none,
                    "p": [one / 64 for one in q] if count > 1 else none,
                    "q": q if count > 1 else none,
                    "rank": ranks[64 * place : 64 * place + 64].tolist(),
                }
                profiles[layer] = {
                    "mean": (usual * (0.5 + values)).tolist(),
                    "low": (usual * 0.5).tolist(),
                    "middle": usual.tolist(),
                    "high": (usual * 1.5).tolist(),
                }
            shown = [[place, 3.0 - place / 4] for place in range(len(clips))]
            leading = [
                {"layer": LAYERS[1], "index": index, "clips": shown[:count], "best": shown[3:]} for index in (0, 7)
            ]
            answer = {
                "concept": name,
                "source": "given",
                "objective": "channel",
                "clips": count,
                "still": 1,
                "repeated": 0,
                "unreadable": 0,
                "reasons": {},
                "reference": 20,
                "shared": 2,
                "labelled": 0,
                "least": 5,
                "tested": 256 if count > 1 else 0,
                "kernels": 256,
                "methods": {"exact": 256} if count > 1 else {"none": 256},
                "names": clips,
                "layers": layers,
                "profiles": profiles,
                "leading": leading,
            }
            table = self.figure("concepts", "concept_tests", TableFigure(["layer", "kernel"], []))
            unit = f"{self.model}/concept-{slug(name)}"
            notes = ("2 reference clips are also a clip of the concept: left out of the reference.",)
            self.keep("concepts", unit, {"concept": name}, Done(artifacts=table, answer=answer, notes=notes))

    def _weights(self, clips: list[str]) -> None:
        write_weights(self, clips, LAYERS, LABELS[2])

    def _class_answers(self, clip: str) -> None:
        for index in (2, 1):
            self._pyramid(clip, index)
        self._motion(clip)
        over = drifting(texture(self.rng, 7), (1.0, 0.5))
        t, y, x = np.meshgrid(np.arange(FRAMES), np.arange(SIDE), np.arange(SIDE), indexing="ij")
        bump = np.exp(-(((x - 14 - t) / 8) ** 2) - ((y - 22) / 8) ** 2) * (0.3 + np.exp(-(((t - 9) / 3) ** 2)))
        methods = (
            ("gradients", "Gradients", False),
            ("integrated_gradients", "Integrated gradients", True),
            ("grad_cam", "Grad-CAM", False),
            ("guided_backprop", "Guided backprop", False),
            ("smoothgrad_guided", "SmoothGrad of guided backprop", False),
        )
        for method, title, signed in methods:
            heat = bump - 0.4 * np.roll(bump, 18, axis=2) if signed else bump
            unit = str(TargetId(model=self.model, clip=clip, target=Target.of(2)))
            self.keep(
                "saliency",
                unit,
                {"method": method, "clip": clip, "class": 2},
                Done(
                    artifacts=(
                        *self.figure("saliency", "overlay", HeatFigure(heat, over, signed, 0.9, alone=True)),
                        *self.figure("saliency", "tube", StackFigure(heat, over, 0.9, signed=signed)),
                    ),
                    answer={
                        "method": method,
                        "title": title,
                        "target": {"kind": "class", "index": 2},
                        "logit": 7.25,
                        "signed": signed,
                        "scale": 0.9,
                        "temporal_profile": np.abs(heat).sum((1, 2)).round(2).tolist(),
                        "completeness_error": 0.004 if signed else None,
                    },
                ),
            )
        self.keep(
            "saliency",
            f"{TargetId(model=self.model, clip=clip, target=Target.of(2, 1))}/grad_cam",
            {"method": "grad_cam", "clip": clip, "target": "class-0002-vs-0001"},
            Done(
                artifacts=self.figure("saliency", "overlay", HeatFigure(bump, over, False, 0.9, alone=True)),
                answer={
                    "method": "grad_cam",
                    "title": "Grad-CAM",
                    "target": {"kind": "contrast", "index": 2, "against": 1},
                    "logit": 1.5,
                    "signed": False,
                    "scale": 0.9,
                },
            ),
        )
        self._map_checks(clip)
        unit = str(TargetId(model=self.model, clip=clip, target=Target.of(2)))
        self.keep(
            "saliency",
            unit,
            {"method": "deeplift", "clip": clip, "class": 2},
            Failed(message="this network reuses its ReLU in a loop.", error="NetworkError"),
        )

    def _map_checks(self, clip: str) -> None:
        shares = [step / 6 for step in range(7)]
        for method, area, kept in (("gradients", 0.62, 0.9), ("integrated_gradients", 0.81, 0.3)):
            test = {
                "insertion_auc": area,
                "deletion_auc": 1 - area,
                "insertion_band": {"mean": 0.55, "low": 0.4, "high": 0.7},
                "deletion_band": {"mean": 0.55, "low": 0.45, "high": 0.65},
                "controls": {"fine detail": 0.05, "centre": -0.02, "frame difference": 0.1},
                "unexplained": 1 - area,
                "random_maps": 10,
                "shares": shares,
                "insertion": [7.25 * share**0.5 for share in shares],
                "deletion": [7.25 * (1 - share**0.5) for share in shares],
                "random_insertion": [7.25 * share for share in shares],
                "random_deletion": [7.25 * (1 - share) for share in shares],
            }
            document = {
                "method": method,
                "target": {"kind": "class", "index": 2},
                "clip": clip,
                "tests": {"blur": test, "mean_frame": {"reason": "The logit is not larger on the clip."}},
                "randomisation": {"layers": ["fc", LAYERS[1], LAYERS[0]], "correlations": [kept] * 3},
                "sensitivity": 0.2,
            }
            self.keep(
                "faithfulness",
                f"{TargetId(model=self.model, clip=clip, target=Target.of(2))}/{method}",
                {"method": method, "clip": clip, "class": 2},
                Done(answer=document),
            )

    def _graph(self) -> dict[str, Any]:
        columns = [(layer, [*range(0, 35, 7), *range(40, 46)]) for layer in reversed(LAYERS)]
        return graph_document(self.rng, columns)

    def _motion(self, clip: str) -> None:
        probes = ("frozen", "dissolved", "reversed", "shuffled", "half_speed", "double_speed", "scrambled")
        one = {
            "clip": clip,
            "target": {"kind": "class", "index": 2},
            "target_title": LABELS[2],
            "logit": 7.25,
            "motion_reliance": 0.8,
            "order_sensitivity": 0.5,
            "rank": 0,
            "probes": {p: {"logits": [1.0, 1.45], "ranks": [1, 0], "predicted": LABELS[:2], "what": p} for p in probes},
        }
        unit = str(TargetId(model=self.model, clip=clip, target=Target.of(2)))
        self.keep("motion", unit, {}, Done(answer={"shown": one}))
        classes = [
            {
                "target": {"kind": "class", "index": i},
                "clips": 5,
                "measured": 5,
                "dissolved_loss": value,
                "motion_reliance": value,
                "motion_reliance_low": value - 0.1,
                "motion_reliance_high": value + 0.1,
                "order_sensitivity": value,
                "kept": dict.fromkeys(probes, 0.5),
            }
            for i, value in enumerate((0.02, 0.9, 1.1, 0.6))
        ]
        left = {p: {"whole": 0.6, "whole_low": 0.5, "whole_high": 0.7} for p in probes}
        shares: list[float | None] = [0.25] * 8 + [0.9] * 55 + [None]
        shares[NEAR_SILENT] = 1544.0
        responses = [4.0] * 64
        responses[NEAR_SILENT] = 0.01
        layers = {
            layer: {
                "left": left,
                "measured": 63,
                "clip": [0] * 64,
                "response": responses,
                "kept": dict.fromkeys(probes, shares),
            }
            for layer in LAYERS[:2]
        }
        document = {"clips": 8, "of": 20, "labelled": 8, "names": [clip], "classes": classes, "layers": layers}
        self.keep("motion", self.model, {}, Done(answer={"overall": document}))

    def _pyramid(self, clip: str, index: int) -> None:
        document = self._graph()
        drops = {
            layer: {"count": 4, "drop": 1.2 + i, "random_mean": 0.3, "random_low": -0.1, "random_high": 0.8}
            for i, layer in enumerate(reversed(LAYERS))
        }
        drops["together"] = {"count": 16, "drop": 5.9, "random_mean": 0.9, "random_low": 0.2, "random_high": 1.7}
        drops["together"] |= {"others": 0.4, "p": 0.01, "draws": 99}
        unit = str(TargetId(model=self.model, clip=clip, target=Target.of(index)))
        heat = np.abs(self.rng.standard_normal((FRAMES, SIDE, SIDE))).cumsum(1) / 40
        over = drifting(texture(self.rng, 7), (1.0, 0.5))
        self.keep(
            "pyramid",
            unit,
            {"clip": clip, "class": index, "depth": 4},
            Done(
                artifacts=(
                    *self.figure("pyramid", "graph", JsonFigure(document)),
                    *self.figure("pyramid", "csv", TableFigure(["source", "target", "contribution"], [])),
                    *self.figure("pyramid", f"tube.{LAYERS[-2]}", HeatFigure(heat, over, False, float(heat.max()))),
                ),
                answer={
                    "logit": 7.25,
                    "target": {"kind": "class", "index": index},
                    "clip": clip,
                    "scoring": "attribution",
                    "kernels": 44,
                    "edges": 100,
                    "conservation_error": 3e-6,
                    "bias_share": 0.12,
                    "ablation": drops,
                    "class_clips": {"own": 6, "others": 20, "own_drop": 4.1, "other_drop": 0.2, "p": 0.001},
                },
            ),
        )


class _UntrainedRun(SampleRun):
    """A run with untrained weights and no classes: what was skipped, and why."""

    classes = None
    untrained = True
    kernels = 2

    def _weights(self, clips: list[str]) -> None:
        del clips
        self.keep("weight_gradients", self.model, {}, Skipped(reason="this network has no classes"))

    def _known_answers(self, moving: float = 0.4) -> None:
        """The motion probes of this installation are broken."""
        super()._known_answers(moving)

    def _class_answers(self, clip: str) -> None:
        del clip
        for analysis in ("pyramid", "saliency"):
            self.keep(analysis, self.model, {}, Skipped(reason="this network has no classes"))


def graph_document(rng: np.random.Generator, columns: list[tuple[str, list[int]]], degree: int = 4) -> dict[str, Any]:
    """Return a random pyramid over the given columns, the nearest to the class first."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    before: list[tuple[str | None, int]] = [(None, 2)]
    for depth, (layer, kernels) in enumerate(columns, start=1):
        for order, kernel in enumerate(kernels):
            relevance = float(rng.gamma(1.0, 6.0 / len(kernels)))
            nodes.append(
                {
                    "layer": layer,
                    "index": kernel,
                    "depth": depth,
                    "relevance": relevance,
                    "activation": 1.0,
                    "order": order,
                }
            )
            for at in rng.choice(len(before), min(degree, len(before)), replace=False):
                target = {"layer": before[at][0], "index": before[at][1]}
                value = relevance / degree * float(rng.normal(1.0, 0.8))
                edges.append({"source": {"layer": layer, "index": kernel}, "target": target, "contribution": value})
        before = [(layer, kernel) for kernel in kernels]
    layers = [
        {
            "name": layer,
            "kind": "convolution",
            "depth": depth,
            "kernels": 2 * len(kernels),
            "kept": len(kernels),
            "relevance": 6.0,
        }
        for depth, (layer, kernels) in enumerate(columns, start=1)
    ]
    against = {"layer": columns[0][0], "index": 1, "depth": 1, "relevance": -0.4, "activation": 2.0, "kept": False}
    return {
        "version": 1,
        "network": "drift",
        "class": {"index": 2, "label": LABELS[2]},
        "logit": 7.25,
        "scoring": "attribution",
        "parameters": {},
        "layers": layers,
        "nodes": nodes,
        "negative": [against],
        "edges": edges,
        "edge_total": len(edges) + 10,
        "theta_curve": {"thetas": [0.0, 0.5, 1.0], "kept": {layer: [11, 6, 1] for layer, _ in columns}},
    }
