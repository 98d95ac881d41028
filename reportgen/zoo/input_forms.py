"""How a foreign network takes its clip: what is held to be certain, what is believed, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from reportgen.errors import OptionError
from reportgen.records.card import Adapter, ClipSpec
from reportgen.zoo.input_candidates import Given, candidates
from reportgen.zoo.input_tests import (
    BATCH,
    FAULTS,
    Arrived,
    answers,
    arrived,
    leaves,
    left_out,
    required_arguments,
    rows_are_clips,
    run,
)
from reportgen.zoo.sources import describe

BATCHES = (1, 2, 3, 4, 8, 16, 32)
"""Numbers of clips that a call is tried with of a network that does not take just any."""
_OTHER = 2 * BATCH
"""Another number of clips, for a network that takes any."""
_NAMED = 4


@dataclass(frozen=True)
class Fit:
    """A clip and an adapter with which the network runs, and what it returns for a call of `held` clips.

    `either` says that the network takes time behind height and width as well.
    """

    clip: ClipSpec
    adapter: Adapter
    output: Any
    arrived: Arrived
    either: bool = False

    @property
    def held(self) -> int:
        """How many clips a call holds when the network is tried."""
        return self.adapter.batch or BATCH

    def answers(self, output: Any) -> list[tuple[tuple[int | str, ...], Tensor]]:
        """Return the tensors of an output whose first axis is the clips', with the way to each."""
        return answers(output, self.adapter, self.held)


@dataclass(frozen=True)
class Unfit:
    """Why no form fits: `reason` completes the sentence "... takes no usual clip".

    `asks_for_values` says that a pass without arithmetic failed somewhere because there are none.
    """

    reason: str
    asks_for_values: bool = False


def find_fit(
    module: nn.Module,
    real: Callable[[], nn.Module],
    clip: Given,
    adapter: Given,
    batches: Sequence[int] = BATCHES,
) -> Fit | Unfit:
    """Return the first usual clip and form of input that the network takes for certain, or why there is none.

    `module` may lie on the meta device; `real` builds it with values, which the test of colours and frames needs.
    A network that takes any number of clips a call is looked for first, and then one that takes one of `batches`. A
    form that the user said is believed where the test cannot tell, and refused with OptionError where another one
    passes it.
    """
    names = required_arguments(module)
    if len(names) > 1 and not {"as_arguments", "keywords", "constants"} & set(adapter):
        return Unfit(f"it takes {len(names)} inputs ({', '.join(names)})")
    search = _Search(module, real, clip, adapter)
    fit = search.first_certain(candidates(module, clip, adapter))
    if fit is None and not search.answered and adapter.get("batch") is None:
        tried = ({**adapter, "batch": batch} for batch in batches)
        fit = search.first_certain(pair for said in tried for pair in candidates(module, clip, said))
    if fit is None and search.believed is not None:
        fit = search.confirmed(search.believed)
    if fit is None:
        return search.unfit
    return replace(_scaled(fit, clip), either="layout" not in adapter and search.takes_time_last(fit))


