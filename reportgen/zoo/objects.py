"""What a checkpoint's pickle names and is no tensor: it stays a name, and an object of that name is never made.

Trainers put their settings, counters, paths and dates beside the weights. None of them is needed, so each is passed
over as what it is called. Names of Python's own library, torch and numpy that no trainer stores (`os.system`, `eval`,
`torch.load`) are refused all the same: passing over them would be as safe, but such a file is an attack, and whoever
reads it should know.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class PickleFault(Exception):  # noqa: N818 (never seen outside: it becomes a WeightsError)
    """A pickle is damaged, or wants what weights never need; the message completes `the file ...`."""


@dataclass(frozen=True, slots=True)
class Stone:
    """A name that a pickle holds and that stays a name."""

    module: str
    name: str

    def __str__(self) -> str:
        text = f"{self.module}.{self.name}"  # a file's own words: never let them write to the terminal as they like
        return "".join(sign if sign.isprintable() else "?" for sign in text)[:80]


@dataclass(eq=False, slots=True)
class Unmade:
    """An object that a file describes and that was not made.

    `items` are those that the file sets on it, as on a dictionary. `numbers` says what it holds where it is a tensor
    that cannot be read as one (quantised, sparse); None for everything else.
    """

    name: str
    items: dict[Any, Any] = field(default_factory=dict)
    numbers: str | None = None
    is_network: bool = False


class OtherKey:
    """A key of a dictionary that is no text.

    Nobody looks one up here, so it is told apart by being itself and never by its value: keys that were chosen to
    share a hash would take quadratic time.
    """


_MODULES = frozenset(
    {"argparse", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "ipaddress", "itertools"}
    | {"numbers", "pathlib", "random", "string", "typing", "uuid", "zoneinfo", "_decimal", "_random"}
    | {"torch.optim", "torch.nn", "torch.distributed", "torch.amp", "torch.cuda.amp", "torch.ao", "torch.quantization"}
    | {"torch.torch_version", "torch.nested", "torch.utils.data"}
    | {"numpy.random", "numpy.ma", "numpy.rec", "numpy.core.records", "numpy._core.records", "numpy.matrixlib"}
)
_BUILTINS = frozenset(
    {"bool", "bytearray", "complex", "dict", "float", "int", "list", "object", "range", "slice", "str", "tuple"}
    | {"xrange"}
)
_NAMES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("builtins", "__builtin__"), _BUILTINS),
    "types": frozenset({"SimpleNamespace", "MappingProxyType"}),
    "functools": frozenset({"partial"}),
    "re": frozenset({"_compile"}),
    "array": frozenset({"array", "_array_reconstructor"}),
    "time": frozenset({"struct_time"}),
    "inspect": frozenset({"_empty", "Parameter", "Signature"}),
    "logging": frozenset({"Logger", "getLogger"}),
    "configparser": frozenset({"ConfigParser", "RawConfigParser", "SectionProxy"}),
    "io": frozenset({"BytesIO", "StringIO"}),
    "torch": frozenset({"Generator"}),
    "torch._C": frozenset({"Generator"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch._dynamo.decorators": frozenset({"_DimRange"}),  # beside nested tensors
}
_LIBRARIES = sys.stdlib_module_names | {"torch", "numpy", "__builtin__", "exceptions", "copy_reg", "commands", "popen2"}


def unmade(target: Any) -> Unmade:
    """Return what stands for an object of the name `target`; raises PickleFault where no checkpoint needs one."""
    if isinstance(target, Unmade):
        return Unmade(target.name)
    if not isinstance(target, Stone) or not _is_harmless(target):
        raise PickleFault(
            f"asks to run {target if isinstance(target, Stone) else type(target).__name__}, which weights never "
            "need: nothing in it was run; if it is a whole pickled network, save its state_dict() instead"
        )
    return Unmade(str(target))


def named_attribute(target: Any, name: Any) -> Any:
    """Return what stands for the attribute of a name: how Python writes members of enums and nested classes."""
    if isinstance(target, Stone) and isinstance(name, str):
        return Stone(target.module, f"{target.name}.{name}")
    return unmade(target)


def _is_harmless(stone: Stone) -> bool:
    """Whether a name is of a library that is not known here, or one of those that trainers are known to store."""
    parts = stone.module.split(".")
    if parts[0] not in _LIBRARIES:
        return True
    if str(stone) == "zoneinfo.ZoneInfo._unpickle":
        return True
    if stone.module in ("builtins", "exceptions") and isinstance(getattr(builtins, stone.name, None), type):
        return issubclass(getattr(builtins, stone.name), BaseException) or stone.name in _BUILTINS
    if not all(part[:1].isupper() for part in stone.name.split(".")[1:]):
        return False  # a way through one module to another's functions
    return stone.name in _NAMES.get(stone.module, ()) or any(
        ".".join(parts[:length]) in _MODULES for length in range(1, min(len(parts), 4) + 1)
    )
