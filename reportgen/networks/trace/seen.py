"""What each element of a tensor sees of the clip: its receptive field, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.traced import Filling, Traced, Windows
from reportgen.networks.trace.unmasked import LARGEST, Unmasked, only_kept, union_of_kept

AXES = ("sample", "t", "h", "w")
"""The axes of a batch of clips that are followed."""

Terms = tuple[Bounds, ...]


@dataclass(frozen=True, eq=False)
class Seen(Traced):
    """For each of `AXES` the stretch of the clips that every element sees, as the union of its `terms`.

    Terms differ along different axes of the tensor: what attention computes for token i from token j is seen from
    both, and writing out every pair would take the square of their number. What is `kept` of the elements by masks is
    told beside them for the same reason: the terms are those of all elements. `running`: whether they are sums over
    all that came before, of which a difference may see as little as one place.
    """

    terms: tuple[Terms, ...]
    shape: tuple[int, ...]
    kept: Unmasked | None = None
    running: bool = False

    @property
    def sourceless(self) -> bool:
        """Whether no element depends on the clip."""
        return not any(self.terms)

    def along(self, axis: str) -> Bounds | None:
        """Return what the elements see along one of `AXES`; None when they see nothing of it."""
        terms = self.terms[AXES.index(axis)]
        if not terms:
            return None
        return _joint(terms, self.shape)

    def placed(self, axis: str) -> Bounds | None:
        """Return where along one of `AXES` the elements stand: what they see, but for what others see as well.

        A gate that is made from a global mean, or attention beside a skip connection (to all places, or within
        windows), does not move a unit. None where nothing is known of their places.
        """
        terms = _by_place(self._placed_terms(axis))
        return _joint(terms[0], self.shape) if terms else None

    def known(self, axis: str) -> Bounds | None:
        """Return what the elements see along one of `AXES` by known ends, by themselves and with others alike."""
        terms = self._placed_terms(axis)
        return _joint(terms, self.shape) if terms else None

    def _placed_terms(self, axis: str) -> list[Bounds]:
        return [term for term in self.terms[AXES.index(axis)] if term.placed]

    def varies(self, axis: int) -> bool:
        """Whether the elements differ along this axis of the tensor."""
        return any(term.varies(axis) for terms in self.terms for term in terms)

    def _each(self, change: Callable[[Any], Any], shape: Sequence[int], *, moved: bool = True) -> Seen:
        """Return what `change` makes of all terms, and of what is kept where elements are `moved` and no more."""
        terms = tuple(_simplified([change(term) for term in terms]) for terms in self.terms)
        left = change(self.kept) if moved and self.kept is not None else None
        return Seen(terms, tuple(shape), left, self.running and moved)

    def unknown(self, shape: Sequence[int]) -> Seen:
        """Return what is known of a tensor that was computed from this one, nobody knows how."""
        return Seen(tuple((terms[0].unknown(shape),) if terms else () for terms in self.terms), tuple(shape))

    def reshaped(self, shape: Sequence[int]) -> Seen:
        """Return the same elements in the same order under another shape."""
        return self._each(lambda term: term.reshaped(shape), shape)

    def permuted(self, order: Sequence[int]) -> Seen:
        """Return the elements with axis i where axis `order[i]` was."""
        return self._each(lambda term: term.permuted(order), [self.shape[axis] for axis in order])

    def sliced(self, axis: int, start: int, length: int, step: int = 1) -> Seen:
        """Return `length` positions of an axis from `start` on, `step` apart."""
        return self._each(lambda term: term.sliced(axis, start, length, step), _resized(self.shape, axis, length))

    def overwritten(self, axis: int, start: int, step: int, part: Seen) -> Seen:
        """Return the elements after `part` was written over a slice along an axis."""
        terms = []
        for own, other in zip(self.terms, part.terms, strict=True):
            pairs = _paired((own, other), (self.shape, part.shape))
            terms.append(_simplified([below.overwritten(axis, start, step, above) for below, above in pairs]))
        return Seen(tuple(terms), self.shape, running=self.running or part.running)

    def flipped(self, axes: Sequence[int]) -> Seen:
        """Return the elements with axes turned round."""
        return self._each(lambda term: term.flipped(axes), self.shape)

    def rolled(self, axis: int, shift: int) -> Seen:
        """Return the elements shifted along an axis; at the border, as if the clip went on there."""
        found = self._each(lambda term: term.rolled(axis, shift), self.shape, moved=False)
        round_about = np.roll(np.arange(self.shape[axis]), shift)
        return replace(found, kept=self.kept and self.kept.taken(axis, round_about), running=self.running)

    def taken(self, axis: int, positions: NDArray[np.int64]) -> Seen:
        """Return the elements at these positions of an axis."""
        return self._each(lambda term: term.taken(axis, positions), _resized(self.shape, axis, len(positions)))

    def broadcast(self, shape: Sequence[int]) -> Seen:
        """Return the elements repeated along axes of one position and along new ones in front."""
        return self._each(lambda term: term.broadcast(shape), shape)

    def padded(self, axis: int, before: int, after: int, filling: Filling) -> Seen:
        """Return the elements with more of them at the ends of an axis, as if the clip went on there."""
        shape = _resized(self.shape, axis, self.shape[axis] + before + after)
        found = self._each(lambda term: term.padded(axis, before, after, filling), shape, moved=False)
        return replace(found, running=self.running)

    def windowed(self, axis: int, windows: Windows) -> Seen:
        """Return, for each window along an axis, the union of what it reads."""
        shape = _resized(self.shape, axis, len(windows.reads))
        return self._each(lambda term: term.windowed(axis, windows), shape, moved=False)

    def merged(self, axes: Sequence[int], *, fixed: bool = False) -> Seen:
        """Return the union of all elements along these axes, which become 1."""
        gone = set(axes)
        shape = [1 if axis in gone else size for axis, size in enumerate(self.shape)]
        masks = self.kept
        together = replace(self, terms=tuple(_shared(terms, axes) for terms in self.terms))
        if masks is None:
            return together._each(lambda term: term.merged(axes, fixed=fixed), shape)
        parts = [
            [one for term in terms for one in union_of_kept(term, masks, axes, fixed=fixed)] for terms in together.terms
        ]
        return Seen(tuple(_simplified(part) for part in parts), tuple(shape))

    def weighing(self) -> Seen:
        """Return what weights see that share out others' values: no element stands where its weights come from."""
        return replace(self, terms=tuple(_shared(terms) for terms in self.terms))

    def masked(self, masks: Unmasked) -> Seen:
        """Return the elements with nothing seen by those that a mask fills."""
        terms = [[only_kept(term, masks) for term in terms] for terms in self.terms]
        if any(term is None for part in terms for term in part):
            return self.unknown(self.shape)
        return replace(self, terms=tuple(_simplified([term for term in part if term is not None]) for part in terms))

    @classmethod
    def nothing(cls, shape: Sequence[int]) -> Seen:
        """Return what a constant sees."""
        return Seen(((),) * len(AXES), tuple(shape))

    @classmethod
    def union(cls, parts: Sequence[Seen], shape: Sequence[int]) -> Seen:
        """Return what an element-wise function of several tensors sees, broadcast as torch does."""
        spread = [part.broadcast(shape) for part in parts]
        return Seen(
            tuple(_simplified([term for part in spread for term in part.terms[place]]) for place in range(len(AXES))),
            tuple(shape),
        )

    @classmethod
    def concatenated(cls, parts: Sequence[Seen], axis: int, shape: Sequence[int]) -> Seen:
        """Return the parts one behind the other along an axis."""
        found: list[Terms] = []
        for all_terms in zip(*(part.terms for part in parts), strict=True):
            rows = _paired(all_terms, [part.shape for part in parts])
            found.append(_simplified([Bounds.concatenated(row, axis, shape) for row in rows]))
        left = (
            Unmasked.concatenated([part._left for part in parts], axis, shape) if any(p.kept for p in parts) else None
        )
        return Seen(tuple(found), tuple(shape), left, any(part.running for part in parts))

    @property
    def _left(self) -> Unmasked:
        """What is kept by masks, if by none all of what is no constant."""
        return self.kept or Unmasked.whole(self.shape) if not self.sourceless else Unmasked.none(self.shape, "unsure")

    @property
    def extent(self) -> tuple[int | None, ...] | None:
        """Receptive field `t h w` in px of the clip, of the element that sees most.

        An axis is None where the whole clip is seen, however large; all is None where it is not known, or where no
        element depends on the clip.
        """
        bounds = [self.along(axis) for axis in AXES[1:]]
        sizes = [float("nan") if found is None else found.extent for found in bounds]
        return None if any(map(math.isnan, sizes)) else tuple(None if math.isinf(n) else round(n) for n in sizes)


