"""A constant added to the classifier's bias changes no page of the site but for the logit itself, where it stands."""

from __future__ import annotations

import html
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from reportgen.analyses.registry import methods
from reportgen.commands.build import build
from reportgen.config.options import BuildOptions
from reportgen.zoo.load import load_network

CONSTANT = 10.0

ROUNDING = ("conservation error", "curvature share", "central differences")
"""What tells how far rounding goes: logits that are far from 0 are rounded coarser."""


def write_clips(folder: Path, count: int, *, moving: bool, generator: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for clip in range(count):
        still = generator.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        frames = np.stack([np.roll(still, frame * moving, 1) for frame in range(6)])
        iio.imwrite(folder / f"{clip}.gif", frames)


def lines(page: Path) -> list[str]:
    """Return the texts of a page, one an element; names of weights and files by their digests are left out."""
    found = re.sub(r"(?s)<(script|style).*?</\1>", " ", page.read_text(encoding="utf-8"))
    texts = (" ".join(text.split()) for text in html.unescape(re.sub(r"<[^>]+>", "\n", found)).split("\n"))
    return [re.sub(r"[0-9a-f]{10,}", "", text) for text in texts if text]


ERROR = r"[\d.]+·10⁻([⁷⁸⁹]|¹.)"
"""An error that is rounding."""

NUMBER = r"[-−]?\d+\.\d+"


def steps(one: str, other: str) -> list[tuple[float, float]] | None:
    """Return the numbers of a text as they were and as they are; None where more than numbers has changed."""
    if re.sub(NUMBER, "#", one) != re.sub(NUMBER, "#", other):
        return None
    pairs = zip(re.findall(NUMBER, one), re.findall(NUMBER, other), strict=True)
    return [(float(was.replace("−", "-")), float(now.replace("−", "-"))) for was, now in pairs]


def same(one: str, other: str) -> bool:
    """Whether two texts are the same but for times, sizes of files and rounding of their numbers."""
    if re.fullmatch(ERROR, one) and re.fullmatch(ERROR, other):
        return True
    if re.fullmatch(r"(Computed in )?[\d.]+ (m?s|[kM]?B)\.?|[\dT:+-]+", one):
        return True
    found = steps(one, other)
    return found is not None and all(abs(was - now) <= 0.01 * max(abs(was), abs(now)) + 0.0011 for was, now in found)


def is_the_logit(one: str, other: str) -> bool:
    """Whether a text has a number that has grown by the constant."""
    return any(now - was == pytest.approx(CONSTANT, abs=0.06) for was, now in steps(one, other) or ())


@pytest.mark.long
def test_a_constant_added_to_all_logits_changes_no_page(
    tmp_path: Path, tiny_zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    write_clips(tmp_path / "concept", 8, moving=True, generator=generator)
    for place, label in enumerate(("down", "right | pipe", "{{ up }}", "other")):
        write_clips(tmp_path / "reference" / label, 8, moving=bool(place % 2), generator=generator)
    weights = load_network("tiny", zoo=[tiny_zoo], untrained=True).module.state_dict()
    for name, constant in (("plain", 0.0), ("shifted", CONSTANT)):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        moved = {key: value + constant * (key == "classifier.bias") for key, value in weights.items()}
        torch.save(moved, folder / "weights.pt")
        options = BuildOptions(
            models=["tiny"], zoo=[tiny_zoo], weights=Path("weights.pt"), layers=("*",), preset="quick",
            analyses=tuple(methods()), reference=tmp_path / "reference", concepts=(f"moving={tmp_path / 'concept'}",),
            runs=Path("runs"), site=Path("site"),
        )  # fmt: skip
        build(options)
    plain, shifted = tmp_path / "plain/site", tmp_path / "shifted/site"
    pages = sorted(page.relative_to(plain) for page in plain.rglob("*.html"))
    assert pages == sorted(page.relative_to(shifted) for page in shifted.rglob("*.html"))
    assert len(pages) > 20
    told, logits = [], 0
    for page in pages:
        one, other = lines(plain / page), lines(shifted / page)
        assert len(one) == len(other), page
        for place, (text, moved_text) in enumerate(zip(one, other, strict=True)):
            before = " ".join(one[max(place - 1, 0) : place + 1])
            if same(text, moved_text) or any(word in before for word in ROUNDING):
                continue
            if page.name == "weights.html" and is_the_logit(text, moved_text):
                logits += 1
                continue
            told.append(f"{page}: {text} is {moved_text}")
    assert not told
    assert logits, "the page of weight gradients prints the logit that they are of"
