"""Where the units of a layer's map look, and laying a map over the clip accordingly.

Position i of a map stands at start + i * jump of the receptive field's geometry: a map that is stretched over the clip
instead is off by half of what strides and paddings leave over, with three strided layers by 3.5 frames and pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.networks.core.classes import taken
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.kernels.arrangement import as_batch, kernel_axis
from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.seen import AXES, Seen, clip_seen


@dataclass(frozen=True, eq=False)
class Line:
    """How one axis of the clip lies in a map: along which axes of it, and where on the clip their positions look.

    `centres` are those of all positions of the axes together, the last axis fastest; one for a map without such an
    axis. `seen` are the first and the last px that any of them sees, as far as that is known.
    """

    axes: tuple[int, ...]
    centres: NDArray[np.float64]
    seen: tuple[float, float] = (-np.inf, np.inf)

    def weights(self, size: int) -> NDArray[np.float64]:
        """Return (size, positions): how much each position counts at each px of the clip.

        Between two places the map goes linearly from one value to the other. Behind the last ones it stays as far as
        their units see, and for half a step at least; what no unit sees, such as what is cropped away, has nothing.
        Units that look at the same place are added up.
        """
        places, which = np.unique(self.centres, return_inverse=True)
        pixels = np.arange(size)
        rows = np.stack([np.interp(pixels, places, one) for one in np.eye(len(places))], axis=1)
        steps = np.diff(places) / 2 if len(places) > 1 else np.zeros(1)
        first, last = min(self.seen[0], places[0] - steps[0]), max(self.seen[1], places[-1] + steps[-1])
        rows[(pixels < first) | (pixels > last)] = 0.0
        return rows[:, which]


@dataclass(frozen=True, eq=False)
class UnitPlaces:
    """Where the units of a map `R K (T) H W`, of one clip in all its R rows, look along T, H and W of the clip.

    `rows` are those that are told of: all, or those that see the clip at all, where some do not (what a recurrent layer
    makes of its first state). `further` tell of other rows: of calls that look elsewhere along several axes at once, as
    on frames of the mirrored clip.
    """

    lines: tuple[Line, Line, Line]
    rows: tuple[int, ...] | None = None
    further: tuple[UnitPlaces, ...] = ()

    def laid(self, maps: Tensor, size: Sequence[int]) -> Tensor:
        """Return maps `R K (T) H W` laid over a clip of `size` (T, H, W), as `K T H W`; further axes are added up."""
        others = [places.laid(maps, size) for places in self.further]
        return sum(others, start=self._laid(maps, size))

    def _laid(self, maps: Tensor, size: Sequence[int]) -> Tensor:
        maps = maps if self.rows is None else maps[list(self.rows)]
        used = [axis for line in self.lines for axis in line.axes]
        others = [axis for axis in range(maps.ndim) if axis != 1 and axis not in used]
        values = maps.permute(1, *used, *others)
        values = values.reshape(maps.shape[1], *(len(line.centres) for line in self.lines), -1).sum(-1)
        for line, length in zip(self.lines, size, strict=True):
            weights = torch.as_tensor(line.weights(length), dtype=values.dtype, device=values.device)
            values = torch.tensordot(values, weights, dims=([1], [1]))  # the new axis is the last: after three, T H W
        return values


@dataclass(frozen=True)
class SizedPlaces:
    """Where the units of a layer's maps `R K (T) H W` look, by the `sizes` `K (T) H W` that its calls return.

    `calls` are the numbers of the calls that are meant: all of a layer's, or some of what is used at several depths.
    """

    sizes: Mapping[tuple[int, ...], UnitPlaces | None]
    calls: tuple[int, ...]

    def of(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        """Return those of the outputs of all calls that are meant."""
        return [output for number, output in enumerate(outputs) if number in self.calls]


def output_places(network: Network, clip_shape: Sequence[int], layers: Sequence[str]) -> dict[str, UnitPlaces | None]:
    """Return where the units of each layer's output look, for one clip of `clip_shape` (`1 C T H W` or `1 C H W`).

    A layer that is called several times with maps of one shape has those of all calls one behind the other along R.
    None where it is not known: a unit that sees all of the clip, or what stands behind an operation without a rule.
    Raises NetworkError when the network cannot take such a clip.
    """
    return {layer: known_places(seen) for layer, seen in _seen_by(network, clip_shape, layers).items()}


def sized_places(network: Network, clip_shape: Sequence[int], layers: Sequence[str]) -> dict[str, SizedPlaces]:
    """Return what `output_places` does, of layers that may be called with maps of several sizes; errors as there."""
    return {layer: by_size(seen) for layer, seen in _seen_by(network, clip_shape, layers).items()}


def _seen_by(network: Network, clip_shape: Sequence[int], layers: Sequence[str]) -> dict[str, list[Seen]]:
    names = {layer: network.layer_name(layer) for layer in layers}
    try:
        seen = _followed(network, clip_shape, names.values(), torch.device("meta"))
    except REFUSALS:  # it asks for values: it is run for real
        with taken(network, clip_shape):
            seen = _followed(network, clip_shape, names.values(), network.device)
    return {layer: seen[name] for layer, name in names.items()}


def look_at_several_frames(calls: Sequence[Seen]) -> bool:
    """Whether what a layer returned in all its calls, `R K (T) H W`, has rows or calls that look at other frames."""
    frames = [placed for call in calls if (placed := call.placed("t")) is not None]
    stretches = {(float(one.cells[0].min()), float(one.cells[1].max())) for one in frames}
    if len(stretches) > 1 or any(one.varies(0) for one in frames):
        return True
    alike = len({call.shape[1:] for call in calls}) == 1
    return alike and (states := _rows(calls).known("t")) is not None and _grows(states)


def frames_in_pictures(network: Network, clip_shape: Sequence[int], layers: Sequence[str]) -> set[str]:
    """Return the layers of which rows or columns, the last two axes of positions, are frames of a clip `1 C T H W`.

    So it is of linear layers over tokens of frames, `N T P K`, which look as if they had maps.
    """
    names = {layer: network.layer_name(layer) for layer in layers}
    try:
        seen = _followed(network, clip_shape, names.values(), torch.device("meta"))
    except REFUSALS:  # it asks for values: the passes that do are made with them
        return set()
    found = set()
    for layer, name in names.items():
        module = network.module.get_submodule(name)
        for call in seen[name]:
            frames, kernels = call.placed("t"), kernel_axis(module, call.shape)
            positions = [axis for axis in range(1, len(call.shape)) if axis != kernels][-2:]
            if frames is not None and any(frames.varies(axis) for axis in positions):
                found.add(layer)
    return found


def _followed(
    network: Network, clip_shape: Sequence[int], names: Iterable[str], device: torch.device
) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {name: [] for name in names}
    dtype = next((p.dtype for p in network.module.parameters() if p.is_floating_point()), torch.float32)
    clip = torch.zeros(tuple(clip_shape), device=device, dtype=dtype)

    def note(name: str, module: nn.Module, _args: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            found[name].append(tracer.known(as_batch(module, output)))

    with ExitStack() as stack, torch.no_grad(), following(clip) as tracer:
        for name in found:
            handle = network.module.get_submodule(name).register_forward_hook(partial(note, name))
            stack.callback(handle.remove)
        network.run(clip)
    return found


@contextmanager
def following(clip: Tensor) -> Iterator[FieldTracer]:
    """Follow within the context what is seen of a clip `1 C T H W` (or `1 C H W`)."""
    with FieldTracer() as tracer:
        tracer.mark(clip, clip_seen(clip.shape))
        yield tracer


def by_size(seen: Sequence[Seen], meant: Sequence[int] | None = None) -> SizedPlaces:
    """Return where the units of a layer look by what its calls return (or the `meant` ones), each size by itself."""
    numbers = tuple(range(len(seen)) if meant is None else meant)
    calls = [seen[number] for number in numbers]
    sizes = dict.fromkeys(call.shape[1:] for call in calls)
    return SizedPlaces({size: known_places([one for one in calls if one.shape[1:] == size]) for size in sizes}, numbers)


def known_places(calls: Sequence[Seen]) -> UnitPlaces | None:
    """Return where the units of a layer look by what its calls return; None where it is not known."""
    if not calls or len({call.shape[1:] for call in calls}) > 1:
        return None
    ends = list(accumulate(call.shape[0] for call in calls))
    rows = [range(end - call.shape[0], end) for call, end in zip(calls, ends, strict=True)]
    sighted = [(call, own) for call, own in zip(calls, rows, strict=True) if not call.sourceless]
    if not sighted:
        return None
    lines = _lines([call for call, _ in sighted])
    if lines is not None:
        return UnitPlaces(lines, None if len(sighted) == len(calls) else tuple(chain(*(own for _, own in sighted))))
    apart = [UnitPlaces(own, tuple(of)) for call, of in sighted if (own := _lines([call])) is not None]
    return replace(apart[0], further=tuple(apart[1:])) if len(apart) == len(sighted) else None


def _lines(calls: Sequence[Seen]) -> tuple[Line, Line, Line] | None:
    """Return how the axes of the clip lie in what calls return, one behind the other; None where they share one."""
    seen = _rows(calls)
    t, h, w = (_line(_standing(seen, axis)) for axis in AXES[1:])
    if t is None or h is None or w is None or len({*t.axes, *h.axes, *w.axes}) < sum(len(x.axes) for x in (t, h, w)):
        return None
    return t, h, w


def _rows(calls: Sequence[Seen]) -> Seen:
    """Return what calls return, of one shape but for their rows, one behind the other; without what sees no clip."""
    sighted = [call for call in calls if not call.sourceless]
    if not sighted:
        return Seen.nothing(calls[0].shape)
    return Seen.concatenated(sighted, 0, (sum(call.shape[0] for call in sighted), *sighted[0].shape[1:]))


def _standing(seen: Seen, axis: str) -> Bounds | None:
    """Return where along an axis the elements of calls, one behind the other, stand.

    A state that is carried on is of the first frame, for nothing else is its own alone; it stands at its own frame.
    """
    found, states = seen.placed(axis), seen.known(axis)
    carried = found is not None and not found.varies(0) and states is not None and _grows(states)
    return states if carried else found


def _grows(bounds: Bounds) -> bool:
    """Whether each row sees more than the one before it, all of them from one end on."""
    cells = _to_the_end(bounds.cells.astype(np.float64), bounds.size)
    if cells.size != 2 * len(cells[0]) or len(cells[0]) < 3 or not np.isfinite(cells).all():
        return False
    low, high = np.diff(cells.reshape(2, -1))
    return bool(((low == 0).all() and (high > 0).all()) or ((high == 0).all() and (low < 0).all()))


def _line(bounds: Bounds | None) -> Line | None:
    """Return how one axis of the clip lies in a map; None where it is not known for all of its units."""
    if bounds is None:
        return None
    low, high = _to_the_end(bounds.cells.astype(np.float64), bounds.size)
    seen = low[np.isfinite(low)].min(initial=np.inf), high[np.isfinite(high)].max(initial=-np.inf)
    if bounds.varies(1):  # the channels of a shift module look at frames of their own
        low, high = (np.ma.masked_invalid(end).mean(1, keepdims=True).filled(np.nan) for end in (low, high))
    centres = _centres(low, high)
    if not np.isfinite(centres).all():
        return None
    for axis in range(centres.ndim):
        if np.median(np.ptp(centres, axis=axis)) == 0:  # what recurrent units see grows about one place
            centres = np.median(centres, axis=axis, keepdims=True)
    axes = tuple(axis for axis, size in enumerate(centres.shape) if size > 1)
    return Line(axes, centres.reshape(-1), (float(seen[0]), float(seen[1])))


def _to_the_end(cells: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return what units see, told of a recurrent layer's last state too: of all the clip, which has no place by itself.

    It comes one step behind the state before it, from which the clip's end is as far.
    """
    low, high = cells.reshape(2, -1)
    if cells.size != 2 * len(cells[0]) or len(low) < 4 or low[-1] <= high[-1] or not np.isfinite(cells[:, :-1]).all():
        return cells
    steps = np.diff(low[:-1]), np.diff(high[:-1])
    still = [bool((step == 0).all()) for step in steps]
    even = [bool((step == step[0]).all()) for step in steps]
    found = cells.copy()
    if still[0] and even[1] and high[-2] + steps[1][0] >= size - 1 > high[-2]:
        found[:, -1] = np.array([low[0], high[-2] + steps[1][0]]).reshape(found[:, -1].shape)
    elif still[1] and even[0] and low[-2] + steps[0][0] <= 0 < low[-2]:
        found[:, -1] = np.array([low[-2] + steps[0][0], high[0]]).reshape(found[:, -1].shape)
    return found


def _centres(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles of what units see.

    A recurrent unit sees all frames up to its own, or from its own on in a pass from the last to the first: it stands
    at its own and not in the middle of them.
    """
    smallest = float((high - low).min())
    if (low == low.flat[0]).all() and not (high == high.flat[0]).all():
        return high - smallest / 2
    if (high == high.flat[0]).all() and not (low == low.flat[0]).all():
        return low + smallest / 2
    with np.errstate(invalid="ignore"):  # some of the units see all of the clip: their middle is not known
        return np.asarray((low + high) / 2)
