"""What a checkpoint's pickle stands for: plain descriptions of tensors, arrays and number types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


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
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    **{"QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32"},
    # Several numbers a byte: they have no size here, and are only ever named as quantised ones.
    **{"QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4"},
}
ITEM_SIZES: Mapping[str, int] = {
    **{"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2},
    **{"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1},
    **{"uint64": 8, "uint32": 4, "uint16": 2, "complex32": 4, "complex64": 8, "complex128": 16},
    **{"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1},
    **{"qint8": 1, "quint8": 1, "qint32": 4},
}
