"""Names of what is looked at: kernels, and what is explained on clips.

The printed form of an identity is its page address and the target of ``--select``:
``i3d/s3.pathway0_res0.branch2.c/0042``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from reportgen.records.base import Frozen
from reportgen.records.targets import Target

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 120
"""Signs of a file name: file systems allow 255, and pages add their own endings."""

_KERNEL = re.compile(r"(?P<model>[^/]*)/(?P<layer>.*)/(?P<index>[0-9]{1,9})", re.DOTALL)
_TARGET = re.compile(
    r"(?P<model>[^/]*)/(?P<clip>.*)/(?P<target>class-[0-9]{1,9}(-(vs|at)-[0-9]{1,9})?|target-[a-z]+(-[0-9]{1,9})*)(/.*)?",
    re.DOTALL,
)


def slug(text: str) -> str:
    """Return `text` as a file name of letters, digits, dot, dash and underscore; never empty, hidden or too long."""
    name = _UNSAFE.sub("-", text).strip("-.") or "unnamed"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: _LONGEST - 13]}-{digest[:12]}"


def spelled(name: str) -> str:
    """Return a name as folders may spell it: in one case, with spaces for `_` and `-`."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


class KernelId(Frozen):
    """A kernel (output channel) of a convolutional or linear layer, or a unit of one."""

    model: str
    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.model}/{self.layer}/{self.index:04d}"

    @classmethod
    def parse(cls, text: str) -> KernelId:
        """Return the kernel of that printed form; a layer's own name may hold any sign. Raises ValueError."""
        found = _KERNEL.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no kernel: one is printed as model/layer/0042")
        return cls(model=found["model"], layer=found["layer"], index=int(found["index"]))

    @property
    def published_name(self) -> str:
        """File name stem that the published 3D Kernel Visualizer uses: ``{model}_{layer}_{index}``."""
        return f"{slug(self.model)}_{slug(self.layer.replace('.', '_'))}_{self.index}"


class TargetId(Frozen):
    """What is explained of a model's answer to a clip: a class, one class rather than another, ..."""

    model: str
    clip: str
    target: Target

    def __str__(self) -> str:
        return f"{self.model}/{self.clip}/{self.target}"

    @classmethod
    def parse(cls, text: str) -> TargetId:
        """Return the target of that printed form, whatever a method adds behind it. Raises ValueError."""
        found = _TARGET.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no target on a clip: one is printed as model/clip/class-0002")
        return cls(model=found["model"], clip=found["clip"], target=Target.parse(found["target"]))


def is_selected(identity: str, patterns: Iterable[str]) -> bool:
    """Whether a printed identity, or what it belongs to, is one of `patterns` (``*`` stands for anything, ``/`` too).

    ``i3d/s3*`` selects the kernels of layers that begin so, ``i3d/s3.conv`` those of one layer.
    """
    parts = identity.split("/")
    heads = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(head == pattern or fnmatchcase(head, pattern) for pattern in patterns for head in heads)
