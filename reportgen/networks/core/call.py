"""From a clip to what a module is called with: normalised, laid out, and passed as its card says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves

from reportgen.errors import NetworkError
from reportgen.networks.core.attributes import attributes_kept, begun_anew
from reportgen.networks.core.bytes import as_bytes
from reportgen.networks.core.checkpoints import nothing_forgotten
from reportgen.networks.core.random_state import drawing_from
from reportgen.records.card import Adapter, ClipSpec

_AXES = {"N": 0, "C": 1, "T": 2, "H": 3, "W": 4}


@dataclass(frozen=True)
class Arguments:
    """The arguments that a module is called with."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None

    def of(self, module: nn.Module, *, until: str = "") -> Any:
        """Return what the module answers when it is as it was before its first call.

        With a `seed`, its random numbers begin with that. The pass may stop at a layer, `until`.
        """
        with begun_anew(module, until):
            return self.next_of(module)

    def next_of(self, module: nn.Module) -> Any:
        """Return what the module answers after the calls before, which may have left something in it."""
        with self._drawing(), nothing_forgotten(), _layer_by_layer():
            return module(*self.args, **self.kwargs)

    def with_state(self, module: nn.Module, state: dict[str, Tensor]) -> Any:
        """Return what the module answers with other parameters and buffers."""
        with self._drawing(), nothing_forgotten(), _layer_by_layer(), attributes_kept(module):
            return functional_call(module, state, self.args, dict(self.kwargs), tie_weights=False)

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Draw torch's random numbers from the seed within the context, and leave the caller's alone."""
        if self.seed is None:
            yield
            return
        tensors = [leaf for leaf in tree_leaves((self.args, dict(self.kwargs))) if isinstance(leaf, Tensor)]
        with drawing_from(self.seed, {one.device for one in tensors}):
            yield


@contextmanager
def _layer_by_layer() -> Iterator[None]:
    """Let torch's transformers run their layers one by one within the context, as they do where a gradient is asked.

    Else a pass without gradients is one operation for a whole encoder layer, in which its layers do not run.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def normalise(clips: Tensor, spec: ClipSpec) -> Tensor:
    """Return clips `N C T H W` from [0, 1] RGB in the value range, channel order, mean and std of `spec`."""
    if clips.ndim != 5 or clips.shape[1] != spec.channels:
        raise NetworkError(f"Clips must be N {spec.channels} T H W, got {tuple(clips.shape)}.")
    low, high = spec.value_range
    if spec.channel_order == "BGR":
        clips = clips.flip(1)
    # Filled on the device: a copy from the host could not be recorded in a CUDA graph.
    mean, std = (
        torch.cat([clips.new_full((1, 1, 1, 1, 1), value) for value in values], dim=1)
        for values in (spec.mean, spec.std)
    )
    return (clips * (high - low) + low - mean) / std


def to_call(clips: Tensor, adapter: Adapter) -> Arguments:
    """Return what the module is called with, for normalised clips `N C T H W`, as the adapter says.

    One clip is given as often as every call must hold clips; raises NetworkError for another number of them.
    """
    parts = [_laid_out(part, adapter) for part in _parts(_as_many(clips, adapter.batch), adapter)]
    passed = _passed(parts, adapter)
    if not adapter.keywords:
        return Arguments(tuple(passed), dict(adapter.constants), adapter.seed)
    if len(adapter.keywords) != len(passed):
        raise NetworkError(f"adapter.keywords names {len(adapter.keywords)} arguments, but there are {len(passed)}.")
    named = dict(zip(adapter.keywords, passed, strict=True))
    return Arguments((), {**adapter.constants, **named}, adapter.seed)


def _passed(parts: list[Tensor], adapter: Adapter) -> list[Any]:
    """Return the arguments that hold the tensors: each by itself, or one that holds them all."""
    if adapter.as_arguments:
        return list(parts)
    if adapter.keys:
        if len(adapter.keys) != len(parts):
            raise NetworkError(f"adapter.keys names {len(adapter.keys)} inputs, but there are {len(parts)}.")
        return [dict(zip(adapter.keys, parts, strict=True))]
    if adapter.as_list or adapter.as_tuple or adapter.input in {"pathways", "frames", "clips"}:
        return [tuple(parts) if adapter.as_tuple else parts]
    return [parts[0]]


def _as_many(clips: Tensor, batch: int | None) -> Tensor:
    if batch is None or len(clips) == batch:
        return clips
    if len(clips) == 1:
        return clips.expand(batch, *clips.shape[1:])
    raise NetworkError(f"The network takes {batch} clips a call, or one that is repeated, got {len(clips)}.")


def _parts(clips: Tensor, adapter: Adapter) -> list[Tensor]:
    """Return the tensors that the network takes, each still `N C T H W`, or one clip of it."""
    if adapter.input == "frame" and clips.shape[2] != 1:
        raise NetworkError(f"A 2D network takes clips of one frame, got {clips.shape[2]} frames.")
    if adapter.input == "pathways":
        return [clips[:, :, ::stride] for stride in adapter.strides or (1,)]
    if adapter.input == "clips":
        return list(clips.split(1))
    return list(clips.split(1, dim=2)) if adapter.input == "frames" else [clips]


def _laid_out(clip: Tensor, adapter: Adapter) -> Tensor:
    """Return one tensor in the order of axes and the type of number that the network takes."""
    if adapter.input == "stacked_frames":
        laid = clip.transpose(1, 2).flatten(1, 2)
    else:
        letters = adapter.layout.split()
        order = [_AXES[letter] for letter in letters if letter != "1"]
        # As a loader would give it: a network that reshapes by `view` takes nothing that is laid out otherwise.
        laid = clip.permute(order).contiguous() if order != sorted(order) or adapter.input != "clip" else clip
        if "1" in letters:
            laid = laid.unsqueeze(letters.index("1"))
        if adapter.input in {"frame", "frames", "clips"}:
            laid = laid.squeeze(letters.index("N" if adapter.input == "clips" else "T"))
    return as_bytes(laid) if adapter.numbers == "uint8" else laid


def ghosts(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module on the meta device: their shapes without their values.

    Each has one name for each module that holds it: what two modules share has two, and a module that is registered
    twice counts once, for a parameter that is exchanged twice would not come back.
    """
    made: dict[int, Tensor] = {}
    found = {}
    for owner, part in module.named_modules():
        for name, value in (*part.named_parameters("", False), *part.named_buffers("", False)):
            if id(value) not in made:
                with _disable_current_modes():  # whoever observes the pass follows the values by the one step after it
                    bare = value.detach()
                made[id(value)] = bare.to("meta")
            found[f"{owner}.{name}" if owner else name] = made[id(value)]
    return found