def clip_seen(shape: Sequence[int]) -> Seen:
    """Return what the elements of clips `N C T H W`, or of pictures `N C H W`, see: themselves."""
    terms = []
    for name in AXES:
        axis = 0 if name == "sample" else len(shape) - len(AXES) + AXES.index(name)
        if name != "sample" and axis < 2:  # a picture has no time: all of it lies in the one frame
            cells = np.zeros((2, *(1 for _ in shape)), np.float32)
            terms.append((Bounds(cells, tuple(shape), 1, (None,) * len(shape)),))
            continue
        places = np.arange(shape[axis], dtype=np.float32)
        cells = np.stack([places, places]).reshape(2, *(shape[axis] if a == axis else 1 for a in range(len(shape))))
        steps = tuple(1.0 if a == axis and name != "sample" else None for a in range(len(shape)))
        terms.append((Bounds(cells, tuple(shape), shape[axis], steps),))
    return Seen(tuple(terms), tuple(shape))


def _simplified(terms: Sequence[Bounds]) -> Terms:
    """Return terms of which no two could be one without being written out further, or without losing their places."""
    seeing = [term for term in terms if not term.sourceless]
    kept: list[Bounds] = []
    for alike in (*_by_place([term for term in seeing if term.placed]), [term for term in seeing if not term.placed]):
        kept += _joined_where_short(alike)
    return tuple(kept)


