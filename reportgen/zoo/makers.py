"""What the names that checkpoints need make of what they are given: descriptions, checked, and nothing else.

Nothing that a file names is imported or called. The few names that weights need have a maker here; every other name is
a stone (`objects.py`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reportgen.zoo.descriptions import (
    ITEM_SIZES,
    TORCH_TYPES,
    ArrayRef,
    DType,
    Maker,
    Namespace,
    StorageRef,
    TensorRef,
)
from reportgen.zoo.objects import OtherKey, PickleFault, Stone, Unmade, named_attribute, unmade

_NUMPY_TYPES: Mapping[str, str] = {
    **{"f2": "float16", "f4": "float32", "f8": "float64", "b1": "bool", "u1": "uint8"},
    **{"i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64"},
    **{"u2": "uint16", "u4": "uint32", "u8": "uint64", "c8": "complex64", "c16": "complex128"},
}
_NO_NUMBERS = "something else than numbers"
_PLAIN_CLASSES = ("torch.Tensor", "torch.nn.parameter.Parameter")


def fill_dict(target: Any, taken: list[Any]) -> None:
    """Set the keys and values that `taken` lists in turn; raises PickleFault."""
    if isinstance(target, Unmade):
        target = target.items
    if not isinstance(target, dict) or len(taken) % 2:
        raise PickleFault("is damaged (its pickle fills something that is no dictionary)")
    for key, value in zip(taken[::2], taken[1::2], strict=True):
        target[key if isinstance(key, str) else OtherKey()] = value


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
    return TensorRef(storage, _count(offset), _counts(size), _counts(stride), storage.dtype)


def _tensor_with_bits(arguments: tuple[Any, ...]) -> TensorRef | Unmade:
    """Return a tensor whose numbers may be told to be read as their negatives or conjugates."""
    bits = arguments[6] if len(arguments) > 6 else None
    if isinstance(bits, dict) and any(value is True for value in bits.values()):
        return Unmade("torch.Tensor", numbers="numbers that are stored as their negatives or conjugates")
    return _tensor(arguments)


def _tensor_of_type(arguments: tuple[Any, ...]) -> TensorRef | Unmade:
    """Return a tensor that lies in a storage without a type: the type is the seventh argument."""
    dtype = arguments[6]
    if not isinstance(dtype, DType):
        return Unmade(
            "torch.Tensor", numbers=f"numbers of the type {dtype}" if isinstance(dtype, Stone) else "no numbers"
        )
    return replace(_tensor(arguments), dtype=dtype.name)


def _tensor_of_class(arguments: tuple[Any, ...]) -> Any:
    """Return a tensor that has a class or attributes of its own: `(how, class, arguments, attributes)`."""
    make, kind, inner = arguments[:3]
    name = kind.name if isinstance(kind, Maker) else str(kind)
    if isinstance(make, Maker) and isinstance(inner, tuple) and name in _PLAIN_CLASSES:
        return make.make(inner)
    return Unmade(name, numbers=f"tensors of the class {name}")


def _tensor_of_array(arguments: tuple[Any, ...]) -> ArrayRef:
    """Return a tensor of another device, which torch stores as an array."""
    if not isinstance(arguments[0], ArrayRef):
        raise PickleFault("is damaged (it has a tensor without its array)")
    return arguments[0]


def _numbers(what: str) -> Callable[[tuple[Any, ...]], Unmade]:
    return lambda _arguments: Unmade("torch.Tensor", numbers=what)


def _parameter(arguments: tuple[Any, ...]) -> Any:
    if not isinstance(arguments[0], TensorRef | ArrayRef | Unmade):
        raise PickleFault("is damaged (it has a parameter without a tensor)")
    return arguments[0]


def _reconstructed(arguments: tuple[Any, ...]) -> Any:
    """Return an object that old protocols write as `(class, base, state of the base)`."""
    target = arguments[0]
    return target.make(()) if isinstance(target, Maker) else unmade(target)


def _new(arguments: tuple[Any, ...]) -> Any:
    """Return an object that old protocols write as `(class, what its __new__ is given ...)`."""
    target = arguments[0]
    return target.make(arguments[1:]) if isinstance(target, Maker) else unmade(target)


def _attribute(arguments: tuple[Any, ...]) -> Any:
    return named_attribute(*arguments)


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
    if isinstance(dtype, DType) and dtype.name not in ITEM_SIZES:
        array.dtype = dtype  # text, dates, records or objects: beside the weights it does no harm
        return
    if not isinstance(dtype, DType) or not isinstance(data, bytes):
        raise PickleFault("holds an array of something else than numbers")
    sizes = _counts(shape)
    if len(data) != math.prod(sizes) * ITEM_SIZES[dtype.name]:
        raise PickleFault("is damaged (an array has another size than its shape says)")
    array.dtype, array.shape, array.fortran, array.data = dtype, sizes, bool(fortran), data


def _numpy_dtype(arguments: tuple[Any, ...]) -> DType:
    code = str(arguments[0])
    kind = code.lstrip("<>=|")
    return DType(_NUMPY_TYPES.get(kind, _NO_NUMBERS), code.startswith(">"))


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
    ("torch._utils", "_rebuild_tensor_v2"): _tensor_with_bits,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_type,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._utils", "_rebuild_qtensor"): _numbers("quantised numbers"),
    ("torch._utils", "_rebuild_sparse_tensor"): _numbers("sparse tensors"),
    ("torch._utils", "_rebuild_sparse_csr_tensor"): _numbers("sparse tensors"),
    ("torch._utils", "_rebuild_nested_tensor"): _numbers("nested tensors"),
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): _numbers("tensors without numbers (of the meta device)"),
    ("torch._utils", "_rebuild_wrapper_subclass"): lambda given: Unmade("", numbers=f"tensors of the class {given[0]}"),
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): _tensor_of_array,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): _parameter,
    ("torch._utils", "_rebuild_xla_tensor"): _tensor_of_array,
    ("torch._tensor", "_rebuild_from_type_v2"): _tensor_of_class,
    ("torch._tensor", "_rebuild_from_type"): _tensor_of_class,
    **{(module, "_reconstructor"): _reconstructed for module in ("copyreg", "copy_reg")},
    **{(module, name): _new for module in ("copyreg", "copy_reg") for name in ("__newobj__", "__newobj_ex__")},
    **{(module, "getattr"): _attribute for module in ("builtins", "__builtin__")},
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
