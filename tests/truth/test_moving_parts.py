"""Of a clip of which a part moves the part's motion is told, or nothing that is not so."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reportgen.audit.headline import synthetic_claim
from reportgen.audit.limits import Limits
from tests.truth.moving_textures import texture
from tests.truth.test_motion_words import said
from tests.truth.told_clips import NOTHING, STILL, Told, placed

SIZE, FRAMES = 32, 16


def in_part(where: str, contrast: float, speed: float, seed: int = 3) -> Told:
    """Return a still texture with a part in which another of so much of its contrast moves right, in px/frame."""
    still = placed(texture(seed), [(0.0, 0.0)] * FRAMES, SIZE).float() - 0.5
    moving = placed(texture(seed + 100), [(speed * t, 0.0) for t in range(FRAMES)], SIZE).float() - 0.5
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    parts: dict[str, Tensor] = {
        "half": x >= SIZE // 2,
        "quarter": (x >= SIZE // 2) & (y >= SIZE // 2),
        "disc": (x - 15.5).square() + (y - 15.5).square() < 8**2,
    }
    faint, strong = min(1.0, contrast), min(1.0, 1 / contrast)
    return Told(where, 0.5 + torch.where(parts[where], faint * moving, strong * still), frozenset(), 0.0)


@pytest.mark.parametrize("contrast", [4.0, 1.0, 0.25, 0.1])
@pytest.mark.parametrize(("where", "share"), [("half", 0.5), ("quarter", 0.25)])
def test_the_speed_of_a_part_is_that_of_the_part(where: str, share: float, contrast: float) -> None:
    """The mean over the clip is share * speed; of the fainter ones a still picture explains 98% and more."""
    speeds = (0.5, 1.5)
    for speed, (told, figures) in zip(speeds, said([in_part(where, contrast, one) for one in speeds]), strict=True):
        assert told == "right"
        assert figures.mean_speed == pytest.approx(speed, rel=0.2)
        assert figures.moving_share == pytest.approx(share, abs=0.13)
        assert "of the frame, while the rest hardly moves." in synthetic_claim(figures, Limits())


@pytest.mark.parametrize("contrast", [4.0, 1.0, 0.5, 0.25])
def test_a_disc_that_moves_is_never_a_texture_that_stands_still(contrast: float) -> None:
    for told, figures in said([in_part("disc", contrast, speed) for speed in (0.5, 1.5)]):
        assert told == NOTHING or (told == "right" and figures.moving_share is not None)


def test_what_moves_stands_or_trembles_as_a_whole_has_no_parts() -> None:
    look = texture(5)
    noise = 0.005 * torch.randn(3, FRAMES, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    rests = placed(look, [(0.0, 0.0)] * FRAMES, SIZE).float()
    stops = placed(look, [(float(min(t, 7)), 0.0) for t in range(FRAMES)], SIZE).float()
    clips = [rests, (rests + noise).clamp(0, 1), placed(look, [(0.7 * t, 0.0) for t in range(FRAMES)], SIZE).float()]
    found = said([Told("whole", clip, frozenset()) for clip in [*clips, stops]])
    assert [told for told, _ in found[:3]] == [STILL, STILL, "right"]
    assert [figures.moving_share for _, figures in found] == [None] * 4
    assert [figures.changing_share for _, figures in found[:2]] == [0.0, 0.0]
