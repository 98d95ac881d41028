"""A network as the analyses see it: a torch module, and the way from a clip to its class logits.

Pixels are `N C T H W` float in [0, 1], RGB. `Network.prepare` brings them to what the module was trained on; it is
differentiable, so that an analysis can optimise pixels.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, a_type, one_line, unknown_name
from reportgen.networks.core import answer
from reportgen.networks.core.above_mean import above_mean
from reportgen.networks.core.call import Arguments, ghosts, normalise, to_call
from reportgen.networks.core.copying import copied, require_readable, within_wrappers
from reportgen.networks.core.precision import in_single_precision, is_reduced
from reportgen.networks.core.programs import made_for_one_clip, with_layers
from reportgen.networks.core.taps import Taps
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.manifest import WeightsFacts
from reportgen.wording import command


@dataclass(frozen=True)
class Network:
    """A torch module in evaluation mode with its card, its labels and the facts about its weights.

    `module` may be any network; its parameters are frozen. `card` is None for a bare module, whose input is then
    taken as is and whose output is taken as class logits `N K`. With `one_by_one` a layer runs once for each clip of a
    call, so that what reads layers must give it one clip a call (see `given_one_by_one`). `channels` are those of the
    clips of a bare module, where they are not those of its first convolution. `assumptions` say what was found or
    assumed about a network without a card of its own. `stand_ins` take the place of its parameters and buffers for
    clips on the meta device, by their names; where there are none, each pass makes its own.
    """

    module: nn.Module
    card: ModelCard | None = None
    labels: tuple[str, ...] = ()
    weights: WeightsFacts | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    one_by_one: bool = False
    channels: int | None = None
    assumptions: tuple[str, ...] = ()
    stand_ins: dict[str, Tensor] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        *,
        labels: str | os.PathLike[str] | Iterable[str] | Mapping[int, str] | None = None,
        mean: Sequence[float] | float | None = None,
        std: Sequence[float] | float | None = None,
        frames: int | None = None,
        size: int | tuple[int, int] | None = None,
        adapter: Adapter | Mapping[str, Any] | None = None,
    ) -> Network:
        """Return a network around a module that lives on: one in the middle of its training, say.

        It is asked the very module, so that what is found follows its weights; the functions of this library leave it
        as it was. `labels` are the class names, a file of them, or a mapping from every index; `mean` and `std` what
        its pixels in [0, 1] RGB were standardised by, of each channel or of all, `frames` and `size` (px, or height and
        width) its clips, `adapter` how it takes a clip and what of its answer is meant
        (`reportgen.records.card.Adapter`). What is not said is found by running copies of the module or assumed, and
        kept in `assumptions`; guesses are told once on the logger `reportgen`, which writes to standard error.
        A module in float16, bfloat16 or float64 is copied into float32, and the copy is asked.

        Raises NetworkError when no clip fits or it is not certain what the module returns, OptionError when something
        is said that is not so, CardError for what is no module with weights.
        """
        live = import_module("reportgen.zoo.live")  # when it is asked: that room is built on this one
        network: Network = live.live_network(
            module, labels=labels, mean=mean, std=std, frames=frames, size=size, adapter=adapter
        )
        return network

    def __repr__(self) -> str:
        spec = self.spec
        taken = f"clips C T H W {' '.join(map(str, spec.shape))}" if spec is not None else "no card"
        classes = self.card.classes if self.card is not None and self.card.classes else len(self.labels)
        told = f"{classes} classes" if classes and self.has_classes else ""
        parts = [
            self.name,
            type(self.module).__name__,
            taken,
            told,
            "" if self.labels else "no labels",
            str(self.device),
        ]
        return one_line(f"{type(self).__name__}({', '.join(part for part in parts if part)})")

    @property
    def name(self) -> str:
        """The card's name, or the module's class for a bare module."""
        return self.card.name if self.card is not None else type(self.module).__name__

    @property
    def spec(self) -> ClipSpec | None:
        """How clips are prepared; None for a bare module."""
        return self.card.clip if self.card else None

    @property
    def adapter(self) -> Adapter:
        """How a clip becomes the module's argument."""
        return self.card.adapter if self.card else Adapter()

    @property
    def has_classes(self) -> bool:
        """Whether the network tells classes apart."""
        return self.card is None or (self.card.classes is not None and self.adapter.scores != "none")

    def prepare(self, clips: Tensor) -> Arguments:
        """Return what the module is called with for clips `N C T H W` in [0, 1] RGB (differentiable).

        A bare module takes its input as is, in memory of its own, for it may write into that. Raises NetworkError for
        clips that the network cannot take.
        """
        if self.card is None:
            return Arguments((clips.clone(),))
        return to_call(normalise(clips, self.card.clip), self.adapter)

    def run(self, clips: Tensor, *, until: str = "") -> Any:
        """Return what the module answers in evaluation mode to clips `N C T H W` in [0, 1] RGB.

        Clips on the meta device run without arithmetic, wherever the network is; most networks can. Whoever ends the
        pass by `Reached` says `until` where, in words of its own, one and the same for one and the same place.
        """
        with evaluating(self.module):
            return self._answered(clips, until)

    def _answered(self, clips: Tensor, until: str = "") -> Any:
        call = self.prepare(clips)
        if clips.device.type == "meta" and (self.stand_ins is not None or self.device.type != "meta"):
            return call.with_state(self.module, self.stand_ins or ghosts(self.module))
        return call.of(self.module, until=until)

    def class_scores(self, clips: Tensor) -> Tensor:
        """Return the class scores `N K` that the module returns for clips `N C T H W` in [0, 1] RGB.

        These are logits unless the card says `scores = "probabilities"`; then `logits` reads them before the
        softmax. Raises NetworkError when there are none.
        """
        if not self.has_classes:
            raise NetworkError(f"{self.name} has no classes: leave out the analyses that need one.")
        if self.card is None:
            found = answer.first_scores(self.run(clips), self.module, clips.shape)
            if len(found) != len(clips) > 1:  # whether a clip's rows lie together is not known
                return torch.cat([self.class_scores(clip[None]) for clip in clips])
            return answer.per_clip(found, len(clips), self.name)
        return self._read(clips, answer.class_scores)

    def logits(self, clips: Tensor) -> Tensor:
        """Return the class logits `N K` of clips `N C T H W` in [0, 1] RGB; never probabilities.

        A network that answers once for every frame, folded into the batch, has the mean over a clip's frames.
        """
        if self.adapter.scores != "probabilities":
            return self._in_calls(clips, self.class_scores)
        return self._in_calls(clips, self._logits_before_probabilities)

    def logits_over_time(self, clips: Tensor) -> Tensor:
        """Return the class logits `N K T` of a network that tells its classes at each time; raises NetworkError."""
        if self.adapter.scores == "probabilities":
            raise NetworkError(f"{self.name} returns probabilities: its logits at a time are not known.")
        return self._in_calls(clips, partial(self._read, how=answer.over_time))

    def signal(self, clips: Tensor) -> Tensor:
        """Return what a network without classes answers, `N ...`; raises NetworkError when that was not said."""
        return self._in_calls(clips, partial(self._read, how=answer.signal))

    def probabilities(self, logits: Tensor) -> Tensor | None:
        """Return the probabilities `... K` that class logits `... K` stand for; None where it is not known."""
        if self.adapter.one_logit or self.adapter.probabilities == "sigmoid":
            return logits.sigmoid()
        return logits.softmax(-1) if self.adapter.probabilities == "softmax" else None

    def told(self, logits: Tensor) -> Tensor:
        """Return class logits `... K` as figures tell them: above their mean, which a constant added to all leaves.

        Where each class is true or not by itself its logit stands for itself, and no other class has a part in it.
        """
        return logits if self.adapter.classes_apart else above_mean(logits)

    def at_once(self, clips: int) -> int:
        """Return how many of so many clips may share a pass: one, where a call must hold a certain number."""
        return clips if self.adapter.batch is None and not self.one_by_one else min(1, clips)

    def _read(self, clips: Tensor, how: Callable[[Tensor, Adapter, str], Tensor]) -> Tensor:
        """Return what one call answers, read in the way `how`: a row a clip."""
        held = self.adapter.batch or len(clips)
        found = answer.selected(self.run(clips), self.adapter, self.name, held)
        return answer.per_clip(how(found, self.adapter, self.name), len(clips), self.name)

    def _in_calls(self, clips: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the answers `N ...` of `ask`, by full calls and then clip by clip where a call must be full."""
        size = self.adapter.batch
        if size is None or len(clips) in {1, size}:
            return ask(clips)
        full = len(clips) - len(clips) % size
        parts = [*(clips[:full].split(size) if full else ()), *(clips[full:].split(1) if full < len(clips) else ())]
        return torch.cat([ask(part) for part in parts])

    @property
    def has_signal(self) -> bool:
        """Whether the network has no classes, but something else that it answers is known and can be explained."""
        return not self.has_classes and self.adapter.answer is not None

    @property
    def _classifier(self) -> str:
        if self.card is None or self.card.classifier is None:
            raise NetworkError(f"{self.name} returns probabilities: its card must name the classifier layer.")
        return self.card.classifier

    def _logits_before_probabilities(self, clips: Tensor) -> Tensor:
        name = self.layer_name(self._classifier)
        with Taps(self.module, [name]) as taps:
            self.run(clips)
            raw = answer.per_clip(taps[name], len(clips), self.name)
        found = class_positions(raw, last=isinstance(self.submodule(name), nn.Linear))
        return torch.cat([-found, found], 1) if self.adapter.one_logit else found

    def submodule(self, layer: str) -> nn.Module:
        """Return the layer of that name; the published spelling with underscores is accepted too."""
        return self.module.get_submodule(self.layer_name(layer))

    def layer_name(self, layer: str) -> str:
        """Return the module's own name of a layer given by it or by the published underscore spelling.

        Raises UnknownNameError with the nearest names.
        """
        names: list[str] = [name for name, _ in self.module.named_modules() if name]
        if not isinstance(layer, str):
            raise unknown_name("layer", str(layer), names, hint=f"{command('layers', self.name)} lists them.")
        if layer in names:
            return layer
        spelled = {name.replace(".", "_"): name for name in names}
        if layer.replace(".", "_") in spelled:
            return spelled[layer.replace(".", "_")]
        raise unknown_name("layer", layer, names, hint=f"{command('layers', self.name)} lists them.")


NetworkLike: TypeAlias = Network | nn.Module
"""A network, or a module of one's own."""


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put what of a module is in training mode into evaluation mode within the context, and back afterwards.

    What it has compiled of its parts runs as it is written: hooks and what watches a pass reach it, and nothing is
    compiled for each way in which it is watched.
    """
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        with _as_written():
            yield
    finally:
        for part in training:
            part.training = True


def _as_written() -> AbstractContextManager[Any]:
    """Return a context in which compiled functions run as they are written; none where nothing was compiled so far."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def no_network(given: object) -> NetworkError:
    """Return the error for what stands where a network should."""
    return NetworkError(f"A network is a torch module or what load_network returns, and not {a_type(given)}.")


def as_network(network: Network | nn.Module) -> Network:
    """Return a Network: itself, or a bare module wrapped, in evaluation mode with frozen parameters (a deep copy).

    One in half precision or bfloat16 becomes a copy in float32. Raises NetworkError for complex weights.
    """
    if isinstance(network, Network):
        if (module := with_layers(within_wrappers(network.module))) is not network.module:
            network = replace(network, module=module)
        if not is_reduced(network.module) and not _of_inference(network.module):
            return network
        return replace(network, module=in_single_precision(copied(network.module), network.name))
    if not isinstance(network, nn.Module):
        raise no_network(network)
    given = within_wrappers(network)
    network = with_layers(given)
    require_readable(network)
    module = in_single_precision(copied(network).eval().requires_grad_(False), type(network).__name__)
    parameter = next(module.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    return Network(module, device=device, one_by_one=made_for_one_clip(given))


def borrow(network: Network | nn.Module) -> Network:
    """Return a Network around the very module that is given, whatever its mode; see `as_network` for other precisions.

    Raises NetworkError for complex weights.
    """
    if isinstance(network, Network):
        return as_network(network)
    if is_reduced(network) or _of_inference(network) or any(one.is_complex() for one in network.parameters()):
        return as_network(network)
    given = within_wrappers(network)
    return Network(with_layers(given), one_by_one=made_for_one_clip(given))


def _of_inference(module: nn.Module) -> bool:
    """Whether a module was made in inference mode, so that no gradient can pass through it; one through a copy can."""
    return any(one.is_inference() for one in module.parameters())


def class_positions(scores: Tensor, *, last: bool = False) -> Tensor:
    """Return class logits `N K` from a classifier's raw output, averaged over positions where it has any.

    The classes lie along axis 1 (`N K T H W`, a convolution's), or with `last` along the last one (`N T H W K`, a
    linear layer's).
    """
    if scores.ndim == 2:
        return scores
    return scores.flatten(1, -2).mean(1) if last else scores.flatten(2).mean(2)


@contextmanager
def no_weight_gradients(network: Network) -> Iterator[nn.Module]:
    """Yield the module with all parameters frozen, and give them back their flags afterwards."""
    flags: Mapping[str, bool] = {name: p.requires_grad for name, p in network.module.named_parameters()}
    network.module.requires_grad_(False)
    try:
        yield network.module
    finally:
        for name, parameter in network.module.named_parameters():
            parameter.requires_grad_(flags[name])
