"""The containers that torch has written weights into: zip archives, the stream before them, and the tar before that.

Each reader returns what the file's pickle describes, and a `Storages` that reads stretches of numbers when they are
asked for. A stretch is read only if the file really holds as many bytes as its pickle says.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol

from reportgen.wording import option
from reportgen.zoo.descriptions import ITEM_SIZES, DType, StorageRef, TensorRef
from reportgen.zoo.objects import PickleFault
from reportgen.zoo.pickles import Bounded, read_pickle

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MAX_PICKLE = 1 << 28
_WEIGHTS = frozenset({".pth", ".pt", ".pkl", ".bin", ".ckpt", ".safetensors"})
_BIG_ENDIAN = "was written on a big-endian machine, which is not supported: save it again on a common one"


class Storages(Protocol):
    """Where the numbers of a checkpoint lie."""

    def read(self, storage: StorageRef) -> bytearray:
        """Return the bytes of a storage; raises PickleFault when the file holds another number of them."""
        ...


@dataclass
class Stretches:
    """Storages that lie as stretches of one file: key -> (first byte, bytes)."""

    file: BinaryIO
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def read(self, storage: StorageRef) -> bytearray:
        """Return the bytes of a storage."""
        start, size = self.places.get(storage.key, (0, -1))
        if size != storage.count * ITEM_SIZES[storage.dtype]:
            raise PickleFault(
                f"is damaged or cut off (storage {_printable(storage.key)} has another size than it says)"
            )
        data = bytearray(size)
        self.file.seek(start)
        if self.file.readinto(data) != size:  # type: ignore[attr-defined]
            raise PickleFault(f"is cut off (storage {_printable(storage.key)} ends early)")
        return data


def read_zip(file: BinaryIO, size: int) -> tuple[Any, Storages]:
    """Read a file of torch >= 1.6: a zip archive of stored entries with `data.pkl` and `data/<key>`."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError) as error:
        raise PickleFault("is damaged or cut off (its zip archive cannot be read)") from error
    entries = archive.infolist()
    _refuse_other_archives({PurePosixPath(entry.filename).name for entry in entries})
    _refuse_bombs(entries, size)
    pickles = [entry for entry in entries if PurePosixPath(entry.filename).name == "data.pkl"]
    if len(pickles) != 1:
        raise PickleFault("is a zip archive, but not one that torch has written")
    if pickles[0].file_size > _MAX_PICKLE:
        raise PickleFault("has a longer pickle than any checkpoint needs")
    root = pickles[0].filename.removesuffix("data.pkl")
    names = {entry.filename.removeprefix(root): entry for entry in entries if entry.filename.startswith(root)}
    if "byteorder" in names and _entry(archive, names["byteorder"]).strip() != b"little":
        raise PickleFault(_BIG_ENDIAN)
    content = _entry(archive, pickles[0])
    return _unpickle(content), _ZipStorages(archive, names)


@dataclass(frozen=True)
class _ZipStorages:
    archive: zipfile.ZipFile
    names: Mapping[str, zipfile.ZipInfo]

    def read(self, storage: StorageRef) -> bytearray:
        """Return the bytes of a storage."""
        entry = self.names.get(f"data/{storage.key}")
        if entry is None or entry.file_size != storage.count * ITEM_SIZES[storage.dtype]:
            raise PickleFault(f"is damaged (storage {_printable(storage.key)} has another size than it says)")
        return bytearray(_entry(self.archive, entry))


def _refuse_other_archives(names: set[str]) -> None:
    """Name the archives that are often taken for weights."""
    if names & {"archive_format", "serialized_exported_program.json"}:
        raise PickleFault(
            f"is an exported program, not weights: name it with {option('--model')}, or save its state_dict()"
        )
    if names & {"constants.pkl", "bytecode.pkl", "model.json"}:
        raise PickleFault("is a TorchScript program, not weights: save the state_dict() of the network instead")
    if names and all(name.endswith(".npy") for name in names):
        raise PickleFault("is a numpy archive: save its arrays as a safetensors file or a torch state dict")
    inside = sorted(name for name in names if PurePosixPath(name).suffix.lower() in _WEIGHTS)
    if inside and "data.pkl" not in names:
        raise PickleFault(f"is an archive around weights: unpack it and name the file in it ({_printable(inside[0])})")


