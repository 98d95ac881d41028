"""One HTTP transfer into a partial file, which the next transfer can continue."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from reportgen.version import __version__

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_LENGTH = re.compile(r"\d{1,18}")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml")


class Unavailable(Exception):  # noqa: N818 (never seen outside: it becomes a FetchError)
    """The file cannot be had at this address; the message completes `the file ...`."""


class Interrupted(Exception):  # noqa: N818 (as above)
    """The transfer broke off, or could not begin now; trying again may help, after `wait` seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class PartialFile:
    """The bytes that have arrived so far, beside the place of the whole file, and what identifies their origin."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.path = place.with_name(place.name + ".part")
        self._origin = place.with_name(place.name + ".part.json")

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> dict[str, str]:
        """Return the address and validators of what has arrived; empty when that is not known."""
        try:
            found = json.loads(self._origin.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # without an origin the transfer starts anew
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def begin(self, origin: Mapping[str, str]) -> None:
        """Forget what has arrived, and remember where the next bytes come from."""
        self.path.write_bytes(b"")
        self._origin.write_text(json.dumps(dict(origin)), encoding="utf-8")

    def discard(self) -> None:
        """Remove what has arrived."""
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the whole file in its place."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.place)
        self._origin.unlink(missing_ok=True)


@dataclass
class Transfer:
    """A response whose body goes to the end of a partial file."""

    response: http.client.HTTPResponse
    part: PartialFile
    start: int
    size: int | None

    def blocks(self, length: int) -> Iterator[int]:
        """Write the body, block by block, and yield how many bytes each had.

        Raises Interrupted when the body ends before its announced length, Unavailable when it is a web page.
        """
        with self.part.path.open("ab") as file:
            while block := self._read(length):
                if file.tell() == 0 and block.lstrip()[:20].lower().startswith(_HTML):
                    raise Unavailable("is a web page at its address, not a file")
                file.write(block)
                yield len(block)
                if self.size is not None and file.tell() > self.size:
                    raise Unavailable(f"is longer at its address than the {self.size} bytes that were announced")
        if self.size is not None and self.part.size < self.size:
            raise Interrupted(f"the connection broke off after {self.part.size} of {self.size} bytes")

    def _read(self, length: int) -> bytes:
        try:
            return self.response.read(length)
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"the connection broke off: {_reason(error)}") from error


@contextmanager
def open_transfer(url: str, part: PartialFile, *, expected: int | None, timeout: float) -> Iterator[Transfer]:
    """Open the address, behind what has already arrived where the server can do that and has the same file.

    `expected` is the file's size as the card states it. Raises Interrupted and Unavailable.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Unavailable(f"has the address {url}, which is neither http nor https")
    origin = part.origin()
    resumable = part.size if origin.get("url") == url and _validators(origin) else 0
    if resumable and expected is not None and resumable > expected:
        resumable = 0
    try:
        with contextlib.closing(_open(url, resumable, origin, timeout)) as response:
            start, size = _position(response, resumable, origin)
            _check(response, size, expected)
            if start == 0:
                part.begin({"url": url} | _validators(_headers(response.headers)))
            yield Transfer(response, part, start, size if size is not None else expected)
    except _StartAgain as error:
        part.discard()
        raise Interrupted("the file there has changed since the last transfer") from error


class _StartAgain(Exception):  # noqa: N818 (a signal, not an error)
    """What has arrived does not belong to what the server has now."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https, but never from https to http: the file could then be anybody's."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request for the new address."""
        allowed = {"https"} if urlsplit(req.full_url).scheme == "https" else {"http", "https"}
        if urlsplit(newurl).scheme not in allowed:
            fp.close()
            raise Unavailable(f"is redirected to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _open(url: str, start: int, origin: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": f"reportgen/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        etag = origin.get("etag", "")
        # A weak tag does not promise the same bytes (RFC 9110, section 13.1.5), so it cannot guard a range.
        headers["If-Range"] = etag if etag and not etag.startswith("W/") else origin.get("last-modified", "")
        if not headers["If-Range"]:
            del headers["If-Range"]
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        response: Any = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Unavailable(f"cannot be fetched safely from {url} ({_reason(error.reason)})") from error
        raise Interrupted(f"{urlsplit(url).netloc} cannot be reached: {_reason(error.reason)}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(f"{urlsplit(url).netloc} does not answer: {_reason(error)}") from error
    found: http.client.HTTPResponse = response
    return found


def _refusal(error: urllib.error.HTTPError) -> Exception:
    if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return _StartAgain()
    answer = f"{error.code} {_reason(error.reason)}"
    if error.code in _AGAIN:
        wait = error.headers.get("Retry-After", "")
        return Interrupted(f"the server says {answer}", float(wait) if wait.isdecimal() else 0.0)
    return Unavailable(f"cannot be fetched from {error.url} (the server says {answer})")


def _position(response: http.client.HTTPResponse, wanted: int, origin: Mapping[str, str]) -> tuple[int, int | None]:
    """Return where in the file the body begins, and the size of the whole file where the server says it."""
    length = response.headers.get("Content-Length", "")
    announced = int(length) if _LENGTH.fullmatch(length) else None
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return 0, announced
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    now = _validators(_headers(response.headers))
    changed = any(now.get(name, value) != value for name, value in _validators(origin).items())
    if found is None or int(found[1]) != wanted or changed:
        raise _StartAgain
    return wanted, int(found[3]) if found[3].isdecimal() else None


def _check(response: http.client.HTTPResponse, size: int | None, expected: int | None) -> None:
    kind = response.headers.get_content_type()
    if kind in {"text/html", "application/xhtml+xml"}:
        raise Unavailable("is a web page at its address, not a file")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Unavailable("is sent compressed by its server, which cannot be checked")
    if size is not None and expected is not None and size != expected:
        raise Unavailable(f"has {size} bytes at its address, but the published file has {expected}")


def _headers(headers: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that tell whether a file is still the same."""
    return {name: headers[name] for name in ("etag", "last-modified") if headers.get(name)}


def _reason(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:100] or type(error).__name__
