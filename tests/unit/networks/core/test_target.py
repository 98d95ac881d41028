"""A target is one scalar of a network's answer: the same type for classes, times, contrasts and signals."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import METHODS, attribute
from reportgen.clips import Clip
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import explained, target_values
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.targets import Target
from reportgen.runner.targets import parse_target, select_targets
from tests.options import options_of

CLIPS = torch.rand(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))

ALL = [
    Target.of(3),
    Target.of(3, 1),
    Target(kind="class", index=3, time=5),
    Target(kind="mean"),
    Target(kind="peak", index=2),
    Target(kind="unit", place=(4,)),
    Target(kind="unit", place=(0, 4, 10, 10)),
]


class Answering(nn.Module):
    """Scores of 3 classes at each time, `N T K`, or their maps `N C T H W` before they are pooled."""

    def __init__(self, maps: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.maps = maps
        self.conv, self.head = nn.Conv3d(3, 6, 3, padding=1), nn.Conv3d(6, 3, 1)

    def forward(self, clips: Tensor) -> Tensor:
        scores = self.head(torch.relu(self.conv(clips)))
        return scores if self.maps else scores.mean((3, 4)).transpose(1, 2)


def network(answer: str, **adapter: object) -> Network:
    card = ModelCard(
        name="net",
        title="net",
        clip=ClipSpec(frames=4, height=8, width=8, mean=(0.0,) * 3, std=(1.0,) * 3),
        adapter=Adapter.model_validate({"answer": answer, **adapter}),
        classes=3 if "K" in answer else None,
    )
    return Network(Answering("H" in answer).eval().requires_grad_(False), card, ("walk", "run", "jump"))


CLASSES, MAPS = network("N T K"), network("N C T H W", scores="none")


@pytest.mark.parametrize("target", ALL, ids=str)
def test_a_target_is_read_as_it_is_printed(target: Target) -> None:
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "class"},
        {"kind": "contrast", "index": 1},
        {"kind": "class", "index": 1, "against": 2},
        {"kind": "unit"},
        {"kind": "mean", "time": 3},
        {"kind": "class", "index": -1},
    ],
)
def test_a_target_says_all_that_it_needs_and_no_more(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate(fields)


@pytest.mark.parametrize("text", ["", "class-", "target-sum", "target-unit", "class-1-at-", "target-mean-x"])
def test_what_is_no_target_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no target"):
        Target.parse(text)


def test_targets_are_told_in_words() -> None:
    labels = ("walk", "run")
    told = [target.title(labels) for target in (Target.of(1), Target.of(1, 0), Target.of(7), *ALL[2:])]
    assert told == [
        "run",
        "run rather than walk",
        "class 7",
        "class 3 at time 5",
        "mean of the answer",
        "peak of the answer's channel 2",
        "answer at 4",
        "answer at 0, 4, 10, 10",
    ]
    assert Target(kind="unit", place=(4,)).title((), "N T 1") == "answer at time 4"
    assert [Target(kind=kind).title((), "N 1") for kind in ("mean", "peak")] == ["answer"] * 2
    assert ALL[-1].title((), "N C T H W") == "answer at channel 0, time 4, row 10, column 10"


def test_the_values_are_those_of_the_answer() -> None:
    with torch.no_grad():
        steps, maps = CLASSES.module(CLIPS), MAPS.module(CLIPS)
        asked = [Target.of(1), Target.of(2, 0), Target(kind="class", index=1, time=3)]
        wanted = [steps.mean(1)[:, 1], steps.mean(1)[:, 2] - steps.mean(1)[:, 0], steps[:, 3, 1]]
        assert torch.allclose(target_values(CLASSES, CLIPS, asked), torch.stack(wanted, 1), atol=1e-6)
        asked = [Target(kind="mean"), Target(kind="peak", index=2), Target(kind="unit", place=(2, 3, 4, 5))]
        wanted = [maps.mean((1, 2, 3, 4)), maps[:, 2].amax((1, 2, 3)), maps[:, 2, 3, 4, 5]]
        assert torch.allclose(target_values(MAPS, CLIPS, asked), torch.stack(wanted, 1), atol=1e-6)
        for target, values in zip(asked, wanted, strict=True):
            assert torch.allclose(explained(MAPS, target).logits(CLIPS)[:, 0], values, atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (CLASSES, Target.of(3)),
        (CLASSES, Target(kind="class", index=0, time=4)),
        (MAPS, Target(kind="mean", index=3)),
        (MAPS, Target(kind="unit", place=(0, 4, 0, 0))),
        (MAPS, Target(kind="unit", place=(0, 0))),
    ],
)
def test_what_is_not_there_is_said(asked: Network, target: Target) -> None:
    with pytest.raises(UnknownNameError, match="0 to"):
        target_values(asked, CLIPS, [target])


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (CLASSES, Target(kind="class", index=1, time=2)),
        (MAPS, Target(kind="mean")),
        (MAPS, Target(kind="peak", index=1)),
        (MAPS, Target(kind="unit", place=(1, 2, 3, 4))),
    ],
    ids=str,
)
def test_every_saliency_method_and_the_pyramid_answer_for_it(asked: Network, target: Target) -> None:
    seen = explained(asked, target)
    for method in METHODS:
        found = attribute(seen, CLIPS[:1], 0, method, **options_of(method, steps=4, samples=2))
        assert found.attribution.shape == CLIPS[:1].shape
    with torch.no_grad():
        value = float(target_values(asked, CLIPS[:1], [target]))
    pyramid = class_pyramid(seen, CLIPS[:1], 0)
    assert pyramid.logit == pytest.approx(value, abs=1e-5)
    assert pyramid.conservation is not None
    assert pyramid.conservation.error < 1e-4


def test_a_unit_sees_what_its_receptive_field_does() -> None:
    found = attribute(explained(MAPS, Target(kind="unit", place=(1, 1, 4, 4))), CLIPS[:1], 0, "gradients")
    lit = found.attribution[0].abs().sum(0).nonzero()
    assert lit.min(0).values.tolist() == [0, 3, 3]
    assert lit.max(0).values.tolist() == [2, 5, 5]


@pytest.mark.parametrize(
    ("asked", "text", "target"),
    [
        (CLASSES, "class:run", Target.of(1)),
        (CLASSES, "class:2@3", Target(kind="class", index=2, time=3)),
        (MAPS, "mean", Target(kind="mean")),
        (MAPS, "peak:2", Target(kind="peak", index=2)),
        (MAPS, "unit:1,2,3,4", Target(kind="unit", place=(1, 2, 3, 4))),
    ],
)
def test_targets_are_named_on_the_command_line(asked: Network, text: str, target: Target) -> None:
    assert parse_target(asked, text) == target


@pytest.mark.parametrize("text", ["", "run", "class:", "unit", "unit:x", "mean:a", "peak@3", "unit:1,2@3"])
def test_another_form_is_told_what_to_write(text: str) -> None:
    with pytest.raises(OptionError, match=r"is no target: write class:NAME"):
        parse_target(MAPS, text)


def test_targets_are_those_of_the_network() -> None:
    with pytest.raises(OptionError, match="has no classes"):
        parse_target(MAPS, "class:1")
    with pytest.raises(OptionError, match="answers with classes"):
        parse_target(CLASSES, "mean")
    clip = Clip("clip", CLIPS[:1].numpy())
    with torch.no_grad():
        logits = {"clip": CLASSES.logits(CLIPS[:1])[0]}
    predicted = select_targets(CLASSES, [clip], logits, BuildOptions())
    assert predicted == {"clip": (Target.of(int(logits["clip"].argmax())),)}
    assert select_targets(MAPS, [clip], {}, BuildOptions()) == {"clip": (Target(kind="mean"), Target(kind="peak"))}
    one_number = network("N 1", scores="none")  # its mean and its peak are the same
    assert select_targets(one_number, [clip], {}, BuildOptions()) == {"clip": (Target(kind="mean"),)}
    with pytest.raises(UnknownNameError, match="0 to 3"):
        select_targets(CLASSES, [clip], logits, BuildOptions(targets=("class:run@9",)))


def test_one_logit_is_explained_for_and_against() -> None:
    class Yes(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            return clips.mean((1, 2, 3, 4))

    card = CLASSES.card
    assert card is not None
    binary = Network(Yes(), card.model_copy(update={"adapter": Adapter(answer="N"), "classes": 2}), ("against", "for"))
    clip = Clip("clip", CLIPS[:1].numpy())
    found = select_targets(binary, [clip], {"clip": binary.logits(CLIPS[:1])[0]}, BuildOptions())
    assert found == {"clip": (Target.of(1), Target.of(0))}
    values = target_values(binary, CLIPS, [Target.of(1), Target.of(0)])
    assert torch.allclose(values[:, 0], CLIPS.mean((1, 2, 3, 4)), atol=1e-6)
    assert torch.equal(values[:, 0], -values[:, 1])
