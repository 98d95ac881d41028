"""A plan names every job, its chunk and what it needs, and computes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from reportgen.analyses.choice.analysis import choice, chooses_by_evidence
from reportgen.analyses.choice.selection import KernelSelection
from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.errors import EmptySelectionError
from reportgen.records.plan import RunPlan
from reportgen.records.store import Store
from reportgen.runner.plan import Plan, chosen_methods, plan_jobs
from reportgen.runner.prepare import Prepared


def whole(prepared: Prepared, options: BuildOptions) -> Plan:
    subject = replace(prepared.subject, kernels=choice(prepared.subject).kernels)
    return plan_jobs(subject, chosen_methods(()), options.method_parameters(), prepared.inputs)


def test_planning_runs_nothing_of_the_network(
    prepared: Prepared, options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> torch.Tensor:
        raise AssertionError("the network was run")

    monkeypatch.setattr(torch.nn.Module, "__call__", refuse)
    assert len(whole(prepared, options).keys()) > 8


def test_what_a_job_needs_comes_before_it(prepared: Prepared, options: BuildOptions) -> None:
    seen: set[str] = set()
    for job in whole(prepared, options).jobs():
        assert set(job.needs) <= seen, f"{job.analysis} of {job.unit} needs what comes later"
        seen.add(job.key)


def test_the_stored_plan_is_the_plan(prepared: Prepared, options: BuildOptions) -> None:
    plan = whole(prepared, options)
    store = Store(prepared.place.folder)
    store.write_plan(plan.stored(1))
    kept: RunPlan = store.read_plan()
    assert tuple(planned.job.key for planned in kept.jobs) == plan.keys()
    kernels = {planned.chunk for planned in kept.jobs if planned.job.analysis == "kernels"}
    assert kernels == {"kernels/first", "kernels/second"}, "the kernels of a layer are computed together"


def test_the_same_plan_is_made_twice(prepared: Prepared, options: BuildOptions) -> None:
    assert whole(prepared, options).stored(1) == whole(prepared, options).stored(1)


@pytest.mark.parametrize(
    ("selection", "choose", "rule", "kernels"),
    [
        (KernelSelection(count=2), "first", "first", (0, 1)),
        (KernelSelection(count=2), "spread", "spread", (0, 5)),
        (KernelSelection(count=2), "selective", "spread", (0, 5)),
        (KernelSelection(), "selective", "all", (0, 1, 2, 3, 4, 5)),
        (KernelSelection(listed=(5, 1, 9)), "first", "listed", (5, 1)),
    ],
)
def test_the_choice_says_its_rule(
    prepared: Prepared, selection: KernelSelection, choose: str, rule: str, kernels: tuple[int, ...]
) -> None:
    found = choice(replace(prepared.subject, selection=selection, choose=choose))  # type: ignore[arg-type]
    assert (found.rule, found.kernels["second"]) == (rule, kernels)


def test_only_some_kernels_by_selectivity_need_the_evidence(prepared: Prepared) -> None:
    subject = replace(prepared.subject, selection=KernelSelection(count=1), choose="selective")
    assert chooses_by_evidence(subject)
    assert not chooses_by_evidence(replace(subject, choose="first"))
    assert not chooses_by_evidence(replace(subject, selection=KernelSelection()))
    assert not chooses_by_evidence(replace(subject, clips=(), reference=()))


def test_kernels_that_no_layer_has_are_refused(prepared: Prepared) -> None:
    with pytest.raises(EmptySelectionError, match="at most 6"):
        choice(replace(prepared.subject, selection=KernelSelection(listed=(99,))))


def test_a_method_that_is_off_in_a_preset_runs_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: replace(method, off_in=("quick",) if name == "motion" else ()) for name, method in methods().items()}
    monkeypatch.setattr("reportgen.runner.plan.methods", lambda: known)
    monkeypatch.setattr("reportgen.runner.plan.find_method", known.__getitem__)
    assert "motion" not in {method.name for method in chosen_methods((), "quick")}
    assert "motion" in {method.name for method in chosen_methods((), "standard")}
    assert "motion" in {method.name for method in chosen_methods(("motion",), "quick")}
