"""The motion probes as playing clips: the same frames in another order, with what is left of the class."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, strip
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import number, percent
from reportgen.records.answers.motion import ClipProbes, Probe

CLIPS_SHOWN = 6
"""Clips whose probes play; the others are in the table."""


@dataclass(frozen=True)
class PlayedProbe:
    """One probe of a clip: what is left of the value, what of it is lost, and what the clip is then taken for."""

    name: str
    clip: Strip
    value: str
    lost: str
    taken: str


@dataclass(frozen=True)
class PlayedClip:
    """A clip under the probes that are another order of its frames."""

    title: str
    uri: str
    label: str
    probes: tuple[PlayedProbe, ...]


def played_clips(model: ModelView) -> Excerpt[PlayedClip]:
    """Return the clips of the report under the probes, those that lose most first."""
    found = [(one, _clip(model, one.clip)) for one in model.clip_probes]
    shown = [(one, clip) for one, clip in found if clip and clip.frames > 1]
    shown.sort(key=lambda pair: -(pair[0].motion_reliance or 0.0))
    return Excerpt.of(shown, CLIPS_SHOWN).map(lambda pair: _played(model, *pair))


def _clip(model: ModelView, name: str) -> Strip | None:
    facts = model.clips.get(name)
    return strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None


def _played(model: ModelView, probes: ClipProbes, clip: Strip) -> PlayedClip:
    frames = range(clip.frames)
    orders = {
        "reversed": ("backwards", tuple(reversed(frames))),
        "shuffled": ("in random order", one_shuffle(clip.frames)),
    }
    shown = [PlayedProbe("as it is", clip, number(probes.logit), "", "")]
    if (frozen := probes.probes.get("frozen")) and frozen.best < clip.frames:
        title = f"frozen at frame {frozen.best}"
        shown.append(_probe(title, clip, (frozen.best,) * clip.frames, probes.logit, frozen, frozen.best))
    for name, (title, order) in orders.items():
        if probe := probes.probes.get(name):
            shown.append(_probe(title, clip, order, probes.logit, probe, None))
    return PlayedClip(
        model.clips[probes.clip].title,
        model.addresses.clip(probes.clip),
        model.question(probes.target),
        tuple(shown),
    )


def _probe(title: str, clip: Strip, order: Sequence[int], logit: float, probe: Probe, best: int | None) -> PlayedProbe:
    """Return a probe's clip with the value of its `best` variant, or the mean over its draws."""
    left = sum(probe.logits) / len(probe.logits) if best is None else probe.logits[best]
    taken = probe.predicted[best or 0] if probe.predicted and (best is not None or len(probe.logits) == 1) else ""
    lost = _lost_in_words(1 - left / logit) if logit > 0 else ""
    shown = replace(clip, order=tuple(order), alt=f"{clip.alt}, {title}")
    return PlayedProbe(title, shown, number(left), lost, taken)


def _lost_in_words(share: float) -> str:
    """Return which share of a value is gone; more than all of it is a value of the other sign."""
    if share > 1:
        return "more than all lost"
    return f"{percent(share)} lost" if share > 0 else "nothing lost"


def one_shuffle(frames: int) -> tuple[int, ...]:
    """Return one random order of frames, always the same; no frame stays behind the one that it followed."""
    for seed in range(1000):
        order = list(range(frames))
        random.Random(seed).shuffle(order)
        if all(after != before + 1 for before, after in pairwise(order)):
            return tuple(order)
    return tuple(reversed(range(frames)))
