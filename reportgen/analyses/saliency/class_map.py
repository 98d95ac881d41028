"""Grad-CAM: where the last maps of a network speak for a class, laid over the clip where their units look."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.analyses.saliency.way_back import Pass
from reportgen.errors import NetworkError, NoAnswerError
from reportgen.networks.core.classes import asked_logits
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.kernels.arrangement import as_batch
from reportgen.networks.kernels.places import SizedPlaces, UnitPlaces, by_size, following, look_at_several_frames
from reportgen.networks.kernels.preactivation import runs_in_vmap, within_vmap
from reportgen.networks.trace.backward import reached
from reportgen.networks.trace.cuts import named_cuts
from reportgen.networks.trace.known_cuts import known_cuts
from reportgen.networks.trace.seen import Seen
from reportgen.networks.trace.weighing import uses_behind, weighs

_Size = tuple[int, ...]


def class_map(passed: Pass, class_index: int, places: Mapping[str, SizedPlaces]) -> Tensor:
    """Return Grad-CAM's map `1 1 T H W` (or `1 1 H W`) of one clip, of its size, for a class.

    `passed` kept what the layers of `places` returned, which say where the units of each look. A kernel's weight is
    the mean of its gradient over all that its layer does for the clip: all positions, all rows that the clip was folded
    into, all calls that return maps of one size. Maps of several sizes, as of a head that all levels of a feature
    pyramid share, and several layers, each the end of a pathway, are added up in proportion to what a position of each
    adds to the logit. Raises NetworkError for a layer without positions, or of unknown ones.
    """
    clip = passed.clip
    size = tuple(clip.shape[2:]) if clip.ndim == 5 else (1, *clip.shape[2:])
    outputs = {name: one.of(passed.outputs[name]) for name, one in places.items()}
    kept = [output for calls in outputs.values() for output in calls]
    explained = passed.logits[:, class_index].sum()
    slopes_of: Sequence[Tensor | None] = [None] * len(kept)
    if explained.requires_grad:
        slopes_of = torch.autograd.grad(explained, kept, allow_unused=True)
    gradients = iter(slopes_of)
    found = []
    for name, calls in outputs.items():
        own = [next(gradients) for _ in calls]
        if all(slope is None for slope in own):
            raise NetworkError(f"{name} does not lead to the class asked about: choose another layer.")
        # A call that does not lead to the class says nothing of it, and keeps its place.
        maps = [torch.zeros_like(one) if slope is None else one.detach() for one, slope in zip(calls, own, strict=True)]
        slopes = [torch.zeros_like(one) if slope is None else slope for one, slope in zip(maps, own, strict=True)]
        if all(math.prod(one.shape[-2:]) == 1 for one in maps):
            raise NetworkError(
                f"{name} has no map to show ({tuple(maps[0].shape)}): choose a convolution as the layer."
            )
        for own_size in dict.fromkeys(tuple(one.shape[1:]) for one in maps):
            pairs = [pair for pair in zip(maps, slopes, strict=True) if pair[0].shape[1:] == own_size]
            alike, sloped = (torch.cat(ones) for ones in zip(*pairs, strict=True))
            found.append(_laid(name, alike, sloped, places[name].sizes.get(own_size), size))
    most = max(units for _, units in found)
    total = torch.stack([laid * (units / most) for laid, units in found]).sum(0)[None]
    return total if clip.ndim == 5 else total.squeeze(2)


def _laid(name: str, maps: Tensor, gradient: Tensor, places: UnitPlaces | None, size: _Size) -> tuple[Tensor, int]:
    """Return one layer's map `1 T H W`, and how many positions it has."""
    if maps.ndim not in (4, 5):
        raise NetworkError(f"{name} has no map to show ({tuple(maps.shape)}): choose a convolution as the layer.")
    if places is None:
        raise NoAnswerError(f"Where the positions of {name} look in the clip is not known: choose another layer.")
    others = [axis for axis in range(maps.ndim) if axis != 1]
    weights = gradient.mean(dim=others, keepdim=True)
    return places.laid((weights * maps).sum(1, keepdim=True).relu(), size), maps.numel() // maps.shape[1]


@dataclass(frozen=True)
class _Output:
    """One output of a module in a pass: the step of the pass that made it, and its size in time and space.

    It is that of the module's call number `call`. `made_by` are the layers with weights that ran since the call before.
    """

    name: str
    node: Any
    size: _Size
    call: int
    made_by: frozenset[str]


@dataclass(frozen=True)
class _Recorded:
    """A pass: the outputs `R K (T) H W` of all modules, the inner modules' first, and the step of the logits.

    `seen` is what each call of a module returned sees of the clip. `cut_off`: a convolution with a map has no gradient.
    `in_vmap` are the convolutions that run within torch.vmap.
    """

    outputs: Sequence[_Output]
    logits: Any
    seen: Mapping[str, Sequence[Seen]]
    cut_off: bool
    in_vmap: Sequence[str]


