"""Part 4: stepping back in the networks of the published table, against the published algorithm on the same device."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.pyramids import benchmark

TARGET = 10.0

#: The published table (Stergiou et al. 2019, two GTX 1080 Ti): depth, theta, and its back-step time in ms. Its "1 +
#: mixed5c" of I3D is two layers of convolutions behind the class: those that end Mixed_5c's branches, and those before.
PUBLISHED = {
    "mfnet": (3, 0.6, 24.43),
    "i3d_inception": (2, 0.65, 23.21),
    "resnet3d_50": (3, 0.55, 21.39),
    "resnet3d_101": (3, 0.6, 39.48),
    "resnet3d_152": (3, 0.6, 31.06),
    "resnext3d_101": (3, 0.6, 70.49),
}
_CAP = 6.0  # seconds of the published algorithm's walk, which is extrapolated from there


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each network."""
    if setting.smoke:
        return [Case("texture_motion", lambda _: _network(setting, "texture_motion", 2, 0.6, None), 0)]
    return [
        Case(name, lambda _, n=name, d=depth, t=theta, p=printed: _network(setting, n, d, t, p), 20)
        for name, (depth, theta, printed) in PUBLISHED.items()
    ]


def _network(setting: Setting, name: str, depth: int, theta: float, printed: float | None) -> Found:
    row = benchmark(name, depth, theta, 0.2 if setting.smoke else _CAP, str(setting.device), repeats=5)
    return {
        "depth": depth,
        "theta": theta,
        "ours, published scoring, ms": row.published,
        "ours, attribution, ms": row.step,
        "kernels kept": row.published_kernels,
        "published algorithm, ms": row.extrapolated,
        "of it run, ms": row.tree,
        "kernels visited": row.tree_visited,
        "kernels to visit": row.tree_kernels,
        "same kernels kept": row.tree_agrees,
        "less": row.faster,
        "their table, ms": printed,
        "met": bool(row.tree_agrees and row.faster is not None and row.faster >= TARGET),
    }
