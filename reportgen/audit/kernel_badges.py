"""How far each kernel's pictures may be believed: the badges of its page."""

from __future__ import annotations

from reportgen.audit.heard import claims_change, heard
from reportgen.audit.limits import Limits
from reportgen.audit.moving import jumps, moves_beyond_still, moving_texture, turning
from reportgen.audit.paths import path_verdicts
from reportgen.audit.silence import known_times, near_silent
from reportgen.audit.verdicts import State, Verdict, at_least, graded, judged
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import number, percent, plural

_COURSES = {
    "flicker": "The clip flickers, which no motion explains; the headline says so.",
    "back and forth": "The clip turns back again and again, which smooth motion cannot follow; the headline says so.",
}


def kernel_verdicts(figures: KernelFigures, limits: Limits) -> list[Verdict]:
    """Return the badges of one kernel."""
    enough_clips = limits.reference_clips
    beats: State = "untested"
    if figures.activation is not None and figures.best_real is not None:
        enough = figures.reference_clips >= enough_clips
        beats = "pass" if enough and figures.activation > figures.best_real else "warn"
    multiple = known_times(figures, limits)
    times = "–" if multiple is None else f"{judged(multiple, 1.0, tell=number, digits=2)}×"
    return [
        Verdict(
            beats,
            "above reference clips",
            multiple,
            times,
            f"above the best of {enough_clips} reference clips or more",
            "Does the synthetic clip drive this kernel more than every reference clip? If not, it is no optimum."
            + (f" There were {figures.reference_clips}." if 0 < figures.reference_clips < enough_clips else ""),
        ),
        _explained_verdict(figures, limits),
        _kept_verdict(figures, limits),
        _motion_verdict(figures, limits),
        *path_verdicts(figures, limits),
    ]


def _explained_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether one texture and one motion make up the clip."""
    found, measured = moving_texture(figures, limits), (figures.explained_variance, figures.evidence_share)
    value = figures.explained_variance
    figure = f"{judged(value, limits.explained_variance)} explained"
    if found is False and value is not None and value >= limits.explained_variance:
        value, what, limit = figures.motion_explains, "motion", limits.motion_explains
        if jumps(figures, limits) == "steps" and moves_beyond_still(figures, limits):
            value, what, limit = figures.steady_explained, "one steady motion", limits.steady
        figure = f"{what} explains {judged(value, limit)} of what a still picture leaves"
    course = turning(figures, limits)
    state: State = "untested" if found is None else "pass" if found else "warn" if course else "fail"
    return Verdict(
        state,
        "texture plus motion",
        None if found is None else value,
        "–" if found is None else figure,
        f"one moving texture explains at least {percent(limits.explained_variance)} of the clip, and its motion "
        f"{percent(limits.motion_explains)} of what a still picture leaves (none need be explained where that is under "
        f"{percent(1 - limits.nearly_still)}), a steady one {percent(limits.steady)}, and more than jumps at random",
        "Is the clip one texture that moves, so that the pictures of both are an explanation?"
        + (" It is too even to show motion." if found is None and None not in measured else "")
        + (f" {_COURSES[course]}" if state == "warn" and course else ""),
    )


def _kept_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether the moved texture drives the kernel, wherever that was measured: the page prints the share."""
    kept = figures.activation_kept
    unlike = kept is not None and moving_texture(figures, limits) is False
    return Verdict(
        graded(kept, *limits.activation_kept),
        "driven by the moved texture",
        kept,
        judged(kept, *limits.activation_kept),
        f"{at_least(limits.activation_kept)} of the activation kept",
        "Does one moving texture, and nothing else, still drive this kernel?"
        + (" The synthetic clip itself is no moving texture, whatever this one keeps." if unlike else ""),
    )


def _motion_verdict(figures: KernelFigures, limits: Limits) -> Verdict:
    """Return whether the reference clips bear out what the headline says of the synthetic clip's motion."""
    evidence = heard(figures, limits)
    against = [one.clause for one in evidence if one.says == "against"]
    silent = near_silent(figures.response_of_median, limits)
    claims = claims_change(figures, limits)
    return Verdict(
        "untested" if not evidence else "warn" if against else "pass",
        "motion as in reference clips",
        len(against) if evidence else None,
        f"{len(against)} of {plural(len(evidence), 'kind')} of evidence against" if evidence else "–",
        f"none against: no still clip where freezing them costs {percent(limits.motion_reliance)} or more, no "
        f"moving one where it costs under {percent(limits.motion_ignored)} or the best of them stand still, no "
        "direction that those played backwards or labels contradict, nor one said not to matter that they need",
        "Does the synthetic clip move as the reference clips that drive this kernel do?"
        + (f" Against: {'; '.join(against)}." if against else "")
        + (" It is no moving texture: there is none to compare." if claims is None else "")
        + (" Reference clips barely drive it: nothing can be said of what freezing them costs." if silent else ""),
    )
