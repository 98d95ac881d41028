"""What the motion audit tells of layers and kernels: those that clips barely drive stand apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.audit.silence import near_silent
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import short_kernel_name
from reportgen.reading.probes import KernelProbes, kernel_probes
from reportgen.records.answers.motion import LayerProbes, ModelProbes

KERNELS_SHOWN = 300
"""Kernels in the page's table; all are in the file that it links."""


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


def relying_kernels(layer: LayerProbes, limits: Limits) -> int:
    """Return how many of a layer's kernels rely on motion, near-silent ones left out."""
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
                relying=relying_kernels(found, model.limits),
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
