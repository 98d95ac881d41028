"""What weight gradients answer about networks with and without classes, labels and convolutions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.budget import GRADIENT_PASSES, forward_work
from reportgen.analyses.weight_gradients.analysis import WeightGradientAnalysis
from reportgen.analyses.weight_gradients.overall import Overall
from reportgen.analyses.weight_gradients.parameters import WeightGradientParameters
from reportgen.analyses.weight_gradients.removal import SCORES, SHARES
from reportgen.clips import Clip
from reportgen.errors import OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import SILENT
from reportgen.records.answers.weight_gradients import ModelImportance, WeightGradientAnswer
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.figures import Result, TableFigure
from reportgen.records.targets import Target

LABELS = ("dark", "bright", "grey")
LITTLE = WeightGradientParameters(weights=3, draws=2, removal_clips=4, class_clips=2)


class Small(nn.Module):
    """Two convolutions, and either logits of three classes or one value a frame."""

    def __init__(self, *, classes: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(3, 6, 3, padding=1)
        self.second = nn.Conv3d(6, 4, 1)
        self.head = nn.Linear(4, 3 if classes else 1)
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        maps = torch.relu(self.second(torch.relu(self.first(x))))
        if self.classes:
            logits: Tensor = self.head(maps.flatten(2).mean(2))
            return logits
        value: Tensor = self.head(maps.mean((3, 4)).transpose(1, 2)).squeeze(2)
        return value


def card(*, classes: bool) -> ModelCard:
    return ModelCard.model_validate(
        {
            "name": "small",
            "title": "Small",
            "summary": "A test.",
            "architecture": {},
            "clip": ClipSpec(frames=4, height=8, width=8, mean=(0.5,) * 3, std=(0.25,) * 3).model_dump(),
            "classes": 3 if classes else None,
            "adapter": Adapter(answer="N K" if classes else "N T", scores="logits" if classes else "none").model_dump(),
        }
    )


def clips(count: int, *, labelled: bool) -> tuple[Clip, ...]:
    generator = np.random.default_rng(1)
    return tuple(
        Clip(
            f"clip{i}",
            generator.random((1, 3, 4, 8, 8), np.float32),
            title=f"clip {i}",
            label=i % 3 if labelled else None,
        )
        for i in range(count)
    )


def subject(*, classes: bool = True, labelled: bool = True, stages: tuple[str, ...] = ("first", "second")) -> Subject:
    network = Network(
        Small(classes=classes).eval().requires_grad_(False), card(classes=classes), LABELS if classes else ()
    )
    shown, *others = clips(9, labelled=labelled)
    targets = (Target.of(1),) if classes else (Target(kind="mean"), Target(kind="peak"))
    return Subject(
        network,
        {facts.name: facts for facts in describe_layers(network)},
        stages,
        clips=(shown,),
        reference=tuple(clip.reference() for clip in others),
        targets={shown.name: targets},
    )


def results(asked: Subject, parameters: WeightGradientParameters = LITTLE) -> dict[str, Result]:
    """Return all answers by their units' names."""
    analysis = WeightGradientAnalysis()
    units = [unit for unit in analysis.units(asked, parameters) if isinstance(unit, Unit)]
    assert len({unit.group for unit in units}) == 1
    nothing: Answers = lambda *_: {}  # noqa: E731
    return {unit.name: result for unit, result in analysis.run(asked, units, parameters, nothing, SILENT)}


def overall(found: dict[str, Result]) -> ModelImportance:
    answer = found["small"].answer
    assert isinstance(answer, WeightGradientAnswer)
    assert answer.overall is not None
    return answer.overall


def test_labelled_clips_give_accuracy_and_a_comparison_with_what_it_lacks() -> None:
    found = results(subject())
    answer = overall(found)
    assert answer.removal is not None
    assert answer.removal.measure == "accuracy"
    assert (answer.removal.clips, answer.removal.scored, answer.removal.filters) == (4, 9, 10)
    assert [curve.order for curve in answer.removal.curves].count("random") == 1
    assert answer.comparison is not None
    assert answer.comparison.labelled == 9
    present = {(case.role, case.outcome) for case in answer.comparison.cases if not case.again}
    assert len(present) + len(answer.comparison.missing) == 6, "what is not compared is named"
    assert answer.comparison.cases[0].layers["first"].cosine == pytest.approx(1.0)
    assert answer.check is not None
    assert (answer.check.worst or 1.0) <= 1e-6
    assert {one.role for one in answer.classes} == {"reference", "similar", "dissimilar"}
    shown = found["small/clip0/class-0001"]
    assert set(shown.figures) == {
        *("volumes.first", "volumes.second", "gradients"),
        *("gradients.first", "gradients.second"),
    }
    table = found["small"].figures["importance"]
    assert isinstance(table, TableFigure)
    assert len(table.rows) == 10, "a row for each filter"


