"""Strict matching of a checkpoint with a network, and saying what a checkpoint looks like that does not match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reportgen.errors import CardError, WeightsError
from reportgen.records.card import ModelCard
from reportgen.wording import option
from reportgen.zoo.cards import Zoo
from reportgen.zoo.sources import Definition, KeyLayout, definition_of
from reportgen.zoo.wrappings import SeveralCopiesError, only_for_training, renamings, unwrapped, without_copies

_SHOWN = 3
_COUNTER = "num_batches_tracked"
_SIMILAR = 0.3


@dataclass(frozen=True)
class Match:
    """A checkpoint that fits: its entries under the network's names, its key layout and its number of classes."""

    state: dict[str, Tensor]
    layout: str | None
    classes: int | None


@dataclass(frozen=True)
class Differences:
    """How a checkpoint differs from a network: entries of one and not of the other, and entries of another shape."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    misshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    common: int

    @property
    def total(self) -> int:
        """How many entries differ."""
        return len(self.missing) + len(self.extra) + len(self.misshaped)

    @property
    def similarity(self) -> float:
        """Share of all entries, of either side, that agree in name and shape."""
        return self.common / max(1, self.common + self.total)

    def __str__(self) -> str:
        parts = []
        if self.missing:
            parts.append(f"{len(self.missing)} missing ({_first(self.missing)})")
        if self.extra:
            parts.append(f"{len(self.extra)} unknown ({_first(self.extra)})")
        if self.misshaped:
            shapes = [f"{name} is {_shape(found)}, not {_shape(wanted)}" for name, found, wanted in self.misshaped]
            parts.append(f"{len(self.misshaped)} of another shape ({_first(shapes, '; ')})")
        return ", ".join(parts)


def match(
    tensors: Mapping[str, Tensor],
    module: nn.Module,
    card: ModelCard,
    layouts: Mapping[str, KeyLayout],
) -> Match | Differences:
    """Fit the entries of a checkpoint to those of a module; strict but for what published files are known to lack.

    Tried are the entries as they are, without what is wrapped around them (`wrappings.py`), and by each of the card's
    layouts. Left out is what only training needs, such as a loss's weights. Three things are mended: absent batch
    counters (files from torch < 0.4.1) become zero, an entry that only lacks trailing axes of size 1 (Caffe2) gets
    them, and another number of classes is accepted where only the classifier's first axis differs. Otherwise the
    smallest differences are returned. Raises SeveralCopiesError when the file holds the network more than once.
    """
    target = module.state_dict()
    best: Differences | None = None
    for layout, candidate in _candidates(tensors, target, layouts):
        state = _mended(candidate, target)
        differences = state_differences(state, target)
        classes = _classes(differences, card, target)
        if not differences.total or classes is not None:
            ordered = {name: state[name] for name in target}
            return Match(ordered, layout, classes if classes is not None else card.classes)
        if best is None or differences.total < best.total:
            best = differences
    assert best is not None  # the entries as they are were tried
    return best


def state_differences(state: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Differences:
    """Return how the names and shapes of `state` differ from those of `target`."""
    misshaped = tuple(
        (name, tuple(state[name].shape), tuple(wanted.shape))
        for name, wanted in target.items()
        if name in state and state[name].shape != wanted.shape
    )
    missing = tuple(name for name in target if name not in state)
    extra = tuple(name for name in state if name not in target)
    return Differences(missing, extra, misshaped, len(target) - len(missing) - len(misshaped))


def looks_like(tensors: Mapping[str, Tensor], zoo: Zoo) -> str | None:
    """Say which network of the zoo a checkpoint belongs to, or resembles; None when it resembles none.

    Every card of the zoo is built on the meta device; a card that cannot be read or built is passed over, since the
    error under way is about the checkpoint.
    """
    nearest: tuple[float, str] = (_SIMILAR, "")
    for entry in zoo.entries():
        try:
            definition = definition_of(entry)
            module = definition.build_on_meta()
        except CardError:
            continue
        try:
            found = match(tensors, module, entry.card, definition.key_layouts)
        except SeveralCopiesError:
            return f"it holds {entry.card.name} more than once"
        if isinstance(found, Match):
            return f"it looks like {entry.card.name}" + (f" with {found.classes} classes" if found.classes else "")
        if found.similarity > nearest[0]:
            nearest = (found.similarity, entry.card.name)
    share, name = nearest
    return f"it resembles {name}, with which it shares {share:.0%} of the entries" if name else None


def require_match(tensors: Mapping[str, Tensor], definition: Definition, zoo: Zoo, *, file: str) -> Match:
    """Return the match of a checkpoint with a definition; raises WeightsError that says what the file is instead."""
    card = definition.card
    if definition.entry is None:  # its factory cannot be told another number of classes
        card = card.model_copy(update={"classifier": None})
    module = definition.build_on_meta()
    try:
        found = match(tensors, module, card, definition.key_layouts)
    except SeveralCopiesError as error:
        raise WeightsError(
            f"{file} holds {card.name} several times ({error}): name one with {option('--weights-key')}."
        ) from error
    if isinstance(found, Match):
        _require_numbers(found.state, module.state_dict(), file)
        return found
    likeness = looks_like(tensors, zoo)
    raise WeightsError(f"{file} does not fit {card.name}: {found}; {likeness or 'it resembles no network of the zoo'}.")


def _require_numbers(state: Mapping[str, Tensor], target: Mapping[str, Tensor], file: str) -> None:
    """Raise WeightsError where entries are of a kind of number that would become another value in the network."""
    for name, wanted in target.items():
        found = state[name]
        if name.endswith(_COUNTER) or _kind(found) == _kind(wanted):
            continue
        if wanted.dtype == torch.bool and bool(((found == 0) | (found == 1)).all()):
            continue  # torch < 1.2 stored masks as bytes
        if _kind(found) in ("whole numbers", "booleans", "quantised numbers"):
            why = "weights that were quantised, or are not this network's"
        else:
            why = "numbers that this network does not compute with"
        raise WeightsError(
            f"{file} holds {_kind(found)} ({str(found.dtype).removeprefix('torch.')}) where the network has "
            f"{_kind(wanted)} ({name}): {why}; save the network's own state_dict()."
        )


def _kind(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "booleans"
    if tensor.is_complex():
        return "complex numbers"
    if "float4" in str(tensor.dtype):
        return "quantised numbers"
    return "real numbers" if tensor.is_floating_point() else "whole numbers"


def _candidates(
    tensors: Mapping[str, Tensor], target: Mapping[str, Tensor], layouts: Mapping[str, KeyLayout]
) -> Iterable[tuple[str | None, dict[str, Tensor]]]:
    """Yield the layout's name and the entries under it; a layout that cannot rename them is passed over."""
    plain = {name: tensors[name] for name in without_copies(tensors)}
    yield None, plain
    for names in renamings(plain, target):
        yield None, {name: plain[old] for old, name in names.items()}
    sources = [plain, *({name: plain[old] for old, name in names.items()} for names in unwrapped(plain))]
    for layout_name, layout in layouts.items():
        for source in sources:
            try:
                renamed = layout(dict(source))
            except (KeyError, IndexError, ValueError, RuntimeError):  # the entries are not of this layout
                continue
            yield layout_name, renamed


