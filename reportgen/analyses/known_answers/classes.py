"""Known answers of the methods that explain a class: pyramids, saliency and its tests, weights, motion probes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.analyses.faithfulness.evaluation import Faithfulness, Probes, evaluate_maps, probe
from reportgen.analyses.known_answers.case import Case
from reportgen.analyses.motion.motion_audit import motion_audit
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import attribute
from reportgen.analyses.weight_gradients.gradients import weight_gradients
from reportgen.records.answers.known_answers import KnownFigure

_PATHWAY = {"first": {1, 4, 6}, "second": {0, 2, 5}}
"""The kernels of each layer that make class 0 of `PlantedPathway`."""


class PlantedPathway(nn.Module):
    """Two layers of eight kernels and four classes, without biases: all evidence for class 0 comes by `_PATHWAY`.

    The other kernels respond as strongly, and reach class 0 by weights ten thousand times smaller or by negative ones.
    """

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.first = nn.Conv3d(3, 8, 3, padding=1, bias=False)
        self.second = nn.Conv3d(8, 8, 3, padding=1, bias=False)
        self.classifier = nn.Linear(8, 4, bias=False)
        for layer in (self.first, self.second):
            layer.weight.data = (torch.rand(layer.weight.shape, generator=draw) + 0.5) / layer.weight[0].numel()
        self.classifier.weight.data = torch.randn((4, 8), generator=draw)
        own = [index in _PATHWAY["first"] for index in range(8)]
        for index in _PATHWAY["second"]:
            self.second.weight.data[index, [not one for one in own]] *= 1e-4
        for index in range(8):
            self.classifier.weight.data[0, index] = 1.0 if index in _PATHWAY["second"] else -0.02

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits `N 4` of clips `N 3 T H W`."""
        maps = functional.relu(self.second(functional.relu(self.first(clips))))
        logits: Tensor = self.classifier(maps.flatten(2).mean(2))
        return logits


def _pyramid_figures() -> tuple[KnownFigure, ...]:
    clip = torch.rand((1, 3, 6, 8, 8), generator=torch.Generator().manual_seed(1))
    counts: dict[str | int, int] = {name: len(kernels) for name, kernels in _PATHWAY.items()}
    found = class_pyramid(PlantedPathway().requires_grad_(False), clip, 0, depth=None, per_layer=counts)
    kept = {(name, index) for name, kernels in found.kept().items() for index in kernels}
    planted = {(name, index) for name, kernels in _PATHWAY.items() for index in kernels}
    cuts = found.conservation.cuts if found.conservation else ()
    off = max((abs(relevance - 1) for _, relevance, _ in cuts), default=None)
    return (
        KnownFigure(what="precision of the kernels kept", found=len(kept & planted) / len(kept), known=1.0),
        KnownFigure(what="recall of the kernels planted", found=len(kept & planted) / len(planted), known=1.0),
        KnownFigure(
            what="share of the logit by which relevance misses it, at any layer", found=off, asked="most", known=1e-5
        ),
    )


class Linear(nn.Module):
    """Two classes, each a weighted sum of all pixels of clips 3 x 4 x 6 x 6, and a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn((2, 3, 4, 6, 6), generator=torch.Generator().manual_seed(1)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits `N 2`."""
        return torch.einsum("ncthw,kcthw->nk", x, self.weight) + torch.tensor([3.0, -2.0])


