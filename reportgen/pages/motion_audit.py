"""Motion or appearance: what is left of each class and kernel when a clip's motion is taken away or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.audit.silence import near_silent
from reportgen.pages import charts
from reportgen.pages.charts import Interval
from reportgen.pages.downloads import Download
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, percent, plural, short_kernel_name
from reportgen.reading.probes import PROBE_TITLES, KernelProbes, kernel_probes
from reportgen.reading.views import Trouble, trouble
from reportgen.reading.words import CLASSES, Words
from reportgen.records.answers.motion import ClassProbes, ClipProbes, LayerProbes, ModelProbes
from reportgen.records.jobs import Done, Record

KERNELS_SHOWN = 300
"""Kernels in the page's table; all are in the file that it links."""

CLASSES_DRAWN = 40
"""Classes in the chart; all are in its table."""


@dataclass(frozen=True)
class ProbedKernelRow:
    """A kernel's figures with the address of its page."""

    name: str
    uri: str
    clip: str
    probes: KernelProbes


@dataclass(frozen=True)
class ProbedLayerRow:
    """A layer's figures: the quartiles of its kernels' reliance, and the median of what the other probes leave.

    They are of its `measured` kernels; clips drive `silent` more, but barely. `whole` is the reliance of all its
    responses to all clips, from `low` to `high` in 95 of 100 samples of clips.
    """

    title: str
    uri: str
    stage: bool
    whole: float | None
    low: float | None
    high: float | None
    quartiles: tuple[float, float, float] | None
    relying: int
    measured: int
    silent: int
    left: dict[str, float | None]

    @property
    def share(self) -> float | None:
        """The share of its kernels that rely on motion."""
        return self.relying / self.measured if self.measured else None


def verdict_in_words(classes: tuple[ClassProbes, ...], limits: Limits, words: Words = CLASSES) -> str:
    """Return what the reliance of classes, or of targets, says, in one sentence."""
    known = [row.motion_reliance for row in classes if row.motion_reliance is not None]
    if not known:
        return f"Nothing can be said of {words.many}: none stands out by its {words.value} on its own clips."
    if len(known) == 1:
        which = f"The one {words.one} that was probed" if len(classes) == 1 else _one_of(len(classes), words)
        return f"{which} {_loses(known[0], words)} when nothing moves."
    relying = sum(relies_on_motion(row.motion_reliance, row.dissolved_loss, limits) for row in classes)
    changing = sum(value >= limits.motion_reliance for value in known) - relying
    ignoring = sum(value < limits.motion_ignored for value in known)
    return (
        f"Of {len(known)} {words.many}, {relying} rely on motion: they lose at least "
        f"{percent(limits.motion_reliance)} of their {words.value} when nothing moves; {ignoring} lose less than "
        f"{percent(limits.motion_ignored)} of it."
        + (
            f" {changing} more lose as much of it in a still clip, but not where its first frame dissolves into the "
            "last: they need change, and no motion."
            if changing
            else ""
        )
    )


def _one_of(count: int, words: Words) -> str:
    return f"Of {count} {words.many}, one stands out by its {words.value} on its own clips: it"


def _loses(reliance: float, words: Words) -> str:
    """Say which share of a value is gone; a still clip may leave more than all of it, or speak against it."""
    if reliance <= 0:
        return f"loses nothing of its {words.value}"
    if reliance > 1:
        return f"loses all of its {words.value}, and is spoken against,"
    return f"loses {percent(reliance)} of its {words.value}"


def mean_in_words(probes: ModelProbes, words: Words = CLASSES) -> str:
    """Return the mean reliance over all clips with its interval, in one sentence; empty where there is none."""
    mean, low, high = probes.motion_reliance, probes.motion_reliance_low, probes.motion_reliance_high
    if mean is None or low is None or high is None:
        return ""
    return (
        f"On average over the clips, the {words.value} loses {percent(mean)} (95% interval {percent(low)} to "
        f"{percent(high)})."
    )


def kernels_in_words(probes: ModelProbes, limits: Limits) -> str:
    """Return what the kernels' reliance says, in a sentence or two; empty when no kernel was driven enough."""
    silent = sum(len(near_silent_kernels(layer, limits)) for layer in probes.layers.values())
    measured = sum(layer.measured for layer in probes.layers.values()) - silent
    relying = sum(_relying(layer, limits) for layer in probes.layers.values())
    if not measured:
        return ""
    return (
        f"Of {count(measured)} kernels that clips drive, {count(relying)} ({percent(relying / measured)}) lose as much "
        "of their response."
        + (
            f" Not counted: {plural(silent, 'near-silent kernel')}, driven to less than "
            f"{percent(limits.near_silent)} of the layer's median response."
            if silent
            else ""
        )
    )


def near_silent_kernels(layer: LayerProbes, limits: Limits) -> frozenset[int]:
    """Return a layer's kernels that clips drive, but barely: they are in no median, count or ranking of shares."""
    return frozenset(index for index, multiple in enumerate(layer.of_median) if near_silent(multiple, limits))


def _told(layer: LayerProbes, values: Sequence[float | None], limits: Limits) -> list[float]:
    """Return the values, one a kernel, of those kernels of a layer whose shares are told."""
    silent = near_silent_kernels(layer, limits)
    return [value for index, value in enumerate(values) if value is not None and index not in silent]


def _quartiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    if not values:
        return None
    first, middle, third = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return first, middle, third


def _relying(layer: LayerProbes, limits: Limits) -> int:
    silent = near_silent_kernels(layer, limits)
    pairs = enumerate(zip(layer.reliance, layer.dissolved_loss, strict=True))
    return sum(relies_on_motion(*pair, limits) for index, pair in pairs if index not in silent)


