"""A pyramid through attention has no answer: it says so by name, and the rest of the report goes on."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from every_analysis import LITTLE, noise_clip

from reportgen.cli.tables import summary_table
from reportgen.commands.compute import compute
from reportgen.commands.render import render
from reportgen.config.options import BuildOptions
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Done, Skipped
from reportgen.records.store import Store

NETWORKS = '''
import torch
from torch import nn


class Mixing(nn.Module):
    def __init__(self, width, by_hand):
        super().__init__()
        self.by_hand = by_hand
        self.queries, self.keys, self.values = (nn.Linear(width, width) for _ in range(3))

    def forward(self, tokens):
        q, k, v = self.queries(tokens), self.keys(tokens), self.values(tokens)
        if not self.by_hand:
            return nn.functional.scaled_dot_product_attention(q, k, v)
        return (q @ k.transpose(1, 2)).softmax(-1) @ v


class Tokens(nn.Module):
    """Tubelets, two blocks of attention, and a head; or the attention of the last block alone."""

    def __init__(self, by_hand=False, head=True):
        super().__init__()
        self.stem = nn.Conv3d(3, 8, (2, 4, 4), stride=(2, 4, 4))
        self.first, self.second = Mixing(8, by_hand), Mixing(8, by_hand)
        self.after, self.head = nn.Linear(8, 8), nn.Linear(8, 5) if head else nn.Identity()

    def forward(self, clip):
        tokens = self.stem(clip).flatten(2).transpose(1, 2)
        tokens = tokens + self.after(self.first(tokens))
        return self.head(self.second(tokens).mean(1))


def fused():
    return Tokens()


def by_hand():
    return Tokens(by_hand=True)


def plain():
    return nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 5))


class Against(nn.Module):
    """Both classes lose by all that there is, the second one twice as much."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, 4, 3, padding=1)
        self.register_buffer("weights", -torch.tensor([[1.0] * 4, [2.0] * 4]))

    def forward(self, clip):
        return nn.functional.linear(torch.relu(self.stem(clip)).mean((2, 3, 4)), self.weights)


class Blurred(nn.Module):
    """Its second convolution has weights of no layer."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, clip):
        found = torch.relu(self.stem(clip))
        blur = torch.full((4, 1, 3, 3, 3), 1 / 27, device=clip.device)
        return self.head(nn.functional.conv3d(found, blur, groups=4).mean((2, 3, 4)))


def blurred():
    return Blurred()


def against():
    return Against()


def to_the_end():
    return Tokens(head=False)
'''


def computed(folder: Path, name: str, adapter: Mapping[str, Any] | None = None) -> tuple[str, Store]:
    """Return what the command line says at the end of a run, and the run."""
    (folder / "nets.py").write_text(NETWORKS)
    options = BuildOptions(
        models=(f"{folder / 'nets.py'}:{name}",),
        untrained=True,
        clip_spec={"frames": 6, "height": 16, "width": 16},
        adapter=dict(adapter or {}),
        clips=(str(noise_clip(folder, 6, 16)),),
        analyses=("pyramid", "saliency", "motion"),
        preset="quick",
        runs=folder / "runs",
        parameters=LITTLE,
    )
    told = summary_table(compute(options))
    (store,) = find_runs(folder / "runs")
    return told, store


def pyramid_page(store: Store, name: str, folder: Path) -> str:
    index = render([store.folder], folder / "site")
    (page,) = index.parent.glob(f"{name}/clip*/class-*.html")
    return page.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("fused", marks=pytest.mark.long), "by_hand"])
def test_what_attention_has_no_answer_for_is_named(name: str, tmp_path: Path) -> None:
    told, store = computed(tmp_path, name)
    (record,) = store.manifest().of("pyramid")
    assert isinstance(record.outcome, Done)
    answer = record.outcome.read(PyramidAnswer)
    assert [(one.module, one.through, one.reached) for one in answer.unfollowed] == [
        ("first", "attention", False),
        ("second", "attention", True),
    ]
    sentence = f"No answer through attention: in second of {name} it is not known which kernel feeds which"
    assert any(note.startswith(sentence) for note in record.outcome.notes)
    assert f"{name} pyramid: {sentence}" in told
    page = pyramid_page(store, name, tmp_path)
    assert sentence in text_of(page)
    assert "second:" not in page.partition('id="table"')[2].partition("</table>")[0], "attention is no kernel"


@pytest.mark.slow
def test_an_answer_that_attention_gives_has_no_pyramid_and_all_else(tmp_path: Path) -> None:
    told, store = computed(tmp_path, "to_the_end")
    manifest = store.manifest()
    (record,) = manifest.of("pyramid")
    assert isinstance(record.outcome, Skipped)
    assert "to_the_end answers comes from attention in second, through which a pyramid has no answer" in told
    assert all(isinstance(one.outcome, Done) for name in ("saliency", "motion") for one in manifest.of(name))
    assert "comes from attention in second" in text_of(pyramid_page(store, "to_the_end", tmp_path))


def test_where_no_kernel_speaks_for_a_class_nothing_is_removed(tmp_path: Path) -> None:
    told, store = computed(tmp_path, "against", {"answer": "N K"})
    (record,) = store.manifest().of("pyramid")
    assert isinstance(record.outcome, Done)
    answer = record.outcome.read(PyramidAnswer)
    assert (answer.kernels, answer.ablation) == (0, {})
    sentence = "No kernel speaks for class 0: none has a positive relevance."
    assert sentence in told
    assert sentence in text_of(pyramid_page(store, "against", tmp_path))


def test_weights_that_are_made_on_the_way_are_named(tmp_path: Path) -> None:
    told, store = computed(tmp_path, "blurred")
    assert "No answer through weights that are made on the way: in blurred itself" in told
    (record,) = store.manifest().of("pyramid")
    assert isinstance(record.outcome, Done)


def test_a_network_without_attention_says_nothing_of_it(tmp_path: Path) -> None:
    told, store = computed(tmp_path, "plain")
    (record,) = store.manifest().of("pyramid")
    assert isinstance(record.outcome, Done)
    assert record.outcome.read(PyramidAnswer).unfollowed == ()
    assert "No answer" not in told