class TwoLayers(nn.Module):
    """Two layers of weights with a ReLU behind each, and a class, on two pixels (1, -2; 3, 1; -1, 1 and so on)."""

    def __init__(self) -> None:
        super().__init__()
        first, second = [[1.0, -2.0], [3.0, 1.0], [-1.0, 1.0]], [[2.0, 1.0, -1.0], [-3.0, 1.0, 2.0]]
        self.weights = nn.ParameterList([torch.tensor(first), torch.tensor(second), torch.tensor([[1.0, -1.0]])])

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit `N 1` of clips `N 1 1 1 2`."""
        hidden = functional.relu(x.flatten(1) @ self.weights[0].T)
        logits: Tensor = functional.relu(hidden @ self.weights[1].T) @ self.weights[2].T
        return logits


_GUIDED = (5.0, -3.0)
"""Of the pixels 0.5 and 0.2 the second layer's units are 1.9 and 1.4: back from the class come (1, -1), of which (1, 0)
passes the second ReLU, then (2, 1, -1), of which (2, 1, 0) passes the first, then 2 (1, -2) + 1 (3, 1)."""


def _saliency_figures() -> tuple[KnownFigure, ...]:
    clip = torch.rand((1, 3, 4, 6, 6), generator=torch.Generator().manual_seed(0))
    linear = Linear()
    gradient = attribute(linear, clip, 0, "gradients").attribution[0]
    integrated = attribute(linear, clip, 1, "integrated_gradients", baseline="black", steps=8)
    guided = attribute(TwoLayers(), torch.tensor([0.5, 0.2]).view(1, 1, 1, 1, 2), 0, "guided_backprop")
    by_hand = guided.attribution.flatten() - torch.tensor(_GUIDED)
    return (
        KnownFigure(
            what="largest difference between the gradient of a linear network and its weights",
            found=float((gradient - linear.weight[0].detach()).abs().max()),
            asked="most",
            known=1e-6,
        ),
        KnownFigure(
            what="share of the logit's change by which integrated gradients miss it",
            found=integrated.completeness_error,
            asked="most",
            known=0.01,
        ),
        KnownFigure(
            what="largest difference between guided backprop and the answer by hand",
            found=float(by_hand.abs().max()),
            asked="most",
            known=1e-6,
        ),
    )


class Additive(nn.Module):
    """One class, a weighted sum of all pixels of clips 4 x 6 x 6: boxes of 2 x 3 x 3 weigh -2 to 5."""

    weights = torch.arange(8.0).view(2, 2, 2).repeat_interleave(2, 0).repeat_interleave(3, 1).repeat_interleave(3, 2)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(self.weights - 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit `N 1` of clips `N 3 4 6 6`."""
        return (x * self.weight).sum(dim=(1, 2, 3, 4))[:, None]


def _map_figures() -> tuple[KnownFigure, ...]:
    clip = torch.rand((1, 3, 4, 6, 6), generator=torch.Generator().manual_seed(0)) + 0.1
    network = Additive()
    probes = probe(network, clip, 0, tube=(2, 3, 3), baseline="black", steps=8, samples=40, maps=12)
    if not isinstance(probes, Probes):
        raise TypeError(f"nothing to explain: {probes}")
    exact = (network.weight.detach() * clip[0]).sum(0)
    true, opposite = evaluate_maps(network, probes, [exact, -exact])
    if not isinstance(true, Faithfulness) or not isinstance(opposite, Faithfulness):
        raise TypeError(f"nothing to explain: {true}, {opposite}")
    added = exact.reshape(2, 2, 2, 3, 2, 3).sum(dim=(1, 3, 5)).flatten().sort(descending=True).values.cumsum(0)
    area = torch.trapezoid(torch.cat([torch.zeros(1), added]) / added[-1], dx=1 / 8)
    return (
        KnownFigure(
            what="insertion area of the exact map",
            found=true.curves.insertion_auc,
            known=float(area),
            margin=1e-4,
        ),
        KnownFigure(what="what the exact map leaves unexplained", found=true.unexplained, known=0.0, margin=1e-6),
        KnownFigure(what="random maps that the exact map fails to beat", found=_unbeaten(true, probes), known=0.0),
        KnownFigure(what="gain of the opposite map", found=opposite.gain, asked="most", known=0.0),
    )


def _unbeaten(true: Faithfulness, probes: Probes) -> float:
    own = true.curves
    worse = [one.insertion_auc > own.insertion_auc or one.deletion_auc < own.deletion_auc for one in probes.random]
    return float(sum(worse))