def _shared(terms: Terms, axes: Sequence[int] | None = None) -> Terms:
    """Return terms told to be given what others see, where some of them differ along `axes`."""
    if axes is not None and not any(term.varies(axis) for term in terms for axis in axes):
        return terms
    return tuple(replace(term, merges=term.merges + 1) for term in terms)


def _by_place(placed: Sequence[Bounds]) -> list[list[Bounds]]:
    """Return the terms by which elements stand where they do, and those that they share with others beside them."""
    least = min((term.merges for term in placed), default=0)
    parts = [[term for term in placed if (term.merges > least) == shared] for shared in (False, True)]
    return [part for part in parts if part]


def _joined_where_short(terms: Sequence[Bounds]) -> list[Bounds]:
    kept: list[Bounds] = []
    for term in terms:
        for place, other in enumerate(kept):
            joint = np.broadcast_shapes(term.cells.shape, other.cells.shape)
            if joint in (term.cells.shape, other.cells.shape):
                kept[place] = other.joined(term)
                break
        else:
            kept.append(term)
    return kept


def _joint(terms: Sequence[Bounds], shape: Sequence[int]) -> Bounds:
    lengths = np.broadcast_shapes(*(term.cells.shape for term in terms))
    return terms[0].unknown(shape) if math.prod(lengths) > LARGEST else Bounds.union(terms, shape)


def _paired(all_terms: Sequence[Terms], shapes: Sequence[tuple[int, ...]]) -> Iterator[list[Bounds]]:
    """Yield for several tensors what they see as one term each: their places, what they share, then all the rest."""
    merges = 0
    placed = [_by_place([term for term in terms if term.placed]) for terms in all_terms]
    rest = [[term for term in terms if not term.placed] for terms in all_terms]
    for chosen in ([own[:1] for own in placed], [own[1:] for own in placed], [[terms] for terms in rest]):
        found = [parts[0] if parts else [] for parts in chosen]
        like = next((terms[0] for terms in found if terms), None)
        if like is not None:
            merges = max(merges, *(term.merges for terms in found for term in terms))
            pairs = zip(found, shapes, strict=True)
            joint = [_joint(terms, shape) if terms else _none(like, shape) for terms, shape in pairs]
            yield [replace(one, merges=merges) for one in joint]
            merges += 1


def _none(like: Bounds, shape: Sequence[int]) -> Bounds:
    return like.constant(np.inf, -np.inf, shape)


def _resized(shape: Sequence[int], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])
