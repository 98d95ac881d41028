"""Files that are no weights, or pretend to be: none runs anything, each is refused with one sentence.

The files are made when the tests run; whatever one of them managed to run would touch the canary.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import pickle
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reportgen.errors import WeightsError
from reportgen.zoo.checkpoints import read_checkpoint
from tests.damage import checkpoints_of, spoiled

CANARY = "canary"
STATE = {"conv.weight": torch.arange(24.0).reshape(2, 3, 4), "conv.bias": torch.ones(2)}


class Calls:
    """Pickles as a call of anything."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


def touch(folder: Path) -> str:
    return f"touch {folder / CANARY}"


def python(folder: Path) -> str:
    return f"open({str(folder / CANARY)!r}, 'w').close()"


def zipped(pickled: bytes, compression: int = zipfile.ZIP_STORED, **entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", b"3\n")
        for name, content in entries.items():
            archive.writestr(f"archive/data/{name}", content)
    return stream.getvalue()


def saved(value: Any, *, new: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def described(count: int, size: tuple[int, ...], key: str = "0", offset: int = 0) -> bytes:
    """Return the pickle of a state dict with one tensor that says of itself what it is told to."""
    stride = tuple(int(torch.tensor(size[place + 1 :]).prod()) for place in range(len(size)))
    parts = [b"\x80\x02}X\x01\x00\x00\x00w", b"ctorch._utils\n_rebuild_tensor_v2\n(("]
    parts += [pickle_part("storage"), b"ctorch\nFloatStorage\n", pickle_part(key), pickle_part("cpu")]
    parts += [pickle_part(count), b"tQ", pickle_part(offset), pickle_part(size), pickle_part(stride), b"\x89}tRs."]
    return b"".join(parts)


def pickle_part(value: Any) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def chain(folder: Path) -> Any:
    """getattr(getattr(__import__("os"), "path"), ...): the usual way around a list of forbidden names."""
    module = Calls(builtins.__import__, "os")
    return Calls(builtins.getattr, module, "system")


def nested(folder: Path) -> Any:
    inner: Any = Calls(os.system, touch(folder))
    for _ in range(50):
        inner = OrderedDict(inner=[inner])
    return {"state_dict": inner}


HOSTILE: dict[str, Callable[[Path], Any]] = {
    "os.system": lambda folder: Calls(os.system, touch(folder)),
    "in a state dict": lambda folder: {"conv.weight": STATE["conv.weight"], "x": Calls(os.system, touch(folder))},
    "eval": lambda folder: {"state_dict": Calls(eval, python(folder))},
    "exec": lambda folder: {"state_dict": Calls(exec, python(folder))},
    "getattr chain": chain,
    "nested": nested,
    "as a key": lambda folder: [(Calls(os.system, touch(folder)), 1)],
    "open": lambda folder: Calls(open, str(folder / CANARY), "w"),
    "os.mkdir": lambda folder: Calls(os.mkdir, str(folder / CANARY)),
    "torch.load": lambda folder: Calls(torch.load, str(folder / "x.pth")),
    "OrderedDict of calls": lambda folder: Calls(OrderedDict, Calls(os.system, touch(folder))),
    "whole network": lambda folder: torch.nn.Linear(2, 2),
}


def refused(path: Path) -> str:
    """Return the sentence with which a file is refused, and check that reading it cost little and ran nothing."""
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(path)
    seconds = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    message = str(caught.value)
    assert not (path.parent / CANARY).exists()
    assert peak < 64e6 + 40 * path.stat().st_size
    assert seconds < 30
    assert message.startswith(path.name)
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize("container", ["zip", "stream", "pickle", "pickle protocol 0", "pickle protocol 5"])
@pytest.mark.parametrize("attack", HOSTILE)
def test_nothing_in_a_file_is_run(tmp_path: Path, attack: str, container: str) -> None:
    value = HOSTILE[attack](tmp_path)
    path = tmp_path / "weights.pth"
    if container == "zip":
        path.write_bytes(saved(value))
    elif container == "stream":
        path.write_bytes(saved(value, new=False))
    else:
        has_tensor = attack in {"in a state dict", "whole network"}
        if has_tensor:
            value = {"state_dict": Calls(os.system, touch(tmp_path))}
        protocol = {"pickle": 2, "pickle protocol 0": 0, "pickle protocol 5": 5}[container]
        path.write_bytes(pickle.dumps(value, protocol=protocol))
    assert "nothing in it was run" in refused(path)


def test_the_canary_would_sing(tmp_path: Path) -> None:
    """The attacks are real: Python's own unpickler falls for them."""
    pickle.loads(pickle.dumps(Calls(os.system, touch(tmp_path))))
    assert (tmp_path / CANARY).exists()


def test_the_name_that_was_asked_for_is_told_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x02cos\nsys\x1b[2Jtem\n(X\x04\x00\x00\x00truetR.")
    message = refused(path)
    assert "os.sys?[2Jtem" in message
    assert message.isprintable()


def test_other_ways_to_call_are_refused(tmp_path: Path) -> None:
    command = touch(tmp_path).encode()
    bodies = {
        "inst": b"(S'" + command + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'" + command + b"'\no.",
        "newobj": b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(command)) + command + b"\x85\x81.",
        "build": b"\x80\x02cos\nsystem\n}X\x01\x00\x00\x00aK\x01sb.",
        "extension": b"\x80\x02\x82\x01.",
        "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(command)]) + command + b"\x85R.",
    }
    for name, body in bodies.items():
        path = tmp_path / f"{name.replace(' ', '_')}.pkl"
        path.write_bytes(body)
        assert "was run" in refused(path), name


def test_sizes_that_lie(tmp_path: Path) -> None:
    numbers = struct.pack("<6f", *range(6))
    cases = {
        "more_numbers_than_the_record": zipped(described(1 << 40, (2, 3)), **{"0": numbers}),
        "fewer_numbers_than_the_record": zipped(described(5, (5,)), **{"0": numbers}),
        "tensor_beyond_its_storage": zipped(described(6, (7,)), **{"0": numbers}),
        "offset_beyond_its_storage": zipped(described(6, (2, 3), offset=3), **{"0": numbers}),
        "no_such_record": zipped(described(6, (2, 3), key="1"), **{"0": numbers}),
        "path_as_key": zipped(described(6, (2, 3), key="../../../etc/passwd"), **{"0": numbers}),
        "huge_tensor": zipped(described(6, (1 << 40, 1 << 40)), **{"0": numbers}),
        "negative_size": zipped(described(6, (-2, 3)), **{"0": numbers}),
        "text_as_size": zipped(described(6, (2, 3)).replace(pickle_part((2, 3)), pickle_part(("a", 3)))),
    }
    path = tmp_path / "good.pth"
    path.write_bytes(zipped(described(6, (2, 3)), **{"0": numbers}))
    assert torch.equal(read_checkpoint(path).tensors["w"], torch.arange(6.0).reshape(2, 3))
    for name, content in cases.items():
        path = tmp_path / f"{name}.pth"
        path.write_bytes(content)
        assert "is damaged" in refused(path), name


def test_headers_that_lie(tmp_path: Path) -> None:
    huge = (1 << 62).to_bytes(8, "little")
    cases = {
        "long_string.pkl": b"\x80\x02X\xff\xff\xff\x7fabc",
        "longer_string.pkl": b"\x80\x04\x8d" + huge + b"abc",
        "long_bytes.pkl": b"\x80\x04\x8e" + huge + b"abc",
        "long_integer.pkl": b"\x80\x02\x8b\xff\xff\xff\x7f\x01",
        "frame.pkl": b"\x80\x04\x95" + huge + b"N.",
        "memo.pkl": b"\x80\x02Nr\xff\xff\xff\xff.",
        "lost_memo.pkl": b"\x80\x02h\x07.",
        "no_end.pkl": b"\x80\x02NNNN",
        "unknown_operation.pkl": b"\x80\x02\xf0.",
        "protocol.pkl": b"\x80\xff.",
        "header_too_long.safetensors": struct.pack("<Q", 1 << 40) + b'{"a":1}',
        "header_longer_than_file.safetensors": struct.pack("<Q", 4096) + b'{"a":1}',
        "header_no_json.safetensors": struct.pack("<Q", 8) + b"{{{{{{{{",
        "offsets.safetensors": safetensors({"a": ("F32", [1 << 40], [0, 1 << 42])}, b"\0" * 16),
        "overlap.safetensors": safetensors({"a": ("F32", [4], [0, 16]), "b": ("F32", [4], [0, 16])}, b"\0" * 16),
    }
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        refused(path)


def safetensors(entries: dict[str, tuple[str, list[int], list[int]]], data: bytes) -> bytes:
    header = {
        name: {"dtype": kind, "shape": shape, "data_offsets": places} for name, (kind, shape, places) in entries.items()
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.slow
def test_bombs(tmp_path: Path) -> None:
    zeros = b"\0" * 50_000_000
    doubling = b"\x80\x02]q\x00" + b"".join(
        b"](h" + bytes([level]) + b"h" + bytes([level]) + b"eq" + bytes([level + 1]) for level in range(200)
    )
    text = b"\x80\x02X\x40\x42\x0f\x00" + b"a" * 1_000_000 + b"q\x00]("
    copies = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R" * 2000
    cases = {
        "zip_bomb.pth": zipped(described(12_500_000, (12_500_000,)), zipfile.ZIP_DEFLATED, **{"0": zeros}),
        "doubling.pkl": doubling + b".",
        "copies.pkl": text + copies + b"e.",
        "deep_lists.pkl": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "deep_tuple_as_key.pkl": b"\x80\x02})" + b"\x85" * 100_000 + b"Ns.",
        "operations.pkl": b"\x80\x02" + b"N0" * 500_001 + b"N.",
    }
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        refused(path)


def test_overlapping_zip_entries(tmp_path: Path) -> None:
    """Many directory entries for the same bytes: the bomb that needs no compression."""
    content = bytearray(zipped(described(6, (2, 3)), **{"0": b"\0" * 1_000_000}))
    directory = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entries = bytes(content[directory:end])
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, 3 * 200, 3 * 200, len(entries) * 200)
    path = tmp_path / "overlap.pth"
    path.write_bytes(bytes(content[:directory]) + entries * 200 + bytes(tail))
    refused(path)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "archive/../../outside", "..\\outside"])
def test_zip_entries_outside_the_archive(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO(zipped(described(0, (0,)), **{"0": b""}))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, b"x")
    path = tmp_path / "traversal.pth"
    path.write_bytes(stream.getvalue())
    assert "outside" in refused(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["zip", "stream", "pickle", "safetensors"])
def test_truncated_files_of_every_kind(tmp_path: Path, kind: str) -> None:
    whole = checkpoints_of(STATE)[kind]
    path = tmp_path / f"whole.{kind}"
    path.write_bytes(whole)
    assert set(read_checkpoint(path).tensors) == set(STATE)
    for length in sorted({1, 2, 8, 9, 30, *range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1}):
        path = tmp_path / f"cut_{length}.{kind}"
        path.write_bytes(whole[:length])
        refused(path)


@pytest.mark.parametrize("kind", ["zip", "stream", "pickle", "safetensors"])
def test_damage_never_does_more_than_fail(tmp_path: Path, kind: str) -> None:
    whole = checkpoints_of(STATE)[kind]
    path = tmp_path / "damaged.pth"
    for seed in range(60):
        path.write_bytes(spoiled(whole, seed))
        try:
            tensors = read_checkpoint(path).tensors
        except WeightsError:
            continue
        assert all(isinstance(value, torch.Tensor) for value in tensors.values())


OTHER_FILES = {
    "page.pth": (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "web page"),
    "error.pth": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "web page"),
    "message.pth": (b'{"message": "Not Found"}', "JSON"),
    "pointer.pth": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"),
    "empty.pth": (b"", "empty"),
    "text.pth": (b"just some words\n", "not a checkpoint"),
    "keras.h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5"),
    "packed.gz": (b"\x1f\x8b\x08\0" + b"\0" * 100, "compressed"),
    "user_block.h5": (b"\0" * 512 + b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5"),
    "model.mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + b" " * 90, "MATLAB"),
    "model.gguf": (b"GGUF" + struct.pack("<IQQ", 3, 1, 1), "GGUF"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 100, "TensorFlow Lite"),
    "array.npy": (b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n\0\0\0\0", "numpy"),
    "xet.pth": (b"# xet version 0\nfilesize = 123\n", "Xet"),
    "annex.pth": (b"/annex/objects/SHA256E-s123--abc.pth\n", "git annex get"),
    "index.json": (b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}', "only lists"),
    "picture.pth": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "picture"),
    "photo.pth": (b"\xff\xd8\xff\xe0" + b"\0" * 100, "picture"),
    "video.pth": (b"\0\0\0\x20ftypisom" + b"\0" * 100, "video"),
    "paper.pth": (b"%PDF-1.4\n", "PDF"),
    "program.pth": (b"\x7fELF" + b"\0" * 100, "program"),
    "zeros.pth": (b"\0" * 5000, "zeros"),
    "noise.bin": (bytes(range(1, 256)) * 8, "not a checkpoint"),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_files_that_are_something_else(tmp_path: Path, name: str) -> None:
    content, word = OTHER_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    assert word in refused(path)


@pytest.mark.parametrize("length", [0x80, 0x180, 0x4B50, 0x5880, 0x02_80])
def test_safetensors_are_known_whatever_the_length_of_their_header(tmp_path: Path, length: int) -> None:
    """The length comes first: its bytes may be those that pickles (0x80) and archives (PK) begin with."""
    entry = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + entry.ljust(length).encode() + struct.pack("<2f", 1, 2))
    assert read_checkpoint(path).tensors["a"].tolist() == [1, 2]


