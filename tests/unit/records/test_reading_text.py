"""Texts that users name: read when they are files of a text's length, refused when they are endless."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.config.reading import load_options
from reportgen.errors import OptionError
from reportgen.records.files import read_text
from reportgen.zoo.cards import read_labels


def test_devices_are_refused_as_labels_and_configuration() -> None:
    with pytest.raises(OptionError, match=r"/dev/zero cannot be read .*device"):
        read_labels(Path("/dev/zero"))
    with pytest.raises(OptionError, match=r"/dev/zero: .*device"):
        load_options({}, config=Path("/dev/zero"))


def test_a_text_of_16_mib_is_read_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"a" * (16 << 20))
    assert len(read_text(path)) == 16 << 20
    path.write_bytes(b"a" * ((16 << 20) + 1))
    with pytest.raises(OSError, match="longer than 16 MiB"):
        read_text(path)
