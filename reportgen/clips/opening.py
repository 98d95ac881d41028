"""FFmpeg is given one file, as bytes without a name, and may read no other."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av

from reportgen.errors import ClipError

CONTAINERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "live_flv", "asf", "rm", "ogg", "nut", "mxf", "gxf", "wtv"),
    *("ivf", "obu", "av1", "h261", "h263", "h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "vc1", "vc1test"),
    *("yuv4mpegpipe", "dv", "dirac", "dnxhd", "cavsvideo", "flic", "nsv"),
)
"""FFmpeg's names of the forms that hold their own frames: what follows from a file is decided by these, read from its
content. Others name further files (concat, hls, dash, sdp, mlv, vobsub), capture screens, or are no video."""

_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "protocol_whitelist": "none",
    # A movie may keep its pictures in another file; with this FFmpeg asks for it, and is told no, instead of finding
    # a movie without pictures.
    "enable_drefs": "1",
}

# Lists that FFmpeg knows by their ending only, and a file has none here, or that not every build of it knows.
_LISTS = (
    ("hls (a playlist)", re.compile(rb"#EXTM3U")),
    ("concat (a list of files)", re.compile(rb"ffconcat version")),
    ("dash (a manifest)", re.compile(rb"<(\?xml[^>]*>.*?<)?([a-z]+:)?MPD[\s>]", re.DOTALL)),
    ("sdp (the description of a stream)", re.compile(rb"v=0\r?\n")),
)
_HEAD = 4096
_BUFFER = 1 << 17


@contextmanager
def opened_video(path: Path) -> Iterator[Any]:
    """Yield the PyAV container of the video at `path`; raises ClipError when it is of another form, FFmpegError.

    FFmpeg is handed bytes to read, not a name: a name may be taken for a protocol (`12:30.mp4`), a pattern
    (`%03d.mp4`) or an option. Whatever else the bytes tell it to open is refused.
    """
    with path.open("rb", buffering=0) as file:
        _refuse_lists(path.name, file)
        with _container(path.name, file) as container:
            yield container


@contextmanager
def _container(name: str, file: BinaryIO) -> Iterator[Any]:
    try:
        container = _open(name, file)
    except av.ArgumentError as error:
        form = _refused_form(name, file)
        if form is None:
            raise
        raise _not_a_video(name, form) from error
    with container:
        yield container


def _open(name: str, file: BinaryIO) -> Any:
    def refuse(url: str, *_: object) -> NoReturn:
        raise ClipError(f"{name} leads to another file ({url}): a clip is one file that holds its own frames.")

    return av.open(_Nameless(file), options=_OPTIONS, io_open=refuse, buffer_size=_BUFFER)


class _Nameless:
    """A file's bytes: PyAV would take the `name` of a file object as the address of the video."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _refuse_lists(name: str, file: BinaryIO) -> None:
    head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    for form, beginning in _LISTS:
        if beginning.match(head):
            raise _not_a_video(name, form)


def _refused_form(name: str, file: BinaryIO) -> str | None:
    """Return the form that FFmpeg has just refused to read; only its log names it."""
    file.seek(0)
    try:
        with errors_logged() as logs:
            _open(name, file).close()
    except av.FFmpegError:
        form = next((form for _, form, text in logs if "whitelist" in text), None)
        return f"{form} ({av.ContainerFormat(form, 'r').long_name})" if form else None
    return None


@contextmanager
def errors_logged() -> Iterator[list[tuple[int, str, str]]]:
    """Collect this thread's errors of FFmpeg as level, form and text, every one, and leave its log as it was.

    A decoder that is watched must work in this thread (`thread_count` 1): what its own threads say is not collected,
    and PyAV locks up when they speak while it closes them.
    """
    with _LOGGED, av.logging.Capture(local=True) as logs:
        yield logs


class _Logged:
    """FFmpeg's level of logging, which all threads share: raised by the first user, set back by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual: tuple[int | None, bool] = (None, True)

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._usual = av.logging.get_level(), av.logging.get_skip_repeated()
                av.logging.set_level(av.logging.ERROR)
                av.logging.set_skip_repeated(False)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                level, skips = self._usual
                av.logging.set_level(level)
                av.logging.set_skip_repeated(skips)


_LOGGED = _Logged()


def _not_a_video(name: str, form: str) -> ClipError:
    return ClipError(
        f"{name} is of the form {form}, not a video that holds its own frames: "
        "name a video, an image or a folder of images, or convert it to MP4."
    )
