"""A class as somebody names it: by name, by index, or the one that the network says."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.errors import NetworkError, UnknownNameError, unknown_name
from reportgen.networks.core.network import Network
from reportgen.networks.core.precision import FOLLOW_THE_WEIGHTS
from reportgen.networks.core.refusals import refusals_told

_REDUCED = ("Half", "BFloat16", "Float8")
"""What torch calls the precisions that networks are not asked in."""

ClassLike: TypeAlias = int | str | np.integer[Any] | NDArray[Any] | Tensor
"""A class by its name or its index, from 0: Python's, NumPy's or a tensor of one integer."""


def class_index(network: Network, wanted: ClassLike, labels: Sequence[str] | None = None) -> int:
    """Return the index of a class given by index or name; raises UnknownNameError with the nearest names.

    A text of digits is an index where no class is called so.
    """
    names = list(labels if labels is not None else network.labels)
    count = network.card.classes if network.card and network.card.classes else len(names)
    return _index(wanted, names, count or None)


def explained_class(network: Network, wanted: ClassLike | None, logits: Tensor) -> int:
    """Return the index of the class that a call is about; None is the one that the network says of all its clips.

    `logits` `N K` are those of the clips. Raises UnknownNameError with the nearest names, NetworkError when the class
    is not said and the network says several.
    """
    count = logits.shape[1]
    if wanted is None:
        said = logits.argmax(1).unique().tolist()
        if len(said) > 1:
            raise NetworkError(f"The clips are of the classes {said}: name one, or pass the clips one by one.")
        return int(said[0])
    return _index(wanted, list(network.labels) if len(network.labels) == count else [], count)


def clip_logits(network: Network, clips: Tensor) -> Tensor:
    """Return the class logits `N K` of clips `N C T H W`, one at a time, without a gradient.

    Raises NetworkError when the network cannot take the clips or what it answers is not finite.
    """
    with torch.no_grad():
        return torch.cat([asked_logits(network, clip) for clip in clips.split(1)])


def asked_logits(network: Network, clips: Tensor) -> Tensor:
    """Return the class logits `N K` of one call, which lead back to clips that ask for a gradient.

    Errors as for `clip_logits`.
    """
    with taken(network, clips.shape):
        found = network.logits(clips)
    if not found.isfinite().all():
        raise NetworkError(f"The logits of {network.name} are not finite on this clip: check the weights.")
    return found


def taken(network: Network, shape: Sequence[int]) -> AbstractContextManager[None]:
    """Let it be a sentence that the network cannot take clips of this shape; raises NetworkError."""
    return refusals_told(
        lambda why: f"{network.name} cannot take clips of the shape {tuple(shape)} ({why}): {_advice(network, why)}."
    )


def _advice(network: Network, why: str) -> str:
    if any(precision in why for precision in _REDUCED):
        return f"{FOLLOW_THE_WEIGHTS}, for they are asked in float32"
    if network.card is None:
        return "Network.from_module(module) finds out how a module takes a clip, or its `adapter` says it"
    return f"it takes C T H W {' '.join(map(str, network.card.clip.shape))}"


def _index(wanted: ClassLike, names: list[str], count: int | None) -> int:
    """Return the index of a class among `count` (None: not known) with these names."""
    if isinstance(wanted, str):
        if wanted in names:
            return _only(wanted, names)
        lowered = [name.lower() for name in names]
        if lowered.count(wanted.lower()) == 1:
            return lowered.index(wanted.lower())
        if not wanted.strip().isdecimal():
            if names:
                raise unknown_name("class", wanted, names)
            raise UnknownNameError(f"There is no class named {wanted!r}: the network has no labels, so give an index.")
        index = int(wanted)
    else:
        index = _integer(wanted)
    if index < 0 or (count is not None and index >= count):
        raise unknown_name("class", str(index), [f"0 to {count - 1}" if count else "0 and up"])
    return index


def _only(name: str, names: Sequence[str]) -> int:
    """Return the one place of a name; raises UnknownNameError where several classes are called so."""
    places = [place for place, other in enumerate(names) if other == name]
    if len(places) > 1:
        raise UnknownNameError(f"There are {len(places)} classes named {name!r} ({places[:6]}): give the index of one.")
    return places[0]


def _integer(wanted: Any) -> int:
    whole = wanted.reshape(-1) if isinstance(wanted, Tensor | np.ndarray) else None
    try:
        value: Any = wanted if whole is None else whole[0].item() if len(whole) == 1 else None
        value = None if isinstance(value, bool | np.bool_) else value
        return operator.index(value)
    except TypeError as error:
        raise UnknownNameError(
            f"A class is a name or one whole number, and not {type(wanted).__name__} {str(wanted)[:40]}."
        ) from error
