"""Which classes are compared, and on which clips, by what the network takes the labelled reference clips for.

CNN-VIS compares the gradients of one class's logit on a clip of that class, of a similar and of a dissimilar one. Here
classes are similar that the network confuses, each is shown by a clip that it recognises and by one that it does not,
and what the clips do not offer is named.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.base import tensor
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.common.readable import UnreadableClips, readable_clips
from reportgen.clips import Clip, ClipReference
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network

Role = Literal["reference", "similar", "dissimilar"]
CaseOutcome = Literal["correct", "wrong"]

ROLES: tuple[Role, ...] = ("reference", "similar", "dissimilar")
OUTCOMES: tuple[CaseOutcome, ...] = ("correct", "wrong")


@dataclass(frozen=True, eq=False)
class AskedReference:
    """A clip with the network's logits `K` for it; None where the network has no classes."""

    clip: ClipReference
    logits: NDArray[np.float64] | None

    @property
    def label(self) -> int | None:
        """The class that the clip is of, where that is known."""
        return self.clip.label

    @property
    def known_label(self) -> int:
        """The label of a clip that has one."""
        assert self.label is not None  # who asks has chosen labelled clips
        return self.label

    @property
    def scores(self) -> NDArray[np.float64]:
        """The logits of a clip that a network with classes was asked about."""
        assert self.logits is not None  # who asks has chosen such a network
        return self.logits

    @property
    def predicted(self) -> int:
        """The class of the largest logit."""
        return int(self.scores.argmax())

    @property
    def asked(self) -> int:
        """The class that the clip is asked about: its own, or the predicted one where it has no label."""
        return self.predicted if self.label is None else self.label

    @property
    def margin(self) -> float:
        """How far the label's logit is above the largest of the others; below zero where the clip is taken for one."""
        own = self.scores[self.known_label]
        others = np.delete(self.scores, self.known_label)
        return float(own - others.max()) if len(others) else float(own)


@dataclass(frozen=True)
class ComparedCase:
    """One clip of the comparison: which class it stands for, and whether the network takes it for that class.

    `again` marks a second such clip of the reference class: how far two clips of one class differ.
    """

    role: Role
    outcome: CaseOutcome
    clip: AskedReference
    again: bool = False


@dataclass(frozen=True)
class ClassesToCompare:
    """The classes that are compared (None where there is none), their clips, and in words which are missing."""

    classes: dict[Role, int | None]
    cases: tuple[ComparedCase, ...]
    missing: tuple[str, ...]

    @property
    def reference(self) -> int:
        """The class whose logit is asked about."""
        index = self.classes["reference"]
        assert index is not None  # there is one wherever a clip has a label
        return index


def evenly_by_label(clips: Iterable[ClipReference], most: int, seed: int) -> list[ClipReference]:
    """Return at most so many clips, as many of each label as of another, drawn with the seed."""
    by_label: dict[int | None, list[ClipReference]] = defaultdict(list)
    for clip in clips:
        by_label[clip.label].append(clip)
    generator = random.Random(seed)
    for own in by_label.values():
        generator.shuffle(own)
    rounds = chain.from_iterable(zip_longest(*by_label.values()))
    return [clip for clip in rounds if clip is not None][:most]


def asked_references(network: Network, clips: Sequence[ClipReference], faults: UnreadableClips) -> list[AskedReference]:
    """Return the clips that can be read, with their logits, a batch at a time."""
    places = {clip.name: clip for clip in clips}
    found: list[AskedReference] = []
    waiting: list[Clip] = []

    def ask() -> None:
        with torch.no_grad():
            logits = network.logits(torch.cat([tensor(clip) for clip in waiting]).to(network.device))
        for clip, own in zip(waiting, logits.double().cpu().numpy(), strict=True):
            found.append(AskedReference(places[clip.name], own))
        waiting.clear()

    for clip in readable_clips(clips, faults):
        if not network.has_classes:
            found.append(AskedReference(places[clip.name], None))
            continue
        waiting.append(clip)
        if len(waiting) >= network.at_once(starting_batch(tensor(clip).to(network.device))):
            ask()
    if waiting:
        ask()
    return found


def pixels_of(clip: ClipReference, network: Network) -> Tensor:
    """Return a clip `1 C T H W`, loaded now, where the network is."""
    return tensor(clip.load()).to(network.device)


