"""Data in scripts: read back as it was, packed where it is long, and the same data however it was packed."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from reportgen.outputs.site import scripts
from reportgen.outputs.site.scripts import LONG_DATA, data_script, held_script, script_data
from reportgen.proof.pages import same_data

NAME = 'a "net"/kernels-0'


def long_data(said: str = "It answers to stripes <&>.") -> dict[str, Any]:
    """What the figures of some kernels are like."""
    kernels = [{"index": place, "best": 0.1 * place, "said": said} for place in range(500)]
    return {"compared": {"motion": 7, "responses": 2}, "kernels": kernels}


def packed_otherwise(data: Any, content: bytes | None = None, behind: bytes = b"") -> str:
    """Data as another version of zlib may pack it."""
    content = json.dumps(data).encode() if content is None else content
    packed = gzip.compress(content, 1, mtime=0) + behind
    return held_script("reportPacked", NAME, json.dumps(base64.b64encode(packed).decode()))


def test_short_data_stands_as_it_is_and_long_data_a_fifth_as_long() -> None:
    short, long = {"index": 1, "said": "</script>"}, long_data()
    assert script_data(data_script(NAME, short)) == (NAME, short)
    assert "reportPacked" not in data_script(NAME, short)
    text = data_script(NAME, long)
    assert script_data(text) == (NAME, long)
    assert "reportData" not in text
    assert len(text) < len(json.dumps(long)) / 5
    assert text == data_script(NAME, long)
    assert "<" not in text + data_script(NAME, short)


def test_what_is_no_shorter_when_it_is_packed_is_not() -> None:
    numbers = list(range(10**6, 10**6 + 5 * LONG_DATA, 37))
    noise = base64.b64encode(b"".join((number**5 % (1 << 64)).to_bytes(8, "big") for number in numbers)).decode()
    assert len(noise) > LONG_DATA
    assert script_data(data_script(NAME, noise)) == (NAME, noise)
    assert "reportPacked" not in data_script(NAME, noise)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alert(1)",
        packed_otherwise(0, b"{"),
        packed_otherwise(long_data())[:-40] + '";\n',
        packed_otherwise(long_data(), behind=b"more"),
        held_script("reportPacked", NAME, "1"),
        held_script("reportPacked", NAME, '"///"'),
        held_script("reportData", NAME, "{"),
    ],
)
def test_no_data_is_read_from_what_is_damaged_or_another_script(text: str) -> None:
    assert script_data(text) is None


def test_no_more_is_unpacked_than_any_page_has(monkeypatch: pytest.MonkeyPatch) -> None:
    text = packed_otherwise("a" * 5000)
    assert script_data(text) == (NAME, "a" * 5000)
    monkeypatch.setattr(scripts, "_LONGEST", 5000)
    assert script_data(text) is None


def test_scripts_are_compared_by_their_data_and_not_by_who_packed_them(tmp_path: Path) -> None:
    def same(theirs: str) -> bool:
        (tmp_path / "theirs.js").write_text(theirs, encoding="utf-8")
        (tmp_path / "ours.js").write_text(data_script(NAME, long_data()), encoding="utf-8")
        return same_data(tmp_path / "theirs.js", tmp_path / "ours.js")

    assert same(packed_otherwise(long_data()))
    assert same(held_script("reportData", NAME, json.dumps(long_data())))
    assert not same(packed_otherwise(long_data("It answers to dots.")))
    assert not same(data_script("another", long_data()))
    assert not same("alert(1)")
    found = long_data()
    found["kernels"][0]["weighted"] = {"feeds": [[1, 2, 0.5]]}
    assert same(data_script(NAME, found)), "arrays that sites do not carry tell what the weights say"
    found["kernels"][0]["best"] = 1
    assert not same(data_script(NAME, found))
