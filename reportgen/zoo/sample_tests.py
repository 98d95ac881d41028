"""Whether a network's answer to a clip is that clip's alone: not other clips', not chance's, not an earlier call's.

Every analysis asks a network many times and puts many clips into one call. Both give wrong figures, without a word, of
a network that mixes the clips of a batch, draws random numbers when it answers, or remembers what it was asked before.
What it keeps in its modules is taken away behind each call; what it keeps elsewhere cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reportgen.errors import NetworkError
from reportgen.networks.core.attributes import attributes_kept, leaves_something
from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import Observer
from reportgen.networks.core.one_by_one import given_one_by_one
from reportgen.networks.core.random_state import drawing_from
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.seen import Seen, clip_seen
from reportgen.records.card import ModelCard
from reportgen.wording import option
from reportgen.zoo.input_tests import FAULTS, leaves

#: How far two answers to one clip may be apart: in shares of what tells two clips apart, and of the largest answer.
_OF_CLIPS, _OF_ANSWERS = 1e-3, 1e-5
#: The same for answers of the same arithmetic in the same place, which should agree to the last digits.
_SAME = 1e-6
_SEED = 0


def settled(network: Network) -> ModelCard:
    """Return the card of a network with what makes its answers repeatable and each clip's own, and notes that say so.

    A network that mixes the clips of a batch is then given one clip a call, one that draws random numbers begins every
    call with the same ones; every call of one that remembers calls begins as its first one. Raises NetworkError for a
    network that cannot be asked so, or that remembers calls elsewhere than in its modules.
    """
    assert network.card is not None
    card = network.card
    asked = _Asked.of(network)
    if not asked.answers(0, 1).isfinite().any():
        raise NetworkError(
            f"{network.name} answers clips of noise with no finite number (NaN or infinity): look at its weights, and "
            f"at the clip that it is given ({option('--clip-spec', fields=('frames', 'height', 'width'))})."
        )
    adapter, notes = card.adapter, []
    if asked.remembers():
        notes.append(
            "Found: it answers by what it keeps of earlier calls, so every call begins as its first one: figures and "
            "maps are of a clip that nothing came before."
        )
    if asked.alone():
        return card.model_copy(update={"notes": (*card.notes, *notes)})
    asked.refuse_memory()
    if asked.draws():
        adapter = adapter.model_copy(update={"seed": _SEED, "batch": adapter.batch or 1})
        notes.append(
            "Found: it draws random numbers when it answers, so every call begins with the same ones: figures and maps "
            f"are of that draw ({option('--adapter', {'seed': 1})} takes another)."
        )
    elif asked.mixes():
        if adapter.batch is not None and adapter.batch > 1:
            raise NetworkError(
                f"{card.title} takes {adapter.batch} clips at once, and its answer to one depends on the others: "
                "wrap it so that its clips are kept apart, or export it for one clip."
            )
        adapter = adapter.model_copy(update={"batch": 1})
        notes.append(
            "Found: its answer to a clip depends on the other clips of the batch, so it is given one clip a call: "
            "figures and maps are of a clip that is alone."
        )
    return card.model_copy(update={"adapter": adapter, "notes": (*card.notes, *notes)})


def in_turn(network: Network) -> Network:
    """Return a network that is given one clip a call where it loops over the clips, with a note that says so."""
    assert network.card is not None
    given = given_one_by_one(network, network.card.clip.shape)
    if not given.one_by_one:
        return network
    note = "Found: it takes the clips of a call one after the other, so it is given one clip a call."
    return replace(given, card=network.card.model_copy(update={"notes": (*network.card.notes, note)}))


_FORGETFUL = (
    "{name} answers the same clip differently each time, with the same random numbers of torch too: let its forward "
    "begin anew (reset what it keeps between calls) and draw from torch alone."
)


@dataclass(frozen=True)
class _Asked:
    """A network and three clips `3 C T H W` that it is asked about, `held` of them in a call."""

    network: Network
    clips: Tensor
    held: int

    @classmethod
    def of(cls, network: Network) -> _Asked:
        """Return the network with clips that tell much apart."""
        assert network.card is not None
        noise = torch.rand((3, *network.card.clip.shape), generator=torch.Generator().manual_seed(3))
        levels = torch.tensor([0.3, 0.7, 1.0]).view(3, 1, 1, 1, 1)
        return cls(network, (noise * levels).to(network.device), network.adapter.batch or 2)

    def answers(self, *order: int, seed: int = _SEED) -> Tensor:
        """Return the answers `N ...` to a call of the clips of these numbers, repeated at its end until it is full."""
        numbers = list(order)[: self.held] + [order[-1]] * (self.held - len(order))
        clips, network = self.clips[numbers], self.network
        with torch.no_grad(), drawing_from(seed, [network.device]):
            if network.has_classes:
                return network.class_scores(clips).float()
            if network.has_signal:
                return network.signal(clips).float()
            found = [tensor for _, tensor in leaves(network.run(clips)) if tensor.shape[:1] == (len(clips),)]
            rows = [tensor.reshape(len(clips), -1).float() for tensor in found]
            return torch.cat(rows, 1) if rows else torch.zeros(len(clips), 1)

    def alone(self) -> bool:
        """Whether a clip is answered alike in another place, among others, after another call and other numbers."""
        first = self.answers(0, 1)
        if self.held == 1:
            self.answers(2, seed=1)
            return _alike(self.answers(0, seed=2), first, _SAME * _largest(first))
        tolerance = self._tolerance(first)
        second = self.answers(*[2] * (self.held - 1), 0, seed=1)
        # Of three clips each is among others: one that is the largest, say, may hold its own against any.
        third = self.answers(2, 1, seed=2)
        return (
            _alike(second[-1], first[0], tolerance)
            and _alike(third[0], second[0], tolerance)
            and _alike(third[1], first[1], tolerance)
        )

    def remembers(self) -> bool:
        """Whether what a call leaves in the network's modules changes its answer to the next one."""
        module = self.network.module
        if not leaves_something(module):
            return False
        call, found = self.network.prepare(self.clips[[0] * self.held]), []
        with torch.no_grad(), attributes_kept(module):
            for _ in range(3):
                with drawing_from(_SEED, [self.network.device]):
                    try:
                        found.append([tensor for _, tensor in leaves(call.next_of(module))])
                    except FAULTS:
                        return True
        first, *others = found
        pairs = [pair for other in others for pair in zip(first, other, strict=False)]
        return not all(_alike(one.float(), two.float(), _SAME * _largest(one)) for one, two in pairs)

    def refuse_memory(self) -> None:
        """Raise NetworkError when a call leaves something behind that changes the next ones."""
        first = self.answers(0, 1)
        self.answers(2, 1)
        if not all(_alike(self.answers(0, 1), first, _SAME * _largest(first)) for _ in range(2)):
            raise NetworkError(_FORGETFUL.format(name=self.network.name))

    def draws(self) -> bool:
        """Whether other random numbers make another answer."""
        first = self.answers(0, 1)
        return not all(_alike(self.answers(0, 1, seed=seed), first, _SAME * _largest(first)) for seed in (1, 2))

    def mixes(self) -> bool:
        """Whether the answer to a clip changes with the others, or with its place among them."""
        if self.held == 1:
            return False
        first = self.answers(0, 1)
        for clip in range(3):
            one, two = (self.answers(clip, other)[0] for other in range(3) if other != clip)
            if not _alike(one, two, _SAME * _largest(first)):
                return True
        swapped = self.answers(*[1] * (self.held - 1), 0)
        return not _alike(swapped[-1], first[0], 10 * self._tolerance(first))

    def _tolerance(self, first: Tensor) -> float:
        return _OF_CLIPS * _largest(first[0] - first[1]) + _OF_ANSWERS * _largest(first)


