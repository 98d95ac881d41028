"""Part 6: seconds and error of the decomposition of a clip, against the published procedure on the same device."""

from __future__ import annotations

import time
from collections.abc import Sequence

from torch import Tensor

from benchmarks.decomposition import errors
from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.machine import seconds_of, synchronize
from benchmarks.published_decomposition import EPOCHS, published_decomposition
from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.decomposition.decompose import decompose
from tests.truth.moving_textures import texture, translating

_BATCH = 32
_EPOCHS_RUN = 20


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for the published clip shape, one for I3D's, and one for the published procedure."""
    sizes = {"8x32x32": (8, 32)} if setting.smoke else {"16x128x128": (16, 128), "8x224x224": (8, 224)}
    found = [Case(name, lambda _, f=frames, s=size: _ours(setting, f, s), 10) for name, (frames, size) in sizes.items()]
    frames, size = next(iter(sizes.values()))
    return [*found, Case(f"published, {frames}x{size}x{size}", lambda _: _published(setting, frames, size), 10)]


def _ours(setting: Setting, frames: int, size: int) -> Found:
    clip = translating(texture(1), (1, -0.5), frames=frames, size=size)
    one = clip.pixels[None].to(setting.device)
    apart = decompose(one)
    found = {"seconds a clip, alone": seconds_of(lambda: decompose(one), setting.device)}
    batch, seconds = with_less_memory(
        lambda count: (count, _seconds_a_clip(setting, one, count)), 2 if setting.smoke else _BATCH, "decomposition"
    )
    error, angle = errors(apart.motion[0].cpu(), clip)
    measured = {"batch": batch, "seconds a clip, in a batch": seconds}
    return {**found, **measured, "end-point error, px/frame": error, "angle, degrees": angle}


def _seconds_a_clip(setting: Setting, one: Tensor, count: int) -> float:
    many = one.expand(count, -1, -1, -1, -1).contiguous()
    return seconds_of(lambda: decompose(many, clips_per_batch=count), setting.device, repeats=2) / count


def _published(setting: Setting, frames: int, size: int) -> Found:
    clip = translating(texture(1), (1, -0.5), frames=frames, size=size).pixels.to(setting.device)
    published_decomposition(clip, epochs=2)
    epochs = 2 if setting.smoke else _EPOCHS_RUN
    synchronize(setting.device)
    began = time.perf_counter()
    published_decomposition(clip, epochs=epochs)
    synchronize(setting.device)
    seconds = (time.perf_counter() - began) * EPOCHS / epochs
    return {"seconds a clip, extrapolated": seconds, "epochs": EPOCHS, "epochs run": epochs}
