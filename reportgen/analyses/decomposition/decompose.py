"""Taking a clip apart into one static picture and the motion that it goes through.

The idea is that of Li and Li 2025 (arXiv 2505.07387): frame t of a clip is V_t(p) = I(p + D_t(p)), a texture I that
does not change, seen through a displacement field D_t. How well a clip of any kind is explained in this way is itself
a finding, and is reported beside the picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.common.representation import in_one_line, span, with_axes
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.analyses.decomposition.adam_pyramid import displacement_by_adam
from reportgen.analyses.decomposition.course import Course, Find, course_of
from reportgen.analyses.decomposition.drift import drift_of, with_drift
from reportgen.analyses.decomposition.fitting import LEAST_CONTRAST, explained_share, fit_texture
from reportgen.analyses.decomposition.forward_motion import (
    forward_motion,
    mean_velocity,
    summarise_motion,
    texture_evidence,
)
from reportgen.analyses.decomposition.gauss_newton import displacement_by_gauss_newton
from reportgen.analyses.decomposition.parts import (
    LEAST_CHANGE,
    changing_share,
    evened,
    may_hide_a_part,
    part_that_moves,
)
from reportgen.analyses.decomposition.steadiness import steady_share
from reportgen.analyses.decomposition.stripes import across_stripes
from reportgen.analyses.decomposition.warping import warp
from reportgen.errors import ClipError, OptionError
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.speed.precision import full_precision
from reportgen.result import ShownResult

_SMALLEST_SIDE = 8  # px
_ALONG = 0.25  # px; less motion along stripes is left as it is
_LEAST_STRIPED = 0.001  # share of the places; a few that look like stripes are worth no second texture
_NOTHING_LOST = 0.1  # of the variance; a slower motion that costs no more is as good
_LOST_BY_EDGES = 0.2  # the same, of stripes that move as one: hard edges lie between pixels
_PART_EXPLAINS = 0.5  # of what a still picture leaves; a part that moves explains as much
_POSITIONS_AT_ONCE = {"cpu": 2**20, "cuda": 2**25}  # pixels of all frames of a batch; about 0.3 KB each


@dataclass(frozen=True, eq=False)
class Decomposition(ShownResult):
    """N clips of T frames as textures and motion.

    `texture` ``N C H W``; `displacement` ``N T 2 H W``, where in the texture each pixel looks, in px as (dx, dy), zero
    in the reference frame; `motion` ``N T-1 2 H W``, where each pixel of a frame goes in the next one, in px/frame, x
    to the right and y down; `evidence` ``N T-1 H W``, where the texture is strong enough to tell; `reconstruction`
    ``N C T H W``, the texture moved by the displacement (what comes into view from outside the reference frame is
    taken from the frames that show it).

    Numbers, one per clip (N): `psnr` of the reconstruction in dB; `explained_variance`, the share of the clip's
    variance about its mean colour that the reconstruction explains; `still_variance`, the share that the best still
    picture explains; `mean_speed` in px/frame, `direction` in degrees (0 right, 90 down, 180 left, 270 up; nan
    where nothing moves) and `coherence` of the mean velocity (0 to 1), all three over the evidence; where a part of the
    clip moves and the rest stands still, over that part, whose share of the frame is `moving_share` (else nan).

    `changing_share` is the share of the frame where a still picture explains less than four fifths of what is there.
    `motion_explains` is the share of what a still picture leaves of the clip that motion explains (nan where it leaves
    nothing), `course` what happens from frame to frame.

    `steps` is the number of linear systems (solver ``gauss-newton``) or Adam steps, `seconds` the time for all clips.
    """

    texture: Tensor
    displacement: Tensor
    motion: Tensor
    evidence: Tensor
    reconstruction: Tensor
    psnr: Tensor
    explained_variance: Tensor
    still_variance: Tensor
    mean_speed: Tensor
    speed_margin: Tensor
    direction: Tensor
    coherence: Tensor
    motion_explains: Tensor
    moving_share: Tensor
    changing_share: Tensor
    course: Course
    reference_frame: int
    steps: int
    seconds: float

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"clips {with_axes(self.reconstruction, 'N C T H W')}",
            f"PSNR {span(self.psnr, 'dB')}",
            f"explained variance {span(self.explained_variance)}",
            f"mean speed {span(self.mean_speed, 'px/frame')}",
            f"{self.seconds:.1f} s",
        )


def decompose(
    clips: Clips,
    *,
    reference_frame: int | None = None,
    solver: Literal["gauss-newton", "adam"] = "gauss-newton",
    clips_per_batch: int | None = None,
) -> Decomposition:
    """Take clips ``N C T H W`` in [0, 1], in any form that `given_clips` knows, apart into texture and motion.

    `reference_frame` is the frame whose pixel grid the texture has (the middle one by default, from which the others
    are least far). `solver` ``adam`` is the slow reference version of the default. A clip's result does not depend on
    the clips that it is computed with; `clips_per_batch` bounds the memory (by default as the device suggests, and
    half of it whenever that is too much). Nothing is random. Raises ClipError for clips that cannot be taken apart,
    OptionError for a bad option and OutOfMemoryError when memory does not suffice for one clip.
    """
    require_whole(least=-(1 << 31), reference_frame=reference_frame, clips_per_batch=clips_per_batch)
    clips, reference = _checked(clips, reference_frame)
    if solver not in {"gauss-newton", "adam"}:
        raise OptionError(f"There is no decomposition solver {solver!r}: use 'gauss-newton' or 'adam'.")
    if clips_per_batch is None:
        clips_per_batch = clips_at_once(clips.shape[2:], clips.device)
    elif clips_per_batch < 1:
        raise OptionError(f"clips_per_batch is {clips_per_batch}: give 1 or more, or leave it out.")
    begin = time.perf_counter()

    def in_batches_of(size: int) -> list[Decomposition]:
        return [_decompose_batch(batch, reference, solver) for batch in torch.split(clips, size)]

    with torch.no_grad(), full_precision():
        parts = with_less_memory(in_batches_of, min(clips_per_batch, len(clips)), "the decomposition")
    arrays = [field.name for field in fields(Decomposition) if isinstance(getattr(parts[0], field.name), Tensor)]
    whole: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in arrays}
    numbers = [field.name for field in fields(Course)]
    course = Course(*(torch.cat([getattr(part.course, name) for part in parts]) for name in numbers))
    return replace(parts[0], **whole, course=course, seconds=time.perf_counter() - begin)


def clips_at_once(shape: Sequence[int], device: torch.device) -> int:
    """Return how many clips of `shape` (T, H, W) a device takes apart at once."""
    return max(1, _POSITIONS_AT_ONCE.get(device.type, _POSITIONS_AT_ONCE["cpu"]) // math.prod(shape))


def _checked(given: Clips, reference_frame: int | None) -> tuple[Tensor, int]:
    clips = given_clips(None, given)
    frames, height, width = clips.shape[2:]
    if frames < 2:
        raise ClipError(f"A clip of {frames} frame has no motion: give clips of 2 frames or more.")
    if min(height, width) < _SMALLEST_SIDE:
        raise ClipError(f"Clips of {height}x{width} are too small to decompose: give {_SMALLEST_SIDE} px or more.")
    reference = frames // 2 if reference_frame is None else reference_frame
    if not 0 <= reference < frames:
        raise OptionError(f"reference_frame is {reference}: give one of the clip's frames, 0 to {frames - 1}.")
    return clips.clamp(0, 1), reference


def _decompose_batch(clips: Tensor, reference: int, solver: str) -> Decomposition:
    begin = time.perf_counter()
    spread = clips.flatten(1).std(1).clamp_min(LEAST_CONTRAST).view(-1, 1, 1, 1, 1)
    scaled = (clips - 0.5) / spread
    find = displacement_by_gauss_newton if solver == "gauss-newton" else displacement_by_adam
    displacement, steps = find(scaled, reference)
    canvas, margin = fit_texture(clips, displacement, reference)
    reconstruction = warp(canvas, displacement, mode="bicubic", margin=margin).clamp(0, 1)
    found = displacement, canvas, reconstruction
    slower = across_stripes(scaled, displacement)
    along = (displacement - slower).abs().amax(2) > _ALONG
    other = along.flatten(1).to(clips.dtype).mean(1) >= _LEAST_STRIPED
    found = _rather(slower, other, clips, reference, found, _NOTHING_LOST)
    shown = _shown(found, margin)
    drift = drift_of(scaled, mean_velocity(*shown[1:]))
    other = drift.striped & drift.steady & ~drift.agrees(mean_velocity(*shown[1:]))
    if other.any():
        whole = drift.displacement((clips.shape[2], *clips.shape[3:]), reference)
        found = _rather(whole, other, clips, reference, found, _LOST_BY_EDGES)
        shown = _shown(found, margin)
    still = explained_share(clips, clips.mean(2, keepdim=True))
    hiding = may_hide_a_part(clips, shown[1], shown[2], still)
    found, in_parts = _in_parts(hiding, clips, reference, found, still, find)
    if in_parts.any():
        shown = _shown(found, margin, in_parts)
    displacement, _, reconstruction = found
    texture, motion, evidence = shown
    summary = with_drift(summarise_motion(motion, evidence), drift, mean_velocity(motion, evidence))
    summary, moving_share = part_that_moves(motion, evidence, summary)
    error = (clips - reconstruction).square().mean((1, 2, 3, 4))
    explained = explained_share(clips, reconstruction)
    beyond = torch.where(1 - still > LEAST_CHANGE, (explained - still) / (1 - still).clamp_min(1e-12), torch.nan)
    steady = steady_share(clips, still, beyond, (motion, evidence), drift, reference)
    return Decomposition(
        texture=texture,
        displacement=displacement,
        motion=motion,
        evidence=evidence,
        reconstruction=reconstruction,
        psnr=-10 * error.clamp_min(1e-12).log10(),
        explained_variance=explained,
        still_variance=still,
        mean_speed=summary.mean_speed,
        speed_margin=summary.speed_margin,
        direction=summary.direction,
        coherence=summary.coherence,
        motion_explains=beyond,
        moving_share=moving_share,
        changing_share=changing_share(clips),
        course=course_of(clips, scaled, (still, beyond), (motion, evidence), steady, find),
        reference_frame=reference,
        steps=steps,
        seconds=time.perf_counter() - begin,
    )


_Found = tuple[Tensor, Tensor, Tensor]
"""Displacement, canvas and reconstruction."""


def _shown(found: _Found, margin: int, in_parts: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return the texture, the motion, and where there is evidence of it.

    Of clips `in_parts` (bool N) a fainter texture is evidence beside a stronger one.
    """
    displacement, canvas, _ = found
    texture = canvas[..., margin : canvas.shape[-2] - margin, margin : canvas.shape[-1] - margin].clamp(0, 1)
    evidence = texture_evidence(texture, displacement[:, :-1])
    if in_parts is not None:
        faint = texture_evidence(evened(texture[in_parts].unsqueeze(2))[:, :, 0], displacement[in_parts, :-1])
        evidence[in_parts] |= faint
    return texture, forward_motion(displacement), evidence


