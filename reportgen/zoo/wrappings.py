"""The names of a checkpoint's entries, without what trainers wrap around the network or its layers.

A wrapper (DataParallel, a compiled module, Lightning's `model`, an average) puts a part of its own before the names of
what it wraps: in any order, any number of times, and around single layers too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from reportgen.zoo.state_dicts import is_averaged

#: Parts that torch and its helpers put there.
_MACHINERY = frozenset({"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
#: Parts that wrapping networks usually have, and now and then a network's own layers.
_USUAL = _MACHINERY | {"model", "_model", "base_model", "backbone", "net", "_net", "network"}
_BESIDE = re.compile(
    r"(^|_)(loss(es)?|criteri(on|a)|metrics?|acc|accuracy|top_?\d+|au(roc|c)|f1|iou|m[as]e|rmse|conf(usion_?)?mat(rix)?"
    r"|meter|rng_state)(_|\d|$)|^(n_averaged|(global_|optimization_)?steps?|iters?|initted|(n|num)_updates|decay"
    r"|(class|pos)_weights?)$",
    re.IGNORECASE,
)
_COUNTER = "num_batches_tracked"
_MOST_PREFIXES = 16

Parts = tuple[str, ...]


class SeveralCopiesError(ValueError):
    """Entries hold the whole network more than once; the message lists what stands before their names."""


def without_module(names: Iterable[str]) -> dict[str, str]:
    """Return the names, each with itself without the `module.` that DataParallel puts before all of them."""
    split = {name: name.split(".") for name in names}
    depth = 0
    while split and all(len(parts) > depth + 1 and parts[depth] == "module" for parts in split.values()):
        depth += 1
    return {name: ".".join(parts[depth:]) for name, parts in split.items()}


def unwrapped(names: Collection[str]) -> Iterator[dict[str, str]]:
    """Yield the names without machinery, without a first part that all share, and without all usual wrappings.

    For networks whose names are not known: a key layout reads what is left.
    """
    parts = {name: tuple(name.split(".")) for name in names}
    ways = [{name: _kept(name, _MACHINERY) for name in names}]
    if len({path[0] for path in parts.values()}) == 1 and all(len(path) > 1 for path in parts.values()):
        ways.append({name: path[1:] for name, path in parts.items()})
    ways.append({name: _kept(name, _USUAL) for name in names})
    for way in ways:
        if renamed := _distinct({name: ".".join(path) for name, path in way.items()}):
            yield renamed


def renamings(names: Collection[str], target: Collection[str]) -> Iterator[dict[str, str]]:
    """Yield ways to read a file's names as those of a network: name in the file -> name in the network.

    The mildest first: without the wrapping parts that the network itself does not have, then without all wrapping
    parts of either side; each as it is and, where the whole network lies behind one prefix, without that prefix and
    without what lies elsewhere. Raises SeveralCopiesError where several prefixes would do.
    """
    own = {part for name in target for part in name.split(".")}
    shared = _shared([tuple(name.split(".")) for name in target])
    for drop, start in ((_USUAL - own, 0), (_USUAL, shared)):
        wanted = {_kept(".".join(name.split(".")[start:]), drop): name for name in target}
        read = {name: _kept(name, drop) for name in names}
        if len(wanted) < len(target):
            continue
        if whole := _distinct({name: wanted.get(parts, ".".join(parts)) for name, parts in read.items()}):
            yield whole
        if part := _behind_prefix(read, wanted):
            yield part


def only_for_training(name: str) -> bool:
    """Whether an entry is of a loss, a metric or an average's own counters: nothing that a network runs with."""
    return any(_BESIDE.search(part) for part in name.split(".")[:2])


def without_copies(names: Collection[str]) -> list[str]:
    """Return the names without those of an average whose names are one word each (`ema_a_weight` by `a.weight`)."""
    words = {name.replace(".", "_") for name in names}
    return [name for name in names if "." in name or not is_averaged(name) or name.partition("_")[2] not in words]


def _kept(name: str, drop: Collection[str]) -> Parts:
    *path, last = name.split(".")
    return (*(part for part in path if part not in drop), last)


def _shared(names: list[Parts]) -> int:
    """Return how many first parts all names share, the last part of a name left out."""
    shortest = min(map(len, names), default=1) - 1
    return next((place for place in range(shortest) if len({name[place] for name in names}) > 1), max(0, shortest))


def _distinct(renamed: dict[str, str]) -> dict[str, str] | None:
    return renamed if len(set(renamed.values())) == len(renamed) else None


def _behind_prefix(read: Mapping[str, Parts], wanted: Mapping[Parts, str]) -> dict[str, str] | None:
    """Return the names of the entries behind the one prefix that all of the network lies behind; None without one."""
    present = set(read.values())
    needed = [parts for parts, name in wanted.items() if not name.endswith(_COUNTER)]
    if not needed or len(present) < len(read):
        return None
    first = needed[0]
    prefixes = sorted({parts[: -len(first)] for parts in present if parts[-len(first) :] == first}, key=len)
    whole = [prefix for prefix in prefixes[:_MOST_PREFIXES] if all((*prefix, *parts) in present for parts in needed)]
    if not whole:
        return None
    chosen = [prefix for prefix in whole if not is_averaged(".".join(prefix))] or whole
    if len(chosen) > 1 and chosen[0]:
        raise SeveralCopiesError(", ".join(".".join(prefix)[:40] for prefix in chosen))
    best, others = chosen[0], [prefix for prefix in whole if prefix != chosen[0]]
    inside = {
        name: parts[len(best) :]
        for name, parts in read.items()
        if parts[: len(best)] == best and not any(parts[: len(other)] == other for other in others)
    }
    return _distinct({name: wanted.get(parts, ".".join(parts)) for name, parts in inside.items()})
