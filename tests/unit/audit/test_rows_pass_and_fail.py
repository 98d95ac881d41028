"""Each row of the audit passes by figures that earn it and fails by others; it does not pass by too few of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reportgen.audit.checks import weights_check
from reportgen.audit.class_checks import motion_checks, pyramid_checks, saliency_checks
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.kernel_checks import kernel_checks, path_checks, redundancy_check
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict
from reportgen.reading.evidence import Redundancy
from reportgen.reading.figures import KernelFigures
from reportgen.reading.words import CLASSES
from reportgen.records.answers.motion import ClassProbes
from reportgen.records.answers.path import PathAnswer, Rank
from reportgen.records.answers.pyramid import AblationFigures, ClassClips, PyramidAnswer
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.manifest import WeightsFacts
from reportgen.records.targets import Target
from tests.made import map_checks

FIRST, LAST = Rank(reached=0, of=60), Rank(reached=60, of=60)

GOOD = KernelFigures(
    activation=2.0, best_real=1.0, reference_clips=20, explained_variance=0.95, motion_explains=0.9,
    still_variance=0.3, evidence_share=0.6, mean_speed=1.0, activation_kept=0.9,
    path=PathAnswer(path_natural=FIRST, path_kernels=FIRST, path_told=FIRST, seed_kernels=FIRST, seed_natural=FIRST),
)  # fmt: skip
BAD = replace(
    GOOD,
    best_real=3.0,
    explained_variance=0.2,
    motion_explains=0.1,
    activation_kept=0.1,
    path=PathAnswer(path_natural=LAST, path_kernels=LAST, path_told=FIRST, seed_kernels=LAST, seed_natural=LAST),
)


class Addresses:
    """Every page is at one place."""

    home = motion = audit = ""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: ""


def kernels(*figures: KernelFigures, clips: int = 20) -> Any:
    return SimpleNamespace(
        all_kernels=[SimpleNamespace(figures=one) for one in figures],
        evidence=SimpleNamespace(clips=clips, redundancy={}),
        addresses=Addresses(),
        kernels={},
    )


def of_kernels(*figures: KernelFigures, clips: int = 20) -> dict[str, Verdict]:
    model = kernels(*figures, clips=clips)
    return {row.name: row for row in (*kernel_checks(model, Limits()), *path_checks(model, Limits()))}


ROWS_OF_KERNELS = (
    "Synthetic clips above the best reference clip",
    "Kernels explained as texture plus motion",
    "Activation kept by the moved texture (median)",
    "Synthetic clips that take a natural path",
    "Synthetic clips that other seeds find again",
)


@pytest.mark.parametrize("row", ROWS_OF_KERNELS)
def test_a_row_of_kernels_passes_and_fails(row: str) -> None:
    assert of_kernels(*[GOOD] * 8)[row].state == "pass"
    explained = "warn" if row == "Kernels explained as texture plus motion" else "fail"
    assert of_kernels(*[BAD] * 8)[row].state == explained, "what no texture explains is told, and no fault"
    assert of_kernels(KernelFigures())[row].state == "untested"


def test_kernels_that_were_not_measured_are_no_evidence_to_pass() -> None:
    apart = replace(GOOD, path=PathAnswer(path_natural=FIRST, path_told=LAST))
    rows = of_kernels(GOOD, *[apart] * 3)
    assert rows["Synthetic clips that take a natural path"].state == "warn", "one of four could be tested"
    assert of_kernels(*[GOOD] * 8, clips=3)["Synthetic clips above the best reference clip"].state == "warn"


def test_it_is_told_where_another_seed_finds_a_better_clip() -> None:
    """The shown clip is no optimum there, whichever clip is nearest to it."""
    assert GOOD.path
    path = GOOD.path.model_copy(update={"seed_activations": (2.1, None, 1.9)})
    better, even = replace(GOOD, activation=2.0, path=path), replace(GOOD, activation=2.09, path=path)
    told = of_kernels(better, even, *[GOOD] * 6)["Synthetic clips that other seeds find again"].meaning
    assert "Another seed's clip drives 1 of 2 more than the shown one, by 5% at most" in told
    assert "Another seed" not in of_kernels(*[GOOD] * 8)["Synthetic clips that other seeds find again"].meaning


def test_a_still_texture_is_no_texture_that_moves() -> None:
    still = replace(GOOD, still_variance=0.99, mean_speed=0.0, motion_explains=0.9)
    row = of_kernels(*[still] * 8)["Kernels explained as texture plus motion"]
    assert (row.state, row.figure) == ("untested", "–")
    assert "Not counted: 8 clips" in row.meaning


def test_a_plain_clip_is_no_texture_of_which_motion_is_asked() -> None:
    plain = replace(GOOD, contrast=0.004, explained_variance=0.91, motion_explains=0.01)
    row = of_kernels(*[GOOD] * 6, plain, plain)["Kernels explained as texture plus motion"]
    assert (row.state, row.figure) == ("pass", "6 of 6")
    assert "Not counted: 2 kernels that an even colour drives." in row.meaning
    badges = {one.name: one for one in kernel_verdicts(plain, Limits())}
    assert badges["texture plus motion"].state == "untested"
    assert badges["motion as in reference clips"].state == "untested"


@pytest.mark.parametrize(
    ("layer", "state"),
    [
        (Redundancy(40, (), (), comparable=40), "pass"),
        (Redundancy(40, tuple(range(5)), ((5, 6, 0.99),), comparable=35), "warn"),
        (Redundancy(40, tuple(range(12)), (), comparable=28), "fail"),
        (Redundancy(40, (), tuple((0, other, 0.99) for other in range(1, 13)), comparable=40), "fail"),
        (Redundancy(40, (), (), comparable=3), "warn"),
    ],
)
def test_dead_and_repeated_kernels(layer: Redundancy, state: str) -> None:
    model = kernels()
    model.evidence.redundancy = {"conv": layer}
    assert redundancy_check(model, Limits()).state == state


def of_classes(pyramid: PyramidAnswer, maps: dict[Any, Any], saliency: SaliencyAnswer) -> dict[str, Verdict]:
    view = SimpleNamespace(clip="clip", target=Target.of(0), record=None)
    graph = SimpleNamespace(conservation=pyramid.conservation_error)
    model: Any = SimpleNamespace(
        pyramids=[SimpleNamespace(graph=graph, uri="page")],
        classes=lambda _analysis: [view],
        answer=lambda _record, kind: pyramid if kind is PyramidAnswer else saliency,
        map_checks=maps,
        words=CLASSES,
        addresses=Addresses(),
        run=SimpleNamespace(card=SimpleNamespace(classes=400)),
    )
    return {row.name: row for row in (*pyramid_checks(model, Limits()), *saliency_checks(model, Limits()))}


def pyramid_of(*, error: float, drop: float, p: float, p_clips: float) -> PyramidAnswer:
    together = AblationFigures(
        count=4, drop=drop, random_mean=0.0, random_low=-1.0, random_high=1.0, others=0.0, p=p, draws=99
    )
    return PyramidAnswer(
        logit=3.0, target=Target.of(0), clip="clip", scoring="relevance", kernels=4, edges=3,
        conservation_error=error, ablation={"together": together},
        class_clips=ClassClips(own=6, others=20, own_drop=drop, other_drop=0.0, p=p_clips),
    )  # fmt: skip


def map_of(error: float) -> SaliencyAnswer:
    return SaliencyAnswer(
        method="integrated_gradients", title="Integrated gradients", target=Target.of(0), logit=3.0,
        signed=True, scale=1.0, completeness_error=error,
    )  # fmt: skip


ROWS_OF_CLASSES = (
    "Relevance is conserved (worst pyramid)",
    "Class pathways against random kernels",
    "Integrated gradients add up (worst clip)",
    "Faithful saliency maps",
    "Methods that read the weights",
)


@pytest.mark.parametrize("row", ROWS_OF_CLASSES)
def test_a_row_of_classes_passes_and_fails(row: str) -> None:
    key = ("clip", Target.of(0), "gradients")
    good = of_classes(
        pyramid_of(error=1e-6, drop=2.0, p=0.01, p_clips=0.01), {key: map_checks("gradients", 0.9, 0.1)}, map_of(0.001)
    )
    bad = of_classes(
        pyramid_of(error=0.4, drop=2.0, p=0.01, p_clips=0.6),
        {key: map_checks("gradients", 0.5, 0.5, kept=0.95)},
        map_of(0.3),
    )
    assert good[row].state == "pass"
    assert bad[row].state == "fail"


def of_motion(*rows: ClassProbes) -> Verdict:
    model: Any = SimpleNamespace(
        words=CLASSES,
        motion_probes=SimpleNamespace(classes=rows),
        addresses=Addresses(),
        manifest=SimpleNamespace(of=lambda _analysis: []),
    )
    return motion_checks(model, Limits())[0]


def probed(reliance: float, *, clips: int = 5, dissolved: float | None = None) -> ClassProbes:
    lost = reliance if dissolved is None else dissolved
    return ClassProbes(target=Target.of(0), clips=clips, measured=clips, motion_reliance=reliance, dissolved_loss=lost)


def test_classes_that_rely_on_motion_pass_and_fail() -> None:
    assert of_motion(*[probed(0.9)] * 5).state == "pass"
    assert of_motion(*[probed(0.2)] * 5).state == "fail"
    assert of_motion(*[probed(0.9, dissolved=0.1)] * 5).state == "fail", "change of appearance is no motion"
    assert of_motion(*[probed(0.9, clips=4)] * 5).state == "warn"
    assert of_motion(*[probed(0.2)] * 4).state == "warn"
    assert of_motion().state == "untested"


def test_classes_of_too_few_clips_are_said_to_be_left_out() -> None:
    found = of_motion(probed(0.9), probed(0.2), probed(0.9, clips=2))
    assert found.figure == "1 of 2"
    assert found.meaning.endswith("Not counted: 1 more class, of fewer than 5 clips.")
    assert "Not counted" not in of_motion(probed(0.9), probed(0.2)).meaning


def test_weights_pass_fail_and_are_not_told() -> None:
    loaded = WeightsFacts(sha256="0" * 64)
    states = [
        weights_check(loaded.model_copy(update=update), "").state
        for update in ({}, {"untrained": True}, {"of_unknown_origin": True})
    ]
    assert states == ["pass", "fail", "untested"]


def test_pathways_say_of_how_many_classes_they_were_asked() -> None:
    pyramid = pyramid_of(error=0.0, drop=2.0, p=0.01, p_clips=0.01)
    saliency = SaliencyAnswer(method="m", title="m", target=Target.of(0), logit=1.0, signed=False, scale=1.0)
    rows = of_classes(pyramid, {}, saliency)
    assert "It was asked of 1 of 400 classes." in rows["Class pathways against random kernels"].meaning
