"""Copies of a network for passes back to the clip: the same answers, with weights that stand still.

A copy shares parameters and buffers with the network, which is not touched. A `light_copy` is made for one pass: its
first convolutions are arranged for few channels (`few_channels`), which pays for itself at once. A `quick_copy` is made
for many: in it all plain convolutions keep maps in one memory order, their weights are packed once
(`frozen_convolution`), and they take in the batch norms that they alone feed (`norm_folding`), and the rectifiers and
residual sums (`fused`). Before it is used it is held against the network, there and back, and one that answers
otherwise is not used. What has hooks, is of a class of its own or is called as a function runs as in the network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.copying import copied
from reportgen.networks.core.network import Network
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.passes import REFUSALS, answer_at
from reportgen.networks.speed.following import Following, what_follows
from reportgen.networks.speed.frozen_convolution import FrozenConvolution
from reportgen.networks.speed.fused import Rectifier
from reportgen.networks.speed.library import can_freeze
from reportgen.networks.speed.norm_folding import folded
from reportgen.networks.speed.plain_layers import has_few_channels, is_plain_convolution
from reportgen.networks.speed.pooling import pools_channels_last

_ANSWER = 1e-3
"""How far an answer may be from the network's, as a share of its largest value; rounding in float32 reaches 1e-5."""

_GRADIENT = 0.05
"""How far the gradient may be, as a share of its length: a unit at its threshold is on either side by rounding."""

LEAST_COSINE = 0.9
"""How alike gradients in bfloat16 and float32 must be; 0.99 is usual."""


def light_copy(network: Network) -> Network | None:
    """Return a copy that is quick from its first pass on; None where there is none.

    Its answers are the network's but for the memory order of its maps, which code that reads strides would notice.
    """
    if network.device.type != "cpu" or not can_freeze():
        return None
    if not any(is_plain_convolution(part) and has_few_channels(part) for part in network.module.modules()):
        return None
    module = _sharing_copy(network.module)
    if module is None:
        return None
    for part in list(module.modules()):
        if isinstance(part, nn.Conv3d) and is_plain_convolution(part) and has_few_channels(part):
            bias = None if part.bias is None else part.bias.detach()
            vars(part)["forward"] = FrozenConvolution(part, part.weight.detach(), bias, packs=False)
    return replace(network, module=module)


class NetworkAnswers:
    """What a network answers clips at a layer, or at the logits, and the way back from there: each is asked once."""

    def __init__(self, network: Network, layer: str | None) -> None:
        self.network, self.layer = network, layer
        self._known: dict[int, tuple[Tensor, Tensor, Tensor]] = {}  # with the clips, so that their ids are their own
        self._there: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Return the layer's output of a clip `1 C T H W`, and the gradient of a weighted sum of it."""
        if id(clip) not in self._known:
            self._known[id(clip)] = (clip, *_there_and_back(self.network, self.layer, clip))
        return self._known[id(clip)][1:]

    def there(self, clip: Tensor) -> Tensor:
        """Return the layer's output of a clip `1 C T H W`."""
        if id(clip) in self._known:
            return self._known[id(clip)][1]
        if id(clip) not in self._there:
            self._there[id(clip)] = (clip, _there(self.network, self.layer, clip))
        return self._there[id(clip)][1]

    def asked_of(self, shape: tuple[int, int, int]) -> Tensor | None:
        """Return a clip of a shape (T, H, W) of which the layer's output is known."""
        clips = [clip for clip, *_ in (*self._known.values(), *self._there.values())]
        return next((clip for clip in clips if tuple(clip.shape[2:]) == shape), None)


def quick_copy(
    network: Network,
    clips: Sequence[Tensor],
    layer: str | None = None,
    keep: Collection[str] = (),
    *,
    answered: NetworkAnswers | None = None,
) -> Network | None:
    """Return a quick copy for passes of clips like `clips` (each `1 C T H W`) and back; None where there is none.

    Passes go to `layer`, or to the logits. `layer` and the layers in `keep` return in the copy what they return in the
    network. Parameters must be frozen, and stay as they are while the copy is used. What the network `answered` is not
    asked again. The copy is held against it there and back on the first of the clips, best the smallest, and there on
    the others.
    """
    if network.device.type != "cpu" or not can_freeze():
        return None
    module = _sharing_copy(network.module)
    if module is None:
        return None
    found = replace(network, module=module)
    kept = {*keep, *([layer] if layer is not None else [])}
    first, *others = clips
    _arrange(module, what_follows(network, first, layer, kept), kept)
    own = answered or NetworkAnswers(network, layer)
    agrees = _agrees(own, found, layer, first) and all(_agrees_there(own, found, layer, clip) for clip in others)
    return found if agrees else None


