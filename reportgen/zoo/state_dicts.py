"""Which dictionary of a checkpoint holds the weights: a file may hold several, and much beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reportgen.wording import option
from reportgen.zoo.descriptions import ITEM_SIZES, ArrayRef, TensorRef
from reportgen.zoo.objects import PickleFault, Unmade

Entry = TensorRef | ArrayRef | Unmade

_USUAL = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "weights", "module"),
    *("net_state_dict", "network_state_dict", "backbone"),
)
_AVERAGED = re.compile(r"(^|[_\-.])(ema|swa|averaged?|polyak|shadow|teacher)([_\-.]|$)|^ema|ema$", re.IGNORECASE)
_ASIDE = re.compile(
    r"optim|schedul|scaler|callback|^loops$|hyper_?param|hparams|^config|^cfg|^args$|rng|random|meter|metric|history|loss"
    r"|criterion|^param_groups$",
    re.IGNORECASE,
)
_DEEPEST = 32
_SHOWN = 5


def is_averaged(name: str) -> bool:
    """Whether a name is one that averaged copies of weights are given (`ema`, `state_dict_ema`, `swa_model`)."""
    return _AVERAGED.search(name) is not None


@dataclass(frozen=True)
class _Found:
    """Entries, and the keys that lead to them from the whole file."""

    path: tuple[str, ...]
    entries: dict[str, Entry]

    @property
    def rank(self) -> tuple[bool, int]:
        """Smaller is more likely to be the weights: those that are no average, under a usual name."""
        places = [_USUAL.index(key) for key in self.path if key in _USUAL]
        return any(map(is_averaged, self.path)), min(places, default=len(_USUAL))


def find_entries(described: Any, key: str | None = None) -> dict[str, Entry]:
    """Return the state dict in what a pickle describes.

    `key` names one: the keys that lead to it, or the first parts of its entries' names, joined by dots. Without it
    the weights are those under a usual name, and an average only where there is nothing else. What is no tensor is
    passed over. Raises PickleFault that says what the file holds instead.
    """
    content = _content(described)
    if content is None or (not content and not isinstance(described, dict)):
        if isinstance(described, Unmade):
            raise _object_instead(described)
        kinds = {TensorRef: "a single tensor", ArrayRef: "a single array", list: "a list", tuple: "a list"}
        kind = kinds.get(type(described))
        raise PickleFault(f"holds {kind or 'something else'}, not a state dict: save the network's state_dict()")
    if key is not None:
        return _named(content, key)
    found = _choices(content)
    if not found:
        for value in content.values():
            if isinstance(value, Unmade) and value.is_network:
                raise _object_instead(value)
        keys = ", ".join(str(name)[:30] for name in content if isinstance(name, str)) or "nothing"
        raise PickleFault(f"holds no state dict (it has {_cut(keys)}): save the network's state_dict()")
    best = min(found, key=lambda one: one.rank)
    rivals = [one for one in found if one.rank == best.rank]
    if len(rivals) > 1 and best.rank[1] == len(_USUAL):
        names = ", ".join(".".join(one.path)[:30] for one in rivals[:_SHOWN])
        raise PickleFault(f"holds several state dicts ({names}): name one with {option('--weights-key')}")
    return best.entries


def _cut(keys: str) -> str:
    return ", ".join(keys.split(", ")[:_SHOWN])


def _object_instead(found: Unmade) -> PickleFault:
    return PickleFault(
        f"holds an object ({found.name}) and no state dict: nothing in it was run; if it is a whole pickled network, "
        "save its state_dict() instead"
    )


def _content(value: Any) -> dict[Any, Any] | None:
    """Return a dictionary, what was set on an object that is like one, or the dictionaries of a list by their number.

    None for anything else. A list's other values, such as an average's numbers in order, have no names.
    """
    if isinstance(value, Unmade):
        return value.items or None
    if isinstance(value, list | tuple):
        return {str(place): one for place, one in enumerate(value) if _is_place(one)}
    return value if isinstance(value, dict) else None


def _is_place(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) or (isinstance(value, Unmade) and value.numbers is None)


def _choices(content: dict[Any, Any]) -> list[_Found]:
    """Return the places that may be the weights, the whole file only where no place in it holds more."""
    found = list(_places(content))
    main = [one for one in found if not any(map(_ASIDE.search, one.path))] or found
    most = max((len(one.entries) for one in main if one.path), default=0)
    return [one for one in main if one.path or len(one.entries) >= most]


def _places(content: dict[Any, Any]) -> Iterator[_Found]:
    """Yield every dictionary that holds tensors by name, the outer ones first; one that lies in two places once."""
    seen: set[int] = set()
    level: list[tuple[tuple[str, ...], Any]] = [((), content)]
    for _ in range(_DEEPEST + 1):
        deeper: list[tuple[tuple[str, ...], Any]] = []
        for path, value in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            place = _content(value) or {}
            if entries := _entries(place):
                yield _Found(path, entries)
            inner = ((name, one) for name, one in place.items() if isinstance(name, str))
            deeper += [((*path, name), one) for name, one in inner if _is_place(one)]
        level = deeper


def _entries(place: dict[Any, Any]) -> dict[str, Entry]:
    """Return the tensors by name, or, where there is none, the arrays: beside tensors they are somebody's notes."""
    named = {name: value for name, value in place.items() if isinstance(name, str)}
    tensors: dict[str, Entry] = {name: value for name, value in named.items() if _is_tensor(value)}
    return tensors or {name: value for name, value in named.items() if _is_array(value)}


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TensorRef) or (isinstance(value, Unmade) and value.numbers is not None)


def _is_array(value: Any) -> bool:
    return isinstance(value, ArrayRef) and value.dtype.name in ITEM_SIZES


def _lists_numbers(content: dict[Any, Any], key: str) -> bool:
    """Whether what a key leads to is a list of tensors, or holds one."""
    place: Any = content
    for part in key.split("."):
        place = (_content(place) or {}).get(part)
    values = [place, *(_content(place) or {}).values()]
    return any(isinstance(one, list) and any(map(_is_tensor, one)) for one in values)


def _named(content: dict[Any, Any], key: str) -> dict[str, Entry]:
    """Return the entries that a key names; raises PickleFault that lists what could have been named."""
    found = sorted(_places(content), key=lambda one: one.rank)
    for one in found:
        if ".".join(one.path) == key:
            return one.entries
    for one in found:  # a key that leads to a dictionary around the weights
        if ".".join(one.path).startswith(f"{key}."):
            return one.entries
    for one in found:
        path = "".join(f"{part}." for part in one.path)
        before = f"{key.removeprefix(path)}."
        if part := {name[len(before) :]: value for name, value in one.entries.items() if name.startswith(before)}:
            return part
    for one in found:  # an averaged copy beside its original, each name as one word (`ema_conv1_weight`)
        words = {f"{key}_{name.replace('.', '_')}": name for name in one.entries}
        if part := {words[name]: value for name, value in one.entries.items() if name in words}:
            return part
    if _lists_numbers(content, key):
        raise PickleFault(
            f"holds the numbers under {key[:60]!r} as a list without names: save the averaged network's state_dict()"
        )
    known = dict.fromkeys(".".join(one.path) for one in found if one.path)
    firsts = dict.fromkeys(name.partition(".")[0] for one in found for name in one.entries if "." in name)
    names = ", ".join(name[:30] for name in [*known, *firsts][:8]) or "none"
    raise PickleFault(f"has no weights under the key {key[:60]!r} (it has {names}): name one of these")
