"""What this machine and its user are called: the names that an anonymous report must not hold."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from reportgen.resources import modelzoo_folder, templates_folder
from reportgen.scanning.words import ForbiddenWord, ForbiddenWords
from reportgen.wording import option

_PATIENCE = 2.0
"""Seconds that a name server, and git, are waited for."""

_USERS = ("USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER")
_PEOPLE = {
    "GIT_AUTHOR_NAME": "the author's name of Git",
    "GIT_COMMITTER_NAME": "the committer's name of Git",
    "GIT_AUTHOR_EMAIL": "the author's e-mail address of Git",
    "GIT_COMMITTER_EMAIL": "the committer's e-mail address of Git",
    "EMAIL": "the user's e-mail address",
}
_NOBODY = frozenset(
    {
        "admin",
        "anonymous",
        "container",
        "debian",
        "default",
        "docker",
        "guest",
        "home",
        "jovyan",
        "linux",
        "localdomain",
    }
    | {"localhost", "nobody", "root", "runner", "server", "ubuntu", "user", "vagrant", "workspace"}
)
"""Names that many machines and users have, which tell nothing in prose."""

_ZONES = frozenset({"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Zulu", "Universal", "UCT", ""})
_TEXT_FILES = frozenset({".css", ".html", ".j2", ".js", ".md", ".py", ".svg", ".toml", ".txt", ".yml"})
_SCP = re.compile(r"(?:(?P<user>[^@/\s]+)@)?(?P<host>[^:/\s]+):(?P<path>[^\s]+)")


def machine_words() -> list[ForbiddenWord]:
    """Return what this machine, its user and the repository of the working folder are called.

    They are the user's name and full name, the home folder and the working folder, the host's name with its domain,
    Git's name, e-mail address and remotes, and the time zone. What stands in reportgen's own files too is common: it
    tells nothing in prose.
    """
    found = dict.fromkeys(one for one in (*_user(), *_host(), *_folders(), *_git(), *_zone()) if one.text.strip())
    common = _in_own_text(found)
    return [replace(word, common=True) if word in common else word for word in found]


def _in_own_text(words: Iterable[ForbiddenWord]) -> set[ForbiddenWord]:
    """Return the words that every report holds, and those that many machines are called."""
    found = {word for word in words if word.text.lower() in _NOBODY}
    known = _own_text()
    while (
        new := {one.word for one in ForbiddenWords(word for word in words if word not in found).in_text(known)} - found
    ):
        found |= new  # where two begin alike, only one is told at a time
    return found


def _user() -> Iterator[ForbiddenWord]:
    names = {os.environ.get(name, "") for name in _USERS}
    with suppress(KeyError, OSError):  # a user without a name
        names.add(getpass.getuser())
    yield from (ForbiddenWord(name, "the user's name") for name in sorted(names))
    yield from (ForbiddenWord(os.environ[name], what) for name, what in _PEOPLE.items() if name in os.environ)
    for name in _full_names():
        yield from _person(name, "the user's full name")


def _full_names() -> Iterator[str]:
    try:
        import pwd
    except ImportError:  # Windows
        return
    try:
        yield pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
    except KeyError:
        return


def _person(name: str, what: str) -> Iterator[ForbiddenWord]:
    """Yield a full name, and its parts, which may be words: these are looked for in paths and metadata."""
    yield ForbiddenWord(name, what)
    parts = name.split()
    if len(parts) > 1:
        yield from (ForbiddenWord(part, f"part of {what}", common=True) for part in parts)


def _host() -> Iterator[ForbiddenWord]:
    what = "the host's name"
    names = {socket.gethostname(), os.environ.get("HOSTNAME", ""), _full_host()}
    for name in sorted(names):
        yield ForbiddenWord(name, what)
        host, _, domain = name.partition(".")
        yield ForbiddenWord(host, what)
        yield from _domain(domain)


def _domain(domain: str) -> Iterator[ForbiddenWord]:
    parts = domain.split(".")
    if len(parts) > 1:
        yield ForbiddenWord(domain, "the host's domain")
        yield ForbiddenWord(".".join(parts[-2:]), "the host's domain")


def _full_host() -> str:
    """Return the host's name with its domain; a name server that does not answer is not waited for."""
    found: list[str] = []
    asking = Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return found[0] if found else ""


