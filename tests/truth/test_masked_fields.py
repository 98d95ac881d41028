"""Attention with masks, and differences of running sums: fields that are those of autograd, or not known."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.kernels.places import output_places

FRAMES = 12
Mix = Callable[["Tokens", Tensor], Tensor]


class Tokens(nn.Module):
    """A convolution over 3 frames, a mixing of frames `1 T D`, and `probe`."""

    def __init__(self, mix: Mix, *parts: nn.Module, mask: Tensor | None = None) -> None:
        super().__init__()
        self.stem, self.probe = nn.Conv3d(1, 8, (3, 1, 1), padding=(1, 0, 0)), nn.Linear(8, 2)
        self.parts, self.mix = nn.ModuleList(parts), mix
        self.register_buffer("mask", mask)
        self.bias = nn.Parameter(torch.zeros(FRAMES, FRAMES))

    def forward(self, clip: Tensor) -> Tensor:
        answer: Tensor = self.probe(self.mix(self, self.stem(clip).mean((3, 4)).transpose(1, 2)))
        return answer


def band(width: int, size: int = FRAMES) -> Tensor:
    places = torch.arange(size)
    return (places[:, None] - places).abs() <= width


def additive(allowed: Tensor, low: float = float("-inf")) -> Tensor:
    return torch.zeros(allowed.shape).masked_fill(~allowed, low)


def attention(**how: object) -> Mix:
    return lambda net, x: functional.scaled_dot_product_attention(
        x[:, None], x[:, None], x[:, None], **({"attn_mask": net.mask} if net.mask is not None else {}), **how
    )[:, 0]


def by_hand(mask: Callable[[Tokens, Tensor], Tensor], behind: bool = False) -> Mix:
    def mix(net: Tokens, x: Tensor) -> Tensor:
        scores = x @ x.transpose(1, 2) / 8**0.5
        shares = mask(net, scores.softmax(-1)) if behind else mask(net, scores).softmax(-1)
        return shares @ x

    return mix


def heads(net: Tokens, x: Tensor) -> Tensor:
    """Two heads, masked in place, with their scores in float64 and dropout behind."""
    n, t, _ = x.shape
    q, k, v = (one.reshape(n, t, 2, 4).transpose(1, 2) for one in (x, x, x))
    scores = (q @ k.transpose(-2, -1)) * 0.5 + net.bias
    scores.masked_fill_(~net.mask, torch.finfo(scores.dtype).min)
    shares = functional.dropout(scores.softmax(-1, dtype=torch.float64), 0.1, False).type_as(v)
    return (shares @ v).transpose(1, 2).reshape(n, t, 8)


def made_within(net: Tokens, x: Tensor) -> Tensor:
    """The mask is made in the pass, by slices as shifted windows make theirs; places are divided into groups of 4."""
    groups = x.new_zeros(x.shape[1])
    for number, part in enumerate((slice(0, 4), slice(4, 8), slice(8, None))):
        groups[part] = number
    other = groups[:, None] != groups
    scores = x @ x.transpose(1, 2)
    return (scores + x.new_zeros(other.shape).masked_fill(other, float("-inf"))).softmax(-1) @ x


def windows(net: Tokens, x: Tensor) -> Tensor:
    """Attention in windows of 4 frames, of which the last may not look at its first two."""
    cut = x.reshape(1, 3, 4, 8)
    scores = cut @ cut.transpose(2, 3) + net.mask[:, None].transpose(0, 1)
    return (scores.softmax(-1) @ cut).reshape(1, FRAMES, 8)


def multihead(net: Tokens, x: Tensor) -> Tensor:
    return net.parts[0](x, x, x, attn_mask=net.mask, need_weights=False)[0]


def multihead_with_weights(net: Tokens, x: Tensor) -> Tensor:
    return net.parts[0](x, x, x, attn_mask=net.mask)[0]


def encoder(net: Tokens, x: Tensor) -> Tensor:
    return net.parts[0](x, mask=net.mask)


def causal_encoder(net: Tokens, x: Tensor) -> Tensor:
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device)
    return net.parts[0](x, mask=mask, is_causal=True)


def layers(count: int = 1) -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, count, enable_nested_tensor=False)


def difference(net: Tokens, x: Tensor) -> Tensor:
    """A moving mean over 4 frames."""
    sums = functional.pad(x.cumsum(1), (0, 0, 4, 0))
    return (sums[:, 4:] - sums[:, :-4]) / 4


def difference_backwards(net: Tokens, x: Tensor) -> Tensor:
    sums = torch.cat([torch.zeros_like(x[:, :1]), x.flip(1).cumsum(1)], 1)
    return (-sums[:, :-3] + sums[:, 3:]).flip(1)


def asked(net: Tokens, x: Tensor) -> Tensor:
    """A learned query that may not look at the first and the last three frames."""
    return functional.scaled_dot_product_attention(net.bias[:1, None, :8].expand(1, 1, 8), x, x, attn_mask=net.mask)


PLACES = torch.arange(FRAMES)
EVEN = PLACES[:, None] % 2 == 0
WINDOWS = torch.stack([torch.zeros(4, 4), torch.zeros(4, 4), additive(torch.arange(4).ge(2).expand(4, 4))])

KNOWN: dict[str, tuple[Tokens, int | None]] = {
    "causal flag": (Tokens(attention(is_causal=True)), None),
    "mask of bools": (Tokens(attention(), mask=band(2)), 7),
    "mask of -inf": (Tokens(attention(), mask=additive(band(3))), 9),
    "mask of the lowest number": (Tokens(attention(), mask=additive(band(1), -1e9)), 5),
    "mask that forbids nothing": (Tokens(attention(), mask=additive(band(12))), None),
    "causal mask": (Tokens(attention(), mask=band(12).tril()), None),
    "masked_fill": (Tokens(by_hand(lambda net, s: s.masked_fill(net.mask == 0, float("-inf"))), mask=band(2)), 7),
    "where": (Tokens(by_hand(lambda net, s: torch.where(net.mask, s, -1e9)), mask=band(2)), 7),
    "added to a bias": (Tokens(by_hand(lambda net, s: s + (net.bias + net.mask)), mask=additive(band(2))), 7),
    "taken off": (Tokens(by_hand(lambda net, s: s - 1e9 * (1.0 - net.mask)), mask=band(2).float()), 7),
    "multiplied behind": (Tokens(by_hand(lambda net, s: s * net.mask, behind=True), mask=band(2).float()), None),
    "tril": (Tokens(lambda net, x: (x @ x.transpose(1, 2)).tril() @ x), None),
    "band of tril and triu": (Tokens(lambda net, x: (x @ x.transpose(1, 2)).tril(1).triu(-1) @ x), 5),
    "tril of a mask": (
        Tokens(by_hand(lambda net, s: s.masked_fill(torch.ones_like(s[0]).tril(1).triu(-1) == 0, float("-inf")))),
        5,
    ),
    "exp and a sum": (
        Tokens(
            lambda net, x: (e := (x @ x.transpose(1, 2) + net.mask).exp()) @ x / e.sum(-1, keepdim=True),
            mask=additive(band(2)),
        ),
        7,
    ),
    "heads, in place": (Tokens(heads, mask=band(2)), 7),
    "made in the pass": (Tokens(made_within), 6),
    "masked windows": (Tokens(windows, mask=WINDOWS), 6),
    "matrix of a band": (Tokens(lambda net, x: net.mask @ x, mask=band(2).float()), 7),
    "learned query, frames left out": (Tokens(asked, mask=((PLACES > 2) & (PLACES < 9))[None]), 8),
    "one of two, by place": (Tokens(lambda net, x: torch.where(net.mask, x, x.roll(1, 1))[:, 2:-2], mask=EVEN), 3),
    "multihead": (Tokens(multihead, nn.MultiheadAttention(8, 2, batch_first=True), mask=~band(2)), 7),
    "multihead with weights": (
        Tokens(multihead_with_weights, nn.MultiheadAttention(8, 2, batch_first=True), mask=additive(band(2))),
        7,
    ),
    "two layers": (Tokens(encoder, layers(2), mask=additive(band(1))), 7),
    "learned bias": (Tokens(by_hand(lambda net, s: s + net.bias)), None),
    "relu of scores": (Tokens(by_hand(lambda net, s: torch.where(s > 0, s, 0.0) + 1, behind=True)), None),
}


def _seen(network: Tokens) -> set[int]:
    """Return how many frames units of the probe depend on, one number for each place."""
    clip = torch.randn(1, 1, FRAMES, 2, 2, dtype=torch.float64, requires_grad=True)
    answer, found = network.double()(clip), set()
    for place in range(FRAMES):
        (gradient,) = torch.autograd.grad(answer[0, place, 0], clip, retain_graph=True)
        touched = gradient.abs().sum((0, 1, 3, 4)).nonzero()
        found.add(int(touched.max() - touched.min()) + 1)
    network.float()
    return found


UNKNOWN: dict[str, Tokens] = {
    "moving mean": Tokens(difference),
    "moving sum, backwards": Tokens(difference_backwards),
    "band wider than the clip": Tokens(attention(), mask=band(7)),
}


def _field(network: Tokens) -> tuple[int | None, ...] | None:
    layers = describe_layers(network.eval(), clip_shape=(1, FRAMES, 2, 2))
    return next(one.receptive_field for one in layers if one.name == "probe")


def _most_seen(network: Tokens) -> int:
    """Return how many frames that unit of the probe depends on which depends on most."""
    torch.manual_seed(0)
    network = copy.deepcopy(network).double()
    if not network.bias.any():
        nn.init.normal_(network.bias)
    clip = torch.randn(1, 1, FRAMES, 2, 2, dtype=torch.float64, requires_grad=True)
    answer, found = network(clip), []
    for place in range(answer.shape[1]):
        (gradient,) = torch.autograd.grad(answer[0, place, 0], clip, retain_graph=True)
        touched = gradient.abs().sum((0, 1, 3, 4)).nonzero()
        found.append(int(touched.max() - touched.min()) + 1)
    return max(found)


@pytest.mark.parametrize("case", KNOWN)
def test_a_masked_unit_sees_what_the_mask_leaves_it(case: str) -> None:
    network, extent = KNOWN[case]
    assert _field(network) == (extent, None, None)
    assert _most_seen(network) == (extent or FRAMES)


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_not_the_whole_clip(case: str) -> None:
    assert _field(UNKNOWN[case]) is None


def test_a_masked_unit_has_its_field_without_weights_too() -> None:
    with torch.device("meta"):
        network = Tokens(by_hand(lambda net, s: s.masked_fill(net.mask, float("-inf"))), mask=torch.ones(12, 12) > 0)
    assert _field(network) is None


class EachPixel(nn.Module):
    """The frames of every pixel are mixed by themselves."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.tokens, self.mixed = tokens, nn.Identity()

    def forward(self, clip: Tensor) -> Tensor:
        maps = self.tokens.stem(clip)
        frames = maps.permute(0, 3, 4, 2, 1).flatten(0, 2)
        mixed = self.tokens.mix(self.tokens, frames).reshape(1, *maps.shape[3:], FRAMES, 8)
        answer: Tensor = self.mixed(mixed.permute(0, 4, 3, 1, 2)).mean((2, 3, 4))
        return answer


@pytest.mark.parametrize("case", ["causal flag", "causal mask", "mask of bools", "mask that forbids nothing"])
def test_masked_units_stand_at_their_own_frame(case: str) -> None:
    network = as_network(EachPixel(KNOWN[case][0]).eval())
    places = output_places(network, (1, 1, FRAMES, 4, 4), ["mixed"])["mixed"]
    assert places is not None
    middle = slice(4, FRAMES - 4)
    torch.testing.assert_close(torch.tensor(places.lines[0].centres)[middle], PLACES.double()[middle])
