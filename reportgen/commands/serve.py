"""A small web server for looking at the site on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reportgen.errors import OptionError, RenderError
from reportgen.given import given_path
from reportgen.wording import command, option


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a page has hundreds of pictures."""


def serve(site: str | Path = "site", port: int = 8000, *, ready: Callable[[str], object] | None = None) -> None:
    """Serve `site` on the loopback address (http://127.0.0.1:8000/) until interrupted; `ready` is told the address.

    Port 0 takes a free one. Raises RenderError when there is no site, OptionError when the port is taken.
    """
    site = given_path(site)
    if not (site / "index.html").is_file():
        raise RenderError(f"There is no site in {site}: run {command('build')} first.")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_QuietHandler, directory=str(site)))
    except OSError as error:
        raise OptionError(
            f"Port {port} cannot be used ({error.strerror}): choose another with {option('--port')}."
        ) from error
    with server:
        if ready is not None:
            ready(f"http://127.0.0.1:{server.server_port}/")
        server.serve_forever()
