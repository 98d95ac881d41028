"""axe-core finds no serious violation on any kind of page: in both schemes, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import playwright_api

pytestmark = [pytest.mark.slow, pytest.mark.browser]

AXE = Path(__file__).resolve().parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"

#: Pages of kinds that have much in common with no other; the long tests visit the rest.
FEW = ("drift/tennis/class-0002.html",)
MORE = (
    "drift/index.html",
    "index.html",
    "methods.html",
    "404.html",
    "drift/audit.html",
    "drift/motion.html",
    "drift/weights.html",
    "drift/concepts/index.html",
    "drift/concepts/wheels.html",
    "drift/provenance.html",
    "drift/pyramids.html",
    "compare.html",
    "drift/responses.html",
    "drift/analysis/colour_audit.html",
    "drift/stem.conv/index.html",
    "drift/stem.conv/0007.html",
    "drift/kernels.html",
    "drift/stem.conv/kernels.html#0008",
    "drift/stem.conv/responses-tennis.html",
    "drift/s2.res0.branch2.c/multiscale.html",
    "drift/tennis/index.html",
)

RUN = """() => axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.length}, the first ${one.nodes[0].target.join(" ")}`))"""


@pytest.fixture
def serious(browser: playwright_api.Browser, sample_site: Path) -> Iterator[Any]:
    """Return a call that looks at a page of the sample's site, in a scheme and at a width, and says what is wrong."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `make lint` installs it where there is npm")
    contexts = []

    def look(page: str, scheme: str, width: int, spoil: str = "") -> list[str]:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        tab = context.new_page()
        tab.goto(f"{sample_site.as_uri()}/{page}")
        if spoil:
            tab.evaluate(spoil)
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = tab.evaluate(RUN)
        return found

    yield look
    for context in contexts:
        context.close()


SEEN = (("light", 1440), ("dark", 390))
SEEN_TOO = (("dark", 1440), ("light", 390))


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        *((page, SEEN) for page in FEW),
        *(pytest.param(page, SEEN_TOO, marks=pytest.mark.long) for page in FEW),
        *(pytest.param(page, SEEN + SEEN_TOO, marks=pytest.mark.long) for page in MORE),
    ],
)
def test_no_serious_violation_in_either_scheme_and_at_either_width(
    serious: Any, page: str, seen: Sequence[tuple[str, int]]
) -> None:
    found = {f"{scheme}, {width} px": wrong for scheme, width in seen if (wrong := serious(page, scheme, width))}
    assert not found


def test_what_is_serious_is_found(serious: Any) -> None:
    pale = "() => { document.querySelector('h1').style.color = '#ddd'; }"
    assert [wrong.partition(":")[0] for wrong in serious("drift/index.html", "light", 1440, pale)] == ["color-contrast"]
