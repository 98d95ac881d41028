"""Free text without what names a place: paths, addresses, files and e-mail addresses."""

from __future__ import annotations

import re

WITHHELD = "[withheld]"

_FILE_TYPES = (
    "avi|avif|bin|bmp|ckpt|csv|db|gif|h5|hdf5|jpeg|jpg|json|mkv|mov|mp4|mpeg|mpg|npy|npz|onnx|pkl|png|pt|pt2|pth|py|"
    "pyc|safetensors|tar|tiff|toml|txt|webm|webp|yaml|yml|zip"
)
_PLACES = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+"  # an address
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)*"  # e-mail, or a user at a host
    r"|(?<![\w/.])~?/(?:[^\n'\"<>]*/)?[^\s'\"<>:,;()]*"  # an absolute path, spaces in its folders' names too
    r"|\b[A-Za-z]:\\[^\s'\"<>,;]*|\\\\[^\s'\"<>,;]+"  # one of Windows
    rf"|[^\s'\"<>/\\()]+\.(?:{_FILE_TYPES})\b",  # a file's name
    re.IGNORECASE,
)


_HANGING = re.compile(r"[,;:]?\s+(?:by|from|in|at|with|of|on)\s+" + re.escape(WITHHELD) + r"(?=\W*$)")


def without_last_place(text: str) -> str:
    """Return free text without its places; where it ended with "by" or "from" one, those words go with it."""
    return _HANGING.sub("", without_places(text))


_SOMEBODY = re.compile(
    r"(?:^|[^\w/])(?:/home|/Users)/[\w.-]+|[a-z]:\\users\\[^\\\s]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)


def somebodys_place(text: str) -> str:
    """Return the home folder or e-mail address that a name holds, whosever it is; empty where it holds none."""
    found = _SOMEBODY.search(text)
    return found[0].strip() if found else ""


def without_places(text: str) -> str:
    """Return text with every path, address, e-mail address and file name in it withheld."""
    return _PLACES.sub(WITHHELD, text)
