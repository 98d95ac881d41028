"""VideoGPT's VQ-VAE: clips to a grid of codes and back (Yan et al. 2021, arXiv 2104.10157).

The names are those of wilson1yan/VideoGPT. `[architecture.arguments]` of a card: `codes`, `code_size`, `hidden`,
`blocks` and `downsample` (t, h, w; powers of 2).

The network never changes its code book. (Upstream's overwrites it with encoder outputs in the first forward pass in
training mode after loading.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

Triple = tuple[int, int, int]

HEADS = 2
# Variance of the training data, by which the published loss divides the squared error.
DATA_VARIANCE = 0.06
COMMITMENT = 0.25


class Around(NamedTuple):
    """Zeros in front of and behind a map, along t, h, w."""

    front: Triple
    behind: Triple

    @property
    def in_torch_order(self) -> tuple[int, int, int, int, int, int]:
        """Front and behind of w, h, t: torch pads the last axis first."""
        (t0, h0, w0), (t1, h1, w1) = self
        return (w0, w1, h0, h1, t0, t1)


def _around(kernel: int, stride: Triple) -> Around:
    """Return the padding of `kernel - stride` along each axis, the larger half in front."""
    t, h, w = (kernel - step for step in stride)
    return Around((t - t // 2, h - h // 2, w - w // 2), (t // 2, h // 2, w // 2))


class SameConv(nn.Module):
    """Convolution whose output has 1/stride of the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: Triple = (1, 1, 1), bias: bool = True) -> None:
        super().__init__()
        around = _around(kernel, stride)
        # Zeros that are the same on both sides are left to the convolution, the others are added before it.
        symmetric = around.front == around.behind
        self.pad = nn.Identity() if symmetric else nn.ConstantPad3d(around.in_torch_order, 0.0)
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, around.front if symmetric else 0, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        out: Tensor = self.conv(self.pad(x))
        return out


