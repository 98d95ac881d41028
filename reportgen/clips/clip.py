"""The one type of clip, from a file or a generator to the analyses and the pictures of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import one_line
from reportgen.result import ShownResult


@dataclass(frozen=True, eq=False)
class Clip(ShownResult):
    """A clip as a network is shown it, and where it came from.

    `pixels` are 1 C T H W float32 in [0, 1], contiguous, RGB (C = 1, luminance, for a network of one channel): the only
    layout in which clips are kept. `name` is safe as a file name. `source` is the file's or folder's name, never its
    path. `label` is the true class, where it is known. `first_frame` is the place of the first frame in the source, and
    `frame_step` how many frames further each next one lies; both count frames at `frame_rate` frames/s, which is the
    source's own rate unless the card asks for another (None: images have none). `known_as` is the digest of the file
    that it was read from, where that was taken already.
    """

    name: str
    pixels: NDArray[np.float32]
    title: str = ""
    source: str = ""
    label: int | None = None
    frame_rate: float | None = None
    first_frame: int = 0
    frame_step: int = 1
    known_as: str | None = None

    def __repr__(self) -> str:
        axes = "N C T H W" if self.pixels.ndim == 5 else "shape"
        rate = f", {self.frame_rate:g} frames/s" if self.frame_rate is not None else ""
        label = f", class {self.label}" if self.label is not None else ""
        return one_line(f"Clip({self.name}, {axes} {' '.join(map(str, self.pixels.shape))}{rate}{label})")

    @cached_property
    def digest(self) -> str:
        """What tells it from any other clip: `known_as`, else the digest of shape and values, computed once."""
        return self.known_as if self.known_as is not None else self.pixel_digest

    @cached_property
    def pixel_digest(self) -> str:
        """The digest of shape and values, whatever file they came from."""
        return hashlib.sha256(str(self.pixels.shape).encode() + self.pixels.tobytes()).hexdigest()

    @property
    def stands_still(self) -> bool:
        """Whether its frames, more than one, are all the same."""
        return self.pixels.shape[2] > 1 and bool((self.pixels == self.pixels[:, :, :1]).all())

    @property
    def frames(self) -> NDArray[np.float32]:
        """A view of the pixels as pictures have them: T H W C."""
        frames: NDArray[np.float32] = self.pixels[0].transpose(1, 2, 3, 0)
        return frames

    def reference(self) -> ClipReference:
        """Return the reference that leads to this clip, which stays in memory."""
        return ClipReference(self.name, self.digest, self.label, lambda: self)


@dataclass(frozen=True)
class ClipReference:
    """A clip that may still be in its file: there are more of them than memory holds.

    `load` returns the clip, under the same name, digest and label; it is read anew each time. Raises ClipError when it
    cannot be read.
    """

    name: str
    digest: str
    label: int | None
    load: Callable[[], Clip] = field(repr=False, compare=False)
