"""What an earlier render of a site left that the next one may use again: the digests of what was made, and from what.

The memory of a site lies in the user's own cache folder and never in the site or in a run, which may come from somebody
else. It holds digests, plain data such as the columns of figures of `pages.kernel_list`, and the templates as Jinja
compiled them, which are executed, as the compiled files of Python's own cache are. A file is used again where it was
made from what it would be made from now, and where its bytes are those that were written then. A memory is read where
it is the user's own and nobody else may write to it; whoever can all the same can do more than forge a report.
`render --fresh` uses nothing of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter, ValidationError

from reportgen.records.files import PART
from reportgen.records.places import cache_folder, resolved

MEMORY_VARIABLE = "REPORTGEN_CACHE"

_VERSION = 2
_LONGEST = 1 << 28
"""Bytes of a memory that is read; that of 25,000 kernels has some two millions."""

_MOST_KEPT = 64
"""Sites that are remembered; the one that was rendered longest ago is forgotten first."""


class MadeFile(NamedTuple):
    """A file that was made: the digest of what it was made from, and that of its bytes.

    A page of the site is made from its Markdown, and its bytes are those before the site was sealed; `named` is the
    digest of what of styles it may use.
    """

    made_from: str
    sha256: str
    named: str = ""


@dataclass(frozen=True)
class SiteMemory:
    """What is remembered of one site.

    `renderer` is the program that made it and `settings` the digest of mkdocs' configuration; `root` is the digest that
    its pages show. `documents` are the digests of the runs' documents that were found to be what was written, `files`
    those of the build folder by path, `pages` those of the site, `parts` what data was put together from, `templates`
    the compiled ones (`pages.compiled`).
    """

    renderer: str = ""
    settings: str = ""
    root: str = ""
    documents: frozenset[str] = frozenset()
    files: Mapping[str, MadeFile] = field(default_factory=dict)
    pages: Mapping[str, MadeFile] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Path, renderer: str) -> Self:
        """Return what is remembered of a site; nothing where it is of another program, damaged, or not our own."""
        try:
            content = _own_bytes(_place(site))
            told = json.loads(content)
            if told["version"] != _VERSION or told["site"] != str(resolved(site)) or told["renderer"] != renderer:
                return cls()
            return cls(
                renderer=renderer,
                settings=_TEXT.validate_python(told["settings"]),
                root=_TEXT.validate_python(told["root"]),
                documents=frozenset(_TEXTS.validate_python(told["documents"])),
                files=_FILES.validate_python(told["files"]),
                pages=_FILES.validate_python(told["pages"]),
                parts=_PARTS.validate_python(told["parts"]),
                templates=_NAMED.validate_python(told["templates"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError):
            return cls()

    def keep(self, site: Path) -> None:
        """Remember this of a site; where the cache folder cannot be written, nothing is remembered."""
        place = _place(site)
        told = {
            "version": _VERSION,
            "site": str(resolved(site)),
            "renderer": self.renderer,
            "settings": self.settings,
            "root": self.root,
            "documents": sorted(self.documents),
            "files": self.files,
            "pages": self.pages,
            "parts": self.parts,
            "templates": self.templates,
        }
        content = json.dumps(told, separators=(",", ":")).encode()
        with suppress(OSError):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, prefix=PART, delete=False) as file:  # for us alone
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            Path(file.name).replace(place)
            _forget_old(place.parent)


def forget(site: Path) -> None:
    """Forget a site."""
    with suppress(OSError):
        _place(site).unlink(missing_ok=True)


def memory_folder() -> Path:
    """Return the folder of the memories of sites: `$REPORTGEN_CACHE`, or `sites` in the user's cache folder."""
    chosen = os.environ.get(MEMORY_VARIABLE)
    return Path(chosen).expanduser() if chosen else cache_folder() / "sites"


def _place(site: Path) -> Path:
    return memory_folder() / f"{hashlib.sha256(str(resolved(site)).encode()).hexdigest()[:32]}.json"


def _own_bytes(path: Path) -> bytes:
    """Return what we remembered in a file; raises OSError for one of others, ValueError where it was changed since."""
    with io.FileIO(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))) as file:
        facts = os.fstat(file.fileno())
        others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or (
            hasattr(os, "geteuid") and facts.st_uid != os.geteuid()
        )
        if not stat.S_ISREG(facts.st_mode) or others or facts.st_size > _LONGEST:
            raise OSError(f"{path} is not ours")
        digest, _, content = file.readall().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise ValueError(f"{path} was changed")
    return content


def _forget_old(folder: Path) -> None:
    """Remove what is remembered beyond the most sites, and what a stop left half-written.

    The folder may be one that the user chose, with files of others: ours are known by what they hold.
    """
    own = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()]
    own.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in own[_MOST_KEPT:]:
        with suppress(OSError, ValueError):
            if not path.name.startswith(PART):
                _own_bytes(path)
            path.unlink(missing_ok=True)


_NAME = re.compile(rf"[0-9a-f]{{32}}\.json|{re.escape(PART)}\w+")
_TEXT = TypeAdapter(str)
_TEXTS = TypeAdapter(list[str])
_NAMED = TypeAdapter(dict[str, str])
_FILES = TypeAdapter(dict[str, MadeFile])
_PARTS = TypeAdapter(dict[str, dict[str, list[Any]]])
