"""Two networks' files may import modules of one name from beside them: each gets its own."""

from __future__ import annotations

import sys
from pathlib import Path

from reportgen.zoo.sources import import_file

FILE = "from layers_beside import WIDTH\n\ndef late():\n    from layers_beside import WIDTH\n    return WIDTH\n"


def write(folder: Path, width: int) -> Path:
    folder.mkdir()
    (folder / "layers_beside.py").write_text(f"WIDTH = {width}\n")
    (folder / "arch.py").write_text(FILE)
    return folder / "arch.py"


def test_a_module_of_the_same_name_elsewhere_is_not_taken(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", 1), write(tmp_path / "other", 2)
    assert import_file(one).WIDTH == 1
    assert import_file(other).WIDTH == 2
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "arch.py").write_text("WIDTH = 3\n")
    assert import_file(tmp_path / "bare" / "arch.py").WIDTH == 3
    assert import_file(other).late() == 2
    assert sys.modules["layers_beside"].WIDTH == 2
