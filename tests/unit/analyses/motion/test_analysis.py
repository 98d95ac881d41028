"""How often the motion probes pass through the network: each clip's variants once, several in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.base import Answers, Subject, Unit
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.motion import kernel_motion
from reportgen.analyses.motion.analysis import MotionAnalysis
from reportgen.analyses.motion.kernel_motion import probe_clip
from reportgen.analyses.motion.parameters import MotionParameters
from reportgen.clips import Clip
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import SILENT
from reportgen.records.answers.motion import MotionAnswer
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.targets import Target

DRAWS, FRAMES = 2, 4
VARIANTS = 5 + FRAMES + 2 * DRAWS
"""The clip, dissolved, reversed, two speeds; frozen; shuffled and scrambled."""


def network(batch: int | None = None) -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 3))
    card = ModelCard.model_validate(
        {
            "name": "small",
            "title": "Small",
            "summary": "A test.",
            "architecture": {},
            "clip": ClipSpec(frames=FRAMES, height=8, width=8, mean=(0.5,) * 3, std=(0.25,) * 3).model_dump(),
            "classes": 3,
            "adapter": Adapter(batch=batch).model_dump(),
        }
    )
    return Network(module.eval().requires_grad_(False), card, ("a", "b", "c"))


def subject(count: int) -> Subject:
    asked = network()
    generator = np.random.default_rng(1)
    shown, *others = (
        Clip(f"clip{i}", generator.random((1, 3, FRAMES, 8, 8), np.float32), title=f"clip {i}", label=i % 3)
        for i in range(count)
    )
    return Subject(
        asked,
        {facts.name: facts for facts in describe_layers(asked)},
        ("0",),
        clips=(shown,),
        reference=tuple(clip.reference() for clip in (shown, *others)),
        targets={shown.name: (Target.of(0), Target.of(1))},
    )


def sizes_of_passes(module: nn.Module) -> list[int]:
    """Return a list to which every pass adds how many clips it took."""
    found: list[int] = []

    def note(_module: nn.Module, args: Any, _output: Any) -> None:
        found.append(len(args[0]))

    module.register_forward_hook(note)
    return found


def test_the_variants_of_a_clip_pass_once_whatever_asks_about_it() -> None:
    asked, parameters = subject(6), MotionParameters(draws=DRAWS)
    analysis = MotionAnalysis()
    units = [unit for unit in analysis.units(asked, parameters) if isinstance(unit, Unit)]
    assert len(units) == 3, "two classes of the shown clip, and the whole model"
    nothing: Answers = lambda *_: {}  # noqa: E731
    passes = sizes_of_passes(asked.network.module)
    found = {unit.name: result for unit, result in analysis.run(asked, units, parameters, nothing, SILENT)}
    assert passes == [1, *[VARIANTS] * 6], "an empty clip finds the layers; of the shown clip all three units ask"
    answer = found[asked.model].answer
    assert isinstance(answer, MotionAnswer)
    assert answer.overall is not None
    assert answer.overall.clips == 6


@pytest.mark.parametrize("size", [1, 3, 5])
def test_figures_are_the_same_however_many_variants_pass_at_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = torch.rand((1, 3, FRAMES, 8, 8), generator=torch.Generator().manual_seed(3))
    small = network()
    meter = Meter(small, ["0"], (FRAMES, 8, 8), 3, "firing")

    def probed() -> tuple[dict[str, Tensor], Tensor, list[int]]:
        passes = sizes_of_passes(small.module)
        found = probe_clip(meter, clip, draws=DRAWS, values=small.logits)
        return dict(found.logits), found.responses["0"], passes

    logits, responses, passes = probed()
    assert passes == [VARIANTS], "all of them in one pass"
    monkeypatch.setattr(kernel_motion, "starting_batch", lambda _clip: size)
    apart, apart_responses, passes = probed()
    assert max(passes) == size
    assert sum(passes) == VARIANTS
    torch.testing.assert_close(responses, apart_responses)
    for name in ("frozen", "shuffled", "reversed"):
        torch.testing.assert_close(logits[name], apart[name])
    assert len(logits["frozen"]) == FRAMES
    torch.testing.assert_close(logits["reversed"], small.logits(clip.flip(2))), "each probe has its own rows"


def test_a_network_of_fixed_batches_is_asked_one_variant_at_a_time() -> None:
    fixed = network(batch=2)
    meter = Meter(fixed, ["0"], (FRAMES, 8, 8), 3, "firing")
    passes = sizes_of_passes(fixed.module)
    probe_clip(meter, torch.rand(1, 3, FRAMES, 8, 8), draws=DRAWS, values=fixed.logits)
    assert passes == [2] * VARIANTS
