"""Motion or appearance: what is left of a class and of every kernel when a clip's motion is taken away or changed.

Each probe is a set of changed copies of one clip. A class that survives freezing was seen in a single frame; one
that survives shuffling but not freezing needs change, but not its order; one that reverses into another needs the
direction. The naive freeze (one frame, say the middle one) overstates motion, for another frame may show the class
better: here every frame is frozen in turn and the best one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.errors import NetworkError
from reportgen.networks.core.above_mean import above_mean
from reportgen.networks.core.classes import ClassLike, clip_logits, explained_class
from reportgen.networks.core.given_clips import Clips, given_clip
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.result import ShownResult

#: Probe to what it does, in plain words, in the order of the tables.
PROBE_MEANINGS: dict[str, str] = {
    "frozen": "each frame in turn, repeated: no motion and no change; the best frame counts",
    "dissolved": "the first frame dissolving into the last: the clip's change of appearance without its motion",
    "reversed": "played backwards: the same pictures, the opposite motion",
    "shuffled": "frames in random order: the same pictures, no coherent motion; mean of the draws",
    "half_speed": "the middle half of the clip at half speed, every frame interpolated between two",
    "double_speed": "every second frame: the whole clip at double speed, twice, with one cut between",
    "scrambled": "blocks of the picture in random places, the same ones in all frames: motion without shape; mean",
}

#: Share of the standard deviation of a clip's logits that a class's own must be above their mean for a share of it to
#: mean anything.
NOTHING = 0.1

#: Blocks per side of the scrambled probe.
SCRAMBLE_BLOCKS = 4


@dataclass(frozen=True, eq=False)
class MotionAudit(ShownResult):
    """What the probes do to one class on one clip.

    Logits are those above the mean of all classes' (see `above_mean`), y below. `logits` holds the class's for every
    variant of each probe; `ranks` the class's rank among all (0 is first); `predicted` the class that each variant is
    taken for. `logit` and `rank` are the clip's own.

    Where the classes are `apart`, each true or not by itself, logits are as they are; the rank is 0 where the class is
    said (a logit above 0) and 1 where it is not; and `predicted` is the class where it is said, else the likeliest one
    that is, and -1 where none is.

    - `motion_reliance`: (y - max_t y_frozen(t)) / y; None when y is not above NOTHING of the spread of all logits: a
      class that the clip hardly speaks for has nothing to lose.
    - `dissolved_loss`: (y - y_dissolved) / y: what is lost frozen and not dissolved needs change, and no motion.
    - `order_sensitivity`: (y - mean y_shuffled) / y, likewise.
    - `best_frame`: the frame that shows the class best by itself.
    """

    class_index: int
    logit: float
    rank: int
    logits: Mapping[str, Tensor]
    ranks: Mapping[str, Tensor]
    predicted: Mapping[str, Tensor]
    motion_reliance: float | None
    dissolved_loss: float | None
    order_sensitivity: float | None
    best_frame: int
    apart: bool = False

    def __repr__(self) -> str:
        shares = {
            "motion reliance": self.motion_reliance,
            "dissolved loss": self.dissolved_loss,
            "order sensitivity": self.order_sensitivity,
        }
        told = (f"{name} {'not known' if share is None else format(share, '.2f')}" for name, share in shares.items())
        return in_one_line(
            self,
            f"class {self.class_index}",
            f"logit {self.logit:.3g}" if self.apart else f"logit above the mean {self.logit:.3g}",
            f"rank {self.rank}",
            *told,
            f"best frame {self.best_frame}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain numbers and lists, as JSON holds them; `probes` by name, a list for each figure."""
        probes = {
            name: {
                "logits": self.logits[name].tolist(),
                "ranks": self.ranks[name].tolist(),
                "predicted": self.predicted[name].tolist(),
            }
            for name in self.logits
        }
        told = ("class_index", "logit", "rank", "motion_reliance", "dissolved_loss", "order_sensitivity", "best_frame")
        return {**{name: getattr(self, name) for name in told}, "probes": probes}


