"""How large a run's part of the site will be, told from its plan before anything is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reportgen.analyses.base import Subject
from reportgen.analyses.method import PresetName
from reportgen.config.options import BuildOptions
from reportgen.progress import Progress
from reportgen.reading.format import bytes_size
from reportgen.runner.plan import Plan
from reportgen.wording import option, worded

SHELL = 1_200_000
"""Bytes of a site without a run: the theme, styles and scripts."""

_PAGES = 600_000
"""Bytes of a run's pages that are no method's, and of its clips' pictures, about."""

_PIXELS_WITHOUT_CLIP = 16 * 112 * 112
"""Pixels that are reckoned with where nothing says how many a clip has."""


def run_bytes(plan: Plan, subject: Subject, only: Collection[str] | None = None) -> int:
    """Return the bytes that a run adds to a site, about: those of the jobs of the keys `only`, or of all.

    What a unit of a method adds stands in the method's declaration.
    """
    pixels = clip_pixels(subject)
    found = float(_PAGES)
    for part in plan.parts:
        count = sum(only is None or one.job.key in only for one in part.units)
        found += count * (part.method.page_bytes + part.method.bytes_per_pixel * pixels)
    return round(found)


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
