"""Pages of a network of which each class is true or not by itself."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from reportgen.pages import saliency
from reportgen.pages.model_tables import clip_rows
from reportgen.pages.places import PageAddresses
from reportgen.pages.report import Report
from reportgen.pages.templating import Templates
from reportgen.records.finding import find_runs
from reportgen.resources import templates_folder
from tests.documents import edit


@pytest.mark.parametrize(
    ("shares", "said", "listed"),
    [
        ((0.98, 0.75, 0.05), "takes this clip for {0} (98.0%) and {1} (75.0%).", 2),
        ((0.98, 0.25, 0.05), "takes this clip for {0} (98.0%). W", 1),
        (
            (0.12, 0.10, 0.05),
            "takes this clip for none of its classes; the likeliest is {0} (12.0%).",
            0,
        ),
    ],
)
def test_all_classes_that_are_said_are_named(
    sample_runs: Path, tmp_path: Path, shares: tuple[float, ...], said: str, listed: int
) -> None:
    run = Path(shutil.copytree(sample_runs / "drift", tmp_path / "drift"))

    def apart(header: dict) -> None:  # type: ignore[type-arg]
        header["card"]["adapter"]["probabilities"] = "sigmoid"
        for clip in header["clips"]:
            clip["predictions"] = [[index, 1.5, share] for index, share in zip((1, 0, 3), shares, strict=True)]

    edit(run / "run.json", apart)
    report = Report.of(find_runs(tmp_path))
    model = report.models[0]
    pages = list(saliency.pages(report))
    markup = Templates(templates_folder()).render(pages[0], PageAddresses.of(pages), selected=())
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", markup)))
    assert said.format(model.label(1), model.label(0)) in text
    assert "above the mean" not in markup.split("## Evidence")[0]
    assert clip_rows(model)[0].top.count(", ") == max(listed - 1, 0)
