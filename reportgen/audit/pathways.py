"""Whether a class pathway matters: what its kernels' removal must show, and on which clips."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import State
from reportgen.reading.ablation import Drop
from reportgen.reading.format import fixed, number, plural
from reportgen.reading.words import Words
from reportgen.records.answers.pyramid import ClassClips


def pathway_state(together: Drop | None, clips: ClassClips | None, limits: Limits) -> State:
    """Return whether removing the pathway costs its class more than others, and more than other kernels do.

    On the clip that it was chosen on, a pathway of a random network passes as well: without labelled clips that had no
    part in the choice it warns at most, as it does where those of its class are too few to fail.
    """
    if together is None or together.p is None or together.draws < limits.pathway_draws:
        return "untested"
    if together.p > limits.pathway_p or (together.others is not None and together.drop <= together.others):
        return "fail"
    if clips is None:
        return "warn"
    if clips.p <= limits.pathway_p:
        return "pass"
    return "fail" if clips.own >= limits.pathway_clips else "warn"


def pathway_words(together: Drop, clips: ClassClips | None, words: Words, limits: Limits) -> str:
    """Return what the removal of a pathway showed, in sentences."""
    found = [f"Removing these kernels {_moves(together.drop)} the {words.value} by {number(abs(together.drop))}"]
    if together.others is not None:
        how = "" if _moves(together.others) == _moves(together.drop) else f"{_moves(together.others)} "
        found[0] += f", and {how}those of the other classes by {number(abs(together.others))} on average"
    if together.random_mean is None or together.random_low is None or together.random_high is None:
        found.append("No control: the layers are kept so nearly whole that there is nothing to compare with")
    else:
        found.append(
            "Removing as many kernels that are as active but not kept "
            f"{_moves(together.random_mean)} it by {number(abs(together.random_mean))} "
            f"(fall in 95% of draws: {number(together.random_low)} to {number(together.random_high)})"
        )
    if together.p is not None and together.draws < limits.pathway_draws:
        found.append(f"Not tested: {together.draws} draws instead of {limits.pathway_draws}")
    elif together.p is not None:
        found.append(
            f"Exchanged with these at random, kernels cost the {words.one} as much with p = {fixed(together.p, 3)}"
        )
    if clips is None and words.one == "class":
        found.append("There were no other labelled clips to see whether it is the class's pathway or this clip's")
    elif clips is not None:
        found.append(
            f"On {plural(clips.own, 'other clip')} of the class it costs {number(clips.own_drop)} more than other "
            f"classes lose, on {plural(clips.others, 'clip')} of others {number(clips.other_drop)} "
            f"(p = {fixed(clips.p, 3)})"
        )
    return ". ".join(found) + "."


def _moves(drop: float) -> str:
    """Return what a fall does in words: one below zero is a rise."""
    return "lowers" if drop >= 0 else "raises"
