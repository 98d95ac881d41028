"""Names of what is looked at: layers, kernels, classes and clips.

The printed form of an identity is its page address and the target of ``--select``:
``i3d/s3.pathway0_res0.branch2.c/0042``.
"""

from __future__ import annotations

import hashlib
import re

from reportgen.records.base import Frozen

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 120
"""Signs of a file name: file systems allow 255, and pages add their own endings."""


def slug(text: str) -> str:
    """Return `text` as a file name of letters, digits, dot, dash and underscore; never empty, hidden or too long."""
    name = _UNSAFE.sub("-", text).strip("-.") or "unnamed"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: _LONGEST - 13]}-{digest[:12]}"


class LayerId(Frozen):
    """A layer of a model."""

    model: str
    layer: str

    def __str__(self) -> str:
        return f"{self.model}/{self.layer}"


class KernelId(Frozen):
    """A kernel (output channel) of a convolutional or linear layer."""

    model: str
    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.model}/{self.layer}/{self.index:04d}"

    @property
    def published_name(self) -> str:
        """File name stem that the published 3D Kernel Visualizer uses: ``{model}_{layer}_{index}``."""
        return f"{self.model}_{self.layer.replace('.', '_')}_{self.index}"


class ClipId(Frozen):
    """A real or generated clip, by the name it has in the report."""

    name: str

    def __str__(self) -> str:
        return f"clip/{self.name}"


class ClassId(Frozen):
    """A class of a model, seen on a clip; with `against`, why this class rather than that one."""

    model: str
    clip: str
    index: int
    against: int | None = None

    def __str__(self) -> str:
        rather = "" if self.against is None else f"-vs-{self.against:04d}"
        return f"{self.model}/{self.clip}/class-{self.index:04d}{rather}"
