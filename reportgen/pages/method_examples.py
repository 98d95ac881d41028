"""A picture of this report for each method of the methods page, from the first network that has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reportgen.pages.motion_clips import played_clips
from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, clip_strip, still_strip

ShownExample = tuple[str, Strip]
"""What is seen, and the picture."""


def method_examples(models: Sequence[ModelView]) -> dict[str, list[ShownExample]]:
    """Return the pictures by the anchor of their section; sections of which no network has one are left out."""
    shown: dict[str, list[ShownExample]] = {}
    for section, pictures in _SECTIONS.items():
        found = next((one for model in models if (one := list(pictures(model)))), None)
        if found:
            shown[section] = found
    return shown


def _kernels(model: ModelView) -> Iterator[ShownExample]:
    for view in model.all_kernels[:1]:
        if clip := clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}"):
            yield f"the clip that drives {view.name} most", clip


def _decomposition(model: ModelView) -> Iterator[ShownExample]:
    for view in model.all_kernels:
        parts, motion = view.answer("decomposition"), model.motions.get(view.id.layer)
        texture = still_strip(model.addresses, parts, "texture", f"Still texture of {view.name}")
        moved = motion.strips.get(view.id.index) if motion else None
        if texture and moved:
            yield from ((f"texture of {view.name}", texture), ("its motion", moved))
            return


def _pyramid(model: ModelView) -> Iterator[ShownExample]:
    for view in model.classes("pyramid"):
        roles = dict.fromkeys(artifact.role for artifact in (view.answer.artifacts if view.answer else ()))
        for role in roles:
            if role.startswith("tube.") and not role.endswith("_map"):
                name = role.removeprefix("tube.")
                if clip := clip_strip(model.addresses, view.answer, role, f"Where the kept kernels of {name} answer"):
                    yield f"where the kept kernels of {name} answer, for {model.question(view.target)}", clip
                    return


def _saliency(model: ModelView) -> Iterator[ShownExample]:
    for view in model.classes("saliency"):
        if clip := clip_strip(model.addresses, view.answer, "overlay", f"Saliency for {model.question(view.target)}"):
            yield f"a map for {model.question(view.target)}", clip
            return


def _motion(model: ModelView) -> Iterator[ShownExample]:
    for clip in played_clips(model):
        yield from ((f"{probe.name} {probe.lost}".strip(), probe.clip) for probe in clip.probes)
        return


_SECTIONS: dict[str, Callable[[ModelView], Iterator[ShownExample]]] = {
    "kernels": _kernels,
    "decomposition": _decomposition,
    "pyramid": _pyramid,
    "saliency": _saliency,
    "motion": _motion,
}