def _gradient_figures() -> tuple[KnownFigure, ...]:
    conv, classifier = nn.Conv3d(2, 2, 1, bias=False), nn.Linear(2, 2, bias=False)
    conv.weight.data = torch.tensor([[1.0, 2.0], [-1.0, 0.5]]).reshape(2, 2, 1, 1, 1)
    classifier.weight.data = torch.tensor([[3.0, -4.0], [0.0, 0.0]])
    network = nn.Sequential(conv, nn.AdaptiveAvgPool3d(1), nn.Flatten(), classifier)
    clip = torch.tensor([[1.0, 3.0], [0.5, 0.5]]).reshape(1, 2, 1, 1, 2)
    found = weight_gradients(network, clip, 0).layers["0"]
    by_hand = torch.tensor([[6.0, 1.5], [-8.0, -2.0]])  # the class's weight times the mean of the channel
    off = (torch.from_numpy(found.gradients).reshape(2, 2) - by_hand).abs().max()
    return (
        KnownFigure(what="largest difference from the gradients by hand", found=float(off), asked="most", known=1e-6),
        KnownFigure(
            what="first-order importance of the first filter, |1 · 6 + 2 · 1.5|",
            found=float(found.first_order[0]),
            known=9.0,
            margin=1e-5,
        ),
    )


class Appearance(nn.Module):
    """Class 0: the mean brightness; it cannot see motion."""

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits `N 2`."""
        level = clips.flatten(1).mean(1)
        return torch.stack([level, -level], dim=1)


class Rightward(nn.Module):
    """Class 0: rightward against leftward correlation of neighbouring frames (a Reichardt detector)."""

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits `N 2`."""
        centred = clips - clips.mean(dim=(-2, -1), keepdim=True)
        now, later = centred[:, :, :-1], centred[:, :, 1:]
        right = (torch.roll(now, 1, dims=-1) * later).flatten(1).mean(1)
        left = (torch.roll(now, -1, dims=-1) * later).flatten(1).mean(1)
        return torch.stack([right - left, left - right], dim=1)


class FirstToLast(nn.Module):
    """Class 0: how far the last frame differs from the first; it needs change, and no motion."""

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits `N 2`."""
        change = (clips[:, :, -1] - clips[:, :, 0]).square().flatten(1).mean(1)
        return torch.stack([change, -change], dim=1)


def _probe_figures() -> tuple[KnownFigure, ...]:
    still = torch.rand((1, 1, 16, 16), generator=torch.Generator().manual_seed(1))
    drifting = torch.stack([torch.roll(still, frame, dims=-1) for frame in range(8)], dim=2)
    looks, moves, changes = (
        motion_audit(network, drifting, 0) for network in (Appearance(), Rightward(), FirstToLast())
    )
    backwards = float(moves.logits["reversed"][0]) / moves.logit
    reliance = "motion reliance of a network that "
    return (
        KnownFigure(what=f"{reliance}sees the mean brightness", found=looks.motion_reliance, known=0.0, margin=1e-5),
        KnownFigure(
            what=f"{reliance}correlates neighbouring frames", found=moves.motion_reliance, known=1.0, margin=1e-4
        ),
        KnownFigure(what="its logit backwards, as a share of that forwards", found=backwards, known=-1.0, margin=1e-3),
        KnownFigure(
            what="loss to the dissolve of a network that compares the last frame with the first",
            found=changes.dissolved_loss,
            known=0.0,
            margin=1e-5,
        ),
    )


CLASS_CASES = {
    "pyramid": Case(
        "pyramid",
        "A network without biases in which three of eight kernels in each of two layers make a class, and all others "
        "reach it by weights ten thousand times smaller or negative.",
        _pyramid_figures,
    ),
    "saliency": Case(
        "saliency",
        "A linear network, whose gradient is its weights, and two layers with rectifiers, worked out by hand.",
        _saliency_figures,
    ),
    "faithfulness": Case(
        "faithfulness",
        "A network that sums weighted pixels: its weights times the clip are the exact map.",
        _map_figures,
    ),
    "weight-gradients": Case(
        "weight_gradients",
        "A convolution of two filters, a mean over the clip and a classifier, worked out by hand.",
        _gradient_figures,
    ),
    "motion": Case(
        "motion",
        "A texture that moves to the right by 1 px/frame, and three networks: one sees the mean brightness, one "
        "correlates neighbouring frames, one compares the last frame with the first.",
        _probe_figures,
    ),
}