def likeness_reduced(own: NetworkAnswers, quick: Network, layer: str | None, clip: Tensor) -> float | None:
    """Return the cosine of a quick copy's gradient in bfloat16 with its network's own in float32; -1 where it has none.

    None where the clip tells nothing, because it leaves the layer silent: the network's own gradient is zero.
    """
    wanted = own(clip)[1]
    if not wanted.any():
        return None
    with suppress(NetworkError, *REFUSALS), torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        found = _there_and_back(quick, layer, clip)[1]
        return float(torch.cosine_similarity(found.flatten().double(), wanted.flatten().double(), dim=0))
    return -1.0


def _sharing_copy(module: nn.Module) -> nn.Module | None:
    """Return a copy of the modules with the very parameters and buffers of the original."""
    try:
        return copied(module, sharing=(*module.parameters(), *module.buffers()))
    except Exception as error:  # whatever a network of somebody else's may hold
        if is_out_of_memory(error):
            raise
        return None


def _arrange(module: nn.Module, follows: Mapping[str, Following], keep: Collection[str]) -> None:
    pools_channels_last(module)
    names = {one.rectifier for one in follows.values() if one.rectifier is not None}
    rectifiers = {name: Rectifier.of(module, name) for name in sorted(names)}
    for name, part in list(module.named_modules()):
        if not is_plain_convolution(part) or name in keep:
            continue
        assert isinstance(part, nn.Conv2d | nn.Conv3d)
        weight, bias = part.weight.detach(), None if part.bias is None else part.bias.detach()
        found = follows.get(name, Following())
        if found.norm is not None:
            norm = module.get_submodule(found.norm)
            assert isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d)
            weight, bias = folded(part, norm)
            vars(norm)["forward"] = _same
        rectifier = None if found.rectifier is None else rectifiers[found.rectifier]
        vars(part)["forward"] = FrozenConvolution(
            part, weight, bias, rectifier=rectifier, sums=found.sums, gathers=found.gathers
        )


def _same(maps: Tensor) -> Tensor:
    return maps


def _agrees(own: NetworkAnswers, other: Network, layer: str | None, clip: Tensor) -> bool:
    """Return whether another network answers a clip alike, and its answer leads back to it alike."""
    with suppress(NetworkError, *REFUSALS):  # whoever needs the network's own answer says why there is none
        (answer, gradient), (found, back) = own(clip), _there_and_back(other, layer, clip)
        return _alike(found, answer) and float((back - gradient).norm()) <= _GRADIENT * float(gradient.norm())
    return False


def _agrees_there(own: NetworkAnswers, other: Network, layer: str | None, clip: Tensor) -> bool:
    """Return whether another network answers a clip alike."""
    with suppress(NetworkError, *REFUSALS):
        return _alike(_there(other, layer, clip), own.there(clip))
    return False


def _alike(found: Tensor, answer: Tensor) -> bool:
    return found.shape == answer.shape and float((found - answer).abs().max()) <= _ANSWER * float(answer.abs().max())


def _there(network: Network, layer: str | None, clip: Tensor) -> Tensor:
    """Return a layer's output, or the logits."""
    with torch.no_grad():
        return answer_at(network, clip, layer)


def _there_and_back(network: Network, layer: str | None, clip: Tensor) -> tuple[Tensor, Tensor]:
    """Return a layer's output, or the logits, and the gradient of a weighted sum of it with respect to the clip."""
    asked = clip.detach().clone().requires_grad_()
    with torch.enable_grad():
        output = answer_at(network, asked, layer)
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
        (gradient,) = torch.autograd.grad((output * weights).sum(), asked)
    return output.detach(), gradient
