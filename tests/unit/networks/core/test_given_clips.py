"""Clips of bare modules: taken as they are, but not with frames where colours are told."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen import ClipError, attribute, load_network, motion_audit
from reportgen.networks.core.given_clips import given_clips
from reportgen.networks.core.network import as_network


class FramesFirst(nn.Module):
    """Takes `N T C H W`, for a convolution over volumes or for one over each frame."""

    def __init__(self, volumes: bool) -> None:
        super().__init__()
        self.volumes, self.head = volumes, nn.Linear(4, 2)
        self.conv: nn.Module = nn.Conv3d(3, 4, 3) if volumes else nn.Conv2d(3, 4, 3)

    def forward(self, clips: Tensor) -> Tensor:
        if self.volumes:
            maps = self.conv(clips.transpose(1, 2)).relu().mean((2, 3, 4))
        else:
            maps = self.conv(clips.flatten(0, 1)).relu().mean((2, 3)).unflatten(0, clips.shape[:2]).mean(1)
        scores: Tensor = self.head(maps)
        return scores


@pytest.mark.parametrize("volumes", [True, False])
def test_frames_before_colours_are_refused_with_the_call_that_tells_them_apart(volumes: bool) -> None:
    torch.manual_seed(0)
    network = FramesFirst(volumes).eval()
    clip = torch.rand(1, 8, 3, 12, 12)
    with pytest.raises(ClipError, match="as N T C H W, where frames would be told as colours"):
        attribute(network, clip, 0, "gradients")
    with pytest.raises(ClipError, match="as N T C H W, where frames would be told as colours"):
        motion_audit(network, clip)
    size = {"frames": 8, "height": 12, "width": 12, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    loaded = load_network(network, adapter={"layout": "N T C H W"}, clip=size)
    turned = clip.transpose(1, 2)
    assert torch.allclose(loaded.logits(turned), network(clip), atol=1e-6)
    assert attribute(loaded, turned, 0, "gradients").attribution.shape == turned.shape


def test_other_clips_of_bare_modules_are_taken_as_they_are() -> None:
    bands = as_network(nn.Sequential(nn.Conv3d(16, 4, 3, padding=1)).eval())
    assert given_clips(bands, torch.rand(1, 16, 3, 12, 12)).shape == (1, 16, 3, 12, 12)
    mixed = as_network(nn.Sequential(nn.Conv3d(8, 3, 1), nn.Conv3d(3, 4, 1)).eval())
    assert given_clips(mixed, torch.rand(1, 8, 3, 12, 12)).shape == (1, 8, 3, 12, 12)
    late = nn.Sequential(nn.ConstantPad3d(1, 0.0), nn.Conv3d(3, 4, 3)).eval()
    assert given_clips(as_network(late), torch.rand(1, 3, 3, 12, 12)).shape == (1, 3, 3, 12, 12)
    broken = as_network(nn.Sequential(nn.Conv3d(3, 4, 3)).eval())
    assert given_clips(broken, torch.rand(1, 8, 3, 12, 12)).shape == (1, 8, 3, 12, 12)
