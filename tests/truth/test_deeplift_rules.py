"""DeepLift's contributions sum to the gain over the baseline, whatever norms and activations lie between."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.analyses.saliency.attribution import attribute

CLIP = torch.rand((1, 3, 4, 8, 8), generator=torch.Generator().manual_seed(1))


class Body(nn.Module):
    """Two convolutions, with a norm behind the first, and a classifier."""

    def __init__(self, norm: nn.Module | None = None, act: Callable[[Tensor], Tensor] = functional.relu) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.next = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 6, 3, padding=1)
        self.norm, self.act, self.head = norm or nn.Identity(), act, nn.Linear(6, 3)

    def forward(self, clip: Tensor) -> Tensor:
        scores: Tensor = self.head(self.act(self.next(self.act(self.norm(self.stem(clip))))).mean((2, 3, 4)))
        return scores


class Looped(Body):
    def forward(self, clip: Tensor) -> Tensor:
        return torch.cat([super(Looped, self).forward(one[None]) for one in clip])


class FramesFirst(Body):
    """Frames folded into the batch in front of the clips, so that each of its halves has rows of every clip."""

    def forward(self, clip: Tensor) -> Tensor:
        frames = clip.permute(2, 0, 1, 3, 4).flatten(0, 1)[:, :, None]
        found: Tensor = super().forward(frames)
        return found.unflatten(0, (-1, len(clip))).mean(0)


def affine(norm: nn.Module) -> nn.Module:
    for values in norm.parameters():
        nn.init.normal_(values, generator=torch.Generator().manual_seed(2))
    return norm


def gated(maps: Tensor) -> Tensor:
    return torch.relu(maps) * maps.mean((2, 3, 4), keepdim=True).sigmoid()


def attending(maps: Tensor) -> Tensor:
    """Attention written out, in one operation with a mask, and as a sum over indices."""
    tokens = maps.flatten(3).mean(3).mT
    found = (tokens @ tokens.mT).softmax(-1) @ tokens
    found = found + functional.scaled_dot_product_attention(tokens, tokens, tokens, is_causal=True)
    return maps + torch.einsum("nts,nsc->nct", tokens @ found.mT, tokens)[..., None, None]


def divided(maps: Tensor) -> Tensor:
    """Values over their spread, their size and what is larger of two others."""
    found = maps / (maps.std((2, 3, 4), keepdim=True) + maps.var(1, keepdim=True))
    found = found / (torch.linalg.vector_norm(maps, dim=1, keepdim=True) + torch.maximum(maps, maps.flip(1)).exp())
    return found * maps.amax((3, 4), keepdim=True) + (maps.abs() + 0.1).sqrt() + maps.pow(3).sign()


class Recurrent(nn.Module):
    """A recurrent layer over the frames' means, or its cell called for each."""

    def __init__(self, kind: str, *, cell: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.head = nn.Conv3d(3, 6, 3, padding=1), nn.Linear(8, 3)
        self.states: nn.Module = getattr(nn, kind)(6, 8, **{} if cell else {"batch_first": True})
        self.cell = cell

    def forward(self, clip: Tensor) -> Tensor:
        frames = 4 * functional.relu(self.stem(clip)).mean((3, 4)).mT
        if not self.cell:
            return self.head(self.states(frames)[0][:, -1])  # type: ignore[no-any-return]
        state = None
        for frame in frames.unbind(1):
            state = self.states(frame, state)
        return self.head(state[0] if isinstance(state, tuple) else state)  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """A transformer's layer over the places' means."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.head = nn.Conv3d(3, 8, 3, padding=1), nn.Linear(8, 3)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, clip: Tensor) -> Tensor:
        return self.head(self.layer(self.stem(clip).flatten(3).mean(3).mT).mean(1))  # type: ignore[no-any-return]


def of_length_one(maps: Tensor) -> Tensor:
    """Vectors of length 1, some of them of none, and cosines between neighbours."""
    maps = maps.relu()
    near = functional.cosine_similarity(maps, maps.roll(1, 3), dim=1).unsqueeze(1)
    return functional.normalize(maps, dim=1) * near + maps / maps.norm(dim=1, keepdim=True).clamp(min=0.1)


def sampled(maps: Tensor) -> Tensor:
    places = functional.affine_grid(torch.eye(3, 4).repeat(len(maps), 1, 1), list(maps.shape), align_corners=False)
    return functional.grid_sample(maps, places + 0.3 * maps.mean(1)[..., None], align_corners=False)


def by_own_kernels(maps: Tensor) -> Tensor:
    """A convolution by kernels that the maps make, and products of three."""
    kernels = maps.mean((2, 3, 4)).view(-1, 1, 1, 1, 1).expand(-1, 1, 3, 3, 3)
    found = functional.conv3d(maps.flatten(0, 1)[None], kernels, groups=kernels.shape[0], padding=1).view_as(maps)
    return torch.addcmul(found, maps, maps) + torch.einsum("ncthw,ncthw,ncthw->ncthw", maps, maps.mT, maps)


def bounded(maps: Tensor) -> Tensor:
    found = maps.clamp(-0.1, 0.2) + functional.hardtanh(maps, -0.2, 0.1) + functional.softsign(maps)
    return functional.selu(found) + found.max() + found.max(1, keepdim=True).values


def logarithms(maps: Tensor) -> Tensor:
    return functional.log_softmax(maps, 1) + maps.logsumexp(2, True) + functional.glu(maps, 1).repeat(1, 2, 1, 1, 1)


def spectrum(maps: Tensor) -> Tensor:
    return maps + torch.fft.rfftn(maps, dim=(3, 4)).abs().mean((3, 4), keepdim=True)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "a gate": lambda: Body(act=gated),
    "attention": lambda: Body(act=attending),
    "quotients": lambda: Body(act=divided),
    "statistics of the batch": lambda: Body(affine(nn.BatchNorm3d(4, track_running_stats=False))),
    "statistics of a channel": lambda: Body(affine(nn.InstanceNorm3d(4, affine=True))),
    "statistics of groups": lambda: Body(affine(nn.GroupNorm(2, 4))),
    "statistics of places": lambda: Body(affine(nn.LayerNorm((4, 8, 8)))),
    "squares alone": lambda: Body(affine(nn.RMSNorm(8))),
    "silu": lambda: Body(act=functional.silu),
    "gelu": lambda: Body(act=functional.gelu),
    "pools that overlap": lambda: Body(nn.MaxPool3d(3, 1, 1)),
    "a loop over clips": Looped,
    "LSTM": lambda: Recurrent("LSTM"),
    "GRU": lambda: Recurrent("GRU"),
    "LSTM's cell": lambda: Recurrent("LSTMCell", cell=True),
    "GRU's cell": lambda: Recurrent("GRUCell", cell=True),
    "a transformer": Encoder,
    "lengths": lambda: Body(act=of_length_one),
    "sampled maps": lambda: Body(act=sampled),
    "kernels of its own": lambda: Body(act=by_own_kernels),
    "bounds": lambda: Body(act=bounded),
    "logarithms": lambda: Body(act=logarithms),
    "a spectrum": lambda: Body(act=spectrum),
    "frames in front of clips": FramesFirst,
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("baseline", ["black", "blur"])
def test_contributions_sum_to_the_gain(name: str, baseline: str) -> None:
    found = attribute(NETWORKS[name]().eval(), CLIP, 1, "deeplift", baseline=baseline)
    assert found.completeness_error is not None
    assert found.completeness_error < (0.01 if name == "a spectrum" else 1e-3), "magnitudes bend at 0"


def test_contributions_are_those_of_the_rule_by_hand() -> None:
    """Two units of two pixels: relu(2 a - b) and a norm's share of it are computed by hand."""
    network = nn.Sequential(nn.Conv3d(1, 1, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        network[0].weight.fill_(2.0)
        network[3].weight.copy_(torch.tensor([[1.0, 0.0], [3.0, -1.0]]))
    clip, before = torch.tensor([0.5, 0.25]).view(1, 1, 1, 1, 2), torch.tensor([-0.5, 0.75]).view(1, 1, 1, 1, 2)
    found = attribute(network, clip, 1, "deeplift", baseline=before)
    # From -1 to 1 the ReLU gains 1, a half of what it is given; from 1.5 to 0.5 it passes on all.
    assert found.attribution.flatten().tolist() == pytest.approx([3 * 0.5 * 2 * 1.0, -1 * 1.0 * 2 * -0.5])


def test_a_norm_shares_out_its_gain_between_values_and_spread() -> None:
    norm = nn.Sequential(nn.Flatten(), nn.LayerNorm(2, elementwise_affine=False, eps=0.0), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        norm[2].weight.copy_(torch.eye(2))
    clip, before = torch.tensor([0.8, 0.2]).view(1, 1, 1, 1, 2), torch.tensor([0.2, 0.3]).view(1, 1, 1, 1, 2)
    found = attribute(norm, clip, 0, "deeplift", baseline=before).attribution.flatten()
    # c = 0.3 after -0.05, r = 1 / |c|: 0.35 (1 / 0.3 + 1 / 0.05) / 2 and 0.125 (1 / 0.3 - 1 / 0.05) sum to 2,
    # half of c being due to the first pixel's 0.6 and half to the second one's -0.1.
    assert found.sum() == pytest.approx(2.0, abs=1e-5)
    assert found.tolist() == pytest.approx([2.0 * 0.6 / 0.7, 2.0 * 0.1 / 0.7], abs=1e-4)
