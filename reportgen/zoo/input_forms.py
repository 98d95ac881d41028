"""How a foreign network takes its clip: what is held to be certain, what is believed, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from reportgen.errors import OptionError, OutOfMemoryError
from reportgen.records.card import Adapter, ClipSpec
from reportgen.wording import option
from reportgen.zoo.input_candidates import candidates
from reportgen.zoo.input_tests import (
    BATCH,
    FAULTS,
    Arrived,
    Given,
    answers,
    arrived,
    asked_keys,
    keyword_only,
    leaves,
    reads_each,
    required_arguments,
    rows_are_clips,
    run,
)
from reportgen.zoo.input_words import advice, words
from reportgen.zoo.sources import describe

BATCHES = (1, 2, 3, 4, 8, 16, 32)
"""Numbers of clips that a call is tried with of a network that does not take just any."""
_OTHER = 2 * BATCH
"""Another number of clips, for a network that takes any."""


@dataclass(frozen=True)
class Fit:
    """A clip and an adapter with which the network runs, and what it returns for a call of `held` clips.

    `either` is another form that the network takes as well: time behind height and width, or its pathways exchanged.
    """

    clip: ClipSpec
    adapter: Adapter
    output: Any
    arrived: Arrived
    either: Adapter | None = None

    @property
    def held(self) -> int:
        """How many clips a call holds when the network is tried."""
        return self.adapter.batch or BATCH

    def answers(self, output: Any) -> list[tuple[tuple[int | str, ...], Tensor]]:
        """Return the tensors of an output whose first axis is the clips', with the way to each."""
        return answers(output, self.adapter, self.held)


@dataclass(frozen=True)
class Unfit:
    """Why no form fits: `reason` completes the sentence "... takes no usual clip", `advice` says what to do.

    `asks_for_values` says that a pass without arithmetic failed somewhere, perhaps because there are none.
    """

    reason: str
    advice: str
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
    missing = keyword_only(module, adapter)
    if missing:
        return Unfit(f"it must be told {' and '.join(missing)}", advice((), missing, ()))
    if len(names) > 1 and not {"as_arguments", "keywords", "constants"} & set(adapter):
        return Unfit(f"it takes {len(names)} inputs ({', '.join(names)})", advice(names, (), ()))
    search = _Search(module, real, clip, adapter)
    fit = search.first_certain(candidates(module, clip, adapter))
    if fit is None and not search.answered and adapter.get("batch") is None:
        tried = ({**adapter, "batch": batch} for batch in batches)
        fit = search.first_certain(pair for said in tried for pair in candidates(module, clip, said))
    if fit is None and search.believed is not None:
        fit = search.confirmed(search.believed)
    if fit is None:
        return search.unfit
    return replace(_scaled(fit, clip), either=search.other_form(fit))


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
        spec = next((spec for spec, _ in candidates(self.module, self.clip, {})), None)
        keys = () if spec is None else asked_keys(self.module, spec)
        return Unfit(told[0], advice((), (), keys), any(map(_may_want_values, self.faults)))

    def first_certain(self, forms: Iterable[tuple[ClipSpec, Adapter]]) -> Fit | None:
        """Return the first form in which colours and frames arrive apart."""
        for spec, form in forms:
            try:
                fit = self._tried(spec, form)
            except OutOfMemoryError:
                raise  # no form of the input would need less
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
            if (fault := self._framed(output, spec, framed)) is not None:
                return fault
            form = framed
        elif not answers(output, form, held):
            return _unlike(output, held)
        elif form.batch is not None and "batch" not in self.adapter and not rows_are_clips(self.built, spec, form):
            return f"of {held} clips a call, each row of its output is not of one clip"
        if form.input == "pathways" and not reads_each(self.built, spec, form):
            return "it reads only some of the clips that it is given"
        return Fit(spec, form, output, arrived(self.built, spec, form))

    def _framed(self, output: Any, spec: ClipSpec, form: Adapter) -> str | None:
        """Return why the rows of an output are not the times of its clips, clip by clip; None where they are."""
        if not answers(output, form, BATCH):
            return _unlike(output, BATCH)
        if not rows_are_clips(self.built, spec, form):
            return (
                "its output has several rows a clip, which are not found one behind the other: let it return N T K or "
                f"N K, or say {option('--adapter', {'rows': 'frames'})} if they are"
            )
        return None

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
                raise OptionError(
                    f"{option('--adapter')} says that it takes {words(fit.adapter)}, but it takes {words(other)}."
                )
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

    def other_form(self, fit: Fit) -> Adapter | None:
        """Return another form that the network takes as well, where nothing tells which of the two it is.

        That is N C H W T where it was found to take N C T H W, or two pathways in the other order.
        """
        form = fit.adapter
        if form.input == "pathways" and len(set(form.strides)) > 1 and "strides" not in self.adapter:
            other = form.model_copy(update={"strides": form.strides[::-1]})
        elif "layout" in self.adapter or form.input not in {"clip", "clips"} or form.layout != "N C T H W":
            return None
        else:
            other = form.model_copy(update={"layout": "N C H W T"})
        if other.layout != form.layout and fit.arrived.dims == 2:
            return None
        try:
            return other if answers(run(self.module, fit.clip, other), other, fit.held) else None
        except FAULTS:
            return None


def _unlike(output: Any, clips: int) -> str:
    """Say what is wrong with an output of which no tensor has a row for each of so many clips."""
    shapes = [tuple(tensor.shape) for _, tensor in leaves(output)]
    if not shapes:
        return f"it returns no tensor, but {type(output).__name__}"
    return f"its output has another number of samples than its input: {shapes[0]} for {clips} clips"


def _may_want_values(fault: str) -> bool:
    """Whether a fault may be of a pass without arithmetic alone: one of meta tensors, or of what is not there then."""
    return "meta" in fault.lower() or "NoneType" in fault


def _scaled(fit: Fit, clip: Given) -> Fit:
    """Return the fit with pixels as the network wants them that scales them itself."""
    scaling = fit.arrived.own_scaling
    if scaling is None or fit.adapter.numbers == "uint8" or {"mean", "std", "value_range"} & set(clip):
        return fit
    channels = fit.clip.channels
    plain = {"mean": (0.0,) * channels, "std": (1.0,) * channels, "value_range": scaling}
    return replace(fit, clip=fit.clip.model_copy(update=plain))