def _folders() -> Iterator[ForbiddenWord]:
    for folder, what in ((Path.home(), "the home folder"), (Path.cwd(), "the working folder")):
        for path in {str(folder), str(folder.resolve())}:
            if len(Path(path).parts) > 2:
                yield ForbiddenWord(path, what)
            elif len(Path(path).parts) == 2:
                yield ForbiddenWord(Path(path).name, what, common=True)


def _git() -> Iterator[ForbiddenWord]:
    yield from _person(_asked("config", "--get", "user.name"), "the author's name of Git")
    address = _asked("config", "--get", "user.email")
    yield from _mail(address)
    for line in _asked("config", "--get-regexp", r"remote\..*\.(push)?url").splitlines():
        yield from _remote(line.partition(" ")[2])


def _mail(address: str) -> Iterator[ForbiddenWord]:
    name, _, domain = address.partition("@")
    yield ForbiddenWord(address, "the e-mail address of Git")
    yield ForbiddenWord(name, "the e-mail address of Git")
    yield from (ForbiddenWord(one.text, "the domain of Git's e-mail address") for one in _domain(domain))


def _remote(address: str) -> Iterator[ForbiddenWord]:
    what = "a remote of Git"
    split = urlsplit(address) if "://" in address else None
    if split is not None:
        host, path, user = split.hostname or "", split.path, split.username or ""
    elif scp := _SCP.fullmatch(address):
        host, path, user = scp["host"], scp["path"], scp["user"] or ""
    else:
        host, path, user = "", address, ""
    path = path.strip("/").removesuffix(".git")
    yield ForbiddenWord(f"{host}/{path}" if host else path, what)
    yield ForbiddenWord(host, what)
    yield from (ForbiddenWord(part, what) for part in (user, *path.split("/")[-2:]) if part not in ("git", "..", "."))


def _asked(*arguments: str) -> str:
    """Return what git answers in the working folder; empty where there is no git, or it knows nothing."""
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        result = subprocess.run(  # noqa: S603
            [git, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


def _zone() -> Iterator[ForbiddenWord]:
    names = {os.environ.get("TZ", "").lstrip(":")}
    for path in (Path("/etc/timezone"), Path("/etc/localtime")):
        try:
            if path.is_symlink():
                names.add(str(path.resolve()).partition("/zoneinfo/")[2])
            elif path.name == "timezone":
                names.add(path.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            continue
    yield from (ForbiddenWord(name, "the time zone") for name in sorted(names - _ZONES) if "/" in name)
    yield from (ForbiddenWord(name, "the time zone", common=True) for name in time.tzname if name not in _ZONES)


def _own_text() -> str:
    """Return the text of what every report is made from: templates, the theme's files, reportgen's sentences."""
    folders = [templates_folder(), modelzoo_folder(), Path(__file__).parent.parent]
    if (theme := find_spec("material")) is not None and theme.submodule_search_locations:
        folders.append(Path(theme.submodule_search_locations[0]) / "templates" / "assets")
    return "\n".join(_texts(folders))


def _texts(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in _TEXT_FILES and path.is_file():
                yield path.read_text(encoding="utf-8", errors="replace")


def forbidden_words(words: Iterable[str]) -> list[ForbiddenWord]:
    """Return the words that the user forbids."""
    return [ForbiddenWord(word, f"which {option('--forbid')} names") for word in words]


def withheld_words(values: Iterable[str]) -> list[ForbiddenWord]:
    """Return what an anonymous report leaves out, to be sure that it does."""
    return [ForbiddenWord(value, "which an anonymous report leaves out") for value in values]
