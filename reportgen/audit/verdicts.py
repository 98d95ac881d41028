"""Pass, warn, fail or not tested: each with its figure, its threshold and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reportgen.audit.limits import Limit, Limits
from reportgen.audit.moving import moving_texture
from reportgen.audit.sentences import hides_motion, overstates_motion
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent

State = Literal["pass", "warn", "fail", "untested"]

NOT_COMPARED = " Nothing to compare: no real clips, none that drives it, or no measured layer before it."


@dataclass(frozen=True)
class Verdict:
    """How far a figure may be believed.

    `value` is the number that was judged and `figure` that number as it is printed; None where it is not known, or
    where a fact is judged and no number. `link` leads to the evidence (a site address), where there is a page of it.
    """

    state: State
    name: str
    value: float | None
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


def at_least(limit: Limit) -> str:
    """Return a rising limit in words."""
    return f"at least {percent(limit[0])} (warn from {percent(limit[1])})"


def at_most(limit: Limit) -> str:
    """Return a falling limit in words."""
    return f"at most {percent(limit[0])} (warn to {percent(limit[1])})"


def kernel_verdicts(figures: KernelFigures, limits: Limits) -> list[Verdict]:
    """Return the badges of one kernel."""
    enough_clips = limits.reference_clips
    beats: State = "untested"
    if figures.activation is not None and figures.best_real is not None:
        enough = figures.reference_clips >= enough_clips
        beats = "pass" if enough and figures.activation > figures.best_real else "warn"
    times = "–" if figures.times_best is None else f"{number(figures.times_best, 2)}×"
    return [
        Verdict(
            beats,
            "above real clips",
            figures.times_best,
            times,
            f"above the best of {enough_clips} real clips or more",
            "Does the synthetic clip drive this kernel more than every real clip? If not, it is no optimum."
            + (f" There were {figures.reference_clips}." if 0 < figures.reference_clips < enough_clips else ""),
        ),
        _explained_verdict(figures, limits),
        _kept_verdict(figures, limits),
        _motion_verdict(figures, limits),
        Verdict(
            graded(figures.path_similarity, *limits.path_similarity),
            "natural path",
            figures.path_similarity,
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
            figures.seed_similarity,
            fixed(figures.seed_similarity),
            f"rank correlation of responses at least {fixed(limits.seed_similarity[0])} "
            f"(warn from {fixed(limits.seed_similarity[1])})",
            "Do other random starts lead to a clip that the network sees alike?"
            + ("" if figures.seed_similarity is not None else " This run computed one seed."),
        ),
    ]


def _explained_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether one texture and one motion make up the clip."""
    found = moving_texture(figures, limits)
    value, figure = figures.explained_variance, f"{percent(figures.explained_variance)} explained"
    if found is False and value is not None and value >= limits.explained_variance:
        value = figures.motion_explains
        figure = f"motion explains {percent(value)} of what a still picture leaves"
    return Verdict(
        "untested" if found is None else "pass" if found else "fail",
        "texture plus motion",
        None if found is None else value,
        "–" if found is None else figure,
        f"one moving texture explains at least {percent(limits.explained_variance)} of the clip, and its motion "
        f"{percent(limits.motion_explains)} of what a still picture leaves (none need be explained where that is under "
        f"{percent(1 - limits.nearly_still)})",
        "Is the clip one texture that moves, so that the pictures of both are an explanation?",
    )


def _kept_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether the moved texture drives the kernel; nothing is told of a clip that is no moving texture."""
    kept = figures.activation_kept if moving_texture(figures, limits) else None
    return Verdict(
        graded(kept, *limits.activation_kept),
        "driven by the moved texture",
        kept,
        percent(kept),
        f"{at_least(limits.activation_kept)} of the activation kept",
        "Does one moving texture, and nothing else, still drive this kernel?",
    )


def _motion_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether the synthetic clip shows the motion that real clips drive the kernel by.

    A clip that is no moving texture has no motion to compare.
    """
    no_moving_texture = moving_texture(figures, limits) is False
    measured = figures.mean_speed is not None and figures.real_kept_frozen is not None and not no_moving_texture
    disagrees = hides_motion(figures, limits) or overstates_motion(figures, limits)
    return Verdict(
        ("warn" if disagrees else "pass") if measured else "untested",
        "motion as in real clips",
        figures.real_kept_frozen if measured else None,
        f"{percent(figures.real_kept_frozen)} left frozen" if measured else "–",
        f"no still clip where freezing real ones costs {percent(limits.motion_reliance)} or more, "
        f"no moving one where it costs under {percent(limits.motion_ignored)}",
        "Does the synthetic clip move if, and only if, the real clips that drive this kernel need their motion?"
        + (" It is no moving texture: there is none to compare." if no_moving_texture else ""),
    )
