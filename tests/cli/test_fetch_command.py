"""`reportgen fetch`: shown first, asked, put where it is wanted; one sentence where it cannot be had."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reportgen.cli import cli
from reportgen.errors import FetchError, UnknownNameError

CONTENTS = {"first.pth": b"first weights", "second.pth": b"the second weights"}
TINY = Path(__file__).parents[1] / "zoo" / "tiny"


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()
    for name, content in CONTENTS.items():
        (served / name).write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def zoo(folder: Path, address: str) -> Path:
    shutil.copytree(TINY, folder / "tiny")
    card = folder / "tiny" / "card.toml"
    weights = "".join(
        f'\n[[weights]]\nfile = "{name}"\nurl = "{address}/{name}"\nlicence = "MIT"\n' for name in CONTENTS
    )
    card.write_text(card.read_text() + weights)
    return folder


def fetch(tmp_path: Path, address: str, *words: str, answer: str = "") -> Result:
    folder = tmp_path / "zoo"
    cards = folder if folder.exists() else zoo(folder, address)
    environment = {"REPORTGEN_WEIGHTS": str(tmp_path / "cache")}
    return CliRunner().invoke(cli, ["fetch", "tiny", "--zoo", str(cards), *words], input=answer, env=environment)


def test_the_first_file_goes_to_the_cache_and_its_path_is_the_only_output(tmp_path: Path, address: str) -> None:
    result = fetch(tmp_path, address, "--yes")
    place = tmp_path / "cache" / "tiny" / "first.pth"
    assert (result.exit_code, result.stdout) == (0, f"{place}\n")
    assert place.read_bytes() == CONTENTS["first.pth"]
    for part in (f"{address}/first.pth", "0.0 MB", "licence MIT"):
        assert part in result.stderr


@pytest.mark.parametrize("variant", ["second.pth", "1"])
def test_another_file_to_another_place(tmp_path: Path, address: str, variant: str) -> None:
    place = tmp_path / "own" / "weights.pth"
    result = fetch(tmp_path, address, "--yes", "--variant", variant, "--to", str(place))
    assert result.exit_code == 0
    assert place.read_bytes() == CONTENTS["second.pth"]
    assert not (tmp_path / "cache").exists()


def test_it_asks_first(tmp_path: Path, address: str) -> None:
    refused = fetch(tmp_path, address, answer="n\n")
    assert refused.exit_code == 1
    assert "Nothing was downloaded." in refused.stderr
    assert not (tmp_path / "cache" / "tiny" / "first.pth").exists()
    assert fetch(tmp_path, address, answer="y\n").exit_code == 0


def test_a_file_that_the_card_does_not_name(tmp_path: Path, address: str) -> None:
    result = fetch(tmp_path, address, "--yes", "--variant", "frist.pth")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean first.pth" in str(result.exception)


def test_a_server_that_has_not_got_it_and_a_card_without_an_address(tmp_path: Path, address: str) -> None:
    result = fetch(tmp_path, f"{address}/gone", "--yes")
    assert isinstance(result.exception, FetchError)
    assert str(tmp_path / "cache" / "tiny" / "first.pth") in str(result.exception)
    own = CliRunner().invoke(cli, ["fetch", "resnet3d_50", "--yes"], env={"REPORTGEN_WEIGHTS": str(tmp_path)})
    assert isinstance(own.exception, FetchError)
    assert "put it at" in str(own.exception)