def likeness(clips: Sequence[AskedReference]) -> NDArray[np.float64]:
    """Return how alike the network finds two classes, `K K`, symmetric; the diagonal is not a number.

    The share of both classes' clips that are taken for the other; where that is equal, how high the one's logits are on
    the other's clips, in standard deviations of a clip's logits, decides: it adds less than one clip would. A class
    without clips is compared by the other's alone; not a number where neither has any.
    """
    classes = len(clips[0].scores)
    taken, height, count = (np.zeros((classes, classes)) for _ in range(3))
    for one in clips:
        spread = float(one.scores.std()) or 1.0
        taken[one.known_label, one.predicted] += 1
        height[one.known_label] += np.tanh((one.scores - one.scores.mean()) / spread / 4)
        count[one.known_label] += 1
    both = count + count.T
    with np.errstate(invalid="ignore", divide="ignore"):
        # The second term lies within a quarter of what a single clip adds to the first.
        found: NDArray[np.float64] = (taken + taken.T) / both + (height + height.T) / both / (4 * len(clips))
    np.fill_diagonal(found, np.nan)
    return found


def compare_classes(
    clips: Sequence[AskedReference],
    names: Sequence[str],
    *,
    given: dict[Role, int],
    preferred: int | None = None,
) -> ClassesToCompare:
    """Return what is compared: the `given` classes, and of those not given the ones that the confusion offers.

    The reference class is then the one that leaves the fewest cases missing, of equals the `preferred` one, else the
    one most like another and, of those two, the one recognised less clearly. `names` are the classes' names.
    Raises OptionError where two of the given classes are one.
    """
    if len(set(given.values())) < len(given):
        raise OptionError("reference_class, similar and dissimilar must name three different classes.")
    alike = likeness(clips)
    with_clips = sorted({one.known_label for one in clips})
    candidates = [given["reference"]] if "reference" in given else with_clips

    def worth(reference: int) -> tuple[int, bool, float, float]:
        chosen = _with_others(reference, alike, with_clips, given)
        others = alike[reference][~np.isnan(alike[reference])]
        margins = [one.margin for one in clips if one.label == reference]
        clear = sum(margins) / len(margins) if margins else 0.0
        return len(_cases(chosen, clips)), reference == preferred, float(others.max(initial=-np.inf)), -clear

    classes = _with_others(max(candidates, key=worth), alike, with_clips, given)
    cases = _cases(classes, clips)
    return ClassesToCompare(classes, tuple(cases), tuple(_missing(classes, cases, clips, names)))


def _with_others(
    reference: int, alike: NDArray[np.float64], with_clips: Sequence[int], given: dict[Role, int]
) -> dict[Role, int | None]:
    taken = {reference, *given.values()}
    free = [one for one in with_clips if one not in taken and not np.isnan(alike[reference, one])]
    free.sort(key=lambda one: -float(alike[reference, one]))
    similar = given.get("similar", free[0] if free else None)
    left = [one for one in free if one != similar]
    return {
        "reference": reference,
        "similar": similar,
        "dissimilar": given.get("dissimilar", left[-1] if left else None),
    }


def _cases(classes: dict[Role, int | None], clips: Sequence[AskedReference]) -> list[ComparedCase]:
    """Return the clips that the network is surest of, right or wrong, for each of the classes."""
    found = []
    for role in ROLES:
        own = sorted((one for one in clips if one.label == classes[role]), key=lambda one: -one.margin)
        right = [one for one in own if one.predicted == one.label]
        wrong = [one for one in reversed(own) if one.predicted != one.label]
        found += [ComparedCase(role, "correct", one) for one in right[:1]]
        found += [ComparedCase(role, "wrong", one) for one in wrong[:1]]
        found += [ComparedCase(role, "correct", one, again=True) for one in right[1:2] if role == "reference"]
    return found


def _missing(
    classes: dict[Role, int | None],
    cases: Sequence[ComparedCase],
    clips: Sequence[AskedReference],
    names: Sequence[str],
) -> Iterable[str]:
    for role in ROLES:
        own = classes[role]
        if own is None:
            yield f"a {role} class: no other class has a labelled clip"
            continue
        name = names[own] if own < len(names) else f"class {own}"
        count = sum(one.label == own for one in clips)
        if not count:
            yield f"clips of the {role} class {name}: none is labelled so"
            continue
        for outcome in OUTCOMES:
            if not any(case.role == role and case.outcome == outcome for case in cases):
                which = "recognises none" if outcome == "correct" else "recognises all"
                yield f"a {outcome}ly classified clip of the {role} class {name}: the network {which} of its {count}"