def _refuse_bombs(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Torch stores its entries uncompressed, one after the other; anything else is not its work."""
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.orig_filename:
            raise PickleFault("has entries that point outside of it: it is no checkpoint, do not unpack it")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise PickleFault("has compressed entries, which torch never writes: save it again with torch.save")
    if sum(entry.file_size for entry in entries) > size:
        raise PickleFault("unfolds to more than it holds: it is no checkpoint but a bomb")


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, struct.error) as error:
        raise PickleFault(f"is damaged (entry {_printable(entry.filename)} cannot be read)") from error


def _unpickle(content: bytes) -> Any:
    return read_pickle(Bounded(io.BytesIO(content), len(content)), persistent=reference)


def reference(identity: Any) -> Any:
    """Return what a pickle refers to: a storage, or the class of a module, which torch stored with its source."""
    return identity[1] if isinstance(identity, tuple) and identity[:1] == ("module",) else storage_reference(identity)


def storage_reference(identity: Any) -> StorageRef:
    """Return the storage that `("storage", type, key, location, count[, view])` describes."""
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise PickleFault("is damaged (it refers to something that is no storage)")
    _, dtype, key, _location, count, *view = identity
    if not isinstance(dtype, DType) or not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise PickleFault("is damaged (a storage has no type or no size)")
    if view and view[0] is not None:
        _view_key, start, length = view[0]
        if not 0 <= start <= start + length <= count:
            raise PickleFault("is damaged (a view lies outside its storage)")
        return StorageRef(dtype.name, str(key), count, start)
    return StorageRef(dtype.name, str(key), count)


def read_stream(file: BinaryIO, size: int) -> tuple[Any, Storages]:
    """Read a file of torch 0.2 to 1.5: pickles one after the other, then the storages; or a plain pickle.

    A plain pickle (Caffe2, numpy) has no storages.
    """
    source = Bounded(file, size)
    first = read_pickle(source)
    if first != LEGACY_MAGIC:
        return first, Stretches(file)
    protocol, system = read_pickle(source), read_pickle(source)
    if protocol != _LEGACY_PROTOCOL:
        raise PickleFault(f"has a version of torch's format that is not known ({str(protocol)[:20]})")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise PickleFault(_BIG_ENDIAN)
    types: dict[str, str] = {}

    def referred(identity: Any) -> Any:
        found = reference(identity)
        if isinstance(found, StorageRef):
            types[found.key] = found.dtype
        return found

    described = read_pickle(source, persistent=referred)
    keys = read_pickle(source)
    if not isinstance(keys, list):
        raise PickleFault("is damaged (its list of storages is missing)")
    storages = Stretches(file)
    for key in map(str, keys):
        (count,) = _numbers(source, "<q")
        length = count * ITEM_SIZES.get(types.get(key, ""), 0)
        storages.places[key] = (source.tell(), length)
        source.skip(length)
    return described, storages


def read_tar(file: BinaryIO, size: int) -> tuple[Any, Storages]:
    """Read a file of torch 0.1: a tar archive of `storages`, `tensors` and the pickle that refers to them."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            members = {member.name.removeprefix("./"): member for member in archive}
    except (tarfile.TarError, EOFError, ValueError, OverflowError, MemoryError) as error:
        raise PickleFault("is damaged or cut off (its tar archive cannot be read)") from error
    if not {"storages", "tensors", "pickle"} <= set(members):
        raise PickleFault("is a tar archive, but not one that torch has written: unpack it and name the file in it")
    if any(not member.isreg() or member.offset_data + member.size > size for member in members.values()):
        raise PickleFault("is damaged or cut off (its tar archive has entries that are no files)")
    storages = Stretches(file)
    types = _tar_storages(file, members["storages"], storages)
    tensors = _tar_tensors(file, members["tensors"], types)

    def referred(identity: Any) -> Any:
        return identity[0] if isinstance(identity, tuple) else tensors[str(int(identity))]

    return read_pickle(_member(file, members["pickle"]), persistent=referred), storages


def _member(file: BinaryIO, member: tarfile.TarInfo) -> Bounded:
    file.seek(member.offset_data)
    return Bounded(file, member.offset_data + member.size)


def _tar_storages(file: BinaryIO, member: tarfile.TarInfo, storages: Stretches) -> dict[str, StorageRef]:
    """Return the storages of a tar by their key: `count`, then for each its `(key, location, type)` and numbers."""
    source = _member(file, member)
    known: dict[str, StorageRef] = {}
    for _ in range(_length(read_pickle(source))):
        key, _location, dtype = read_pickle(source)
        (count,) = _numbers(source, "<q")
        storage = storage_reference(("storage", dtype, key, None, count))
        length = count * ITEM_SIZES[storage.dtype]
        storages.places[storage.key] = (source.tell(), length)
        known[storage.key] = storage
        source.skip(length)
    for target, root, offset, count in read_pickle(source):
        whole = known[str(root)]
        item = ITEM_SIZES[whole.dtype]
        if not 0 <= offset <= offset + count <= whole.count:
            raise PickleFault("is damaged (a view lies outside its storage)")
        storages.places[str(target)] = (storages.places[str(root)][0] + offset * item, count * item)
        known[str(target)] = StorageRef(whole.dtype, str(target), count)
    return known


def _tar_tensors(file: BinaryIO, member: tarfile.TarInfo, storages: Mapping[str, StorageRef]) -> dict[str, TensorRef]:
    """Return the tensors of a tar by their key: `(key, storage, type)`, then axes, sizes, strides and offset."""
    source = _member(file, member)
    tensors: dict[str, TensorRef] = {}
    for _ in range(_length(read_pickle(source))):
        key, storage_key, _kind = read_pickle(source)
        axes, _padding = _numbers(source, "<ii")
        if not 0 <= axes <= 32:
            raise PickleFault("is damaged (a tensor has an impossible number of axes)")
        numbers = _numbers(source, f"<{2 * axes + 1}q")
        if min(numbers) < 0:
            raise PickleFault("is damaged (a tensor has a negative size)")
        storage = storages[str(storage_key)]
        tensors[str(key)] = TensorRef(storage, numbers[-1], numbers[:axes], numbers[axes:-1], storage.dtype)
    return tensors


def _length(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise PickleFault("is damaged (a count in it is no count)")
    return value


def _numbers(source: Bounded, form: str) -> tuple[int, ...]:
    data = source.read(struct.calcsize(form))
    if len(data) != struct.calcsize(form):
        raise PickleFault("is cut off (it ends between its storages)")
    return struct.unpack(form, data)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:40]
