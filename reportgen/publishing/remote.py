"""Where a report is published to: a remote of the user's repository, or an address; and who commits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import OptionError, PublishError
from reportgen.publishing.git import Git, said, without_credentials
from reportgen.wording import option

NEUTRAL = "reportgen <reportgen@example.invalid>"
"""Who commits where git knows nobody, and in an anonymous report."""

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_GITHUB = re.compile(r"^(?:(?:https?|ssh)://)?(?:git@)?github\.com(?::\d+)?[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$", re.I)
# What git takes from the repository's own settings to reach the remote: nothing that names a program.
_PASSED_ON = r"^http\..*(extraheader|proxy|sslverify|sslcainfo|sslbackend|version)$"


@dataclass(frozen=True)
class Remote:
    """A remote: `name` as the user calls it, `url` with credentials if it has any, `settings` needed to reach it."""

    name: str
    url: str
    settings: dict[str, str]

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return without_credentials(self.url)

    @property
    def pages_address(self) -> str | None:
        """Where GitHub serves the branch from when no domain is set; None for another host."""
        found = _GITHUB.match(self.shown)
        if not found:
            return None
        owner, repository = found[1].lower(), found[2]
        own = repository.lower() == f"{owner}.github.io"
        return f"https://{owner}.github.io/" if own else f"https://{owner}.github.io/{repository}/"


def find_remote(folder: Path, name: str) -> Remote:
    """Return the remote of that name of the repository that `folder` lies in; `name` may be an address instead.

    Raises OptionError when there is no such remote, PublishError when there is no repository.
    """
    if not name or name.startswith("-") or not name.isprintable():
        raise OptionError(f"{option('--remote', name)} is no remote: write a name such as origin, or an address.")
    if _SCHEME.match(name) or re.match(r"^[^/\\]+@[^/\\]+:", name) or (folder / name).is_dir():
        return Remote(without_credentials(name), _absolute(name, folder), {})
    git = Git(folder)
    top = _repository(git, name)
    answer = git.asked("remote", "get-url", "--push", "--all", "--", name)
    urls = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    if answer.returncode != 0 or not urls:
        known = git.text("remote").splitlines()
        raise OptionError(
            f"This repository has no remote {name!r}: "
            + (
                f"it has {', '.join(known)}; name one by {option('--remote')}."
                if known
                else "add one by `git remote add origin`."
            )
        )
    if len(urls) > 1:
        raise OptionError(
            f"Remote {name} has {len(urls)} addresses to push to: name one of them by {option('--remote')}."
        )
    return Remote(name, _absolute(urls[0], top), _reaching(git))


def top_folder(folder: Path) -> Path:
    """Return the top of the working tree that `folder` lies in; raises PublishError where there is none."""
    git = Git(folder)
    answer = git.asked("rev-parse", "--show-toplevel")
    if answer.returncode != 0:
        raise PublishError(f"{folder.resolve()} lies in no git working tree ({said(answer.stderr, 1)}): go into yours.")
    return Path(answer.stdout.decode("utf-8", "surrogateescape").rstrip("\n"))


def default_branch(folder: Path) -> str:
    """Return the branch that a workflow follows: that of origin, else the one checked out, else ``main``."""
    git = Git(folder)
    for words in (("refs/remotes/origin/HEAD",), ("HEAD",)):
        answer = git.asked("symbolic-ref", "--quiet", "--short", *words)
        if answer.returncode == 0:
            return answer.stdout.decode("utf-8", "replace").strip().removeprefix("origin/")
    return "main"


def identity(folder: Path) -> str:
    """Return the name and e-mail that the user's git would commit with, the neutral ones where it knows none."""
    answer = Git(folder).asked("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    found = re.match(r"^(.*<[^<>]*>) \d+ [+-]\d{4}$", answer.stdout.decode("utf-8", "replace").strip())
    return found[1] if answer.returncode == 0 and found else NEUTRAL


def _repository(git: Git, remote: str) -> Path:
    """Return what relative addresses of the repository are relative to."""
    answer = git.asked("rev-parse", "--git-dir")
    if answer.returncode != 0:
        raise PublishError(
            f"There is no git repository in {git.folder.resolve()} that could know the remote {remote} "
            f"({said(answer.stderr, 1)}): go into one, or name an address by {option('--remote')}."
        )
    top = git.asked("rev-parse", "--show-toplevel")
    place = top if top.returncode == 0 and top.stdout.strip() else answer
    return git.folder / place.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def _absolute(url: str, top: Path) -> str:
    """Return an address that holds from anywhere: a relative path is one from the repository's top."""
    if url.startswith("-"):
        raise OptionError(f"{without_credentials(url)!r} is no address of a remote.")
    if _SCHEME.match(url) or (":" in url.split("/", 1)[0] and not Path(url).drive):
        return url
    return str((top / Path(url).expanduser()).resolve())


def _reaching(git: Git) -> dict[str, str]:
    answer = git.asked("config", "--local", "--includes", "--null", "--get-regexp", _PASSED_ON)
    pairs = [entry.split("\n", 1) for entry in answer.stdout.decode("utf-8", "replace").split("\0") if "\n" in entry]
    return dict(pairs)
