"""Fetching weights from a server that behaves, and from servers that do not."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from reportgen.commands.fetch import fetch
from reportgen.errors import FetchError, UnknownNameError
from reportgen.zoo.fetch import Fetched, Offer, digest_file

CONTENT = bytes(range(256)) * 8192  # 2 MiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CARD = """
name = "net"
title = "A network"
licence = "CC-BY-4.0"

[clip]
frames = 1
height = 8
width = 8
mean = [0, 0, 0]
std = [1, 1, 1]
"""

Behaviour = Callable[["Answer"], None]


@dataclass
class Server:
    """What a test's server does to each request, in order; the last behaviour stays."""

    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    address: str = ""


class Answer(BaseHTTPRequestHandler):
    """One request; the test's behaviour says how it is answered."""

    protocol_version = "HTTP/1.1"
    scenario: Server

    def do_GET(self) -> None:
        self.scenario.requests.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        behaviours = self.scenario.behaviours
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has heard enough
            behaviour(self)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def send(
        self,
        content: bytes = CONTENT,
        *,
        status: int = 200,
        length: int | None = None,
        etag: str | None = '"one"',
        kind: str = "application/octet-stream",
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        if etag:
            self.send_header("ETag", etag)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def breaks_off(self, after: int) -> None:
        self.send(CONTENT[:after], length=len(CONTENT))
        self.close_connection = True

    def send_rest(self, **headers: str) -> None:
        """Answer a range request as a good server does."""
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        self.send(CONTENT[start:], status=206, Content_Range=place, **headers)


def good(answer: Answer) -> None:
    answer.send_rest() if "Range" in answer.headers else answer.send()


def cut(after: int) -> Behaviour:
    return lambda answer: answer.breaks_off(after)


class Listening(ThreadingHTTPServer):
    """A server that does not ask the network for its own name."""

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    scenario = Server([good])
    handler = type("Handler", (Answer,), {"scenario": scenario})
    with Listening(("127.0.0.1", 0), handler) as listening:
        scenario.address = f"http://127.0.0.1:{listening.server_port}/weights.pth"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield scenario
        listening.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "weights.pth"


@pytest.fixture
def get(server: Server, tmp_path: Path, place: Path) -> Callable[..., Fetched]:
    def run(card: str = "", **options: Any) -> Fetched:
        folder = tmp_path / "zoo" / "net"
        folder.mkdir(parents=True, exist_ok=True)
        url = f'url = "{server.address}"\n' if "url =" not in card else ""
        (folder / "card.toml").write_text(f'{CARD}\n[[weights]]\nfile = "weights.pth"\n{url}{card}')
        options = {"destination": place, "zoo": [tmp_path / "zoo"], "pause": 0.0, "timeout": 5.0} | options
        fetched = fetch("net", **options)
        assert fetched is not None
        return fetched

    return run


Get = Callable[..., Fetched]


class Bars:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.steps = 0.0
        self.totals: list[float] = []
        self.notes: list[str] = []

    def task(self, title: str, total: float) -> Self:
        self.steps = 0.0
        self.totals.append(total)
        return self

    def note(self, message: str) -> None:
        self.notes.append(message)

    def advance(self, steps: float = 1) -> None:
        self.steps += steps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""


def test_a_file_arrives_whole_and_checked(get: Get, place: Path) -> None:
    bars = Bars()
    fetched = get(f'sha256 = "{DIGEST}"\nsize = {len(CONTENT)}', progress=bars)
    assert fetched == Fetched(place, len(CONTENT), DIGEST, checked=True, downloaded=True)
    assert place.read_bytes() == CONTENT
    assert [path.name for path in place.parent.iterdir()] == ["weights.pth"]
    assert bars.totals == [len(CONTENT)]
    assert bars.steps == len(CONTENT)


def test_where_no_digest_is_known_it_is_recorded(get: Get, server: Server, place: Path) -> None:
    assert not get().checked
    assert digest_file(place).read_text() == f"{DIGEST}  weights.pth\n"
    assert not get().downloaded
    assert len(server.requests) == 1
    place.write_bytes(b"damaged since")
    with pytest.raises(FetchError, match="another digest"):
        get()


def test_the_offer_is_made_before_the_body_is_read(get: Get, server: Server, place: Path, tmp_path: Path) -> None:
    offers: list[Offer] = []
    get(f"size = {len(CONTENT)}", confirm=lambda offer: offers.append(offer) or True)
    assert offers == [Offer("net", "weights.pth", server.address, len(CONTENT), "CC-BY-4.0", place)]


def test_no_means_no(get: Get, place: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):  # fetch returned None
        get(confirm=lambda offer: False)
    assert not place.exists()


def test_a_broken_transfer_goes_on_where_it_stopped(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [cut(1_000_000), cut_rest(500_000), good]
    bars = Bars()
    get(f'sha256 = "{DIGEST}"', progress=bars)
    assert place.read_bytes() == CONTENT
    assert [request.get("range") for request in server.requests] == [None, "bytes=1000000-", "bytes=1500000-"]
    assert all(request["if-range"] == '"one"' for request in server.requests[1:])
    assert len(bars.notes) == 2


def cut_rest(after: int) -> Behaviour:
    def behave(answer: Answer) -> None:
        start = int(answer.headers["Range"].removeprefix("bytes=").rstrip("-"))
        place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        length = len(CONTENT) - start
        answer.send(CONTENT[start : start + after], status=206, length=length, Content_Range=place)
        answer.close_connection = True

    return behave


def test_a_later_call_resumes_too(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [cut(1_000_000), cut_rest(0)]
    with pytest.raises(FetchError, match=r"broke off after 1000000 of 2097152 bytes"):
        get(attempts=2)
    assert not place.exists()
    server.behaviours = [good]
    get()
    assert server.requests[-1]["range"] == "bytes=1000000-"
    assert place.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [cut(1_000_000), lambda answer: answer.send()]
    get(f'sha256 = "{DIGEST}"')
    assert place.read_bytes() == CONTENT


def test_a_server_without_validators_is_asked_for_all(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [
        lambda answer: (answer.send(CONTENT[:1000], length=len(CONTENT), etag=None), setattr_close(answer))[0],
        lambda answer: answer.send(etag=None),
    ]
    get()
    assert "range" not in server.requests[-1]
    assert place.read_bytes() == CONTENT


def setattr_close(answer: Answer) -> None:
    answer.close_connection = True


def test_a_file_that_changed_meanwhile_is_begun_anew(get: Get, server: Server, place: Path) -> None:
    other = bytes(reversed(CONTENT))
    server.behaviours = [
        cut(1_000_000),
        lambda answer: answer.send_rest(etag='"two"'),
        lambda answer: answer.send(other, etag='"two"'),
    ]
    get()
    assert place.read_bytes() == other


def test_a_range_that_is_not_satisfiable_is_begun_anew(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [cut(1_000_000), lambda answer: answer.send(b"", status=416), lambda answer: answer.send()]
    get()
    assert place.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (lambda answer: answer.send(CONTENT[:-1] + b"x"), "not the published file"),
        (lambda answer: answer.send(status=404), "404"),
        (lambda answer: answer.send(status=403), "403"),
        (lambda answer: answer.send(b"<html>Sign in</html>", kind="text/html"), "web page"),
        (lambda answer: answer.send(b"\n<!DOCTYPE html><html>", kind="application/octet-stream"), "web page"),
        (lambda answer: answer.send(Content_Encoding="gzip"), "compressed"),
        (lambda answer: answer.send(status=503, Retry_After="0"), "503"),
        (lambda answer: answer.breaks_off(0), "broke off"),
        (lambda answer: answer.send(status=302, Location="ftp://127.0.0.1/x"), "not followed"),
        (lambda answer: answer.send(status=302, Location="/again"), "302"),
        (lambda answer: answer.wfile.write(b"garbage\r\n\r\n"), "garbage"),
    ],
)
def test_servers_that_do_not_serve(get: Get, server: Server, place: Path, behaviour: Behaviour, message: str) -> None:
    def once(answer: Answer) -> None:
        answer.close_connection = True
        behaviour(answer)

    server.behaviours = [once]
    with pytest.raises(FetchError, match=message) as caught:
        get(f'sha256 = "{DIGEST}"\npage = "https://example.org/models"', attempts=2)
    assert not place.exists()
    assert "\n" not in str(caught.value)
    if "not the published file" not in message:
        assert f"get it from https://example.org/models by hand and put it at {place}" in str(caught.value)


@pytest.mark.parametrize("claim", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_server_that_lies_about_the_length(get: Get, server: Server, place: Path, claim: int) -> None:
    def behave(answer: Answer) -> None:
        answer.send(length=claim)
        answer.close_connection = True

    server.behaviours = [behave]
    with pytest.raises(FetchError):
        get(f'sha256 = "{DIGEST}"', attempts=2)
    assert not place.exists()


def test_another_size_than_published_is_not_downloaded(get: Get, place: Path) -> None:
    with pytest.raises(FetchError, match="2097152 bytes at its address, but the published file has 5"):
        get("size = 5")
    assert not place.exists()


def test_a_busy_server_is_asked_again(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [lambda answer: answer.send(b"", status=503), lambda answer: answer.send(b"", status=429), good]
    get()
    assert place.read_bytes() == CONTENT


def test_redirects_are_followed(get: Get, server: Server, place: Path) -> None:
    server.behaviours = [lambda answer: answer.send(b"", status=302, Location="/elsewhere"), good]
    get()
    assert server.requests[-1]["path"] == "/elsewhere"
    assert place.read_bytes() == CONTENT


def test_a_chunked_answer_has_no_length(get: Get, server: Server, place: Path) -> None:
    def behave(answer: Answer) -> None:
        answer.send_response(200)
        answer.send_header("Transfer-Encoding", "chunked")
        answer.end_headers()
        for start in range(0, len(CONTENT), 1 << 18):
            piece = CONTENT[start : start + (1 << 18)]
            answer.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        answer.wfile.write(b"0\r\n\r\n")

    server.behaviours = [behave]
    get()
    assert place.read_bytes() == CONTENT


def test_a_server_that_is_not_there(get: Get) -> None:
    with pytest.raises(FetchError, match="cannot be reached"):
        get('url = "http://127.0.0.1:9/weights.pth"', attempts=2)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_only_http_is_fetched(get: Get, url: str) -> None:
    with pytest.raises(FetchError, match="neither http nor https"):
        get(f'url = "{url}"')


def test_without_an_address_it_is_said_where_to_get_the_file(tmp_path: Path, place: Path) -> None:
    folder = tmp_path / "zoo" / "net"
    folder.mkdir(parents=True)
    weights = '[[weights]]\nfile = "weights.pth"\npage = "https://example.org/models"'
    (folder / "card.toml").write_text(f"{CARD}\n{weights}")
    with pytest.raises(FetchError, match=r"has no address.*https://example.org/models by hand and put it at"):
        fetch("net", zoo=[tmp_path / "zoo"], destination=place)
    (folder / "card.toml").write_text(CARD)
    with pytest.raises(FetchError, match="no published weights"):
        fetch("net", zoo=[tmp_path / "zoo"])


def test_one_of_several_files(get: Get, place: Path) -> None:
    more = '\n[[weights]]\nfile = "flow.pth"'
    assert get(more, variant="weights.pth").downloaded
    with pytest.raises(FetchError, match=r"flow\.pth of net has no address"):
        get(more, variant=1)
    with pytest.raises(UnknownNameError, match=r"flow\.pth"):
        get(more, variant="flows.pth")


def test_no_space(get: Get, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(FetchError, match=r"no space for weights\.pth: free 1 MB more"):
        get()
    assert not place.exists()


def test_a_disk_that_fills_up_meanwhile(get: Get, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FetchError, match="No space left on device"):
        get()
    assert not place.exists()


def test_a_place_that_cannot_be_written(get: Get, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="cannot be written"):
        get(destination=tmp_path / "file" / "weights.pth")
