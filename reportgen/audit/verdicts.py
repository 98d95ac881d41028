"""Pass, warn, fail or not tested: each with its figure, its threshold and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reportgen.audit.limits import Limits
from reportgen.audit.sentences import hides_motion
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent

State = Literal["pass", "warn", "fail", "untested"]

NOT_COMPARED = " Nothing to compare: no real clips, none that drives it, or no measured layer before it."


@dataclass(frozen=True)
class Verdict:
    """How far a figure may be believed. `link` leads to the evidence (a site address), where there is a page of it."""

    state: State
    name: str
    figure: str
    threshold: str
    meaning: str
    link: str = ""

    @property
    def word(self) -> str:
        """The state as a reader sees it."""
        return "not tested" if self.state == "untested" else self.state


def graded(value: float | None, good: float, fair: float) -> State:
    """Return pass from `good` up, warn from `fair` up, else fail; falling scales have `good` under `fair`."""
    if value is None:
        return "untested"
    if good < fair:
        value, good, fair = -value, -good, -fair
    return "pass" if value >= good else "warn" if value >= fair else "fail"


def kernel_verdicts(figures: KernelFigures, limits: Limits) -> list[Verdict]:
    """Return the badges of one kernel."""
    enough_clips = limits.reference_clips
    most_kept, half_kept = limits.activation_kept
    explained: State = "untested"
    if figures.texture_plus_motion is not None:
        explained = graded(figures.activation_kept, most_kept, half_kept) if figures.texture_plus_motion else "fail"
    beats: State = "untested"
    if figures.activation is not None and figures.best_real is not None:
        enough = figures.reference_clips >= enough_clips
        beats = "pass" if enough and figures.activation > figures.best_real else "warn"
    times = "–" if figures.times_best is None else f"{number(figures.times_best, 2)}×"
    return [
        Verdict(
            beats,
            "above real clips",
            times,
            f"above the best of {enough_clips} real clips or more",
            "Does the synthetic clip drive this kernel more than every real clip? If not, it is no optimum."
            + (f" There were {figures.reference_clips}." if 0 < figures.reference_clips < enough_clips else ""),
        ),
        Verdict(
            explained,
            "texture plus motion",
            percent(figures.activation_kept),
            f"at least {percent(most_kept)} of the activation kept (warn from {percent(half_kept)})",
            "Does one moving texture, and nothing else, still drive this kernel?",
        ),
        _motion_verdict(figures, limits),
        Verdict(
            graded(figures.path_similarity, *limits.path_similarity),
            "natural path",
            fixed(figures.path_similarity),
            f"at least {fixed(limits.path_similarity[0])} (warn from {fixed(limits.path_similarity[1])}: "
            "0 is as far as unrelated real clips, "
            "1 as near as the clips that drive it)",
            "Does the synthetic clip activate the layers before this kernel the way real clips that drive it do?"
            + ("" if figures.path_similarity is not None else NOT_COMPARED),
        ),
        Verdict(
            graded(figures.seed_similarity, *limits.seed_similarity),
            "seeds agree",
            fixed(figures.seed_similarity),
            f"rank correlation of responses at least {fixed(limits.seed_similarity[0])} "
            f"(warn from {fixed(limits.seed_similarity[1])})",
            "Do other random starts lead to a clip that the network sees alike?"
            + ("" if figures.seed_similarity is not None else " This run computed one seed."),
        ),
    ]


def _motion_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether the synthetic clip shows the motion that real clips drive the kernel by.

    A clip that is no moving texture has no motion to compare.
    """
    no_moving_texture = figures.texture_plus_motion is False
    measured = figures.mean_speed is not None and figures.real_kept_frozen is not None and not no_moving_texture
    return Verdict(
        ("warn" if hides_motion(figures, limits) else "pass") if measured else "untested",
        "motion as in real clips",
        "–" if figures.real_kept_frozen is None else f"{percent(figures.real_kept_frozen)} left frozen",
        f"no still clip where freezing the best real one leaves under {percent(limits.motion_matters)}",
        "Does the synthetic clip move where the real clip that drives this kernel most needs its motion?"
        + (" It is no moving texture: there is none to compare." if no_moving_texture else ""),
    )
