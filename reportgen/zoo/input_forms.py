"""How a foreign network takes its clip: what is tried, in which order, and what is held to be certain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.call import to_call
from reportgen.networks.trace.arrival import colours_and_frames, first_arrival
from reportgen.records.card import Adapter, ClipSpec
from reportgen.zoo.overrides import merged
from reportgen.zoo.sources import describe, device_of

FAULTS = (
    RuntimeError,
    NotImplementedError,
    TypeError,
    ValueError,
    AssertionError,
    IndexError,
    KeyError,
    AttributeError,
    NetworkError,
)
"""What a network raises on an input that it was not made for."""

_CLIP_SIZES = ((16, 112, 112), (16, 224, 224), (8, 224, 224), (32, 224, 224), (64, 224, 224), (16, 64, 64), (8, 32, 32))
_FRAME_SIZES = ((224, 224), (256, 256), (384, 512), (64, 64), (32, 32))
_KINETICS = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_OF_FOUR_AXES = frozenset({"frame", "stacked_frames"})
BATCH = 3

Given = Mapping[str, Any]
"""The fields of a clip or an adapter that the user said; they are never varied."""


@dataclass(frozen=True)
class Fit:
    """A clip and an adapter with which the network runs, and what it returns for a batch of `BATCH`."""

    clip: ClipSpec
    adapter: Adapter
    output: Any


def find_fit(module: nn.Module, real: Callable[[], nn.Module], clip: Given, adapter: Given) -> Fit | str:
    """Return the first usual clip and form of input that the network takes for certain, or why there is none.

    `module` may lie on the meta device; `real` builds it with values, which the test of colours and frames needs.
    The reason that is returned completes the sentence "... takes no usual clip".
    """
    reasons: list[str] = []
    built: list[nn.Module] = []
    for spec, form in _candidates(module, clip, adapter):
        try:
            output = run(module, spec, form)
        except FAULTS as error:
            reasons.append(f"the first try ended with {describe(error)}")
            continue
        if not all(tensor.shape[:1] == (BATCH,) for _, tensor in leaves(output) if tensor.ndim > 0):
            reasons.append("its output has another number of samples than its input")
            continue
        if "input" in adapter:
            return Fit(spec, form, output)
        built = built or [real()]
        doubt = _doubt(built[0], spec, form)
        if doubt is None:
            return Fit(spec, form, output)
        reasons.insert(0, doubt)
    return reasons[0] if reasons else "there was nothing to try"


def run(module: nn.Module, spec: ClipSpec, form: Adapter, *, frames: int | None = None) -> Any:
    """Return what a network answers to a batch of black clips, of `frames` frames where they are given."""
    channels, native, height, width = spec.shape
    clips = torch.zeros(BATCH, channels, frames or native, height, width, device=device_of(module))
    with torch.no_grad():
        return to_call(clips, form).of(module)


def leaves(output: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    """Yield the tensors of an output with the way to each of them."""
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        for key in output:
            yield from leaves(output[key], (*path, key))
    elif isinstance(output, list | tuple):
        for index, item in enumerate(output):
            yield from leaves(item, (*path, index))


def _doubt(module: nn.Module, spec: ClipSpec, form: Adapter) -> str | None:
    """Return why it is not certain that the network takes clips in this form; None when it is."""
    shape = (1, *spec.shape)
    clips = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device_of(module))
    try:
        reading, arrival = colours_and_frames(lambda given: to_call(given, form).of(module), clips)
    except FAULTS as error:
        return f"a single clip ends with {describe(error)}"
    if arrival is None:
        return "no layer with weights that depends on the clip was found"
    if reading == "mixed":
        return "colours and frames arrive mixed at its first layer"
    if reading == "unseen":
        return "colours and frames could not be followed to its first layer"
    if arrival.dims == 2 and form.input == "clip":
        return "it convolves the frames of a clip one by one, which is not known yet"
    return None


def _candidates(module: nn.Module, clip: Given, adapter: Given) -> Iterator[tuple[ClipSpec, Adapter]]:
    """Yield the inputs to try, the likeliest first: clips of many frames, then single frames."""
    for size in _clip_sizes(clip):
        for form in _forms(adapter, [Adapter(), Adapter(as_list=True), Adapter(input="pathways", strides=(4, 1))]):
            if form.input not in _OF_FOUR_AXES:
                yield _spec(module, form, size, clip), form
    for height, width in _FRAME_SIZES:
        frames = int(clip.get("frames", 1))
        size = (frames, int(clip.get("height", height)), int(clip.get("width", width)))
        forms = _forms(adapter, [Adapter(input="frame"), Adapter(input="stacked_frames")])
        for form in (one for one in forms if one.input in _OF_FOUR_AXES):
            spec = (_stacked if form.input == "stacked_frames" else _spec)(module, form, size, clip)
            # Six channels are two pictures of three colours, not one of six.
            if form.input == "stacked_frames" or (frames == 1 and not _is_stack(spec.channels, clip)):
                yield spec, form


def _is_stack(channels: int, clip: Given) -> bool:
    return channels > 3 and channels % 3 == 0 and "channels" not in clip


def _forms(adapter: Given, templates: list[Adapter]) -> list[Adapter]:
    """Return the forms to try with what the user said in them, each once."""
    found: list[Adapter] = []
    for template in templates:
        form = merged(Adapter, template.model_dump(), adapter, "--adapter")
        found += [form] if form not in found else []
    return found


def _clip_sizes(clip: Given) -> list[tuple[int, int, int]]:
    names = ("frames", "height", "width")
    found = [tuple(int(clip.get(name, value)) for name, value in zip(names, one, strict=True)) for one in _CLIP_SIZES]
    return list(dict.fromkeys((frames, height, width) for frames, height, width in found))


def _stacked(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    """Return a clip of as many frames as its first convolution takes pictures of three colours for channels."""
    wanted = _wanted(module, form, size) or 3
    frames = int(clip.get("frames", wanted // 3 if wanted % 3 == 0 else 1))
    channels = int(clip.get("channels", max(1, wanted // frames)))
    return _with_colours((frames, *size[1:]), channels, clip, _KINETICS)


def _spec(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    channels = int(clip.get("channels", _wanted(module, form, size) or 3))
    return _with_colours(size, channels, clip, _IMAGENET if form.input == "frame" else _KINETICS)


def _wanted(module: nn.Module, form: Adapter, size: tuple[int, int, int]) -> int | None:
    """Return the channels that the first convolution to run takes, where the clip's channels arrive at it as such."""
    clips = torch.zeros(BATCH, 3, *size, device=device_of(module))
    try:
        arrival = first_arrival(lambda given: to_call(given, form).of(module), clips)
    except FAULTS:
        return None
    if arrival is None or arrival.dims == 0:
        return None
    stacked = 3 * size[0] if form.input == "stacked_frames" else 3
    return arrival.wanted if arrival.values.shape[arrival.axis] == stacked else None