def _alike(one: Tensor, other: Tensor, tolerance: float) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=0.0, atol=tolerance, equal_nan=True)


def _largest(values: Tensor) -> float:
    """Return the largest absolute value, of those that are finite."""
    finite = values[values.isfinite()]
    return float(finite.abs().max()) if finite.numel() else 0.0


def in_doubt(network: Network) -> bool:
    """Whether a pass without arithmetic leaves a doubt that a network answers each clip by itself, and always alike.

    It is in doubt where an operation draws random numbers, a module keeps something of the pass, or it cannot be
    followed that each row of the answer sees one clip.
    """
    assert network.card is not None
    held = network.adapter.batch or 2
    clips = torch.zeros((held, *network.card.clip.shape), device="meta")
    tracer, chance = FieldTracer(), _Chance()
    try:
        with torch.no_grad(), tracer, chance:
            tracer.mark(clips, clip_seen(clips.shape))
            found = [tracer.known(tensor) for _, tensor in leaves(network.run(clips))]
    except FAULTS:
        return True
    left = leaves_something(network.module)
    return chance.drawn or left or not all(_of_one_clip(seen, held) for seen in found)


def _of_one_clip(seen: Seen, clips: int) -> bool:
    """Whether each row of an output is known to see one clip alone, its own."""
    bounds = seen.along("sample")
    if bounds is None or not bounds.shape or bounds.shape[0] % clips:
        return seen.sourceless
    low, high = np.broadcast_to(bounds.cells, (2, *bounds.shape)).reshape(2, bounds.shape[0], -1)
    own = np.arange(bounds.shape[0])[:, None] // (bounds.shape[0] // clips)
    return bool((low == own).all() and (high == own).all())


class _Chance(Observer):
    """Notes whether an operation draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Execute the operation."""
        self.drawn |= torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))
