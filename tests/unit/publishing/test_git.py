"""Git asks nothing, waits for nobody for ever, and tells no credentials."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from reportgen.commands.publish import publish
from reportgen.errors import PublishError
from reportgen.publishing.git import Git, said, without_credentials
from reportgen.publishing.remote import NEUTRAL, Remote, find_remote, identity
from tests.unit.publishing.folders import git, make_repository, make_site


class _Locked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="locked"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def locked() -> Iterator[str]:
    """A host that wants a password for everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Locked)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("credentials", ["", "ada:s3cret@", "ghp_s3cret@"])
def test_a_remote_that_wants_a_password_fails_at_once_and_tells_none(
    locked: str, credentials: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    begun = time.monotonic()
    with pytest.raises(PublishError, match="does not answer") as told:
        publish(make_site(tmp_path / "site"), remote=f"http://{credentials}{locked}/net.git", push=True)
    assert time.monotonic() - begun < 30
    assert locked in str(told.value)
    assert "s3cret" not in str(told.value)


def test_what_never_ends_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "outlived"
    with pytest.raises(PublishError, match="did not end within"):
        Git(tmp_path).asked("-c", f"alias.wait=!(sleep 1; touch '{mark}') & sleep 60", "wait", seconds=0.3)
    time.sleep(1.2)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:s3cret@example.org/net.git", "https://example.org/net.git"),
        ("fatal: 'https://token@host/x' is gone", "fatal: 'https://host/x' is gone"),
        ("ssh://git@github.com/a/b", "ssh://github.com/a/b"),
        ("https://example.org/a@b", "https://example.org/a@b"),
    ],
)
def test_credentials_are_taken_out(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
    assert shown.removeprefix("fatal: ") in said(text.encode())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("git@github.com:Ada/net.git", "https://ada.github.io/net/"),
        ("https://x:y@github.com/Ada/net", "https://ada.github.io/net/"),
        ("ssh://git@github.com/ada/ada.github.io.git", "https://ada.github.io/"),
        ("https://gitlab.com/ada/net.git", None),
        ("/srv/git/net.git", None),
    ],
)
def test_the_address_of_pages_is_told_where_it_is_known(url: str, address: str | None) -> None:
    assert Remote("origin", url, {}).pages_address == address


def test_settings_that_name_no_program_are_passed_on(tmp_path: Path) -> None:
    here = make_repository(tmp_path / "here")
    git(here, "config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic abc")
    git(here, "config", "core.sshCommand", "evil")
    remote = find_remote(here, "origin")
    assert remote.settings == {"http.https://github.com/.extraheader": "AUTHORIZATION: basic abc"}
    assert remote.url == str(tmp_path / "there.git")


def test_who_commits_is_the_repository_s_own_or_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for role in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(role, raising=False)
    here = make_repository(tmp_path / "here")
    assert identity(here) == NEUTRAL
    git(here, "config", "user.name", "Ada L")
    git(here, "config", "user.email", "ada@example.org")
    assert identity(here) == "Ada L <ada@example.org>"
