"""Every headline of four reports, worked out again from the arrays of their runs by other means."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from claims import Arrays, Claim, claims, sentences

from reportgen.commands.build import build
from reportgen.config.options import BuildOptions

REPORTS: dict[str, dict[str, Any]] = {
    "trained": {"models": ["texture_motion"], "preset": "quick"},
    "untrained": {"models": ["texture_motion"], "preset": "quick", "untrained": True},
    "another seed": {"models": ["texture_motion"], "preset": "quick", "seed": 7},
    "no classes": {"models": ["vqvae"], "preset": "quick", "untrained": True, "kernels": 2},
}
"""The bundled network, whose clips are known to the last pixel, and one without classes, of which there are none."""


ANALYSES = ("kernels", "decomposition", "evidence", "motion")


def told(runs: Path, site: Path) -> tuple[list[Claim], int]:
    """Return every claim of a site's kernel pages, and how many of these there are."""
    (run,) = (path for path in runs.iterdir() if (path / "run.json").exists())
    arrays, found, pages = Arrays(run), list[Claim](), 0
    for page in sorted(site.rglob("*.html")):
        kernel, said = sentences(page.read_text("utf-8"))
        if kernel:
            pages += 1
            found += claims(arrays, run.name, kernel, said)
    return found, pages


@pytest.mark.long
@pytest.mark.parametrize("report", REPORTS)
def test_every_claim_of_every_kernel_page_is_borne_out_by_the_arrays(report: str, tmp_path: Path) -> None:
    runs, site = tmp_path / "runs", tmp_path / "site"
    build(BuildOptions(**REPORTS[report], runs=runs, site=site, analyses=ANALYSES))
    found, pages = told(runs, site)
    assert pages >= 4
    assert 2 * len(found) >= pages  # some clips have no pattern that has a word and no motion: little is said of them
    assert [claim for claim in found if not claim.holds] == []
    shutil.rmtree(tmp_path)


class Drawn(Arrays):
    """Arrays of one kernel that are drawn here."""

    def __init__(self, arrays: dict[tuple[str, str], dict[str, Any]]) -> None:
        self.arrays = arrays

    def of(self, analysis: str, unit: str, role: str) -> dict[str, Any] | None:
        return self.arrays.get((analysis, role))

    def answer(self, analysis: str, unit: str) -> dict[str, Any]:
        return {"sample": [f"{k:03d}-dots-{'static' if k < 6 else 'moving-left'}" for k in range(12)]}


TRUE = (
    "Responds most to vertical stripes 8.0 px apart moving left at 1.5 px/frame. The reference clips bear this out: "
    "frozen, those that drive it most keep 25% of their response; played backwards, they keep 10%; clips of “moving "
    "left” drive it most (AUROC 1.00)."
)
FALSE = (
    ("vertical", "horizontal"), ("8.0 px", "5.0 px"), ("moving left at", "moving right at"), ("1.5 px", "0.7 px"),
    ("25%", "35%"), ("25%", ">99%"), ("10%", "90%"), ("“moving left”", "“static”"),
    ("vertical stripes 8.0 px apart", "dots"),
    ("moving left at 1.5 px/frame", "standing still (0.0 px/frame)"),
)  # fmt: skip


def test_the_check_of_claims_finds_each_false_one() -> None:
    x, t = np.arange(48), np.arange(12)
    frames = 0.5 + 0.4 * np.sin(2 * np.pi * (x[None, None, :] + 1.5 * t[:, None, None]) / 8) + np.zeros((12, 48, 48))
    probed = np.array([[8.0], [2.0], [1.0], [0.8]])[None].repeat(3, 0)
    arrays = Drawn(
        {
            ("kernels", "stage1_data"): {"clip": np.repeat(frames[..., None], 3, axis=3)},
            ("motion", "kernel_responses"): {"conv": probed},
            ("evidence", "responses"): {"conv": np.arange(12.0)[:, None]},
        }
    )
    found = list(claims(arrays, "net", "net/conv/0", TRUE))
    assert len(found) == 7
    assert [claim for claim in found if not claim.holds] == []
    for true, false in FALSE:
        said = TRUE.replace(true, false)
        assert said != TRUE
        assert not all(claim.holds for claim in claims(arrays, "net", "net/conv/0", said)), false


@pytest.mark.parametrize(("left", "said", "holds"), [(7.97, ">99%", True), (7.97, "99%", False), (8.0, ">99%", False)])
def test_a_share_just_below_everything_is_said_to_be_so(left: float, said: str, *, holds: bool) -> None:
    """Of 8: 99.6% is neither 99% nor everything."""
    arrays = Drawn({("motion", "kernel_responses"): {"conv": np.array([[8.0], [left], [1.0], [0.8]])[None]}})
    words = f"Frozen, those that drive it most keep {said} of their response."
    (found,) = claims(arrays, "net", "net/conv/0", words)
    assert found.holds is holds


@pytest.mark.parametrize(("words", "holds"), [("stripes", True), ("dots", True), ("stripes 1.8 px apart", False)])
def test_bare_stripes_move_as_the_whole_picture_does(words: str, *, holds: bool) -> None:
    """Weak spots show how far fine stripes move along themselves; of stripes alone that could not be seen."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    still = 0.3 * np.sin(2 * np.pi * (x - y) / 2.55) + 0.1 * rng.standard_normal((48, 48))
    frames = 0.5 + np.stack([np.roll(still, (-t, -t), (0, 1)) for t in range(12)])
    arrays = Drawn({("kernels", "stage1_data"): {"clip": np.repeat(frames[..., None], 3, axis=3)}})
    found = list(claims(arrays, "net", "net/conv/0", f"Responds most to {words} moving up and left at 1.41 px/frame."))
    assert all(claim.holds for claim in found if "moving" in claim.words) is holds