def layer_rows(model: ModelView, probes: ModelProbes) -> list[ProbedLayerRow]:
    """Return every probed layer, in the network's order."""
    rows = []
    for layer, found in probes.layers.items():
        frozen, silent = found.left["frozen"], len(near_silent_kernels(found, model.limits))
        left = {name: _told(found, values, model.limits) for name, values in found.kept.items()}
        rows.append(
            ProbedLayerRow(
                title=model.stage_title(layer),
                uri=model.addresses.layer(layer) if layer in model.kernels else "",
                stage=layer in model.run.stages,
                whole=_lost(frozen.whole),
                low=_lost(frozen.whole_high),
                high=_lost(frozen.whole_low),
                quartiles=_quartiles(_told(found, found.reliance, model.limits)),
                relying=_relying(found, model.limits),
                measured=found.measured - silent,
                silent=silent,
                left={name: median(values) if values else None for name, values in left.items()},
            )
        )
    return rows


def _lost(left: float | None) -> float | None:
    return None if left is None else 1 - left


def kernel_rows(model: ModelView, probes: ModelProbes) -> tuple[Excerpt[ProbedKernelRow], Excerpt[ProbedKernelRow]]:
    """Return the convolutions' kernels that rely on motion most, and apart those that clips barely drive.

    They come with their addresses; the second are in the order of the network.
    """
    told: list[tuple[str, int, KernelProbes]] = []
    silent: list[tuple[str, int, KernelProbes]] = []
    for layer, found in probes.layers.items():
        if layer not in model.layers or not model.layers[layer].kind.startswith("Conv"):
            continue
        for index in range(len(found.clip)):
            kernel = kernel_probes(probes, layer, index)
            if kernel and kernel.motion_reliance is not None:
                barely = near_silent(kernel.response_of_median, model.limits)
                (silent if barely else told).append((layer, index, kernel))
    told.sort(key=lambda each: -(each[2].motion_reliance or 0.0))

    def row(each: tuple[str, int, KernelProbes]) -> ProbedKernelRow:
        layer, index, kernel = each
        uri = model.kernel_uri(layer, index)
        return ProbedKernelRow(short_kernel_name(layer, index), uri, model.driver_title(kernel.clip), kernel)

    return Excerpt.of(told, KERNELS_SHOWN).map(row), Excerpt.of(silent, KERNELS_SHOWN).map(row)


def _clip_row(model: ModelView, probes: ClipProbes) -> tuple[str, str, str, ClipProbes]:
    clip = model.clips.get(probes.clip)
    page = model.addresses.clip(probes.clip) if clip else ""
    return (clip.title if clip else probes.clip, page, model.question(probes.target), probes)


def _csv(model: ModelView, records: Sequence[Record]) -> Download | None:
    """Return the file of all kernels, where there is one."""
    for record in records:
        done = record.outcome if isinstance(record.outcome, Done) else None
        if done and done.artifact("kernel_motion", "text"):
            return next((file for file in model.downloads(record) if file.uri.endswith(".csv")), None)
    return None


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model whose motion was probed."""
    for model in report.models:
        records = model.manifest.of("motion")
        if not records:
            continue
        found = model.motion_probes
        classes = tuple(sorted(found.classes, key=lambda row: -(row.motion_reliance or 0.0))) if found else ()
        shown = [
            Interval(model.question(row.target), row.motion_reliance, row.motion_reliance_low, row.motion_reliance_high)
            for row in classes
            if row.motion_reliance is not None
        ]
        drawn = Excerpt.of(shown, CLASSES_DRAWN)
        layers = layer_rows(model, found) if found else []
        kernels, silent = kernel_rows(model, found) if found else (Excerpt(), Excerpt())
        stages = [
            Interval(row.title, row.whole, row.low, row.high) for row in layers if row.stage and row.whole is not None
        ]
        troubles = (trouble(record.job.unit, record.outcome) for record in records)
        missing: list[Trouble] = [item for item in troubles if item]
        yield Page(
            uri=model.addresses.motion,
            title=f"Motion or appearance · {model.title}",
            template="pages/motion.md.j2",
            context={
                "model": model,
                "found": found,
                "sentence": " ".join(
                    filter(
                        None,
                        (
                            verdict_in_words(classes, model.limits, model.words),
                            mean_in_words(found, model.words),
                            kernels_in_words(found, model.limits),
                        ),
                    )
                )
                if found
                else "",
                "classes": [(model.question(row.target), row) for row in classes],
                "chart": charts.intervals(drawn.shown, f"Motion reliance of each {model.words.one}") if shown else None,
                "drawn": drawn,
                "layers": layers,
                "stages_chart": charts.intervals(stages, "Motion reliance of each stage") if stages else None,
                "kernel_count": sum(row.measured for row in layers),
                "threshold": model.limits.motion_reliance,
                "csv": _csv(model, records),
                "notes": list(
                    dict.fromkeys(n for r in records if isinstance(r.outcome, Done) for n in r.outcome.notes)
                ),
                "clips": [_clip_row(model, probes) for probes in model.clip_probes],
                "kernels": kernels,
                "silent": silent,
                "silent_count": sum(row.silent for row in layers),
                "near_silent": model.limits.near_silent,
                "probes": PROBE_TITLES,
                "troubles": missing,
                "records": records,
            },
            sources=tuple(record.key for record in records),
            nav=(model.title,),
            nav_title="Motion or appearance",
            wide=True,
            finder=Found("Motion or appearance", model.title, "freeze shuffle reverse reliance"),
        )