def test_without_labels_the_logit_of_the_predicted_class_is_what_is_left() -> None:
    answer = overall(results(subject(labelled=False)))
    assert answer.removal is not None
    assert answer.removal.measure == "logit"
    assert answer.comparison is None
    assert answer.no_comparison is not None
    assert "--reference" in answer.no_comparison
    assert [one.role for one in answer.classes] == ["target"]


def test_a_network_without_classes_is_asked_about_its_targets() -> None:
    found = results(subject(classes=False, labelled=False))
    answer = overall(found)
    assert answer.removal is not None
    assert answer.removal.measure == "change"
    assert answer.removal.intact == 0.0
    assert answer.no_comparison == "this network has no classes, of which one could be like another"
    assert [one.title for one in answer.classes] == ["mean of the answer", "peak of the answer"]
    assert answer.check is not None
    assert (answer.check.worst or 1.0) <= 1e-6
    assert {"small/clip0/target-mean", "small/clip0/target-peak"} <= set(found)


def test_classes_that_are_named_are_compared() -> None:
    named = LITTLE.model_copy(update={"reference_class": "grey", "similar": 0, "dissimilar": "Bright"})
    comparison = overall(results(subject(), named)).comparison
    assert comparison is not None
    assert (comparison.reference, comparison.similar, comparison.dissimilar) == (2, 0, 1)
    assert comparison.given == ("reference", "similar", "dissimilar")


def test_a_class_that_there_is_not_is_refused_before_any_work_with_the_nearest_name() -> None:
    analysis, asked = WeightGradientAnalysis(), subject()
    with pytest.raises(UnknownNameError, match="did you mean bright"):
        analysis.units(asked, LITTLE.model_copy(update={"similar": "brigt"}))
    with pytest.raises(OptionError, match="three different classes"):
        analysis.units(asked, LITTLE.model_copy(update={"reference_class": "grey", "similar": 2}))
    with pytest.raises(OptionError, match="has no classes"):
        analysis.units(subject(classes=False), LITTLE.model_copy(update={"similar": "dark"}))


def test_without_convolutions_or_without_shown_ones_it_says_so() -> None:
    asked = subject()
    linear = {name: facts for name, facts in asked.layers.items() if facts.kind == "Linear"}
    (skipped,) = WeightGradientAnalysis().units(replace(asked, layers=linear, stages=()), LITTLE)
    assert isinstance(skipped, Inapplicable)
    assert "no convolution" in skipped.reason
    found = results(subject(stages=("head",)))
    assert "None of the shown layers is a convolution" in found["small"].notes[0]
    check = overall(found).check
    assert check is not None
    assert check.reason == "none of the shown layers is a convolution"
    assert set(found["small/clip0/class-0001"].figures) == set()


def test_a_single_clip_is_judged_by_its_own_scores_and_proves_nothing() -> None:
    asked = replace(subject(labelled=False), reference=())
    removal = overall(results(asked, LITTLE.model_copy(update={"removal_clips": 1}))).removal
    assert removal is not None
    assert (removal.clips, removal.scored) == (1, 1)
    assert {pair.p for pair in removal.pairs} == {1.0}
    assert {row.low for row in removal.scores} == {None}


def test_no_filters_are_removed_where_none_are_asked_for() -> None:
    answer = overall(results(subject(), LITTLE.model_copy(update={"removal_clips": 0})))
    assert answer.removal is None
    assert answer.no_removal == "it was not asked for (removal_clips is 0)"


def test_a_network_too_large_for_all_removals_is_asked_on_fewer_clips_and_draws_and_says_so() -> None:
    whole = overall(results(subject(), replace_parameters(removal_clips=8, draws=5)))
    assert whole.removal is not None
    assert (whole.removal.clips, whole.removal.draws) == (8, 5)
    found = results(subject(), replace_parameters(removal_clips=8, draws=5, removal_work=1e-6))
    bounded = overall(found).removal
    assert bounded is not None
    assert (bounded.clips, bounded.draws) == (2, 3)
    assert found["small"].notes[-1] == (
        "This preset bounds the work: random draws of removed filters: 3 instead of 5, clips on which filters are "
        "removed: 2 instead of 8."
    )


def test_what_a_test_takes_is_kept_as_long_as_twice_the_work_allows() -> None:
    asked = subject()
    work = forward_work(asked.layers)
    of_a_clip = len(SHARES) * (2 * len(SCORES) + 19) + 2 * GRADIENT_PASSES
    overall_of = partial(Overall, asked, None, (), progress=SILENT)  # type: ignore[arg-type]
    whole, least = 8 * (of_a_clip + 5), 8 * of_a_clip
    for clips, draws, passes in [(8, 20, whole), (8, 19, least), (8, 19, least / 2), (2, 19, least / 4)]:
        chosen = overall_of(parameters=replace_parameters(removal_work=1.001 * work * passes))
        assert chosen._affordable({"draws": 20, "clips": 16}) == {"clips": clips, "draws": draws}


def replace_parameters(**values: float) -> WeightGradientParameters:
    return LITTLE.model_copy(update=values)
