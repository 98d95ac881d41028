"""A network judged in memory, and two audits side by side."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import reportgen
from reportgen.audit.verdicts import Verdict
from reportgen.clips import Clip
from reportgen.epochs.network_audit import NetworkAudit
from reportgen.errors import CheckError, ClipError, NetworkError, OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.records.card import ClipSpec, ModelCard

FRAMES, SIDE = 4, 16
LABELS = ("moving", "standing")


class MotionEnergy(nn.Module):
    """Says "moving" by how much neighbouring frames differ, "standing" by brightness; two of its kernels are dead."""

    def __init__(self) -> None:
        super().__init__()
        self.difference = nn.Conv3d(3, 4, (2, 1, 1), bias=False)
        self.head = nn.Linear(4, 2, bias=False)
        with torch.no_grad():
            self.difference.weight.zero_()
            self.difference.weight[0, :, 0], self.difference.weight[0, :, 1] = -1, 1
            self.difference.weight[1, :, 0], self.difference.weight[1, :, 1] = 1, -1
            self.head.weight.copy_(torch.tensor([[9.0, 9.0, 0, 0], [0.0, 0, 0, 0]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.difference(x)).mean((2, 3, 4)))


def network() -> Network:
    spec = ClipSpec(frames=FRAMES, height=SIDE, width=SIDE, mean=(0.0,) * 3, std=(1.0,) * 3)
    return Network(MotionEnergy().eval(), ModelCard(name="energy", title="Energy", clip=spec, classes=2), LABELS)


def clips(count: int = 3) -> list[Clip]:
    found = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        still = torch.rand(1, 3, 1, SIDE, SIDE, generator=generator).round()
        moving = torch.cat([still.roll(2 * frame, -1) for frame in range(FRAMES)], 2)
        found.append(Clip(f"clip{seed}", moving.numpy(), label=0))
    return found


def test_its_verdicts_are_what_the_network_was_made_to_be() -> None:
    found = reportgen.audit(network(), clips())
    states = {one.name: one.state for one in found.verdicts}
    assert states["Classes that rely on motion"] == "pass"
    assert states["Integrated gradients add up (worst clip)"] == "pass"
    assert states["Relevance is conserved (worst pyramid)"] == "pass"
    assert states["Dead kernels"] == "warn"  # few clips were given
    assert found["dead_kernels"] == 0.5
    assert found["accuracy"] == 1.0
    assert found["motion_reliance"] == pytest.approx(1.0)
    assert repr(found).startswith("NetworkAudit(energy, 3 clips, ")
    assert [row["state"] for row in found.to_frame().to_dict("records")] == [one.word for one in found.verdicts]


def test_it_leaves_the_network_as_it_was_and_says_the_same_again() -> None:
    module = network()
    module.module.train().requires_grad_(True)
    before = copy.deepcopy(module.module.state_dict())
    state = torch.get_rng_state()
    one, other = (reportgen.audit(module, clips()) for _ in range(2))
    assert one == other
    assert torch.get_rng_state().equal(state)
    assert module.module.training
    assert all(value.equal(before[name]) for name, value in module.module.state_dict().items())
    assert all(one.requires_grad and one.grad is None for one in module.module.parameters())


def test_clips_come_in_any_form_and_labels_by_name() -> None:
    batch = torch.cat([torch.from_numpy(clip.pixels) for clip in clips()])
    expected = reportgen.audit(network(), clips(), checks=["motion"])
    assert reportgen.audit(network(), batch, labels=["moving"] * 3, checks=["motion"]) == expected
    half = reportgen.audit(network(), batch, labels=["standing", 0, "moving"], checks=[])
    assert half["accuracy"] == pytest.approx(2 / 3)
    assert reportgen.audit(network(), batch, checks=[])["accuracy"] is None


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean motion"):
        reportgen.audit(network(), clips(), checks=["motoin"])
    with pytest.raises(ClipError, match="3 clips and 1 labels"):
        reportgen.audit(network(), clips(), labels=[0], checks=[])
    with pytest.raises(UnknownNameError, match="did you mean standing"):
        reportgen.audit(network(), clips(), labels=["standin"] * 3, checks=[])
    with pytest.raises(OptionError, match="limits are not valid"):
        reportgen.audit(network(), clips(), limits={"completness": (0.1, 0.2)}, checks=[])
    with pytest.raises(ClipError, match="divide by 255"):
        reportgen.audit(network(), torch.full((1, 3, FRAMES, SIDE, SIDE), 255.0))
    with pytest.raises(NetworkError, match="torch module"):
        reportgen.audit("energy", clips())
    signal = ModelCard.model_validate(
        {**network().card.model_dump(), "classes": None, "adapter": {"scores": "none", "answer": "N C"}}  # type: ignore[union-attr]
    )
    with pytest.raises(NetworkError, match="has no classes"):
        reportgen.audit(replace(network(), card=signal), clips())


def test_limits_decide_and_require_raises() -> None:
    strict = reportgen.audit(network(), clips(10), checks=["kernels"], limits={"redundant": (0.05, 0.25)})
    assert [one.state for one in strict.verdicts] == ["fail"]
    with pytest.raises(CheckError, match=r"energy, Dead kernels: 50\.0% of 4"):
        reportgen.require(strict)
    reportgen.require([reportgen.audit(network(), clips(10), checks=["kernels"], limits={"redundant": (0.6, 0.7)})])
    alone = reportgen.audit(network(), clips(1), checks=["kernels"])
    reportgen.require(alone)
    with pytest.raises(CheckError, match="not tested"):
        reportgen.require(alone, strict=True)


def audited(name: str = "energy", **states: Any) -> NetworkAudit:
    verdicts = tuple(Verdict(state, check, value, f"{value}", "", "") for check, (state, value) in states.items())
    return NetworkAudit(name, 1, verdicts, {}, 0.0)


def test_a_comparison_tells_what_became_better_and_what_worse() -> None:
    before = audited(a=("pass", 1.0), b=("warn", 0.5), c=("pass", 0.25), d=("pass", 0.5), e=("untested", None))
    after = audited(a=("fail", 0.25), b=("pass", 0.75), c=("pass", 0.25), d=("pass", 0.75), f=("pass", 1.0))
    found = reportgen.compare(before, after)
    assert {row.name: row.direction for row in found.rows} == {
        "a": "worse",
        "b": "better",
        "c": "same",
        "d": "changed",
        "e": "gone",
        "f": "new",
    }
    assert found.rows[0].name == "a"
    assert found.rows[0].change == -0.75
    assert [row.name for row in found.worse] == ["a"]
    assert repr(found) == "AuditComparison(6 checks: 1 worse, 1 better, 1 changed, 1 same, 1 new, 1 gone)"
    assert "energy" in found._repr_html_()
    assert len(found.to_frame()) == 6


def test_networks_of_several_are_matched_by_name() -> None:
    one, two, three = (audited(name, a=("pass", 1.0)) for name in ("one", "two", "three"))
    found = reportgen.compare([one, two], [two, three])
    assert [row.model for row in found.rows] == ["two"]
    assert (found.only_before, found.only_after) == (("one",), ("three",))
    assert repr(found).endswith("1 same; only before: one; only after: three)")
    assert [row.model for row in reportgen.compare(one, two).rows] == ["two"]
    with pytest.raises(OptionError, match=r"no network in common \(one, two and three\)"):
        reportgen.compare([one, two], [three])
