"""What is said of a foreign network's input: what was found, what was assumed, and the option that changes it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from reportgen.records.card import Adapter, ClipSpec
from reportgen.wording import option
from reportgen.zoo.input_forms import Fit
from reportgen.zoo.input_tests import Given, left_out
from reportgen.zoo.input_words import words

_NAMED = 4
"""Arguments that are named of those left at their defaults."""


def stated(fit: Fit, clip: Given, adapter: Given, module: nn.Module) -> list[str]:
    """Say what was found or assumed about the input, with the option that changes it."""
    notes = []
    spec = fit.clip
    if not {"frames", "height", "width"} <= set(clip):
        notes.append(
            f"Assumed: a clip of {_size(spec)}, the first usual size that the network answers to "
            f"(change it with {option('--clip-spec', fields=('frames', 'height', 'width'))})."
        )
    scaling = fit.arrived.own_scaling
    low, high = spec.value_range
    of_pixels = option("--clip-spec", fields=("mean", "std"))
    if not {"mean", "std"} <= set(clip) and (scaling is not None or fit.adapter.numbers == "uint8"):
        why = "it asks for bytes" if fit.adapter.numbers == "uint8" else "it scales them itself"
        notes.append(f"Found: {why}, so its pixels go from {low:g} to {high:g} (change it with {of_pixels}).")
    elif not {"mean", "std"} <= set(clip):
        notes.append(f"Assumed: pixels from {low:g} to {high:g}, {_standard(spec)} (change it with {of_pixels}).")
    notes.append(_paired(fit, {"input", "layout"} & set(adapter)))
    return notes + _held(fit.adapter, left_out(module, fit.adapter))


def _paired(fit: Fit, said: set[str]) -> str:
    if fit.arrived.doubt is not None:
        return f"It was said to take {words(fit.adapter)}; that could not be tested: {fit.arrived.doubt}."
    apart = "each colour and each frame arrives apart at its first layer"
    if fit.adapter.layout == "N C H W T" and not said:
        return (
            f"Assumed: it takes {words(fit.adapter)}; {apart}, and of the usual sizes it takes none as N C T H W "
            f"(change it with {option('--clip-spec', fields=('frames', 'height', 'width'))} and {option('--adapter')})."
        )
    if fit.either is not None and fit.either.layout != fit.adapter.layout:
        return (
            f"Assumed: it takes {words(fit.adapter)}; {apart}, but it takes N C H W T as well, and nothing tells which "
            f"of the three axes is time (change it with {option('--adapter', {'layout': 'N C H W T'})})."
        )
    if fit.either is not None:
        return (
            f"Assumed: it takes {words(fit.adapter)}; {apart}, but it takes them in the other order as well, and "
            "nothing tells which is the slow one (change it with "
            f"{option('--adapter', {'strides': list(fit.either.strides)})})."
        )
    seen = "Tested" if said else "Found"
    return f"{seen}: it takes {words(fit.adapter)}; {apart} (change it with {option('--adapter')})."


def _held(adapter: Adapter, optional: Sequence[str]) -> list[str]:
    """Say what is left out, how many clips a call holds, and how rows are read, where that is not as usual."""
    notes = []
    if optional:
        names = ", ".join(optional[:_NAMED]) + (" and others" if len(optional) > _NAMED else "")
        notes.append(f"Left at their defaults: its arguments {names} ({option('--adapter')} gives them constants).")
    if adapter.batch is not None:
        given = "one clip a call" if adapter.batch == 1 else f"{adapter.batch} clips a call, so each is repeated"
        notes.append(f"Found: it takes {given} (change it with the batch of {option('--adapter')}).")
    if adapter.rows == "frames":
        notes.append(
            "Found: its output has a row for each of a clip's times, clip by clip (change it with "
            f"{option('--adapter')})."
        )
    return notes


def _size(spec: ClipSpec) -> str:
    """Return a clip's size in words."""
    frames = "1 frame" if spec.frames == 1 else f"{spec.frames} frames"
    return f"{frames} of {spec.height}x{spec.width} px"


def _standard(spec: ClipSpec) -> str:
    """Return in words how pixels are standardised, each channel by itself where they differ."""
    if spec.channels != 3:
        return f"mean {spec.mean[0]:g}, standard deviation {spec.std[0]:g}"
    return f"mean {spec.mean}, standard deviation {spec.std}, {spec.channel_order}"
