"""A folder of outputs in which other people's files may lie too: a manifest says which ones are ours.

The manifest names a file before the file is written and until after it is removed. A stop at any time leaves a
manifest that names too much rather than too little, and whoever comes next goes on from there.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.records.files import PART, half_written, remove_listed
from reportgen.records.lease import LEASE
from reportgen.records.os_errors import describe_os_error, describe_read_error
from reportgen.records.paths import inside
from reportgen.version import __version__
from reportgen.wording import option

STAMP = ".reportgen.json"
"""The manifest; a dotfile, because mkdocs leaves those alone."""

_UNKNOWN = -1


class OwnedFolder:
    """A folder, and what its manifest says: `files` are ours, by path with their sizes; `digest` what they show.
    `flag` is the option that names another folder.

    Raises RenderError when the manifest cannot be read, StoreError when a link or something else stands in its place.
    """

    def __init__(self, folder: Path, flag: str = "--site") -> None:
        self.folder = folder
        self._option = option(flag)
        self.claimed = False
        self.digest = ""
        self.files: dict[str, int] = {}
        self._all_ours = False
        path = inside(folder, STAMP)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return
        except (ValueError, RecursionError):
            content = None
        except OSError as error:
            raise RenderError(describe_read_error(error, path)) from error
        self.claimed = True
        if isinstance(content, dict):
            self._take(content)

    def _take(self, content: Mapping[str, object]) -> None:
        files, digest = content.get("files"), content.get("digest")
        if isinstance(files, dict):
            self.files = {str(path): size for path, size in files.items() if isinstance(size, int)}
            self.digest = digest if isinstance(digest, str) else ""
        else:  # an earlier version's: it emptied the folder, and listed nothing
            self._all_ours = True

    def claim(self) -> None:
        """Mark the folder as one for us; raises RenderError when it is not free."""
        self.check_free()
        if not self.claimed:
            self._record(self.files, "")

    def check_free(self) -> None:
        """Raise RenderError when an unmarked folder holds what we did not write."""
        if self.claimed:
            return
        try:
            foreign = next((p.name for p in self.folder.iterdir() if not p.name.startswith(".")), None)
        except FileNotFoundError:
            foreign = None
        except OSError as error:
            raise RenderError(
                f"{self.folder} cannot be written to ({error.strerror}): name another folder by {self._option}."
            ) from error
        if foreign is not None:
            raise RenderError(
                f"{self.folder} holds files that reportgen did not write ({foreign}): name another folder by "
                f"{self._option}."
            )

    def foreign_below(self, *subfolders: str) -> str | None:
        """Return a file in one of the subfolders that we did not write, or None; hidden ones do not count."""
        for subfolder in subfolders:
            for place, folders, names in os.walk(self.folder / subfolder):
                links = [name for name in folders if os.path.islink(os.path.join(place, name))]  # noqa: PTH114, PTH118
                for name in (*names, *links):
                    path = Path(place, name).relative_to(self.folder).as_posix()
                    if not name.startswith(".") and path not in self.files:
                        return path
        return None

    def is_whole(self, digest: str) -> bool:
        """Whether the files show `digest` and all of them are there."""
        if not digest or self.digest != digest:
            return False
        try:
            return all(inside(self.folder, path).stat().st_size == size for path, size in self.files.items())
        except OSError:
            return False

    def begin(self, files: Iterable[str]) -> None:
        """Announce what is going to be written; raises RenderError when somebody else's file is in the way."""
        new = set(files)
        self.check_clear(new)
        self._record({**self.files, **{path: self.files.get(path, _UNKNOWN) for path in new}}, "")

    def check_clear(self, files: Iterable[str]) -> None:
        """Raise RenderError when somebody else's file is in the way of one of ours, StoreError when a link is."""
        for path in files:
            if inside(self.folder, path).exists() and path not in self.files and not self._all_ours:
                raise RenderError(
                    f"{self.folder / path} is in the way, and reportgen did not write it: move it, or name another "
                    f"folder by {self._option}."
                )

    def take(self, source: Path, path: str) -> None:
        """Move a file to its announced place."""
        target = self.place(path)
        try:
            try:
                source.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copyfile(source, self._part())
                self._part().replace(target)
        except OSError as error:
            raise RenderError(describe_os_error(error, target)) from error

    def place(self, path: str) -> Path:
        """Return an announced file's place, its folder there."""
        if path not in self.files:
            raise RenderError(f"{path} was not announced: this is a fault of reportgen.")
        target = inside(self.folder, path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RenderError(describe_os_error(error, target)) from error
        return target

    def remove_others(self, files: Iterable[str]) -> None:
        """Remove what of ours is not among `files`, and what a stop left half-written."""
        keep = set(files)
        folded = {path.casefold(): path for path in keep}
        stale = [path for path in self.files.keys() - keep if not self._same(path, folded.get(path.casefold()))]
        remove_listed(self.folder, {*stale, *half_written(self.folder)})

    def _same(self, path: str, other: str | None) -> bool:
        """Whether two names mean one file, where upper and lower case are the same."""
        try:
            return other is not None and (self.folder / path).samefile(self.folder / other)
        except OSError:
            return False

    def finish(self, files: Iterable[str], digest: str) -> None:
        """Remove what of ours is not among `files`, and record these as the whole."""
        new = sorted(files)
        self.remove_others(new)
        self._record({path: self._size(path) for path in new}, digest)

    def _size(self, path: str) -> int:
        try:
            return (self.folder / path).stat().st_size
        except OSError:
            return _UNKNOWN

    def clear(self) -> tuple[int, int]:
        """Remove all that is ours, the manifest last; return (files, bytes) removed."""
        removed = remove_listed(self.folder, {*self.files, *half_written(self.folder)})
        remove_listed(self.folder, {STAMP, LEASE})
        return removed

    def _record(self, files: Mapping[str, int], digest: str) -> None:
        text = json.dumps({"reportgen": __version__, "digest": digest, "files": dict(sorted(files.items()))}, indent=0)
        path = inside(self.folder, STAMP)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._part().write_text(text + "\n", encoding="utf-8")
            self._part().replace(path)
        except OSError as error:
            raise RenderError(describe_os_error(error, path)) from error
        self.claimed, self.files, self.digest = True, dict(files), digest

    def _part(self) -> Path:
        """Return the place of the file that is being written, in the folder and so on its disk."""
        return inside(self.folder, f"{PART}manifest")