def test_names_in_a_file_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    hostile = "\x1b[2J\x1b]0;title\x07red\n\u202eEdesrever\x9b"
    path = tmp_path / "a.pth"
    torch.save({hostile: {hostile: torch.ones(2)}, "b": {"c": torch.ones(1)}}, path)
    assert list(read_checkpoint(path, hostile).tensors) == [hostile]
    for key in (None, "gone", hostile + "x"):
        with pytest.raises(WeightsError) as error:
            read_checkpoint(path, key)
        assert str(error.value).isprintable(), repr(str(error.value))


def test_archives_that_are_something_else(tmp_path: Path) -> None:
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("photo.txt", b"x")
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02N.")
        archive.writestr("net/constants.pkl", b"\x80\x02).")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as bundle:
        bundle.addfile(tarfile.TarInfo("../../outside"))
    around = io.BytesIO()
    with zipfile.ZipFile(around, "w") as archive:
        archive.writestr("folder/net.pth", b"x")
    with pytest.raises(WeightsError, match=r"archive around weights: .* \(net\.pth\)"):
        (tmp_path / "d.zip").write_bytes(around.getvalue())
        read_checkpoint(tmp_path / "d.zip")
    for name, stream, word in (("a.zip", plain, "torch"), ("b.pt", script, "TorchScript"), ("c.tar", tar, "torch")):
        path = tmp_path / name
        path.write_bytes(stream.getvalue())
        assert word in refused(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_checkpoint(tmp_path)