def _with_colours(
    size: tuple[int, int, int], channels: int, clip: Given, usual: tuple[tuple[float, ...], tuple[float, ...]]
) -> ClipSpec:
    mean, std = usual if channels == 3 else ((0.5,) * channels, (0.25,) * channels)
    names = ("frames", "height", "width")
    base = {"channels": channels, "mean": mean, "std": std, **dict(zip(names, size, strict=True))}
    return merged(ClipSpec, base, clip, "--clip-spec")


def stated(fit: Fit, clip: Given, adapter: Given) -> list[str]:
    """Say what was assumed about the input, with the flag that says otherwise."""
    notes = []
    spec = fit.clip
    if not {"frames", "height", "width"} <= set(clip):
        notes.append(
            f"Assumed: a clip of {spec.frames} frames of {spec.height}x{spec.width} px, the first usual size that "
            "the network answers to (--clip-spec says otherwise)."
        )
    if not {"mean", "std"} <= set(clip):
        notes.append(
            f"Assumed: pixels from {spec.value_range[0]:g} to {spec.value_range[1]:g}, mean {spec.mean}, "
            f"standard deviation {spec.std}, {spec.channel_order} (--clip-spec says otherwise)."
        )
    if "input" not in adapter:
        kinds = {
            "clip": "a list with one clip" if fit.adapter.as_list else "a clip N C T H W",
            "frame": "single frames N C H W",
            "stacked_frames": f"{spec.frames} frames stacked as channels",
            "pathways": f"a list of clips with temporal strides {fit.adapter.strides}",
        }
        notes.append(f"Assumed: it takes {kinds[fit.adapter.input]} (--adapter says otherwise).")
    return notes
