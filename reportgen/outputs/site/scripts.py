"""Data of a page as a script, which also a page that is opened as a file may load, and as which it is read again.

Short data stands there as it is. Long data is packed, by gzip and in base64: five times smaller of kernels' figures,
and unpacked by the browser (``assets/js/data.js``).
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from reportgen.gzipped import gunzipped, gzipped
from reportgen.outputs.site.text import script_json

LONG_DATA = 10_000
"""Bytes of JSON from which data is packed, where that makes it shorter."""

_LEVEL = 6
"""Of gzip: the highest makes kernels' figures a sixtieth smaller in twice the time."""

_LONGEST = 1 << 28
"""Bytes of JSON that are unpacked: the figures of 25,000 kernels have a hundredth of it."""

_SCRIPT = re.compile(
    r"window\.(reportData|reportPacked)=window\.\1\|\|\{\};window\.\1\[(\"(?:[^\"\\]|\\.)*\")\]=(.*);\n?", re.S
)


def data_script(name: str, data: Any) -> str:
    """Return the script that holds `data` as ``reportData[name]``, or packed as ``reportPacked[name]``."""
    told = script_json(data)
    plain = held_script("reportData", name, told)
    content = told.encode()
    if len(content) < LONG_DATA:
        return plain
    packed = base64.b64encode(gzipped(content, _LEVEL)).decode()
    short = held_script("reportPacked", name, script_json(packed))
    return short if len(short) < len(plain.encode()) else plain


def held_script(holder: str, name: str, value: str) -> str:
    """Return the script that puts a value, as it is written in JavaScript, into a holder of all pages' data."""
    return f"window.{holder}=window.{holder}||{{}};window.{holder}[{script_json(name)}]={value};\n"


def script_data(text: str) -> tuple[str, Any] | None:
    """Return the name and the data of a script of data; None for another script, or one that is damaged."""
    found = _SCRIPT.fullmatch(text)
    if found is None:
        return None
    try:
        name, value = json.loads(found[2]), json.loads(found[3])
        if found[1] == "reportPacked":
            value = json.loads(gunzipped(base64.b64decode(value, validate=True), _LONGEST))
    except (ValueError, TypeError, RecursionError):
        return None
    return name, value
