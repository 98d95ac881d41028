"""What the names in a checkpoint's pickle stand for: plain descriptions of tensors, arrays and containers.

Nothing that a file names is imported or called. The few names that checkpoints need have a maker here, which checks
what it is given; every other name is a stone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A stretch of numbers that lies elsewhere in the file: `count` values of a type under a key."""

    dtype: str
    key: str
    count: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor by its storage, its offset, and its sizes and strides in values."""

    storage: StorageRef
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class DType:
    """A number type by its name in torch or numpy, e.g. float32."""

    name: str
    big_endian: bool = False


@dataclass(slots=True)
class ArrayRef:
    """A numpy array by its bytes; empty until the pickle gives its state."""

    dtype: DType = DType("uint8")
    shape: tuple[int, ...] = ()
    fortran: bool = False
    data: bytes = b""


class Namespace:
    """Stands for an argparse.Namespace: the hyper-parameters that Lightning stores."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Maker:
    """A name that checkpoints need, and what is made here when it is called."""

    name: str
    make: Callable[[tuple[Any, ...]], Any]


TORCH_TYPES: Mapping[str, str] = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
ITEM_SIZES: Mapping[str, int] = {
    **{"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2},
    **{"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1},
}
_NUMPY_TYPES: Mapping[str, str] = {
    **{"f2": "float16", "f4": "float32", "f8": "float64", "b1": "bool", "u1": "uint8"},
    **{"i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64"},
}


def fill_dict(target: Any, taken: list[Any]) -> None:
    """Set the keys and values that `taken` lists in turn; raises PickleFault."""
    if not isinstance(target, dict) or len(taken) % 2:
        raise PickleFault("is damaged (its pickle fills something that is no dictionary)")
    for key, value in zip(taken[::2], taken[1::2], strict=True):
        # Hashing follows nested tuples down the machine's stack, so a key must be shallow.
        if not _is_shallow(key):
            raise PickleFault("is damaged (its pickle has a dictionary key that is no name)")
        target[key] = value


def _is_shallow(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or isinstance(part, str | int | float | bytes | Stone) for part in parts)


def named(module: str, name: str) -> Any:
    """Return what a name stands for: a maker, a number type, or a stone."""
    if module in {"torch", "torch.cuda"} and name in TORCH_TYPES:
        return DType(TORCH_TYPES[name])
    if module == "torch.storage" and name == "UntypedStorage":
        return DType("uint8")
    if module == "torch" and name in ITEM_SIZES:
        return DType(name)
    make = _MAKERS.get((module, name))
    return Maker(f"{module}.{name}", make) if make is not None else Stone(module, name)


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    target: dict[Any, Any] = {}
    for pair in arguments[0] if arguments else ():
        fill_dict(target, list(pair))
    return target


def _namespace(arguments: tuple[Any, ...]) -> Namespace:
    if arguments:
        raise PickleFault("is damaged (its Namespace has positional arguments)")
    return Namespace()


def _tensor(arguments: tuple[Any, ...]) -> TensorRef:
    storage, offset, size, stride = arguments[:4]
    if not isinstance(storage, StorageRef):
        raise PickleFault("is damaged (it has a tensor without a storage)")
    dtype = next((part.name for part in arguments[4:] if isinstance(part, DType)), storage.dtype)
    return TensorRef(storage, _count(offset), _counts(size), _counts(stride), dtype)


def _parameter(arguments: tuple[Any, ...]) -> TensorRef:
    if not isinstance(arguments[0], TensorRef):
        raise PickleFault("is damaged (it has a parameter without a tensor)")
    return arguments[0]


def _size(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    return _counts(arguments[0])


def _array(_arguments: tuple[Any, ...]) -> ArrayRef:
    return ArrayRef()  # shape and bytes come with its state


def _array_from_buffer(arguments: tuple[Any, ...]) -> ArrayRef:
    data, dtype, shape, order = arguments
    array = ArrayRef()
    fill_array(array, (1, shape, dtype, order == "F", bytes(data)))
    return array


def _scalar(arguments: tuple[Any, ...]) -> ArrayRef:
    array = ArrayRef()
    fill_array(array, (1, (), arguments[0], False, arguments[1]))
    return array


def fill_array(array: ArrayRef, state: Any) -> None:
    """Set an array's state `(version, shape, dtype, fortran order, bytes)`, as numpy writes it."""
    shape, dtype, fortran, data = state[-4:]
    if isinstance(data, str):  # Python 2 wrote bytes as strings
        data = data.encode("latin-1")
    if not isinstance(dtype, DType) or not isinstance(data, bytes):
        raise PickleFault("holds an array of something else than numbers")
    sizes = _counts(shape)
    if len(data) != math.prod(sizes) * ITEM_SIZES[dtype.name]:
        raise PickleFault("is damaged (an array has another size than its shape says)")
    array.dtype, array.shape, array.fortran, array.data = dtype, sizes, bool(fortran), data


def _numpy_dtype(arguments: tuple[Any, ...]) -> DType:
    code = str(arguments[0])
    if code.lstrip("<>=|") not in _NUMPY_TYPES:
        raise PickleFault("holds an array of something else than numbers")
    return DType(_NUMPY_TYPES[code.lstrip("<>=|")], code.startswith(">"))


def with_order(dtype: DType, state: Any) -> DType:
    """Return a number type with the byte order that its pickled state `(version, order, ...)` says."""
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "<"
    return DType(dtype.name, order == ">" or (order == "=" and sys.byteorder == "big"))


def _encoded(arguments: tuple[Any, ...]) -> bytes:
    """Return the bytes that Python 3 writes as a string in old protocols."""
    text, encoding = arguments
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1"}:
        raise PickleFault("is damaged (it holds bytes in an unknown form)")
    return text.encode("latin-1")


def _no_bytes(arguments: tuple[Any, ...]) -> bytes:
    """Return what Python 3 writes for empty bytes in old protocols."""
    if arguments:
        raise PickleFault("is damaged (it holds bytes in an unknown form)")
    return b""


def _listed(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if arguments else []  # a set holds facts about training only: it need not be one here


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= sys.maxsize:
        raise PickleFault("is damaged (a size in it is no count)")
    return value


def _counts(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list | tuple):
        raise PickleFault("is damaged (a shape in it is no list of counts)")
    return tuple(_count(value) for value in values)


def _nothing(_arguments: tuple[Any, ...]) -> None:
    return None


_MAKERS: Mapping[tuple[str, str], Callable[[tuple[Any, ...]], Any]] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("argparse", "Namespace"): _namespace,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch.nn.parameter", "Parameter"): _parameter,
    ("torch", "Size"): _size,
    ("torch", "device"): _nothing,
    ("numpy", "dtype"): _numpy_dtype,
    ("numpy", "ndarray"): _array,
    ("_codecs", "encode"): _encoded,
    **{(f"{core}.multiarray", "_reconstruct"): _array for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.numeric", "_frombuffer"): _array_from_buffer for core in ("numpy.core", "numpy._core")},
    **{(module, "bytes"): _no_bytes for module in ("builtins", "__builtin__")},
    **{(module, kind): _listed for module in ("builtins", "__builtin__") for kind in ("set", "frozenset")},
}
