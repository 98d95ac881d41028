"""Running git so that it asks nothing, waits for nobody for ever, runs no hook, and tells no credentials.

What is published is put together in a bare repository of our own, in a temporary folder. The user's repository is
asked for a remote's address and for who commits, and is never written to: its index, its working tree, its hooks,
filters and settings play no part. Credentials are those that the user's own git has (its credential helper, ssh).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.errors import PublishError, one_line

# What points git at another repository than the one that is named, as in a hook's environment.
_PLACES = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
        *("GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_CONFIG"),
        *("GIT_CEILING_DIRECTORIES", "GIT_TEMPLATE_DIR", "GIT_REPLACE_REF_BASE", "GIT_QUARANTINE_PATH"),
        *("GIT_IMPLICIT_WORK_TREE", "GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET", "GIT_CURL_VERBOSE"),
    }
)
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1",  # bytes a second, over so many seconds:
    "http.lowSpeedTime": "60",
    "push.gpgSign": "false",
    "protocol.ext.allow": "never",
}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]+@")
_SECONDS = 60.0
LONG_SECONDS = 3600.0


def without_credentials(text: str) -> str:
    """Return text with no user, password or token before the host of an address."""
    return _CREDENTIALS.sub("", text)


@dataclass(frozen=True)
class Git:
    """A repository, and git in it. `settings` are configuration, told by the environment and so to no other user."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, told: bytes = b"", seconds: float = _SECONDS) -> bytes:
        """Return what git prints when it is told `told`; raises PublishError with what it said when it fails."""
        answer = self.asked(*words, told=told, seconds=seconds)
        if answer.returncode != 0:
            raise PublishError(f"git {words[0]} failed: {said(answer.stderr)}.")
        return answer.stdout

    def text(self, *words: str, told: bytes = b"", seconds: float = _SECONDS) -> str:
        """Return what git prints as text without its last line end."""
        return self.run(*words, told=told, seconds=seconds).decode("utf-8", "replace").rstrip("\n")

    def asked(self, *words: str, told: bytes = b"", seconds: float = _SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Return how git answered, whatever that is; raises PublishError where there is no git or it never ends."""
        command = ["git", "-C", str(self.folder), *words]
        try:
            # A session of its own has no terminal, so that nothing in it can ask for a password.
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._variables(),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise PublishError("There is no git here: install it (https://git-scm.com/downloads).") from error
        try:
            out, err = process.communicate(told, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise PublishError(f"git {words[0]} did not end within {seconds:.0f} s: is the remote there?") from error
        finally:
            _end(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _PLACES}
        told = int(kept["GIT_CONFIG_COUNT"]) if kept.get("GIT_CONFIG_COUNT", "").isdigit() else 0
        for number, (key, value) in enumerate((_SETTINGS | dict(self.settings)).items(), told):
            kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
            kept["GIT_CONFIG_COUNT"] = str(number + 1)
        kept |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
        kept |= {"GCM_INTERACTIVE": "never", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
        if "GIT_SSH" not in kept:
            kept["GIT_SSH_COMMAND"] = f"{kept.get('GIT_SSH_COMMAND') or 'ssh'} -o BatchMode=yes -o ConnectTimeout=30"
        return kept | dict(self.environment)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of git and of its helpers: they outlive neither a stop nor a time that has run out."""
    if process.poll() is not None:
        return
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def said(stderr: bytes, lines: int = 3) -> str:
    """Return the lines in which git says why, as one that tells no credentials and ends without a full stop."""
    text = without_credentials(stderr.decode("utf-8", "replace"))
    told = [
        " ".join(line.split())
        for line in text.splitlines()
        if line.strip() and not line.startswith(("hint:", "warning:"))
    ]
    faults = [line for line in told if line.startswith(("fatal:", "error:", "remote:", "!", " !"))] or told
    return one_line("; ".join(faults[:lines])).rstrip(".") or "it did not say why"


def new_repository(folder: Path, object_format: str, settings: Mapping[str, str]) -> Git:
    """Make the bare repository in which a branch is put together."""
    folder.mkdir()
    git = Git(folder, settings)
    git.run("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", ".")
    return git


def names(listing: bytes) -> Sequence[str]:
    """Return the names of a listing that ends each by a zero byte."""
    return [os.fsdecode(name) for name in listing.split(b"\0") if name]