class SameConvTranspose(nn.Module):
    """Transposed convolution whose output has `stride` times the size: the input is padded, the output cropped."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: Triple) -> None:
        super().__init__()
        self.pad = nn.ConstantPad3d(_around(kernel, stride).in_torch_order, 0.0)
        self.convt = nn.ConvTranspose3d(inputs, outputs, kernel, stride, padding=kernel - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        out: Tensor = self.convt(self.pad(x))
        return out


class Attention(nn.Module):
    """Self-attention with two heads along one axis of a channels-last map; the other axes are batch."""

    def __init__(self, channels: int, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.w_qs = nn.Linear(channels, channels, bias=False)
        self.w_ks = nn.Linear(channels, channels, bias=False)
        self.w_vs = nn.Linear(channels, channels, bias=False)
        self.fc = nn.Linear(channels, channels)

    def _heads(self, x: Tensor) -> Tensor:
        """Return N T H W C with the axis next to last and the heads before it: ... heads length C/heads."""
        return x.reshape(*x.shape[:-1], HEADS, -1).movedim((-2, self.axis), (-3, -2))

    def forward(self, x: Tensor) -> Tensor:
        """Map N T H W C to the same shape."""
        query, key, value = self._heads(self.w_qs(x)), self._heads(self.w_ks(x)), self._heads(self.w_vs(x))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        mixed = scores.softmax(dim=-1) @ value
        out: Tensor = self.fc(mixed.movedim((-3, -2), (-2, self.axis)).flatten(-2))
        return out


class AxialBlock(nn.Module):
    """The sum of three independent attentions over the same input: along width, height and time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attn_w = Attention(channels, axis=3)
        self.attn_h = Attention(channels, axis=2)
        self.attn_t = Attention(channels, axis=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to the same shape."""
        last = x.movedim(1, -1)
        summed: Tensor = self.attn_w(last) + self.attn_h(last) + self.attn_t(last)
        return summed.movedim(-1, 1)


class AttentionResidual(nn.Module):
    """Pre-activated bottleneck, then axial attention, plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.BatchNorm3d(channels),
            nn.ReLU(),
            SameConv(channels, channels // 2, 3, bias=False),
            nn.BatchNorm3d(channels // 2),
            nn.ReLU(),
            SameConv(channels // 2, channels, 1, bias=False),
            nn.BatchNorm3d(channels),
            nn.ReLU(),
            AxialBlock(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to the same shape."""
        out: Tensor = x + self.block(x)
        return out


def _residual_stack(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(AttentionResidual(channels) for _ in range(blocks)), nn.BatchNorm3d(channels), nn.ReLU())


def _strides(downsample: Triple) -> list[Triple]:
    """Return the stride of each step: 2 along an axis until its factor is used up, then 1."""
    halvings = [int(math.log2(factor)) for factor in downsample]
    return [
        (2 if step < halvings[0] else 1, 2 if step < halvings[1] else 1, 2 if step < halvings[2] else 1)
        for step in range(max(halvings))
    ]


class Encoder(nn.Module):
    """Strided convolutions with a ReLU each, one more convolution, residual blocks."""

    def __init__(self, hidden: int, blocks: int, downsample: Triple) -> None:
        super().__init__()
        strides = _strides(downsample)
        self.convs = nn.ModuleList(
            SameConv(hidden if index else 3, hidden, 4, stride) for index, stride in enumerate(strides)
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in strides)
        self.conv_last = SameConv(hidden, hidden, 3)
        self.res_stack = _residual_stack(hidden, blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map clips N 3 T H W to N hidden T' H' W'."""
        for conv, relu in zip(self.convs, self.relus, strict=True):
            x = relu(conv(x))
        out: Tensor = self.res_stack(self.conv_last(x))
        return out


class Decoder(nn.Module):
    """Residual blocks, then transposed convolutions with a ReLU between them."""

    def __init__(self, hidden: int, blocks: int, upsample: Triple) -> None:
        super().__init__()
        self.res_stack = _residual_stack(hidden, blocks)
        strides = _strides(upsample)
        last = len(strides) - 1
        self.convts = nn.ModuleList(
            SameConvTranspose(hidden, 3 if index == last else hidden, 4, stride) for index, stride in enumerate(strides)
        )
        self.relus = nn.ModuleList(nn.ReLU() if index < last else nn.Identity() for index in range(len(strides)))

    def forward(self, x: Tensor) -> Tensor:
        """Map N hidden T' H' W' to clips N 3 T H W."""
        x = self.res_stack(x)
        for convt, relu in zip(self.convts, self.relus, strict=True):
            x = relu(convt(x))
        return x


class CodeBook(nn.Module):
    """The code vectors K C, and the moving counts and sums that training kept of them."""

    embeddings: Tensor
    N: Tensor
    z_avg: Tensor

    def __init__(self, codes: int, size: int) -> None:
        super().__init__()
        # Training sets them from its first batch. Until then: mean 0, variance 1; normal draws on the meta device would
        # load torch's compiler.
        vectors = nn.init.uniform_(torch.empty(codes, size), -(3**0.5), 3**0.5)
        self.register_buffer("embeddings", vectors)
        self.register_buffer("N", torch.zeros(codes))
        self.register_buffer("z_avg", vectors.clone())

    def nearest(self, z: Tensor) -> Tensor:
        """Return the index of the nearest code at each position of N C T H W, as N T H W; the first of equals."""
        flat = z.movedim(1, -1).flatten(0, -2)
        squared = (flat**2).sum(1, keepdim=True) - 2 * flat @ self.embeddings.t()
        squared = squared + (self.embeddings**2).sum(1)
        return squared.argmin(dim=1).view(z.shape[0], *z.shape[2:])

    def use(self, encodings: Tensor) -> Tensor:
        """Return the share K of positions that each code holds."""
        flat = encodings.flatten()
        counts = self.N.new_zeros(len(self.embeddings)).index_add(0, flat, self.N.new_ones(len(flat)))
        return counts / len(flat)

    def vectors(self, encodings: Tensor) -> Tensor:
        """Return the codes N C T H W of indices N T H W."""
        return functional.embedding(encodings, self.embeddings).movedim(-1, 1)


class VQVAE(nn.Module):
    """Clips N 3 T H W in [-0.5, 0.5], sizes divisible by the factors, to (loss, reconstruction, details)."""

    def __init__(self, codes: int, code_size: int, hidden: int, blocks: int, downsample: Triple) -> None:
        super().__init__()
        self.encoder = Encoder(hidden, blocks, downsample)
        self.decoder = Decoder(hidden, blocks, downsample)
        self.pre_vq_conv = SameConv(hidden, code_size, 1)
        self.post_vq_conv = SameConv(code_size, hidden, 1)
        self.codebook = CodeBook(codes, code_size)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes of clips N 3 T H W as indices N T' H' W'."""
        return self.codebook.nearest(self.pre_vq_conv(self.encoder(x)))

    def decode(self, encodings: Tensor) -> Tensor:
        """Return the clips N 3 T H W of codes N T' H' W'."""
        out: Tensor = self.decoder(self.post_vq_conv(self.codebook.vectors(encodings)))
        return out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return the reconstruction loss, the reconstruction N 3 T H W, and the details as upstream names them.

        Details: `embeddings` N C T' H' W', `encodings` N T' H' W', `commitment_loss` and `perplexity` (of the codes'
        use within the batch).
        """
        z = self.pre_vq_conv(self.encoder(x))
        encodings = self.codebook.nearest(z)
        embeddings = self.codebook.vectors(encodings)
        # Straight through: the value is the code's, the gradient passes to z.
        through = (embeddings - z).detach() + z
        reconstruction: Tensor = self.decoder(self.post_vq_conv(through))
        used = self.codebook.use(encodings)
        details = {
            "embeddings": through,
            "encodings": encodings,
            "commitment_loss": COMMITMENT * functional.mse_loss(z, embeddings),
            "perplexity": (-(used * (used + 1e-10).log()).sum()).exp(),
        }
        return functional.mse_loss(reconstruction, x) / DATA_VARIANCE, reconstruction, details


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network that the card's arguments describe."""
    arguments = card.architecture.arguments
    wanted = ("codes", "code_size", "hidden", "blocks", "downsample")
    missing = [name for name in wanted if name not in arguments]
    if missing:
        raise CardError(f"The card of {card.name} must give {', '.join(missing)} among the architecture's arguments.")
    t, h, w = arguments["downsample"]
    if any(factor < 1 or factor & (factor - 1) for factor in (t, h, w)):
        raise CardError(f"The card of {card.name} must give downsample as three powers of 2.")
    codes, code_size, hidden, blocks = (arguments[name] for name in wanted[:-1])
    return VQVAE(codes, code_size, hidden, blocks, (t, h, w))
