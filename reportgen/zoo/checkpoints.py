"""Reading published weights in every form they come in, without running anything that a file says."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reportgen.errors import WeightsError
from reportgen.zoo.containers import Storages, Stretches, read_stream, read_tar, read_zip
from reportgen.zoo.descriptions import ITEM_SIZES, ArrayRef, StorageRef, TensorRef
from reportgen.zoo.objects import PickleFault, Unmade
from reportgen.zoo.other_files import HEAD, refuse_other_files
from reportgen.zoo.state_dicts import Entry, find_entries
from reportgen.zoo.wrappings import without_module

_CAFFE2_SOLVER = frozenset({"lr", "iter", "model_iter"})
_BLOCK = 1 << 20
_MOST_EXPANDED = 1 << 24
"""Values of a tensor that repeats what its storage holds; nothing is copied before its shape is a network's."""


Facts = dict[str, str | int | float]


@dataclass(frozen=True)
class Contents:
    """What one container holds."""

    tensors: dict[str, Tensor]
    container: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """The entries of a file of weights by name, in its order, without wrappers and without `module.` prefixes.

    `container` is the form the file has: zip, stream (torch 0.2 to 1.5), tar (torch 0.1), pickle, caffe2 or
    safetensors. `facts` are the plain values beside the weights, such as the epoch.
    """

    tensors: dict[str, Tensor]
    container: str
    size: int
    file_sha256: str
    facts: Facts = field(default_factory=dict)


def read_checkpoint(path: Path, key: str | None = None) -> Checkpoint:
    """Read a file of weights.

    `key` names the weights where a file holds several: the keys that lead to them, or the first parts of their names.

    Known are torch files of all versions (a state dict, or one inside a dictionary as trainers write it, Lightning's
    included), Caffe2 blobs and pickled numpy arrays, and safetensors. Nothing in the file is executed, and no more
    memory is used than the file's own size.

    Raises WeightsError with one sentence that says what is wrong with the file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(min(size, HEAD))  # nothing of a file without a size: the system may never give any
            file.seek(0)
            refuse_other_files(head, size)
            if is_safetensors(head, size):
                read = Contents(_safetensors(path, key), "safetensors")
            else:
                read = _torch_file(file, head, size, key)
            digest = _digest(file)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    except PickleFault as fault:
        raise WeightsError(f"{path.name} {fault}.") from fault
    except (TypeError, ValueError, KeyError, IndexError, OverflowError, MemoryError, RuntimeError) as error:
        # What a file's author can put in the place of a number has no end: no such value is more than damage.
        raise WeightsError(f"{path.name} is damaged (its description of the weights makes no sense).") from error
    names = without_module(read.tensors)
    tensors = {names[name]: tensor for name, tensor in read.tensors.items()}
    return Checkpoint(tensors, read.container, size, digest, read.facts)


def is_safetensors(head: bytes, size: int) -> bool:
    """Whether a file begins like safetensors: the length of a header, of 8 bytes, then the header's brace.

    No header has 4 GiB, so that the upper half of its length is zeros, which no archive or pickle has there.
    """
    return size > 8 and head[4:9] == b"\0\0\0\0{"


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    total = hashlib.sha256()
    while block := file.read(_BLOCK):
        total.update(block)
    return total.hexdigest()


def _safetensors(path: Path, key: str | None) -> dict[str, Tensor]:
    before = f"{key}." if key is not None else ""
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            chosen = [name for name in names if name.startswith(before)]
            if names and not chosen:
                raise PickleFault(f"has no weights under the key {key!r}: its names begin otherwise ({names[0][:60]})")
            return {name[len(before) :]: file.get_tensor(name) for name in chosen}
    except (SafetensorError, ValueError, RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:120]
        raise PickleFault(f"is a damaged or cut off safetensors file ({reason})") from error


def _torch_file(file: BinaryIO, head: bytes, size: int, key: str | None) -> Contents:
    if head.startswith(b"PK"):
        container = "zip"
        described, storages = read_zip(file, size)
    elif head[257:262] == b"ustar":
        container = "tar"
        described, storages = read_tar(file, size)
    else:
        described, storages = read_stream(file, size)
        container = "stream" if isinstance(storages, Stretches) and storages.places else "pickle"
    if key is None and isinstance(described, dict) and isinstance(described.get("blobs"), dict):
        return Contents(_caffe2(described["blobs"], storages), "caffe2")
    entries = find_entries(described, key)
    facts = described if isinstance(described, dict) else {}
    plain = {str(k): v for k, v in facts.items() if isinstance(k, str) and isinstance(v, str | int | float)}
    return Contents(_tensors(entries, storages), container, plain)


def _caffe2(blobs: Mapping[Any, Any], storages: Storages) -> dict[str, Tensor]:
    """Return Caffe2 blobs without those of its solver."""
    entries = {
        str(name): value
        for name, value in blobs.items()
        if isinstance(value, ArrayRef) and name not in _CAFFE2_SOLVER and not str(name).endswith("_momentum")
    }
    if not entries:
        raise PickleFault("holds no blobs: it is not a Caffe2 model")
    return _tensors(entries, storages)


def _tensors(entries: Mapping[str, Entry], storages: Storages) -> dict[str, Tensor]:
    """Read the numbers of entries; a storage that several share is read once."""
    read: dict[tuple[StorageRef, str], Tensor] = {}
    arrays: dict[int, Tensor] = {}
    tensors: dict[str, Tensor] = {}
    for name, entry in entries.items():
        if isinstance(entry, Unmade):
            raise PickleFault(
                f"holds {entry.numbers} ({name[:60]}): save the state_dict() of the network with plain numbers"
            )
        if isinstance(entry, ArrayRef):
            if id(entry) not in arrays:
                arrays[id(entry)] = _array(entry)
            tensors[name] = arrays[id(entry)]
        else:
            tensors[name] = _tensor(entry, storages, read)
    return tensors


def _tensor(entry: TensorRef, storages: Storages, read: dict[tuple[StorageRef, str], Tensor]) -> Tensor:
    whole = StorageRef(entry.storage.dtype, entry.storage.key, entry.storage.count)
    if (whole, entry.dtype) not in read:
        read[whole, entry.dtype] = _numbers(storages.read(whole), entry.dtype)
    numbers = read[whole, entry.dtype]
    offset = entry.storage.start + entry.offset
    last = offset + sum((size - 1) * step for size, step in zip(entry.size, entry.stride, strict=True))
    count = math.prod(entry.size)
    distinct = math.prod(size for size, step in zip(entry.size, entry.stride, strict=True) if step)  # as of expand()
    if distinct > numbers.numel() or count > _MOST_EXPANDED or (count and last >= numbers.numel()):
        raise PickleFault("is damaged (a tensor lies outside its storage)")
    return numbers.as_strided(entry.size, entry.stride, offset)


def _array(entry: ArrayRef) -> Tensor:
    if entry.dtype.name not in ITEM_SIZES:
        raise PickleFault(f"holds an array of {entry.dtype.name} in the place of weights")
    if entry.dtype.big_endian and ITEM_SIZES[entry.dtype.name] > 1:
        raise PickleFault("holds big-endian arrays, which are not supported: save it again on a common machine")
    numbers = _numbers(bytearray(entry.data), entry.dtype.name)
    if entry.fortran:
        return numbers.reshape(entry.shape[::-1]).permute(*reversed(range(len(entry.shape)))).contiguous()
    return numbers.reshape(entry.shape)


def _numbers(data: bytearray, dtype: str) -> Tensor:
    kind = getattr(torch, dtype)
    return torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
