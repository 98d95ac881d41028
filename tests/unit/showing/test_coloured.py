"""Maps and motion in colours, as somebody at a notebook has them: tensors, arrays, clips, and no scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import reportgen
from reportgen.clips import Clip
from reportgen.errors import OptionError

HEAT = torch.tensor([[[0.0, 1.0], [0.5, 2.0]]])
FRAMES = np.full((1, 2, 2, 3), 0.5, np.float32)


def test_a_tensor_and_an_array_have_the_same_colours() -> None:
    expected = reportgen.heat_colours(HEAT.numpy(), 2.0, signed=False)
    assert np.array_equal(reportgen.heat_colours(HEAT.requires_grad_(), 2.0), expected)
    assert expected[0, 1, 1].sum() > expected[0, 1, 0].sum() > expected[0, 0, 0].sum()
    signed = reportgen.heat_colours(-HEAT, 2.0)
    assert np.array_equal(signed, reportgen.heat_colours((-HEAT).detach().numpy(), 2.0, signed=True))
    assert signed[0, 1, 1, 2] > signed[0, 1, 1, 0], "below zero is blue"


def test_the_scale_is_the_strongest_unless_it_is_said() -> None:
    heat = np.ones((1, 10, 10))
    heat[0, 0, 0] = 4
    assert np.array_equal(reportgen.heat_colours(heat), reportgen.heat_colours(heat, float(np.quantile(heat, 0.995))))
    assert reportgen.heat_colours(np.zeros((1, 2, 2))).max() < 8


def test_a_map_lies_over_a_clip_in_each_of_its_forms() -> None:
    clip = Clip("grey", FRAMES.transpose(3, 0, 1, 2)[None])
    shown = reportgen.heat_overlay(HEAT, clip, 2.0)
    for over in (FRAMES, torch.from_numpy(FRAMES), np.full((1, 2, 2, 1), 0.5)):
        assert np.array_equal(reportgen.heat_overlay(HEAT, over, 2.0), shown)
    assert shown[0, 0, 0].tolist() == [128, 128, 128], "where the map is zero there is the clip alone"


def test_motion_of_a_decomposition_is_coloured_as_it_is_returned() -> None:
    motion = torch.zeros(1, 2, 3, 3)
    motion[:, 0] = 2.0
    shown = reportgen.motion_frames(motion)
    assert np.array_equal(shown, reportgen.motion_frames(motion.numpy(), np.ones((1, 3, 3), bool), 2.0))
    evidence = torch.ones(1, 3, 3)
    evidence[0, 0, 0] = 0
    assert reportgen.motion_frames(motion, evidence)[0, 0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("call", "arguments", "says"),
    [
        (reportgen.heat_colours, ("map",), "not a str"),
        (reportgen.heat_colours, (HEAT.to(torch.complex64), 1.0), "real numbers"),
        (reportgen.heat_colours, (HEAT[0],), "T H W"),
        (reportgen.heat_colours, (HEAT * torch.nan,), "finite"),
        (reportgen.heat_colours, (HEAT, 0.0), "positive"),
        (reportgen.heat_overlay, (HEAT, FRAMES[:, :1]), "like its clip"),
        (reportgen.heat_overlay, (HEAT, FRAMES[..., :2]), "C 1 or 3"),
        (reportgen.heat_overlay, (HEAT, None), "not a NoneType"),
        (reportgen.motion_frames, (np.zeros((2, 3, 3, 3)),), "T 2 H W"),
        (reportgen.motion_frames, (np.zeros(3),), "T 2 H W"),
        (reportgen.motion_frames, (np.zeros((1, 2, 3, 3)), np.ones((1, 2, 2))), "T 2 H W"),
        (reportgen.motion_frames, (np.zeros((1, 2, 3, 3)), None, -1.0), "above 0"),
        (reportgen.motion_to_rgb, (np.zeros((3, 4, 4)), 1.0), "2 H W"),
        (reportgen.motion_to_rgb, (np.zeros((2, 4, 4)), 0.0), "above 0"),
        (reportgen.colour_wheel, (0,), "1 or more"),
    ],
)
def test_what_cannot_be_coloured_is_told_in_a_sentence(call: Any, arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(OptionError, match=says) as caught:
        call(*arguments)
    assert str(caught.value).endswith(".")
