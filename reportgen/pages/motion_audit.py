"""Motion or appearance: what is left of each class and kernel when a clip's motion is taken away or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.pages import charts
from reportgen.pages.charts import Interval
from reportgen.pages.page import Page
from reportgen.pages.probes import PROBES, ClassProbes, ClipProbes, KernelProbes
from reportgen.pages.report import ModelView, Report, Trouble, trouble

KERNELS_SHOWN = 300


@dataclass(frozen=True)
class KernelRow:
    """A kernel's figures with the address of its page."""

    name: str
    uri: str
    clip: str
    probes: KernelProbes


def verdict_in_words(classes: tuple[ClassProbes, ...]) -> str:
    """Return what the classes' reliance says, in one sentence."""
    known = [row.motion_reliance for row in classes if row.motion_reliance is not None]
    if not known:
        return "Nothing can be said: no class has a positive logit on its own clips."
    needing = sum(value >= 0.5 for value in known)
    ignoring = sum(value < 0.1 for value in known)
    return (
        f"Of {len(known)} classes, {needing} lose at least half of their logit when nothing moves, "
        f"and {ignoring} lose less than a tenth of it."
    )


def kernel_rows(model: ModelView) -> list[KernelRow]:
    """Return the kernels that were probed, those that rely on motion most first."""
    rows = []
    for view in model.all_kernels:
        probes = model.motion_probes.kernels.get(str(view.id)) if model.motion_probes else None
        if probes:
            clip = model.clips[probes.clip].title if probes.clip in model.clips else probes.clip
            rows.append(KernelRow(view.name, view.uri, clip, probes))
    return sorted(rows, key=lambda row: -(row.probes.motion_reliance or 0.0))[:KERNELS_SHOWN]


def _clip_row(model: ModelView, probes: ClipProbes) -> tuple[str, str, str, ClipProbes]:
    clip = model.clips.get(probes.clip)
    page = model.addresses.clip(probes.clip) if clip else ""
    return (clip.title if clip else probes.clip, page, model.label(probes.class_index), probes)


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model whose motion was probed."""
    for model in report.models:
        records = model.manifest.of("motion")
        if not records:
            continue
        found = model.motion_probes
        classes = tuple(sorted(found.classes, key=lambda row: -(row.motion_reliance or 0.0))) if found else ()
        shown = [
            Interval(
                model.label(row.class_index), row.motion_reliance, row.motion_reliance_low, row.motion_reliance_high
            )
            for row in classes
            if row.motion_reliance is not None
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
                "sentence": verdict_in_words(classes) if found else "",
                "classes": [(model.label(row.class_index), row) for row in classes],
                "chart": charts.intervals(shown, "Motion reliance of each class") if shown else None,
                "clips": [_clip_row(model, probes) for probes in model.clip_probes],
                "kernels": kernel_rows(model),
                "probes": PROBES,
                "troubles": missing,
                "records": records,
            },
            sources=tuple(record.key for record in records),
            nav=(model.title,),
            nav_title="Motion or appearance",
            wide=True,
        )
