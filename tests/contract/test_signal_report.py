"""The whole report of networks without classes: the same methods, and no sentence about classes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from every_analysis import put_through_everything, reasons

from reportgen.commands.render import render
from reportgen.reading.format import number
from reportgen.reading.run_view import RunView
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.finding import find_runs

pytestmark = pytest.mark.slow

NETWORKS = '''
import torch
from torch import nn


class Pulse(nn.Module):
    """A value at each time."""

    def __init__(self, maps=False):
        super().__init__()
        self.maps = maps
        self.stem, self.top = nn.Conv3d(3, 4, (3, 5, 5), padding=(1, 2, 2)), nn.Conv3d(4, 1, 1)

    def forward(self, clip):
        found = self.top(torch.tanh(self.stem(clip)))
        return found if self.maps else found.mean((3, 4))[:, 0]


def pulse():
    return Pulse()


def depth():
    return Pulse(maps=True)
'''

#: What classes need and signals do not have.
_ABOUT_CLASSES = re.compile(
    r"\bclass(es|ifier)?\b|\blogits?\b|\blabels?\b|predict|probabilit|recognised", re.IGNORECASE
)
#: Pages about all networks and about options.
_ABOUT_ALL = {"methods.html", "provenance.html", "404.html"}


def visible(page: Path) -> str:
    """Return the text of a page's article without its markup and code."""
    found = re.search(r"<article.*?</article>", page.read_text(encoding="utf-8"), re.DOTALL)
    text = re.sub(r"<(script|style|code|option)\b.*?</\1>", " ", found[0] if found else "", flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", text)


@pytest.mark.parametrize(
    ("name", "answer"), [("pulse", "N T"), pytest.param("depth", "N 1 T H W", marks=pytest.mark.long)]
)
def test_a_network_without_classes_has_the_same_report(name: str, answer: str, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETWORKS)
    outcomes = put_through_everything(f"{tmp_path / 'nets.py'}:{name}", {}, (6, 24), tmp_path, layers=["stem"])
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert not reasons(found), analysis
    (store,) = find_runs(tmp_path / "runs")
    view = RunView(store, store.manifest(), name)
    assert view.run.card.adapter.answer == answer
    assert {str(each.target) for each in view.classes("pyramid")} == {"target-mean", "target-peak"}
    told = [view.answer(each.record, SaliencyAnswer) for each in view.classes("saliency")]
    assert {one.target_title for one in told if one} == {"mean of the answer", "peak of the answer"}
    assert view.motion_probes is not None
    assert [str(row.target) for row in view.motion_probes.classes] == ["target-mean", "target-peak"]
    index = render([store.folder], tmp_path / "site")
    assert index.is_file()
    pages = [
        page
        for page in sorted(index.parent.rglob("*.html"))
        if page.name not in {"methods.html", "404.html", "provenance.html"}
    ]
    assert len(pages) > 8
    clip_page = visible(next(page for page in pages if "Evidence for the mean of the answer" in visible(page)))
    for one in told:
        assert one is not None
        assert re.search(rf"{one.target_title}\s+{re.escape(number(one.logit))}", clip_page, re.IGNORECASE)
    found = {}
    for page in pages:
        said = [line.strip() for line in visible(page).splitlines() if _ABOUT_CLASSES.search(line)]
        found[page.name] = [line for line in said if "no classes" not in line.lower()]
    left = [f"{name}: {line}" for name, lines in found.items() for line in dict.fromkeys(lines)]
    assert not left, "\n".join(left)
