"""A headless Chromium for tests; they are skipped, with what to do, where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

playwright_api = pytest.importorskip("playwright.sync_api")


SOFTWARE_WEBGL = ("--enable-unsafe-swiftshader",)
"""Chromium draws WebGL without a graphics card; were all else drawn so too, every page would be slow."""


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def launched() -> Iterator[playwright_api.Browser]:
    """Yield a browser."""
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: install it, or name it by CHROMIUM.")
        pytest.skip("there is no Chromium: install it, or name it by CHROMIUM")
    with playwright_api.sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, which containers run as.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=executable, args=[*root, *SOFTWARE_WEBGL])
        try:
            yield chromium
        finally:
            chromium.close()