def cam_places(network: Network, clip: Tensor) -> dict[str, SizedPlaces]:
    """Return the layers that Grad-CAM reads, the last maps on the ways to the logits, and where their units look.

    Maps are outputs of modules that are as large in space as a convolution's and extend there; those that extend in
    time as well, by an axis or by rows or calls for several frames, come before others of their pathway. A network of
    several pathways has several last ones, of which none leads to another; one that only weighs others, of which it is
    made, is none. Of modules within each other the outermost counts: a block's sum and not one of its branches. A layer
    counts with all of its calls; of a module without weights, such as a rectifier that a network uses at every depth,
    those count that follow the same layers as the last one. Raises NetworkError when there is no such map, or no
    gradient leads to it: then it says what cuts it off.
    """
    passed = _passed(network, clip)
    outputs, logits = passed.outputs, passed.logits
    modules = dict(network.module.named_modules())
    sizes = {o.size for o in outputs if isinstance(modules[o.name], nn.Conv2d | nn.Conv3d) and min(o.size[-2:]) > 1}
    if not sizes and passed.in_vmap:
        raise within_vmap(passed.in_vmap[0])
    if not sizes and passed.cut_off:
        raise _cut_off(network, clip)
    if not sizes:
        raise NoAnswerError(f"{network.name} has no convolution with a map of positions: Grad-CAM does not apply.")
    maps = {output.node: output for output in outputs if output.size in sizes}
    in_frames = {name for name, calls in passed.seen.items() if look_at_several_frames(calls)}
    moving = {n: o for n, o in maps.items() if o.name in in_frames or (len(o.size) == 3 and o.size[0] > 1)}
    chosen = _moving_last(logits, maps, moving)
    still = [node for node in _last(logits, maps) if node not in moving and not reached([node], moving)]
    ends: dict[str, list[_Output]] = {}
    for node in [*chosen, *still]:
        ends.setdefault(maps[node].name, []).append(maps[node])
    if not ends:
        raise _cut_off(network, clip)
    names = dict.fromkeys(output.name for output in outputs if output.name in ends)
    return {name: by_size(passed.seen[name], _meant(modules[name], ends[name], outputs)) for name in names}


def _meant(module: nn.Module, ends: Sequence[_Output], outputs: Sequence[_Output]) -> tuple[int, ...] | None:
    """Return which calls of a module belong to its last ones; None for all of them."""
    if any(True for _ in module.parameters()):
        return None
    lasting = frozenset().union(*(end.made_by for end in ends))
    numbers = {one.call for one in outputs if one.name == ends[0].name and one.made_by & lasting}
    return tuple(sorted(numbers | {end.call for end in ends}))


def _cut_off(network: Network, clip: Tensor) -> NetworkError:
    what = named_cuts(known_cuts(network, clip), "and") or "something in it, such as detach()"
    return NetworkError(
        f"No gradient leads from the classes of {network.name} to a convolution with a map: cut off by {what}. Name a "
        "layer behind that, or ask a method that needs no gradient, such as occlusion."
    )


def _passed(network: Network, clip: Tensor) -> _Recorded:
    """Return a pass, without arithmetic where the network allows that: only what leads where is asked."""
    if network.device.type != "meta":
        with suppress(NetworkError, *REFUSALS):  # it asks for values: then a real pass tells
            return _recorded(network.logits, network, torch.empty_like(clip, device="meta"))
    return _recorded(partial(asked_logits, network), network, clip)


def _recorded(ask: Callable[[Tensor], Tensor], network: Network, clip: Tensor) -> _Recorded:
    found: list[_Output] = []
    seen: dict[str, list[Seen]] = {}
    without: list[str] = []
    in_vmap: list[str] = []
    ran: list[str] = []
    before: dict[str, int] = {}

    def keep(name: str, module: nn.Module, _args: Any, output: Any) -> None:
        made_by = frozenset(ran[before.get(name, 0) :])
        before[name] = len(ran)
        if any(True for _ in module.parameters(recurse=False)):
            ran.append(name)
        if not isinstance(output, Tensor):
            return
        if runs_in_vmap(output):
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                in_vmap.append(name)
            return
        maps = as_batch(module, output)
        seen.setdefault(name, []).append(tracer.known(maps))
        if maps.ndim in (4, 5) and output.grad_fn is not None:
            call = len(seen[name]) - 1
            found.append(_Output(name, output.grad_fn, tuple(maps.shape[2:]), call, made_by))
        elif isinstance(module, nn.Conv2d | nn.Conv3d) and maps.ndim in (4, 5) and min(maps.shape[-2:]) > 1:
            without.append(name)

    asked = clip.detach().clone().requires_grad_()
    with ExitStack() as stack, torch.enable_grad(), following(asked) as tracer:
        for name, module in network.module.named_modules():
            if name:
                stack.callback(module.register_forward_hook(partial(keep, name)).remove)
        logits = ask(asked)
    return _Recorded(found, logits.grad_fn, seen, bool(without), in_vmap)


def _moving_last(logits: Any, maps: Mapping[Any, _Output], moving: dict[Any, _Output]) -> list[Any]:
    """Return what `_last` does of maps that extend in time; those that only weigh maps of single frames leave `moving`.

    So does a gate of three axes between the layers of a network that folds its frames into the batch.
    """
    frames = {node: output for node, output in maps.items() if node not in moving}
    uses = None
    while True:
        chosen = _last(logits, moving)
        made_of = {node: reached([node], frames, through=True) for node in chosen}
        if uses is None and any(made_of.values()):
            uses = uses_behind(logits)
        gates = [node for node in chosen if any(weighs(uses or {}, logits, node, one) for one in made_of[node])]
        if not gates:
            return chosen
        for node in gates:
            del moving[node]


def _last(logits: Any, maps: Mapping[Any, _Output]) -> list[Any]:
    """Return the steps of the maps that come last on some way to the logits and lead to no other such map.

    A map that only weighs another one, of which it is made, is not the last: attention pools the maps that it reads.
    """
    last = reached([logits], maps)
    led_to = {node: reached([node], last, through=True) for node in last}
    uses = uses_behind(logits) if any(led_to.values()) else {}
    last = [node for node in last if not any(weighs(uses, logits, node, source) for source in led_to[node])]
    leading = {node for one in last for node in reached([one], last, through=True)}
    return [node for node in last if node not in leading]