def _in_parts(
    hiding: Tensor, clips: Tensor, reference: int, found: _Found, still: Tensor, find: Find
) -> tuple[_Found, Tensor]:
    """Return what was found with a motion that high contrast hid, and of which clips (bool N) it is.

    Of `hiding` (bool N) those are that it explains most of what a still picture leaves, and more than was found.
    """
    chosen = hiding.clone()
    if not hiding.any():
        return found, chosen
    own = clips[hiding]
    displacement, _ = find(evened(own), reference)
    canvas, margin = fit_texture(own, displacement, reference)
    reconstruction = warp(canvas, displacement, mode="bicubic", margin=margin).clamp(0, 1)
    left = (1 - still[hiding]).clamp_min(LEAST_CHANGE)
    beyond = (explained_share(own, reconstruction) - still[hiding]) / left
    before = (explained_share(own, found[2][hiding]) - still[hiding]) / left
    chosen[hiding] = better = (beyond >= _PART_EXPLAINS) & (beyond > before)
    whole = tuple(one.clone() for one in found)
    for one, new in zip(whole, (displacement, canvas, reconstruction), strict=True):
        one[chosen] = new[better]
    return (whole[0], whole[1], whole[2]), chosen


def _rather(other: Tensor, tried: Tensor, clips: Tensor, reference: int, found: _Found, most_lost: float) -> _Found:
    """Return what was found with the `other` motion for those clips that it explains too.

    Only clips of `tried` (bool N) are; of the variance that is explained, no more than `most_lost` may be lost.
    """
    if not tried.any():
        return found
    canvas, margin = fit_texture(clips[tried], other[tried], reference)
    reconstruction = warp(canvas, other[tried], mode="bicubic", margin=margin).clamp(0, 1)
    lost = explained_share(clips[tried], found[2][tried]) - explained_share(clips[tried], reconstruction)
    chosen = tried.clone()
    chosen[tried] = as_good = lost <= most_lost
    displacement, canvases, reconstructions = (one.clone() for one in found)
    displacement[chosen] = other[chosen]
    canvases[chosen], reconstructions[chosen] = canvas[as_good], reconstruction[as_good]
    return displacement, canvases, reconstructions
