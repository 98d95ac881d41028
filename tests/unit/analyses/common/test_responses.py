"""Responses of kernels to clips, and which kernels tell clips apart."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common.responses import Meter, kernel_responses, most_selective, selectivity
from reportgen.networks.core.network import Network, as_network


def test_a_response_is_the_mean_of_the_map_after_its_batch_norm() -> None:
    layer, norm = nn.Conv3d(1, 2, 1, bias=False), nn.BatchNorm3d(2).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1, 1))
        norm.weight.copy_(torch.tensor([2.0, -3.0]))
        norm.bias.copy_(torch.tensor([0.5, 0.0]))
    clip = torch.linspace(-1, 1, 8).view(1, 1, 2, 2, 2)
    found = kernel_responses(nn.Sequential(layer, norm, nn.ReLU()), clip, ["0"], objective="channel")["0"][0]
    assert found.tolist() == pytest.approx([0.5, 0.0], abs=1e-5)
    fired = kernel_responses(nn.Sequential(layer, norm, nn.ReLU()), clip, ["0"], objective="firing")["0"][0]
    scale = float(torch.rsqrt(torch.tensor(1 + norm.eps)))
    assert fired[0].item() == pytest.approx((2 * scale * clip + 0.5).clamp_min(0).mean().item(), abs=1e-5)
    assert fired[1].item() == pytest.approx((3 * scale * clip).clamp_min(0).mean().item(), abs=1e-5)


def test_the_batch_size_does_not_change_responses() -> None:
    network = nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.Conv3d(4, 5, 1))
    clips = torch.rand(5, 3, 4, 8, 8)
    one, all_at_once = (kernel_responses(network, clips, ["0", "2"], batch_size=size) for size in (1, 8))
    for layer in ("0", "2"):
        assert torch.allclose(one[layer], all_at_once[layer], atol=1e-6)


def test_a_full_memory_halves_the_batch_and_changes_no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    def cramped(network: Network, clips: Tensor, *, until: str) -> object:
        sizes.append(len(clips))
        if len(clips) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(network, clips, until=until)

    sizes, whole = [], Network.run
    module = nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU())
    clips = torch.rand(5, 3, 4, 8, 8)
    wanted = kernel_responses(module, clips, ["0"])["0"]
    monkeypatch.setattr(Network, "run", cramped)
    assert torch.allclose(kernel_responses(module, clips, ["0"])["0"], wanted, atol=1e-6)
    assert sizes[-4:] == [5, 2, 2, 1]


class Twice(nn.Module):
    """One convolution that is called twice, and what comes behind it, which notes the clips that it is given."""

    ran: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again = nn.Conv3d(3, 4, 1), nn.Conv3d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.again(self.again(self.first(x)).relu())
        self.ran += [] if maps.is_meta else [len(maps)]
        return maps.mean((2, 3, 4))


def test_nothing_is_run_behind_the_last_call_of_the_last_layer() -> None:
    module, clips = Twice().eval(), torch.rand(3, 3, 4, 8, 8)
    meter = Meter(as_network(module), ["again", "first"], (4, 8, 8), 3, "firing", places=True)
    with torch.no_grad(), meter.listening(len(clips)) as whole:
        meter.network.run(clips)
    before = list(module.ran)
    found = meter(clips)
    assert module.ran == before != []
    assert found.keys() == whole.keys() == {"again", "first"}
    for layer, answers in found.items():
        assert answers.values.equal(whole[layer].values)
        assert answers.peaks.equal(whole[layer].peaks)
    maps = module.again(module.first(clips))
    both = torch.cat([maps.clamp_min(0), module.again(maps.relu()).clamp_min(0)], 2).mean((2, 3, 4))
    torch.testing.assert_close(found["again"].values, both)


def test_without_labels_the_kernel_with_the_most_outstanding_clip_is_chosen() -> None:
    responses = torch.tensor([[0.0, 1.0, 5.0], [0.0, 2.0, 5.0], [0.0, 1.0, 5.0], [9.0, 2.0, 5.0]])
    assert most_selective(selectivity(responses), responses.std(0), 3) == (0, 1, 2)


def test_with_labels_chance_differences_within_a_label_do_not_count() -> None:
    labels = [0, 0, 1, 1]
    by_label = [1.0, 1.1, 3.0, 3.1]
    by_chance = [0.0, 9.0, 0.5, 9.5]
    dead = [4.0, 4.0, 4.0, 4.0]
    responses = torch.tensor([by_chance, dead, by_label]).T
    assert most_selective(selectivity(responses, labels), responses.std(0), 3) == (2, 0, 1)
