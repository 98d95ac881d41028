"""What is asked of a network about its input: does it run, do colours and frames arrive apart, does it scale pixels."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from reportgen.networks.core.answer import parts
from reportgen.networks.core.arrival import Reading, colours_and_frames, first_arrival, scale_and_offset
from reportgen.networks.core.call import Arguments, to_call
from reportgen.records.card import Adapter, ClipSpec
from reportgen.zoo.sources import describe, device_of

Given = Mapping[str, Any]
"""The fields of a clip or an adapter that the user said; they are never varied."""

FAULTS = (Exception,)
"""What a network raises on an input that it was not made for: its own code may raise anything, and it is told."""

BATCH = 3

_CLIP_WORDS = ("pixel_values", "pixel_values_videos", "video", "videos", "clip", "clips", "frames", "rgb", "x", "input")
_AS_THEY_ARE = 1e-3  # how far a gain from 1, or an offset from 0, may be from pixels taken as they are
_OF_BYTES = 0.02  # a gain below it divides numbers up to 255
_NONE = 1e-3  # a gain below it says nothing: plain grey vanishes in a difference of frames, or less the clip's mean


@dataclass(frozen=True)
class Arrived:
    """How a clip arrives at a network's first layer: why that is no right pairing (None: it is), and the scaling."""

    doubt: str | None
    reading: Reading = "unseen"
    scale: float = 1.0
    offset: float = 0.0
    dims: int = 0

    @property
    def own_scaling(self) -> tuple[float, float] | None:
        """The range of pixels that a network takes which scales them itself; None when it does not, or nobody knows."""
        if abs(self.scale) < _NONE or (abs(self.scale - 1) < _AS_THEY_ARE and abs(self.offset) < _AS_THEY_ARE):
            return None
        return (0.0, 255.0) if abs(self.scale) < _OF_BYTES else (0.0, 1.0)


def run(module: nn.Module, spec: ClipSpec, form: Adapter, *, clips: int = BATCH) -> Any:
    """Return what a network answers to so many black clips, or as many as a call must hold.

    Raises FAULTS.
    """
    given = torch.zeros(form.batch or clips, *spec.shape, device=device_of(module))
    with torch.no_grad():
        return to_call(given, form).of(module)


