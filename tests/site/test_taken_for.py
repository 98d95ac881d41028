"""What pages say that a clip is taken for: one class, all that are said, or the mean of what is told at each time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from reportgen.pages import saliency
from reportgen.pages.model_tables import clip_rows
from reportgen.pages.places import PageAddresses
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import Templates
from reportgen.records.finding import find_runs
from reportgen.resources import templates_folder
from tests.documents import edit


@pytest.fixture
def clip_page(sample_runs: Path, tmp_path: Path) -> Callable[..., tuple[ModelView, str]]:
    """Returns the network and the text of a clip's page where the adapter says so, and the network that of a clip."""
    run = Path(shutil.copytree(sample_runs / "drift", tmp_path / "drift"))

    def written(shares: tuple[float, ...], **adapter: str) -> tuple[ModelView, str]:
        def change(header: dict[str, Any]) -> None:
            header["card"]["adapter"] |= adapter
            for clip in header["clips"]:
                clip["predictions"] = [[index, 1.5, share] for index, share in zip((1, 0, 3), shares, strict=True)]

        edit(run / "run.json", change)
        report = Report.of(find_runs(tmp_path))
        pages = list(saliency.pages(report))
        markup = Templates(templates_folder()).render(pages[0], PageAddresses.of(pages), selected=())
        return report.models[0], unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", markup)))

    return written


@pytest.mark.parametrize(
    ("shares", "said", "listed"),
    [
        ((0.98, 0.75, 0.05), "takes this clip for {0} (98.0%) and {1} (75.0%).", 2),
        ((0.98, 0.25, 0.05), "takes this clip for {0} (98.0%). W", 1),
        ((0.98, 0.75, 0.65), "and {2} (65.0%) at least. W", 3),
        ((0.12, 0.10, 0.05), "takes this clip for none of its classes; the likeliest is {0} (12.0%).", 0),
    ],
)
def test_all_classes_that_are_said_are_named(
    clip_page: Callable[..., tuple[ModelView, str]], shares: tuple[float, ...], said: str, listed: int
) -> None:
    model, text = clip_page(shares, probabilities="sigmoid")
    assert said.format(model.label(1), model.label(0), model.label(3)) in text
    assert "above the mean" not in text.split("## Evidence")[0]
    assert clip_rows(model)[0].top.count(", ") == max(listed - 1, 0)


def test_a_mean_over_time_is_called_one(clip_page: Callable[..., tuple[ModelView, str]]) -> None:
    model, text = clip_page((0.9, 0.06, 0.04), answer="N K T")
    assert f"On average over time the network takes this clip for {model.label(1)} (90.0%)." in text
    assert "tells its classes at each time" in text
