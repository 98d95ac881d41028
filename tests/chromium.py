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


PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""From the one to prefer: the shell draws the same pages, and needs a third of the processor time for a new visitor."""


def find_chromium() -> str | None:
    """Return the program that CHROMIUM names, or one that is installed; None: Playwright may have one of its own."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def launched() -> Iterator[playwright_api.Browser]:
    """Yield a browser."""
    with playwright_api.sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, which containers run as.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        try:
            chromium = playwright.chromium.launch(executable_path=find_chromium(), args=[*root, *SOFTWARE_WEBGL])
        except playwright_api.Error as error:
            if "Executable doesn't exist" not in str(error):
                raise
            if os.environ.get("CI"):
                pytest.fail("There is no Chromium: install it, or name it by CHROMIUM.")
            pytest.skip("there is no Chromium: install it, or name it by CHROMIUM")
        try:
            yield chromium
        finally:
            chromium.close()
