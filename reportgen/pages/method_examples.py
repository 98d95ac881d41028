"""A picture of this report for each method of the methods page, from the first network that has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reportgen.audit.headline import headline
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.moving import moving_texture, stands_still
from reportgen.pages.motion import own_motion
from reportgen.pages.motion_clips import played_clips
from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, clip_strip, still_strip, strip
from reportgen.reading.format import number, short_kernel_name
from reportgen.reading.views import KernelView
from reportgen.records.answers.responses import ResponsesAnswer
from reportgen.records.identities import KernelId, slug
from reportgen.records.jobs import Done

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
    for view in _most_telling(model)[:1]:
        if clip := clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}"):
            yield f"the clip that drives {view.name} most", clip


def _most_telling(model: ModelView) -> list[KernelView]:
    """Return the kernels, those whose clip is one moving texture first and plain ones, which show nothing, last."""

    def rank(view: KernelView) -> int:
        found = moving_texture(view.figures, model.limits)
        return 0 if found and not stands_still(view.figures, model.limits) else 1 if found is not None else 2

    return sorted(model.all_kernels, key=rank)


def _decomposition(model: ModelView) -> Iterator[ShownExample]:
    for view in _most_telling(model):
        parts, motion = view.answer("decomposition"), model.motions.get(view.id.layer)
        texture = still_strip(model.addresses, parts, "texture", f"Still texture of {view.name}")
        moved, _ = own_motion(motion, view.id.index)
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


def _headlines(model: ModelView) -> Iterator[ShownExample]:
    for view in model.all_kernels:
        clip = clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}")
        if clip:
            yield f"{view.name}. {headline(view.figures, model.limits).claim}", clip
            return


def _multiscale(model: ModelView) -> Iterator[ShownExample]:
    for record in model.manifest.of("multiscale"):
        done = record.outcome if isinstance(record.outcome, Done) else None
        alt = f"Multi-scale picture of {record.job.unit}"
        grown = clip_strip(model.addresses, done, "multiscale", alt) or still_strip(
            model.addresses, done, "multiscale", alt
        )
        if grown:
            yield f"the clip that grew for {_named(record.job.unit)}", grown
            return


def _named(unit: str) -> str:
    kernel = KernelId.parse(unit)
    return short_kernel_name(kernel.layer, kernel.index)


def _evidence(model: ModelView) -> Iterator[ShownExample]:
    for view in model.all_kernels:
        best = model.evidence.best(view.id.layer, view.id.index)
        shown = _clip(model, best.clip) if best else None
        if best and shown:
            yield f"the reference clip that drives {view.name} most, response {number(best.value)}", shown
            return


def _path(model: ModelView) -> Iterator[ShownExample]:
    """The two clips whose ways through the network are compared: the synthetic one and a reference clip."""
    for view in model.all_kernels:
        best = model.evidence.best(view.id.layer, view.id.index)
        real = _clip(model, best.clip) if best else None
        made = clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}")
        verdict = next((one for one in kernel_verdicts(view.figures, model.limits) if one.name == "natural path"), None)
        if made and real and verdict and verdict.state != "untested":
            yield f"the synthetic clip of {view.name}; natural path: {verdict.word}, {verdict.figure}", made
            yield "the reference clip that drives it most", real
            return


def _concepts(model: ModelView) -> Iterator[ShownExample]:
    for concept in model.concepts:
        for leading in concept.answer.leading:
            for place, value in leading.clips:
                if shown := _clip(model, concept.answer.names[place]):
                    kernel = short_kernel_name(leading.layer, leading.index)
                    yield f"a clip of {concept.name} that drives {kernel}, response {number(value)}", shown
                    return


def _weight_gradients(model: ModelView) -> Iterator[ShownExample]:
    found = model.importance
    own = (record for record in model.manifest.of("weight_gradients") if record.job.unit == model.run.model)
    done = next((record.outcome for record in own if isinstance(record.outcome, Done)), None)
    for place, one in enumerate(found.classes if found else ()):
        for layer in one.layers:
            alt = f"Importance of the filters of {layer} for {one.title}"
            if tiles := still_strip(model.addresses, done, slug(f"tiles.{place}.published.{layer}"), alt):
                yield f"the filters of {model.stage_title(layer)} by their importance for {one.title}", tiles
                return


def _responses(model: ModelView) -> Iterator[ShownExample]:
    for record in model.manifest.of("responses"):
        answer = model.answer(record, ResponsesAnswer)
        if answer and (shown := _clip(model, answer.clip)):
            yield f"the clip to which the maps of {model.stage_title(answer.layer)} answer", shown
            return


def _clip(model: ModelView, name: str) -> Strip | None:
    facts = model.clips.get(name)
    return strip(model.addresses, facts.clip, facts.poster, f"Reference clip {facts.title}") if facts else None


_SECTIONS: dict[str, Callable[[ModelView], Iterator[ShownExample]]] = {
    "kernels": _kernels,
    "multiscale": _multiscale,
    "decomposition": _decomposition,
    "headlines": _headlines,
    "pyramid": _pyramid,
    "saliency": _saliency,
    "evidence": _evidence,
    "path": _path,
    "concepts": _concepts,
    "weight-gradients": _weight_gradients,
    "responses": _responses,
    "motion": _motion,
}
