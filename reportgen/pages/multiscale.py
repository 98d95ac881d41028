"""Multi-scale filters: a page per layer with the pictures that grew, as the VGG-16 article shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.outputs.model import Column, Table, columns
from reportgen.pages.downloads import Download
from reportgen.pages.kernel import response_words
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, clip_strip, still_strip
from reportgen.reading.format import number
from reportgen.reading.views import Trouble, trouble
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.multiscale import MultiscaleAnswer
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done, Record

MEASURED_ON = {
    "whole": "all of it",
    "part": "its middle part",
    "enlarged": "enlarged to that size, since its last size is smaller",
}
"""What of a grown picture is measured on a clip of the network's own size."""

_LARGE = 160


@dataclass(frozen=True)
class Compared:
    """The picture of activation maximisation beside a grown one, and which of them the kernel responds to more."""

    strip: Strip | None
    value: float | None
    sentence: str


@dataclass(frozen=True)
class GrownKernel:
    """One kernel on the page: its picture, the strip of its sizes, and what it reaches."""

    index: int
    uri: str
    answer: MultiscaleAnswer
    picture: Strip | None
    growth: Strip | None
    compared: Compared | None
    notes: tuple[str, ...]
    downloads: list[Download]

    @property
    def smooth(self) -> bool:
        """Whether the picture has more px than a tile, and is not to be shown px by px."""
        return self.picture is not None and self.picture.width > _LARGE

    @property
    def steps(self) -> list[tuple[str, float | None]]:
        """The response to the noise, and at the end of each size, by the size in words."""
        sizes = [_size(shape) for shape in self.answer.shapes]
        return list(zip(["noise", *sizes], self.answer.activations, strict=False))

    @property
    def sizes(self) -> Table:
        """The response at the end of each size, as a table."""
        return Table(
            f"sizes-{self.index}",
            f"Response of kernel {self.index} at each size",
            columns("Size", Column("Response", "number")),
            tuple(self.steps),
        )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per layer of which pictures were grown."""
    for model in report.models:
        for layer, records in _by_layer(model).items():
            kernels = [kernel for record in records if (kernel := _grown_kernel(model, record))]
            troubles = [(_id(record).index, found) for record in records if (found := _trouble(record))]
            yield Page(
                uri=model.addresses.multiscale(layer),
                title=f"Multi-scale filters: {model.stage_title(layer)} · {model.title}",
                template="pages/multiscale.md.j2",
                context={
                    "model": model,
                    "layer": layer,
                    "kernels": kernels,
                    "schedule": kernels[0].answer if kernels else None,
                    "sizes": _schedule(kernels[0].answer) if kernels else "",
                    "native": _size(model.run.card.clip.shape[1:]),
                    "measured": _measured(kernels[0].answer) if kernels else "",
                    "response": response_words(model.run.card, layer, kernels[0].answer) if kernels else "",
                    "notes": tuple(dict.fromkeys(note for kernel in kernels for note in kernel.notes)),
                    "troubles": troubles,
                },
                sources=tuple(record.key for record in records),
                nav=(model.title, "Multi-scale filters"),
                nav_title=model.stage_title(layer),
                wide=True,
                finder=Found(
                    f"Multi-scale filters: {model.stage_title(layer)}", f"pictures of {model.title}", f"scales {layer}"
                ),
                blocks=tuple(kernel.sizes for kernel in kernels),
            )


def _by_layer(model: ModelView) -> dict[str, list[Record]]:
    """Return the records of each layer, in the network's order, kernels by index."""
    found: dict[str, list[Record]] = {}
    for record in model.manifest.of("multiscale"):
        if record.job.unit != model.run.model:  # skipped as a whole
            found.setdefault(_id(record).layer, []).append(record)
    order = {layer.name: layer.order for layer in model.run.layers}
    layers = sorted(found, key=lambda layer: order.get(layer, len(order)))
    return {layer: sorted(found[layer], key=lambda record: _id(record).index) for layer in layers}


def _id(record: Record) -> KernelId:
    return KernelId.parse(record.job.unit)


def _trouble(record: Record) -> Trouble | None:
    return trouble("Multi-scale picture", record.outcome)


def _grown_kernel(model: ModelView, record: Record) -> GrownKernel | None:
    answer = model.answer(record, MultiscaleAnswer)
    done = record.outcome
    if answer is None or not isinstance(done, Done):
        return None
    identity = _id(record)
    alt = f"What kernel {identity.index} of {identity.layer} looks for, grown through {len(answer.shapes)} sizes"
    own = clip_strip(model.addresses, done, "multiscale", alt) or still_strip(model.addresses, done, "multiscale", alt)
    return GrownKernel(
        index=identity.index,
        uri=model.addresses.kernel(identity),
        answer=answer,
        picture=own,
        growth=still_strip(model.addresses, done, "growth", f"Kernel {identity.index} at each size"),
        compared=_compared(model, identity, answer),
        notes=done.notes,
        downloads=model.downloads(record),
    )


def _compared(model: ModelView, identity: KernelId, answer: MultiscaleAnswer) -> Compared | None:
    """Return the picture of activation maximisation, where this run made one of the same kernel and response."""
    view = next((view for view in model.kernels.get(identity.layer, ()) if view.id == identity), None)
    other = model.answer(view.stage1, KernelAnswer) if view else None
    if view is None or other is None or other.objective != answer.objective:
        return None
    alt = f"Activation maximisation of kernel {identity.index} of {identity.layer}"
    strip = clip_strip(model.addresses, view.answer("kernels"), "stage1", alt)
    return Compared(strip, other.activation, _which_more(answer.native_activation, other.activation))


def _which_more(grown: float | None, maximised: float | None) -> str:
    """Say which of two responses is larger, and how many times where a ratio means something."""
    if grown is None or maximised is None:
        return "Which of the two reaches more is not known."
    more, less = max(grown, maximised), min(grown, maximised)
    if number(more) == number(less):
        return f"Both reach {number(more)}."
    which = "The multi-scale picture" if grown > maximised else "Activation maximisation"
    times = f", {number(more / less)} times as much" if less > 0 else ""
    return f"{which} reaches more: {number(more)} against {number(less)}{times}."


def _size(shape: tuple[int, ...]) -> str:
    """Return (T, H, W) in words, without the frames of a still picture."""
    frames, height, width = shape
    return f"{width}×{height} px" if frames == 1 else f"{frames} frames of {width}×{height} px"


def _schedule(answer: MultiscaleAnswer) -> str:
    """Return the shorter sides of all sizes, and the frames where there are any, as a list."""
    return ", ".join(str(min(h, w)) if answer.shapes[-1][0] == 1 else f"{min(h, w)} ({t})" for t, h, w in answer.shapes)


def _measured(answer: MultiscaleAnswer) -> str:
    return MEASURED_ON[answer.measured_on]
