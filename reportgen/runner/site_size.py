"""How large a run's part of the site will be, told from its plan before anything is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reportgen.analyses.base import Subject
from reportgen.analyses.method import PresetName
from reportgen.config.options import BuildOptions
from reportgen.progress import Progress
from reportgen.reading.format import bytes_size
from reportgen.runner.evidence_clips import EVIDENCE, MOST_PREVIEWED
from reportgen.runner.plan import Plan
from reportgen.wording import option, worded

SHELL = 450_000
"""Bytes of a site without a run: the theme, styles, scripts, and the sums of its files."""

_PAGES = 500_000
"""Bytes of a run's pages that are no method's, about."""

_LAYER = 8_000
"""Bytes of a layer's pages without its kernels."""

_DRIVEN_KERNEL = 4_000
"""Bytes that reference clips add to each kernel of the shown layers: which drive it, its responses, its words."""

_CLIP, _CLIP_PIXEL = 1_400, 0.1
"""Bytes of a clip's pictures, and of each pixel of all its frames."""

_PREVIEW_SIDE = 128
"""px that a side of a reference clip's pictures has at most."""

_PIXELS_WITHOUT_CLIP = 16 * 112 * 112
"""Pixels that are reckoned with where nothing says how many a clip has."""


def run_bytes(plan: Plan, subject: Subject, only: Collection[str] | None = None) -> int:
    """Return the bytes that a run adds to a site, about: those of the jobs of the keys `only`, or of all.

    What a unit of a method adds, and what the method adds to every kernel of the network, stands in its declaration.
    """
    pixels = clip_pixels(subject)
    kernels = sum(layer.kernels for layer in subject.layers.values())
    found = _PAGES + _LAYER * len(subject.layers) + len(subject.clips) * (_CLIP + _CLIP_PIXEL * pixels)
    for part in plan.parts:
        count = sum(only is None or one.job.key in only for one in part.units)
        found += count * part.method.site_bytes(part.parameters, pixels)
        found += part.method.bytes_per_kernel * kernels if count else 0.0
        if count and part.method.name == EVIDENCE and subject.reference:
            found += _driven_bytes(subject, pixels)
    return round(found)


def _driven_bytes(subject: Subject, pixels: int) -> float:
    """Return the bytes of the reference clips that pages show, and of what these say of the shown layers' kernels."""
    spec = subject.network.spec
    smaller = min(1.0, _PREVIEW_SIDE / max(spec.height, spec.width)) ** 2 if spec else 1.0
    previews = min(len(subject.reference), MOST_PREVIEWED) * (_CLIP + _CLIP_PIXEL * pixels * smaller)
    return previews + _DRIVEN_KERNEL * sum(subject.layers[name].kernels for name in subject.stages)


def size_notes(beside: int, own: int, most: int, preset: PresetName) -> Iterator[str]:
    """Yield how large a site will be with a run of `own` bytes beside others, and what to do where it is too large."""
    whole = SHELL + beside + own
    yield f"The site will have about {bytes_size(whole)}."
    if whole > most:
        lesser = {"full": "standard", "standard": "quick"}.get(preset)
        smaller = f"{option('--preset', lesser)}, or " if lesser else ""
        yield worded(
            f"That is more than {bytes_size(most)} ({option('--max-size')}). Smaller are: {smaller}fewer "
            f"{option('--clip')}, {option('--class')}, {option('--layers')} or {option('--kernels')}."
        )


def tell_size(beside: int, own: int, options: BuildOptions, progress: Progress) -> None:
    """Tell whoever waits how large the site will be, and warn where that is more than the build's limit."""
    for note in size_notes(beside, own, options.max_size, options.preset):
        progress.note(note)


def clip_pixels(subject: Subject) -> int:
    """Return the pixels of a clip, of all its frames."""
    spec = subject.network.spec
    if spec is not None:
        return spec.frames * spec.height * spec.width
    if subject.clips:
        frames, height, width = subject.clips[0].pixels.shape[2:]
        return int(frames * height * width)
    return _PIXELS_WITHOUT_CLIP
