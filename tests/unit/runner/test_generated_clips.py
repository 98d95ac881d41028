"""Clips of a card's generator: those that are shown do not depend on what else is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.errors import CardError
from reportgen.resources import modelzoo_folder
from reportgen.runner import subject
from reportgen.runner.subject import generate_clips, generate_shown
from reportgen.zoo.cards import Zoo

_SOURCE = """
from types import SimpleNamespace
import torch

def reference_clips(card, count, seed):
    return [
        SimpleNamespace(name=str(k), clip=torch.full((3, 1, 2, 2), k / 100), label=k // 40, label_name=str(k // 40))
        for k in range(count)
    ]
"""


def test_the_bundled_network_shows_the_same_clips_whether_the_others_are_made_or_not() -> None:
    entry = Zoo([modelzoo_folder()]).find("texture_motion")
    shown, _ = generate_clips(entry.card, entry.folder)
    alone = generate_shown(entry.card, entry.folder)
    assert [(clip.name, clip.digest) for clip in alone] == [(clip.name, clip.digest) for clip in shown]


@pytest.mark.parametrize("label", ["0", "2"])
def test_as_many_clips_are_made_as_have_the_labels(label: str, tmp_path: Path) -> None:
    (tmp_path / "clips.py").write_text(_SOURCE, encoding="utf-8")
    card = Zoo([modelzoo_folder()]).find("texture_motion").card
    assert card.generator is not None
    card = card.model_copy(update={"generator": card.generator.model_copy(update={"shown": (label,)})})
    assert [clip.name for clip in generate_shown(card, tmp_path)] == [str(40 * int(label))]
    assert subject._FEW < 40


def test_a_label_that_no_clip_has_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "clips.py").write_text(_SOURCE, encoding="utf-8")
    card = Zoo([modelzoo_folder()]).find("texture_motion").card
    assert card.generator is not None
    card = card.model_copy(update={"generator": card.generator.model_copy(update={"shown": ("nothing",)})})
    with pytest.raises(CardError, match="nothing"):
        generate_shown(card, tmp_path)
