"""A constant added to all logits changes no prediction, and no figure of a class."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common.responses import Meter
from reportgen.analyses.faithfulness.evaluation import evaluate_maps, probe
from reportgen.analyses.motion.motion_audit import motion_audit
from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.export import pyramid_document
from reportgen.analyses.saliency.attribution import attribute
from reportgen.networks.core.network import Network
from reportgen.records.card import ClipSpec, ModelCard
from reportgen.records.objective import Objective
from reportgen.records.pyramid_compare import spread_over_clips

CARD = ModelCard.model_validate(
    {
        "name": "small",
        "title": "Small",
        "summary": "A test.",
        "architecture": {},
        "clip": ClipSpec(frames=6, height=12, width=12, mean=(0.5,) * 3, std=(0.25,) * 3).model_dump(),
        "classes": 4,
        "classifier": "6",
    }
)


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv3d(3, 6, 3), nn.ReLU(), nn.Conv3d(6, 6, 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(6, 4),
    ).eval().double().requires_grad_(False)  # fmt: skip


def shifted(module: nn.Module, constant: float) -> nn.Module:
    found = copy.deepcopy(module)
    with torch.no_grad():
        found[-1].bias += constant
    return found


@pytest.fixture
def clip() -> Tensor:
    return torch.rand((1, 3, 6, 12, 12), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("constant", [10.0, -25.0])
def test_motion_reliance_and_order_sensitivity_do_not_move(clip: Tensor, constant: float) -> None:
    module = network()
    label = int(module(clip).argmax())
    one, other = (motion_audit(each, clip, label, draws=3) for each in (module, shifted(module, constant)))
    assert one.motion_reliance is not None
    assert other.motion_reliance == pytest.approx(one.motion_reliance, abs=1e-4)
    assert other.order_sensitivity == pytest.approx(one.order_sensitivity, abs=1e-4)
    assert other.logit == pytest.approx(one.logit, abs=1e-5)


def test_a_class_with_a_negative_logit_does_not_vanish(clip: Tensor) -> None:
    module = shifted(network(), -100.0)
    label = int(module(clip).argmax())
    assert float(module(clip)[0, label]) < 0
    assert motion_audit(module, clip, label, draws=2).motion_reliance is not None


def test_a_class_that_a_clip_does_not_speak_for_has_nothing_to_lose(clip: Tensor) -> None:
    module = shifted(network(), 100.0)
    worst = int(module(clip).argmin())
    assert motion_audit(module, clip, worst, draws=2).motion_reliance is None


def test_insertion_and_deletion_do_not_move(clip: Tensor) -> None:
    module = network()
    scores = module(clip) - module(clip.mean(2, keepdim=True).expand_as(clip))
    label = int((scores - scores.mean()).argmax())
    heat = torch.rand((6, 12, 12), generator=torch.Generator().manual_seed(2))
    found = []
    for each in (module, shifted(module, 10.0)):
        probes = probe(each, clip, label, baseline="mean_frame", steps=4, maps=3, samples=8)
        found.append((probes.logit, evaluate_maps(each, probes, [heat])[0].curves.insertion))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-6)


def test_pyramids_do_not_move(clip: Tensor) -> None:
    documents = []
    for each in (network(), shifted(network(), 10.0)):
        own = [class_pyramid(each, moved, 1, depth=None) for moved in (clip, clip.flip(2).square())]
        check = ablate(each, clip, 1, own[0], draws=19)
        pages = [pyramid_document(one, network="n", weights="w", clip="c", label="l") for one in own]
        documents.append((pages, check.together, spread_over_clips(pages)))
    (pages, check, spread), (other_pages, other_check, other_spread) = documents
    assert pages[0].above_mean == pytest.approx(other_pages[0].above_mean, abs=1e-6)
    assert pages[0].logit != pytest.approx(other_pages[0].logit, abs=1)
    one, other = pages[0].conservation, other_pages[0].conservation
    assert one is not None
    assert other is not None
    assert other.bias_share == pytest.approx(one.bias_share, abs=1e-5)
    assert other.error == pytest.approx(one.error, abs=1e-5)
    assert [kernel.mean for kernel in spread] == pytest.approx([kernel.mean for kernel in other_spread], abs=1e-6)
    assert check.drop == pytest.approx(other_check.drop, abs=1e-5)
    assert check.p == other_check.p


def test_what_a_map_says_of_the_logit_does_not_move(clip: Tensor) -> None:
    one, other = (attribute(each, clip, 1, method="gradients") for each in (network(), shifted(network(), 10.0)))
    assert one.above_mean == pytest.approx(other.above_mean, abs=1e-5)


@pytest.mark.parametrize("objective", ["firing", "channel"])
def test_the_responses_of_the_classifier_s_kernels_do_not_move(clip: Tensor, objective: Objective) -> None:
    clips = torch.cat([clip, clip.flip(3).square()]).float()
    found = []
    for constant in (0.0, 10.0):
        known = Network(shifted(network(), constant).float(), CARD)
        meter = Meter(known, ["0", "6"], (6, 12, 12), 3, objective)
        responses = {layer: seen.values for layer, seen in meter(clips).items()}
        apart = (known.logits(clips) - known.logits(clips).mean(1, keepdim=True)).clamp_min(
            0 if objective == "firing" else -torch.inf
        )
        torch.testing.assert_close(responses["6"], apart, atol=1e-5, rtol=1e-4)
        own = meter.targets["6"].activations(clips, torch.tensor([1, 3]), objective)
        torch.testing.assert_close(own, responses["6"][[0, 1], [1, 3]], atol=1e-5, rtol=1e-4)
        found.append(responses)
    for layer in ("0", "6"):
        torch.testing.assert_close(found[0][layer], found[1][layer], atol=1e-5, rtol=1e-4)
