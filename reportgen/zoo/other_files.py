"""What is often saved in place of weights, known by how it begins, and told with what to do instead."""

from __future__ import annotations

import re

from reportgen.wording import option
from reportgen.zoo.objects import PickleFault

HEAD = 4096
"""Bytes of a file that are looked at."""

_AGAIN = "the download led to a {}; get the file itself from there"
_SAVE = "save the network as safetensors or a torch state dict with the library that wrote it"

_BEGINNINGS: tuple[tuple[bytes, int, str], ...] = (
    (b"version https://git-lfs", 0, "is a Git LFS pointer, not the weights: run `git lfs pull` where it comes from"),
    (b"# xet version", 0, "is a Xet pointer, not the weights: run `git xet pull` where it comes from"),
    (b"/annex/objects/", 0, "is a git-annex pointer, not the weights: run `git annex get` where it comes from"),
    (b"\x89HDF\r\n\x1a\n", 0, f"is an HDF5 file (Keras, MATLAB 7.3), which is not supported: {_SAVE}"),
    (b"\x89HDF\r\n\x1a\n", 512, f"is an HDF5 file (Keras, MATLAB 7.3), which is not supported: {_SAVE}"),
    (b"MATLAB 5.0 MAT-file", 0, f"is a MATLAB file, which is not supported: {_SAVE}"),
    (b"\x93NUMPY", 0, "is a single numpy array, not a network's weights: save them by name, as safetensors"),
    (b"GGUF", 0, f"is a GGUF file, which is not supported: {_SAVE}"),
    (b"TFL3", 4, f"is a TensorFlow Lite model, which is not supported: {_SAVE}"),
    (b"%PDF", 0, "is a PDF document, not weights: check the path"),
    (b"\x7fELF", 0, "is a program, not weights: check the path"),
    (b"MZ", 0, "is a program, not weights: check the path"),
    (b"\x89PNG\r\n\x1a\n", 0, "is a picture, not weights: check the path"),
    (b"\xff\xd8\xff", 0, "is a picture, not weights: check the path"),
    (b"GIF8", 0, "is a picture, not weights: check the path"),
    (b"ftyp", 4, f"is a video, not weights: it is given by {option('--clip')}, and the weights here"),
    (b"\x1a\x45\xdf\xa3", 0, f"is a video, not weights: it is given by {option('--clip')}, and the weights here"),
    (b"RIFF", 0, "is a video, picture or sound, not weights: check the path"),
    (b"SQLite format 3\0", 0, "is a database, not weights: check the path"),
    *((mark, 0, "is compressed: unpack it and name the file in it") for mark in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")),
    *((mark, 0, "is compressed: unpack it and name the file in it") for mark in (b"7z\xbc\xaf", b"Rar!")),
    (b"\x28\xb5\x2f\xfd", 0, "is compressed: unpack it and name the file in it"),
)
_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--")
_INDEX = re.compile(rb'"weight_map"\s*:')


def refuse_other_files(head: bytes, size: int) -> None:
    """Raise PickleFault, whose message completes `the file ...`, for what begins (`head`) like no weights."""
    if size == 0:
        raise PickleFault("is empty: get it again")
    for mark, place, message in _BEGINNINGS:
        if head.startswith(mark, place):
            raise PickleFault(message)
    text = head.lstrip().lower()
    if text.startswith(_PAGE):
        raise PickleFault(f"is a web page, not weights: {_AGAIN.format('page')}")
    if text.startswith((b"{", b"[")) and text[1:2] in b'"{ \r\n\t[':
        if _INDEX.search(head):
            raise PickleFault("only lists which file holds which weights: join those into one file, and name that")
        raise PickleFault(f"is JSON text, not weights: {_AGAIN.format('message')}")
    if not any(head):
        raise PickleFault("begins with nothing but zeros: it was not copied or downloaded whole; get it again")
