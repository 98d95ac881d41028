"""One sample report for all tests of the site, built once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from reportgen.commands.render import render

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def sample_runs(tmp_path_factory: pytest.TempPathFactory, sample_copy: Callable[[Path], Path]) -> Path:
    """The folder of the sample's runs; tests must not change it."""
    return sample_copy(tmp_path_factory.mktemp("sample") / "runs")


@pytest.fixture(scope="session")
def sample_site(written_once: Callable[[str, Callable[[Path], object]], Path], written_sample: Path) -> Path:
    """The folder of the sample's site, rendered once for all processes; tests must not change it."""

    def rendered(folder: Path) -> None:
        render(written_sample, folder / "site", build_dir=folder / "build")

    return written_once("sample-site", rendered) / "site"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: pytest shows what matters."""


@pytest.fixture(scope="session")
def served_site(sample_site: Path) -> Iterator[str]:
    """The address of the sample's site on a local server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(sample_site)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()
