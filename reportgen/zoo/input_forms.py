"""How a foreign network takes its clip: what is tried, in which order, and what is held to be certain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from torch import nn

from reportgen.errors import OptionError
from reportgen.records.card import Adapter, ClipSpec
from reportgen.zoo.input_tests import (
    BATCH,
    FAULTS,
    Arrived,
    arrived,
    clip_keyword,
    leaves,
    required_arguments,
    run,
    wanted_channels,
)
from reportgen.zoo.overrides import merged
from reportgen.zoo.sources import describe

_CLIP_SIZES = ((16, 112, 112), (16, 224, 224), (8, 224, 224), (32, 224, 224), (64, 224, 224), (16, 64, 64), (8, 32, 32))
_FRAME_SIZES = ((224, 224), (256, 256), (384, 512), (64, 64), (32, 32))
_KINETICS = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LAYOUTS = ("N C T H W", "N T C H W", "N T H W C")
_OF_FOUR_AXES = frozenset({"frame", "stacked_frames"})

Given = Mapping[str, Any]
"""The fields of a clip or an adapter that the user said; they are never varied."""


@dataclass(frozen=True)
class Fit:
    """A clip and an adapter with which the network runs, and what it returns for a batch of `BATCH`."""

    clip: ClipSpec
    adapter: Adapter
    output: Any
    arrived: Arrived


def find_fit(module: nn.Module, real: Callable[[], nn.Module], clip: Given, adapter: Given) -> Fit | str:
    """Return the first usual clip and form of input that the network takes for certain, or why there is none.

    `module` may lie on the meta device; `real` builds it with values, which the test of colours and frames needs.
    A form that the user said is believed where the test cannot tell, and refused with OptionError where another one
    passes it. The reason that is returned completes the sentence "... takes no usual clip".
    """
    names = required_arguments(module)
    if len(names) > 1 and not {"as_arguments", "keywords", "constants"} & set(adapter):
        return f"it takes {len(names)} inputs ({', '.join(names)})"
    said = {"input", "layout"} & set(adapter)
    reasons: list[str] = []
    believed: Fit | None = None
    built: list[nn.Module] = []
    for spec, form in _candidates(module, clip, adapter):
        try:
            output = run(module, spec, form)
        except FAULTS as error:
            reasons.append(_fixed_batch(module, spec, form) or f"the first try ended with {describe(error)}")
            continue
        if not any(tensor.shape[:1] == (BATCH,) for _, tensor in leaves(output)):
            reasons.append(
                _fixed_batch(module, spec, form) or "its output has another number of samples than its input"
            )
            continue
        built = built or [real()]
        found = arrived(built[0], spec, form)
        if found.doubt is None:
            return _scaled(Fit(spec, form, output, found), clip)
        reasons.insert(0, found.doubt)
        believed = believed or (Fit(spec, form, output, found) if said else None)
    if believed is None:
        fixed = (reason for reason in reasons if "at once" in reason)
        return next(fixed, reasons[0]) if reasons else "there was nothing to try"
    if believed.arrived.reading == "mixed":
        other = _another(module, built[0], believed, clip, adapter)
        if other is not None:
            raise OptionError(f"--adapter says that it takes {words(believed.adapter)}, but it takes {words(other)}.")
    return believed


def _fixed_batch(module: nn.Module, spec: ClipSpec, form: Adapter) -> str | None:
    """Say that a network answers to one clip at a time and no more, where it does."""
    try:
        output = run(module, spec, form, batch=1)
    except FAULTS:
        return None
    if not any(tensor.shape[:1] == (1,) for _, tensor in leaves(output)):
        return None
    return f"it answers to one clip, but not to {BATCH} at once, which is needed: let it take any number of clips"


def _another(module: nn.Module, built: nn.Module, fit: Fit, clip: Given, adapter: Given) -> Adapter | None:
    """Return another form than the one that was said, with which colours and frames do arrive apart."""
    fields = {name: value for name, value in adapter.items() if name not in {"layout", "input"}}
    for spec, form in _candidates(module, clip, fields):
        try:
            run(module, spec, form)
        except FAULTS:
            continue
        if spec.frames == fit.clip.frames and arrived(built, spec, form).doubt is None:
            return form
    return None


def _candidates(module: nn.Module, clip: Given, adapter: Given) -> Iterator[tuple[ClipSpec, Adapter]]:
    """Yield the inputs to try, the likeliest first: clips of many frames, then single frames, then clips of one."""
    keyword = {} if (word := clip_keyword(module)) is None else {"keywords": (word,)}
    clips = [Adapter.model_validate({"layout": layout, "numbers": numbers, **keyword}) for numbers, layout in _ORDERS]
    lists = [Adapter(as_list=True), Adapter(as_list=True, layout="N T C H W")]
    lists.append(Adapter(input="pathways", strides=(4, 1)))
    sizes = _sizes(clip)
    for size in (one for one in sizes if one[0] > 1):
        for form in _forms(adapter, clips + lists):
            if form.input not in _OF_FOUR_AXES:
                yield _spec(module, form, size, clip), form
    yield from _frames(module, clip, adapter, keyword)
    for size in dict.fromkeys((int(clip.get("frames", 1)), *size[1:]) for size in sizes):
        for form in _forms(adapter, clips[:3] + lists[:2]):
            if form.input not in _OF_FOUR_AXES and size[0] == 1:
                yield _spec(module, form, size, clip), form


_ORDERS = tuple(product(("float32", "uint8"), _LAYOUTS))


def _frames(module: nn.Module, clip: Given, adapter: Given, keyword: Given) -> Iterator[tuple[ClipSpec, Adapter]]:
    orders = [(numbers, layout) for numbers, layout in _ORDERS if layout != "N T C H W"]
    forms = [
        Adapter.model_validate({"input": "frame", "layout": layout, "numbers": numbers, **keyword})
        for numbers, layout in orders
    ]
    forms.append(Adapter.model_validate({"input": "stacked_frames", **keyword}))
    frames = int(clip.get("frames", 1))
    for height, width in _FRAME_SIZES:
        size = (frames, int(clip.get("height", height)), int(clip.get("width", width)))
        for form in (one for one in _forms(adapter, forms) if one.input in _OF_FOUR_AXES):
            spec = (_stacked if form.input == "stacked_frames" else _spec)(module, form, size, clip)
            # Six channels are two pictures of three colours, not one of six.
            if form.input == "stacked_frames" or (frames == 1 and not _is_stack(spec.channels, clip)):
                yield spec, form


def _is_stack(channels: int, clip: Given) -> bool:
    return channels > 3 and channels % 3 == 0 and "channels" not in clip


def _forms(adapter: Given, templates: list[Adapter]) -> list[Adapter]:
    """Return the forms to try with what the user said in them, each once."""
    found: list[Adapter] = []
    stacked = adapter.get("input") == "stacked_frames"
    for template in templates:
        base = template.model_dump() | ({"layout": "N C T H W"} if stacked else {})
        form = merged(Adapter, base, adapter, "--adapter")
        found += [form] if form not in found else []
    return found


def _sizes(clip: Given) -> list[tuple[int, int, int]]:
    names = ("frames", "height", "width")
    found = [tuple(int(clip.get(name, value)) for name, value in zip(names, one, strict=True)) for one in _CLIP_SIZES]
    return list(dict.fromkeys((frames, height, width) for frames, height, width in found))


def _stacked(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    """Return a clip of as many frames as its first convolution takes pictures of three colours for channels."""
    wanted = wanted_channels(module, form, size) or 3
    frames = int(clip.get("frames", wanted // 3 if wanted % 3 == 0 else 1))
    channels = int(clip.get("channels", max(1, wanted // frames)))
    return _with_colours(form, (frames, *size[1:]), channels, clip, _KINETICS)


def _spec(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    channels = int(clip.get("channels", wanted_channels(module, form, size) or 3))
    return _with_colours(form, size, channels, clip, _IMAGENET if form.input == "frame" else _KINETICS)


def _with_colours(
    form: Adapter,
    size: tuple[int, int, int],
    channels: int,
    clip: Given,
    usual: tuple[tuple[float, ...], tuple[float, ...]],
) -> ClipSpec:
    mean, std = usual if channels == 3 else ((0.5,) * channels, (0.25,) * channels)
    base: dict[str, Any] = {"channels": channels, "mean": mean, "std": std}
    if form.numbers == "uint8":
        base |= {"mean": (0.0,) * channels, "std": (1.0,) * channels, "value_range": (0.0, 255.0)}
    base |= dict(zip(("frames", "height", "width"), size, strict=True))
    return merged(ClipSpec, base, clip, "--clip-spec")


def _scaled(fit: Fit, clip: Given) -> Fit:
    """Return the fit with pixels as the network wants them that scales them itself."""
    scaling = fit.arrived.own_scaling
    if scaling is None or fit.adapter.numbers == "uint8" or {"mean", "std", "value_range"} & set(clip):
        return fit
    channels = fit.clip.channels
    plain = {"mean": (0.0,) * channels, "std": (1.0,) * channels, "value_range": scaling}
    return replace(fit, clip=fit.clip.model_copy(update=plain))


def words(form: Adapter) -> str:
    """Return in words how a network takes its clip."""
    frame = form.layout.replace(" T", "")
    kinds = {
        "clip": f"a clip {form.layout}",
        "frame": f"single frames {frame}",
        "frames": f"its frames, each {frame},",
        "stacked_frames": "frames stacked as channels, N (T C) H W",
        "pathways": f"clips {form.layout} with temporal strides {form.strides}",
    }
    text = kinds[form.input] + (" of bytes" if form.numbers == "uint8" else "")
    if form.as_arguments:
        text += " as arguments of their own"
    elif form.as_list or form.input in {"frames", "pathways"}:
        text += " in a list"
    return text + (f", by the keyword {' and '.join(form.keywords)}" if form.keywords else "")


def stated(fit: Fit, clip: Given, adapter: Given) -> list[str]:
    """Say what was found or assumed about the input, with the flag that says otherwise."""
    notes = []
    spec = fit.clip
    if not {"frames", "height", "width"} <= set(clip):
        notes.append(
            f"Assumed: a clip of {spec.frames} frames of {spec.height}x{spec.width} px, the first usual size that "
            "the network answers to (--clip-spec says otherwise)."
        )
    scaling = fit.arrived.own_scaling
    low, high = spec.value_range
    if not {"mean", "std"} <= set(clip) and (scaling is not None or fit.adapter.numbers == "uint8"):
        why = "it asks for bytes" if fit.adapter.numbers == "uint8" else "it scales them itself"
        notes.append(f"Found: {why}, so its pixels go from {low:g} to {high:g} (--clip-spec says otherwise).")
    elif not {"mean", "std"} <= set(clip):
        notes.append(
            f"Assumed: pixels from {low:g} to {high:g}, mean {spec.mean}, standard deviation {spec.std}, "
            f"{spec.channel_order} (--clip-spec says otherwise)."
        )
    notes.append(_paired(fit, {"input", "layout"} & set(adapter)))
    return notes


def _paired(fit: Fit, said: set[str]) -> str:
    if fit.arrived.doubt is not None:
        return f"It was said to take {words(fit.adapter)}; that could not be tested: {fit.arrived.doubt}."
    found = "Tested" if said else "Found"
    return (
        f"{found}: it takes {words(fit.adapter)}; each colour and each frame arrives apart at its first layer "
        "(--adapter says otherwise)."
    )