@dataclass
class _Search:
    """What was tried so far. `answered` says whether any form was answered with as many rows as it had clips."""

    module: nn.Module
    real: Callable[[], nn.Module]
    clip: Given
    adapter: Given
    reasons: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answered: bool = False
    believed: Fit | None = None
    _built: list[nn.Module] = field(default_factory=list)

    @property
    def built(self) -> nn.Module:
        """The network with values, built when it is first asked."""
        if not self._built:
            self._built.append(self.real())
        return self._built[0]

    @property
    def unfit(self) -> Unfit:
        """Why nothing fits: what is wrong with the answers, or the first fault where there were none."""
        told = self.reasons or [f"the first try ended with {fault}" for fault in self.faults] or ["nothing was tried"]
        return Unfit(told[0], any("meta" in fault for fault in self.faults))

    def first_certain(self, forms: Iterable[tuple[ClipSpec, Adapter]]) -> Fit | None:
        """Return the first form in which colours and frames arrive apart."""
        for spec, form in forms:
            try:
                fit = self._tried(spec, form)
            except FAULTS as error:
                self.faults.append(describe(error))
                continue
            if isinstance(fit, str):
                self.reasons.append(fit)
                continue
            self.answered = True
            if fit.arrived.doubt is None:
                return fit
            self.reasons.insert(0, fit.arrived.doubt)
            if {"input", "layout"} & set(self.adapter):
                self.believed = self.believed or fit
        return None

    def _tried(self, spec: ClipSpec, form: Adapter) -> Fit | str:
        """Return how the network answered to a form, or why that is no answer; raises FAULTS."""
        output = run(self.module, spec, form)
        held = form.batch or BATCH
        if form.batch is None and (fault := self._any_number(output, spec, form)) is not None:
            return fault
        # Of a fixed number of clips any reshaping makes some number of rows: what they are of is then only believed.
        if not {"rows", "batch"} & set(self.adapter) and form.batch is None and not answers(output, form, held):
            framed = form.model_copy(update={"rows": "frames"})
            if not answers(output, framed, held):
                return "its output has another number of samples than its input"
            if not rows_are_clips(self.built, spec, framed):
                return (
                    "its output has several rows a clip, which are not found one behind the other: let it return "
                    'N T K or N K, or say --adapter \'{"rows": "frames"}\' if they are'
                )
            form = framed
        elif not answers(output, form, held):
            return "its output has another number of samples than its input"
        elif form.batch is not None and "batch" not in self.adapter and not rows_are_clips(self.built, spec, form):
            return f"of {held} clips a call, each row of its output is not of one clip"
        return Fit(spec, form, output, arrived(self.built, spec, form))

    def _any_number(self, output: Any, spec: ClipSpec, form: Adapter) -> str | None:
        """Return why a network that answered to `BATCH` clips does not answer to any number, a row each; or None."""
        try:
            other = run(self.module, spec, form, clips=_OTHER)
        except FAULTS:
            return f"it answers to {BATCH} clips at once, but not to {_OTHER}"
        pairs = zip(leaves(output), leaves(other), strict=False)
        grown = [[*zip(one.shape, two.shape, strict=False)] for (_, one), (_, two) in pairs]
        axes = {axis for sizes in grown for axis, size in enumerate(sizes) if size == (BATCH, _OTHER)}
        rows = any(sizes and sizes[0][0] * _OTHER == sizes[0][1] * BATCH for sizes in grown)
        if not axes or rows:
            return None
        self.answered = True
        return f"its output has the clips of a call along its axis {min(axes)}: let it return them along the first one"

    def confirmed(self, fit: Fit) -> Fit:
        """Return the fit that was said; raises OptionError where another form than the said one is certain."""
        if fit.arrived.reading == "mixed":
            other = self._another(fit)
            if other is not None:
                raise OptionError(f"--adapter says that it takes {words(fit.adapter)}, but it takes {words(other)}.")
        return fit

    def _another(self, fit: Fit) -> Adapter | None:
        """Return another form than the one that was said, with which colours and frames do arrive apart."""
        fields = {name: value for name, value in self.adapter.items() if name not in {"layout", "input"}}
        for spec, form in candidates(self.module, self.clip, fields):
            try:
                run(self.module, spec, form)
            except FAULTS:
                continue
            if spec.frames == fit.clip.frames and arrived(self.built, spec, form).doubt is None:
                return form
        return None

    def takes_time_last(self, fit: Fit) -> bool:
        """Whether the network takes N C H W T where it was found to take N C T H W: nothing then tells which it is."""
        if fit.adapter.input != "clip" or fit.adapter.layout != "N C T H W" or fit.arrived.dims == 2:
            return False
        form = fit.adapter.model_copy(update={"layout": "N C H W T"})
        try:
            return bool(answers(run(self.module, fit.clip, form), form, fit.held))
        except FAULTS:
            return False