def frozen_frames(frames: int, most: int | None = None) -> list[int]:
    """Return which of a clip's frames are frozen: all of them, or the middles of `most` equal parts of the clip."""
    if most is None or most >= frames:
        return list(range(frames))
    return [(2 * part + 1) * frames // (2 * most) for part in range(most)]


def probe_clips(clip: Tensor, *, draws: int = 8, seed: int = 0, frozen: int | None = None) -> dict[str, Tensor]:
    """Return the variants of each probe, `V C T H W`, for one clip `1 C T H W`.

    `frozen` has T variants, or at most as many as are asked for (see `frozen_frames`: the best frame may then be
    missed, so that motion seems to matter more), `shuffled` and `scrambled` have `draws`, the others one. A clip of
    one frame has no motion to take away: raises NetworkError.
    """
    if clip.ndim != 5 or len(clip) != 1 or clip.shape[2] < 2:
        raise NetworkError(f"The motion probes take one clip of two frames or more, got {tuple(clip.shape)}.")
    frames, height, width = clip.shape[2:]
    generator = torch.Generator().manual_seed(seed)
    still = clip[0].transpose(0, 1)[frozen_frames(frames, frozen)].unsqueeze(2).expand(-1, -1, frames, -1, -1)
    steps = torch.arange(frames)
    orders = [_shuffled(frames, generator) for _ in range(draws)]
    places = [torch.randperm(SCRAMBLE_BLOCKS**2, generator=generator) for _ in range(draws)]
    return {
        "frozen": still,
        "dissolved": torch.lerp(clip[:, :, :1], clip[:, :, -1:], (steps / (frames - 1)).to(clip).view(-1, 1, 1)),
        "reversed": clip.flip(2),
        "shuffled": torch.cat([clip[:, :, order] for order in orders]),
        "half_speed": _half_speed(clip),
        "double_speed": clip[:, :, (2 * steps) % frames],
        "scrambled": torch.cat([_scrambled(clip, order, height, width) for order in places]),
    }


def _shuffled(frames: int, generator: torch.Generator) -> Tensor:
    """Return a random order of the frames that is not the clip's own."""
    while True:
        order = torch.randperm(frames, generator=generator)
        if not torch.equal(order, torch.arange(frames)):
            return order


def _half_speed(clip: Tensor) -> Tensor:
    """Return the middle half of a clip `1 C T H W` at half speed.

    Its frames lie a quarter of the way from one frame to the next or back: all are mixed alike, so that none is
    sharper than its neighbours, which would be a flicker of its own.
    """
    frames = clip.shape[2]
    start = (frames - 1) / 4 + (0.0 if frames % 2 == 0 else 0.25)
    places = start + torch.arange(frames) / 2
    before = places.long().clamp(max=frames - 2)
    share = (places - before).to(clip).view(-1, 1, 1)
    return torch.lerp(clip[:, :, before], clip[:, :, before + 1], share)


def _scrambled(clip: Tensor, order: Tensor, height: int, width: int) -> Tensor:
    """Return the clip with its blocks in another order; what does not fill whole blocks stays in place."""
    rows, columns = height // SCRAMBLE_BLOCKS, width // SCRAMBLE_BLOCKS
    scrambled = clip.clone()
    if not rows or not columns:
        return scrambled
    for place, source in enumerate(order.tolist()):
        to_y, to_x = divmod(place, SCRAMBLE_BLOCKS)
        from_y, from_x = divmod(source, SCRAMBLE_BLOCKS)
        block = clip[..., from_y * rows : (from_y + 1) * rows, from_x * columns : (from_x + 1) * columns]
        scrambled[..., to_y * rows : (to_y + 1) * rows, to_x * columns : (to_x + 1) * columns] = block
    return scrambled


@leaving_unchanged
def motion_audit(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    *,
    draws: int = 8,
    seed: int = 0,
    batch_size: int = 16,
) -> MotionAudit:
    """Return what the probes do to a class on one clip `1 C T H W` in [0, 1] RGB (a bare module's input as is).

    The clip may be in any form that `given_clips` knows; `class_index` is a class's name or index, None the predicted
    one. Raises ClipError for a clip that is not what it must be, UnknownNameError for a class, NetworkError for a
    network without classes or a clip of one frame.
    """
    require_whole(draws=draws, batch_size=batch_size)
    require_whole(least=0, seed=seed)
    subject = as_network(network)
    pixels = given_clip(subject, clip)
    index = explained_class(subject, class_index, clip_logits(subject, pixels))
    own = _logits(subject, pixels, batch_size)
    found = {
        name: _logits(subject, variants, batch_size)
        for name, variants in probe_clips(pixels, draws=draws, seed=seed).items()
    }
    return class_audit({"clip": own, **found}, index, apart=subject.adapter.classes_apart)


def class_audit(
    logits: Mapping[str, Tensor], class_index: int, frames: Sequence[int] | None = None, *, apart: bool = False
) -> MotionAudit:
    """Return what the probes do to a class, from the logits `V K` of the clip ("clip") and of each probe.

    `frames` are those that were frozen; None: all. `apart`: each class is true or not by itself.
    """
    told: Mapping[str, Tensor] = logits if apart else {name: above_mean(found) for name, found in logits.items()}
    rank, predicted = (_said, _taken_apart) if apart else (_rank, _taken)
    whole = told["clip"][0]
    own = {name: told[name][:, class_index] for name in PROBE_MEANINGS}
    logit = float(whole[class_index])
    least = NOTHING * float(whole.std(correction=0))
    best = int(own["frozen"].argmax())
    return MotionAudit(
        class_index=class_index,
        logit=logit,
        rank=int(rank(logits["clip"], class_index)[0]),
        logits=own,
        ranks={name: rank(logits[name], class_index) for name in PROBE_MEANINGS},
        predicted={name: predicted(logits[name], class_index) for name in PROBE_MEANINGS},
        motion_reliance=_lost(logit, float(own["frozen"].max()), least),
        dissolved_loss=_lost(logit, float(own["dissolved"].mean()), least),
        order_sensitivity=_lost(logit, float(own["shuffled"].mean()), least),
        best_frame=best if frames is None else frames[best],
        apart=apart,
    )


def _logits(network: Network, clips: Tensor, batch_size: int) -> Tensor:
    with torch.no_grad():
        parts = [
            network.logits(clips[start : start + batch_size].to(network.device)).float().cpu()
            for start in range(0, len(clips), batch_size)
        ]
    return torch.cat(parts)


def _rank(logits: Tensor, class_index: int) -> Tensor:
    return (logits > logits[:, class_index : class_index + 1]).sum(1)


def _taken(logits: Tensor, _class_index: int) -> Tensor:
    return logits.argmax(1)


def _said(logits: Tensor, class_index: int) -> Tensor:
    """Return 0 for each of `V K` where the class is said, 1 where it is not."""
    return (logits[:, class_index] <= 0).long()


def _taken_apart(logits: Tensor, class_index: int) -> Tensor:
    """Return for each of `V K` the class where it is said, else the likeliest that is; -1 where none is."""
    likeliest = torch.where(logits.amax(1) > 0, logits.argmax(1), -1)
    return torch.where(logits[:, class_index] > 0, class_index, likeliest)


def _lost(whole: float, left: float, least: float) -> float | None:
    return (whole - left) / whole if whole > least else None