def _mended(state: dict[str, Tensor], target: Mapping[str, Tensor]) -> dict[str, Tensor]:
    mended = {name: value for name, value in state.items() if name in target or not only_for_training(name)}
    for name, wanted in target.items():
        if name not in mended and name.endswith(_COUNTER):
            mended[name] = torch.zeros(wanted.shape, dtype=wanted.dtype)
        elif name in mended and tuple(wanted.shape) == (*mended[name].shape, *[1] * (wanted.ndim - mended[name].ndim)):
            mended[name] = mended[name].reshape(wanted.shape)
    return mended


def _classes(differences: Differences, card: ModelCard, target: Mapping[str, Tensor]) -> int | None:
    """Return the checkpoint's number of classes when that is all that differs, in all of the classifier; else None."""
    if card.classes is None or card.classifier is None or differences.missing or differences.extra:
        return None
    head = {name for name in (f"{card.classifier}.weight", f"{card.classifier}.bias") if name in target}
    found = {shape[0] for _, shape, _ in differences.misshaped if shape}
    same_inputs = all(
        shape[1:] == wanted[1:] and wanted[0] == card.classes for _, shape, wanted in differences.misshaped if wanted
    )
    is_head = {name for name, _, _ in differences.misshaped} == head
    return found.pop() if is_head and same_inputs and len(found) == 1 else None


def _first(words: Iterable[str], separator: str = ", ") -> str:
    words = list(words)
    return separator.join(words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"