def _scaled(fit: Fit, clip: Given) -> Fit:
    """Return the fit with pixels as the network wants them that scales them itself."""
    scaling = fit.arrived.own_scaling
    if scaling is None or fit.adapter.numbers == "uint8" or {"mean", "std", "value_range"} & set(clip):
        return fit
    channels = fit.clip.channels
    plain = {"mean": (0.0,) * channels, "std": (1.0,) * channels, "value_range": scaling}
    return replace(fit, clip=fit.clip.model_copy(update=plain))


def words(form: Adapter) -> str:
    """Return in words how a network takes its clip."""
    frame = form.layout.replace(" T", "")
    kinds = {
        "clip": f"a clip {form.layout}",
        "frame": f"single frames {frame}",
        "frames": f"its frames, each {frame},",
        "stacked_frames": "frames stacked as channels, N (T C) H W",
        "pathways": f"clips {form.layout} with temporal strides {form.strides}",
    }
    text = kinds[form.input] + (" of bytes" if form.numbers == "uint8" else "")
    if form.as_arguments:
        text += " as arguments of their own"
    elif form.as_list or form.input in {"frames", "pathways"}:
        text += " in a list"
    return text + (f", by the keyword {' and '.join(form.keywords)}" if form.keywords else "")


def stated(fit: Fit, clip: Given, adapter: Given, module: nn.Module) -> list[str]:
    """Say what was found or assumed about the input, with the flag that says otherwise."""
    notes = []
    spec = fit.clip
    if not {"frames", "height", "width"} <= set(clip):
        notes.append(
            f"Assumed: a clip of {spec.frames} frames of {spec.height}x{spec.width} px, the first usual size that "
            "the network answers to (--clip-spec says otherwise)."
        )
    scaling = fit.arrived.own_scaling
    low, high = spec.value_range
    if not {"mean", "std"} <= set(clip) and (scaling is not None or fit.adapter.numbers == "uint8"):
        why = "it asks for bytes" if fit.adapter.numbers == "uint8" else "it scales them itself"
        notes.append(f"Found: {why}, so its pixels go from {low:g} to {high:g} (--clip-spec says otherwise).")
    elif not {"mean", "std"} <= set(clip):
        notes.append(
            f"Assumed: pixels from {low:g} to {high:g}, mean {spec.mean}, standard deviation {spec.std}, "
            f"{spec.channel_order} (--clip-spec says otherwise)."
        )
    notes.append(_paired(fit, {"input", "layout"} & set(adapter)))
    return notes + _held(fit.adapter, left_out(module, fit.adapter))


def _paired(fit: Fit, said: set[str]) -> str:
    if fit.arrived.doubt is not None:
        return f"It was said to take {words(fit.adapter)}; that could not be tested: {fit.arrived.doubt}."
    apart = "each colour and each frame arrives apart at its first layer"
    if fit.adapter.layout == "N C H W T" and not said:
        return (
            f"Assumed: it takes {words(fit.adapter)}; {apart}, and of the usual sizes it takes none as N C T H W "
            "(--clip-spec and --adapter say otherwise)."
        )
    if fit.either:
        return (
            f"Assumed: it takes {words(fit.adapter)}; {apart}, but it takes N C H W T as well, and nothing tells which "
            'of the three axes is time (--adapter \'{"layout": "N C H W T"}\' says otherwise).'
        )
    return f"{'Tested' if said else 'Found'}: it takes {words(fit.adapter)}; {apart} (--adapter says otherwise)."


def _held(adapter: Adapter, optional: Sequence[str]) -> list[str]:
    """Say what is left out, how many clips a call holds, and how rows are read, where that is not as usual."""
    notes = []
    if optional:
        names = ", ".join(optional[:_NAMED]) + (" and others" if len(optional) > _NAMED else "")
        notes.append(f"Left at their defaults: its arguments {names} (--adapter gives them constants).")
    if adapter.batch is not None:
        given = "one clip a call" if adapter.batch == 1 else f"{adapter.batch} clips a call, so each is repeated"
        notes.append(f"Found: it takes {given} (--adapter '{{\"batch\": ...}}' says otherwise).")
    if adapter.rows == "frames":
        notes.append("Found: its output has a row for every frame, clip by clip (--adapter says otherwise).")
    return notes
