"""Clips of every kind of course, and what may be said of each: the truth, or nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from tests.truth.moving_textures import Texture, texture

Steps = list[tuple[float, float]]

NOTHING, STILL, FLICKERS, TO_AND_FRO, MOVES = "nothing", "stands still", "flickers", "back and forth", "moves"
"""What may be said; `MOVES` is motion in no single direction. A direction is told by its angle in degrees."""


@dataclass(frozen=True)
class Told:
    """A clip `C T H W` and what may be said of it: words, and a direction (degrees) where it may be named."""

    kind: str
    pixels: Tensor
    words: frozenset[str]
    direction: float | None = None


def stripes(draw: random.Random, *, hard: bool) -> tuple[Texture, float, float]:
    """Return stripes, their period in px and the angle across them."""
    period, phase = draw.uniform(5, 14), draw.uniform(0, 6)
    angle = draw.choice([0.0, math.pi / 2, draw.uniform(0, 2 * math.pi)])

    def colours(x: Tensor, y: Tensor) -> Tensor:
        wave = torch.cos(2 * math.pi / period * (x * math.cos(angle) + y * math.sin(angle)) + phase)
        return (0.5 + 0.45 * (wave.sign() if hard else wave)).expand(3, *x.shape)

    return colours, period, angle


def blobs(draw: random.Random) -> Texture:
    """Return blurred spots of all colours."""
    spots = torch.tensor([[draw.uniform(-30, 110), draw.uniform(-30, 110), draw.uniform(2, 4)] for _ in range(120)])
    colour = torch.tensor([[draw.choice([-1, 1]) * draw.uniform(0.15, 0.4) for _ in range(3)] for _ in range(120)])

    def colours(x: Tensor, y: Tensor) -> Tensor:
        apart = (x[..., None] - spots[:, 0]).square() + (y[..., None] - spots[:, 1]).square()
        return 0.5 + torch.einsum("hwn,nc->chw", torch.exp(-apart / (2 * spots[:, 2].square())), colour.to(x))

    return colours


def noise(draw: random.Random) -> Texture:
    """Return white noise, interpolated between pixels."""
    generator = torch.Generator().manual_seed(draw.randrange(1 << 30))
    picture = 0.5 + 0.2 * torch.randn(3, 256, 256, generator=generator, dtype=torch.float64)

    def colours(x: Tensor, y: Tensor) -> Tensor:
        left, top = x.floor().long(), y.floor().long()
        u, v = x - left, y - top
        corner = {(i, j): picture[:, (top + j) % 256, (left + i) % 256] for i in (0, 1) for j in (0, 1)}
        upper, lower = ((1 - u) * corner[0, row] + u * corner[1, row] for row in (0, 1))
        return (1 - v) * upper + v * lower

    return colours


LOOKS = ("smooth", "fine", "soft stripes", "hard stripes", "blobs", "noise")


def drawn_look(name: str, draw: random.Random) -> tuple[Texture, float, float]:
    """Return a look, its period in px (infinite where it has none), and the angle along which it is moved."""
    if "stripes" in name:
        return stripes(draw, hard=name == "hard stripes")
    makers: dict[str, Callable[[], Texture]] = {
        "smooth": lambda: texture(draw.randrange(10**6)),
        "fine": lambda: texture(draw.randrange(10**6), lowest=0.05, highest=0.3),
        "blobs": lambda: blobs(draw),
        "noise": lambda: noise(draw),
    }
    angle = draw.choice([math.pi / 2 * draw.randrange(4), draw.uniform(0, 2 * math.pi)])
    return makers[name](), math.inf, angle


def placed(look: Texture, steps: Steps, size: int) -> Tensor:
    """Return a look `C T H W` that lies at these places (x, y) in the frames."""
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64)] * 2, indexing="ij")
    return torch.stack([look(x - dx, y - dy) for dx, dy in steps], 1).float().clamp(0, 1)


def changed(look: Texture, turns: list[float], growth: list[float], size: int) -> Tensor:
    """Return a look `C T H W` turned about its middle (degrees) and enlarged by so much."""
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) - size / 2] * 2, indexing="ij")
    frames = []
    for degrees, factor in zip(turns, growth, strict=True):
        c, s = math.cos(math.radians(degrees)) / factor, math.sin(math.radians(degrees)) / factor
        frames.append(look(c * x + s * y + size / 2, c * y - s * x + size / 2))
    return torch.stack(frames, 1).float().clamp(0, 1)


def moved(draw: random.Random, look: tuple[Texture, float, float], frames: int, size: int) -> list[Told]:
    """Return a look that moves or jumps in many ways, each along one line and some along two."""
    shown, period, angle = look
    far, speed = draw.randint(1, 5), draw.choice([0.15, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0])
    held = [draw.uniform(-far, far) for _ in range(frames)]
    walk = [0.0]
    for _ in range(frames - 1):
        walk.append(walk[-1] + draw.choice([-1, 1]) * draw.randint(1, far))
    slow = {STILL} if speed < 0.2 else set()
    along: dict[str, tuple[list[float], set[str], bool]] = {
        "jumps at random": ([draw.choice([-1, 1]) * float(draw.randint(0, far)) for _ in range(frames)], set(), False),
        "jumps between pixels": ([draw.uniform(-far, far) for _ in range(frames)], set(), False),
        "jumps every second frame": ([held[t // 2] for t in range(frames)], set(), False),
        "random walk": (walk, set(), True),
        **{
            f"to and fro in {turn}": (
                [far * math.sin(2 * math.pi * (t + 0.5) / turn) for t in range(frames)],
                {TO_AND_FRO},
                False,
            )
            for turn in (2, 3, 4, 8)
        },
        "two on, two off": ([float(far * (t // 2 % 2)) for t in range(frames)], {TO_AND_FRO}, False),
        "steady": ([speed * t for t in range(frames)], slow, True),
        "faster and faster": ([0.06 * t * t * 16 / frames for t in range(frames)], set(), True),
        "turns round once": (
            [speed * (t - t * t / (frames - 1)) for t in range(frames)],
            {TO_AND_FRO} | ({STILL} if speed * frames < 5 else set()),
            False,
        ),
        "one jump": ([float(far * (t >= frames // 2)) for t in range(frames)], {STILL} if far == 1 else set(), False),
        "drifts and jitters": ([speed * t + draw.uniform(-speed, speed) / 2 for t in range(frames)], slow, True),
        "stop and go": ([2 * speed * (t // 2) for t in range(frames)], slow, True),
        "still": ([0.0] * frames, {STILL}, False),
        "trembles": ([draw.uniform(-0.3, 0.3) for _ in range(frames)], {STILL}, False),
    }
    told = []
    for kind, (places, words, leads) in along.items():
        hops = [(b - a) / period for a, b in pairwise(places)]
        folds = any(abs(hop) > 0.42 for hop in hops)
        if folds and (leads or "fro in 3" in kind or "round" in kind):
            continue  # stripes that go on by nearly half their period look as if they went the other way
        if len({round(hop - round(hop), 2) for hop in hops}) == 1 and kind not in {"steady", "still"}:
            continue
        way = math.degrees(angle if places[-1] >= places[0] else angle + math.pi) if leads else None
        steps = [(place * math.cos(angle), place * math.sin(angle)) for place in places]
        more = ({MOVES} if leads else set()) | ({FLICKERS, STILL} if folds else set())  # black for white, or nothing
        told.append(Told(kind, placed(shown, steps, size), frozenset(words | more), way))
    if math.isinf(period):
        both = [(float(draw.randint(-far, far)), float(draw.randint(-far, far))) for _ in range(frames)]
        told.append(Told("jumps in both ways", placed(shown, both, size), frozenset()))
    return told


def otherwise(draw: random.Random, look: tuple[Texture, float, float], frames: int, size: int) -> list[Told]:
    """Return a look that changes in other ways than by moving along: its brightness, its size, or all of it."""
    shown, period, angle = look
    still = placed(shown, [(0, 0)] * frames, size)
    turn = draw.choice([3, 4, 6, 8])
    courses = {
        "every frame": [(-1.0) ** t for t in range(frames)],
        "slowly": [math.sin(2 * math.pi * t / turn + 0.4) for t in range(frames)],
        "at random": [draw.uniform(-1, 1) for _ in range(frames)],
    }
    told, tint = [], torch.tensor([1.0, -1.0, 0.2]).view(3, 1, 1, 1)
    for name, course in courses.items():
        values = torch.tensor(course).view(1, -1, 1, 1)
        inverted = {FLICKERS} if math.isinf(period) else {FLICKERS, TO_AND_FRO}
        told += [
            Told(f"contrast {name}", (0.5 + (still - 0.5) * values).clamp(0, 1), frozenset(inverted)),
            Told(f"luminance {name}", (still / 2 + 0.25 + 0.2 * values).clamp(0, 1), frozenset({FLICKERS})),
            Told(f"colour {name}", (still / 2 + 0.25 + 0.2 * values * tint).clamp(0, 1), frozenset({FLICKERS})),
        ]
    other = placed(drawn_look(draw.choice(["smooth", "fine", "blobs"]), draw)[0], [(0, 0)] * frames, size)
    late = torch.arange(frames).view(1, -1, 1, 1) >= frames // 2
    mixed = torch.linspace(0, 1, frames).view(1, -1, 1, 1)
    pace, growth, slow = draw.choice([-1, 1]) * draw.choice([1, 2, 4]), draw.choice([0.98, 1.015, 1.03]), [1.0] * frames
    generator = torch.Generator().manual_seed(draw.randrange(1 << 30))
    drift = draw.choice([0.05, 0.1, 0.3, 0.6])
    there, back = (
        placed(shown, [(way * t * math.cos(angle), way * t * math.sin(angle)) for t in range(frames)], size)
        for way in (1, -1)
    )
    slid = placed(shown, [(drift * t * math.cos(angle), drift * t * math.sin(angle)) for t in range(frames)], size)
    noisy = (slid + 0.1 * torch.randn(slid.shape, generator=generator)).clamp(0, 1)
    turned = changed(shown, [float(pace * t) for t in range(frames)], slow, size)
    grown = changed(shown, [0.0] * frames, [growth ** (t - frames // 2) for t in range(frames)], size)
    words = frozenset({MOVES, STILL} if drift <= 0.1 else {MOVES})
    return [
        *told,
        Told("a cut", torch.where(late, other, still), frozenset()),
        Told("a dissolve", still * (1 - mixed) + other * mixed, frozenset({FLICKERS})),
        Told("rotation", turned, frozenset({MOVES})),
        Told("zoom", grown, frozenset({MOVES})),
        Told("drift under noise", noisy, words, math.degrees(angle)),
        Told("noise in each frame", torch.rand(3, frames, size, size, generator=generator), frozenset()),
        Told(
            "halves apart", torch.cat([there[..., : size // 2, :], back[..., size // 2 :, :]], -2), frozenset({MOVES})
        ),
    ]
