"""Kernels that labels chose are spoken of by clips that had no part in the choice."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from reportgen.analyses.common.ranking import shared_ranks
from reportgen.analyses.common.responses import most_selective, selectivity
from reportgen.analyses.evidence.halves import halves, held_out_words, mann_whitney
from reportgen.analyses.evidence.label_words import DrivingWord, aurocs, label_words
from reportgen.audit.findings import best_supported
from reportgen.audit.limits import Limits
from reportgen.audit.words_said import label_word, word_is_said
from reportgen.reading.figures import KernelFigures
from reportgen.reading.views import KernelView
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.answers.path import PathAnswer, Rank
from reportgen.records.discovery import false_discovery
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done, Job, Record, Spent

LABELS = [f"label{number // 10}" for number in range(100)]
NUMBERS = [number // 10 for number in range(100)]


def chosen(responses: Tensor, seed: int, most: int = 3) -> tuple[list[int], list[DrivingWord]]:
    """The kernels that labels explain best on one half, and what the other half says of their words."""
    split = halves(NUMBERS, seed=seed)
    assert split is not None
    own = responses[split[0]]
    score = selectivity(own, [NUMBERS[i] for i in split[0]])
    kernels = list(most_selective(score, own.std(0), most))
    return kernels, held_out_words(responses, LABELS, label_words(LABELS), split)


def test_halves_share_no_clip_and_have_as_many_of_each_label() -> None:
    labels = [place % 3 if place % 7 else None for place in range(60)]
    split = halves(labels, seed=1)
    assert split is not None
    first, second = split
    assert not set(first) & set(second)
    assert sorted(first + second) == [place for place, label in enumerate(labels) if label is not None]
    for label in range(3):
        counts = [sum(labels[place] == label for place in half) for half in split]
        assert abs(counts[0] - counts[1]) <= 1
    assert abs(len(first) - len(second)) <= 1
    assert halves([0, 0, 0, 1, 1, 1, 1]) is None, "one label has clips enough, not two"
    assert halves([None] * 50) is None


def test_what_is_said_of_chosen_noise_is_chance() -> None:
    on_all, held, said = [], [], 0
    for seed in range(16):
        noise = torch.rand((100, 32), generator=torch.Generator().manual_seed(seed))
        kernels, words = chosen(noise, seed)
        areas = aurocs(noise, LABELS, label_words(LABELS)).amax(0)
        on_all += [float(areas[kernel]) for kernel in kernels]
        held += [words[kernel].auroc for kernel in kernels]
        q = false_discovery([words[kernel].p for kernel in kernels])
        found = (LabelWord(text="x", auroc=words[k].auroc, q=one) for k, one in zip(kernels, q, strict=True))
        said += sum(word_is_said(word, Limits()) for word in found)
    mean = sum(held) / len(held)
    error = torch.tensor(held).std() / sqrt(len(held))
    assert mean == pytest.approx(0.5, abs=3 * float(error))
    assert sum(on_all) / len(on_all) > 0.65, "on the clips that chose them noise looks as if it knew labels"
    assert said <= 0.05 * len(held)


@pytest.mark.parametrize(("clips", "labelled", "fired"), [(70, 10, 3), (70, 5, 10), (200, 10, 5), (70, 10, 70)])
def test_words_of_kernels_that_fire_for_few_clips_are_no_likelier_by_chance(
    clips: int, labelled: int, fired: int
) -> None:
    generator = np.random.default_rng(0)
    responses = np.zeros((clips, 40_000))
    responses[:fired] = generator.random((fired, responses.shape[1]))
    inside = np.zeros(responses.shape, bool)
    inside[:labelled] = True

    p = mann_whitney(shared_ranks(generator.permuted(responses, axis=0)), inside)

    for level in (0.05, 0.01, 0.001):
        assert (p <= level).mean() <= level + 4 * sqrt(level / p.size)


def test_a_kernel_that_answers_to_its_label_is_chosen_and_said_to() -> None:
    responses = torch.rand((100, 64), generator=torch.Generator().manual_seed(0))
    responses[20:30, 5] += 1.0
    kernels, words = chosen(responses, 0)
    assert kernels[0] == 5
    assert words[5].text == "label2"
    assert words[5].p < 0.01
    word = LabelWord(text="label2", auroc=words[5].auroc, q=words[5].p, clips=words[5].clips)
    assert "on clips that had no part in choosing this kernel" in label_word(word, Limits(), held_out=True)


def test_the_kernel_above_the_figures_is_one_that_clips_support_and_none_that_they_barely_drive() -> None:
    job = Job(analysis="kernels", version=1, unit="a", parameters={}, seed=0, inputs={})
    done = Record(job=job, outcome=Done(answer={}), spent=Spent(seconds=0.0, finished="2025-01-01T00:00:00Z"))
    figures = KernelFigures(activation=8.0, best_real=2.0, reference_clips=20)

    def view(index: int, found: KernelFigures) -> KernelView:
        kernel = KernelId(model="net", layer="conv", index=index)
        return KernelView(id=kernel, stage="", uri="", stage1=done, decomposition=None, figures=found)

    natural = PathAnswer(path_natural=Rank(reached=0, of=40), path_told=Rank(reached=0, of=40))
    barely = view(0, replace(figures, best_real=1e-3))
    supported, driven = view(1, replace(figures, path=natural)), view(2, figures)
    assert [one.id.index for one in best_supported([barely, driven, supported], 3, Limits())] == [1, 2, 0]