def leaves(output: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    """Yield the tensors of an output with the way to each of them."""
    output = parts(output)
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        for key in output:
            yield from leaves(output[key], (*path, key))
    elif isinstance(output, list | tuple):
        for index, item in enumerate(output):
            yield from leaves(item, (*path, index))


def answers(output: Any, form: Adapter, clips: int) -> list[tuple[tuple[int | str, ...], Tensor]]:
    """Return the tensors of an output to a call of so many clips whose first axis is theirs, with the way to each.

    Where rows are frames, they are split into `N T`.
    """
    found = []
    for path, tensor in leaves(output):
        if form.rows == "frames" and tensor.ndim and tensor.shape[0] > clips and tensor.shape[0] % clips == 0:
            found.append((path, tensor.unflatten(0, (clips, -1))))
        elif form.rows == "clips" and tensor.shape[:1] == (clips,):
            found.append((path, tensor))
    return found


def rows_are_clips(module: nn.Module, spec: ClipSpec, form: Adapter) -> bool:
    """Whether the rows of every output to a call are clip by clip, found by changing the call's second clip."""
    held = form.batch or BATCH
    if held == 1:
        return True
    clips = torch.rand((held, *spec.shape), generator=torch.Generator().manual_seed(0)).to(device_of(module))
    changed = clips.clone()
    changed[1] = clips[1].flip(-1, -2).mul(0.7)
    most = 255.0 if form.numbers == "uint8" else 1.0
    with torch.no_grad():
        pair = [answers(to_call(given * most, form).of(module), form, held) for given in (clips, changed)]
    for (_, before), (_, after) in zip(*pair, strict=True):
        differs = (before != after).reshape(held, -1).any(1)
        if differs.tolist() != [number == 1 for number in range(held)]:
            return False
    return bool(pair[0])


def reads_each(module: nn.Module, spec: ClipSpec, form: Adapter) -> bool:
    """Whether the answer depends on each of the tensors that the network is given."""
    clips = torch.rand((form.batch or BATCH, *spec.shape), generator=torch.Generator().manual_seed(0))
    most = 255.0 if form.numbers == "uint8" else 1.0
    given, changed = (to_call(one.mul(most).to(device_of(module)), form) for one in (clips, 1 - clips))
    (own, tree), (others, _) = tree_flatten((given.args, given.kwargs)), tree_flatten((changed.args, changed.kwargs))
    with torch.no_grad():
        before = [tensor for _, tensor in leaves(given.of(module))]
        for number in (place for place, value in enumerate(own) if isinstance(value, Tensor)):
            args, kwargs = tree_unflatten([*own[:number], others[number], *own[number + 1 :]], tree)
            after = [tensor for _, tensor in leaves(Arguments(args, kwargs, form.seed).of(module))]
            if all(torch.equal(one, other) for one, other in zip(before, after, strict=True)):
                return False
    return True


def arrived(module: nn.Module, spec: ClipSpec, form: Adapter) -> Arrived:
    """Return how a clip in this form arrives at the first layer of a network, which must have values."""
    shape = (1, *spec.shape)
    most = 255.0 if form.numbers == "uint8" else 1.0
    clips = torch.rand(shape, generator=torch.Generator().manual_seed(0)).mul(most).to(device_of(module))

    def passed(given: Tensor) -> Any:
        return to_call(given.clone(), form).of(module)  # a network may overwrite its input

    try:
        reading, arrival = colours_and_frames(passed, clips)
        if arrival is None:
            return Arrived("no layer with weights that depends on the clip was found")
        if reading == "mixed":
            return Arrived("colours and frames arrive mixed at its first layer", reading)
        if reading == "unseen":
            return Arrived("colours and frames could not be followed to its first layer")
        return Arrived(None, reading, *scale_and_offset(passed, shape, arrival), arrival.dims)
    except FAULTS as error:
        return Arrived(f"a single clip ends with {describe(error)}")


def wanted_channels(module: nn.Module, form: Adapter, size: tuple[int, int, int]) -> int | None:
    """Return the channels that the first convolution to run takes, where the clip's colours arrive at it as such."""
    clips = torch.zeros(form.batch or BATCH, 3, *size, device=device_of(module))
    try:
        arrival = first_arrival(lambda given: to_call(given, form).of(module), clips)
    except FAULTS:
        return None
    if arrival is None or arrival.dims == 0:
        return None
    stacked = 3 * size[0] if form.input == "stacked_frames" else 3
    return arrival.wanted if arrival.values.shape[arrival.axis] == stacked else None


def required_arguments(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the positional arguments without which the module cannot be called."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = [one for one in _parameters(module) if one.kind in kinds and one.default is inspect.Parameter.empty]
    return tuple(one.name for one in found)


def left_out(module: nn.Module, form: Adapter) -> tuple[str, ...]:
    """Return the names of the arguments that have a default and are not given."""
    known = [one for one in _parameters(module) if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]
    given = 0 if form.keywords else len(form.strides) if form.as_arguments else 1
    named = {*form.keywords, *form.constants}
    return tuple(one.name for one in known[given:] if one.name not in named and one.default is not one.empty)


def keyword_only(module: nn.Module, form: Given) -> tuple[str, ...]:
    """Return the names of the arguments that must be given by name, beside the clip's, and are not."""
    kept = {*form.get("keywords", ()), *form.get("constants", {})}
    word = clip_keyword(module)
    found = [one.name for one in _parameters(module) if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    return tuple(name for name in found if name not in kept and name != word)


def asked_keys(module: nn.Module, spec: ClipSpec) -> tuple[str, ...]:
    """Return the keys that a network looks for in its input, where that is a dictionary; none where it is not."""
    asked = _Asked(torch.zeros(BATCH, *spec.shape, device=device_of(module)))
    word = clip_keyword(module)
    with torch.no_grad(), suppress(*FAULTS):
        module(asked) if word is None else module(**{word: asked})
    return tuple(asked.keys_asked)


class _Asked(dict[str, Tensor]):
    """A dictionary that holds the clip under every key, and notes which are looked for."""

    def __init__(self, clip: Tensor) -> None:
        super().__init__()
        self.clip = clip
        self.keys_asked: dict[str, None] = {}

    def __getitem__(self, key: str) -> Tensor:
        if not isinstance(key, str):
            raise KeyError(key)
        self.keys_asked[key] = None
        return self.clip

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002
        """Return the clip."""
        return self[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str)


def clip_keyword(module: nn.Module) -> str | None:
    """Return the name by which the module must be given its clip; None when it is its first argument."""
    parameters = _parameters(module)
    positional = [one for one in parameters if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    first = next((one for one in positional if one.kind is not inspect.Parameter.VAR_KEYWORD), None)
    if first is not None and (first.default is inspect.Parameter.empty or first.name in _CLIP_WORDS):
        return None
    names = [one.name for one in parameters]
    required = [one.name for one in parameters if one not in positional and one.default is inspect.Parameter.empty]
    return next((word for word in _CLIP_WORDS if word in names), required[0] if len(required) == 1 else None)


def _parameters(module: nn.Module) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        return []
