"""Each shown kernel's clip taken apart: one still texture, and the motion that carries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.decomposition.decompose import Decomposition, clips_at_once, decompose
from reportgen.analyses.decomposition.parameters import DecompositionParameters
from reportgen.analyses.kernels.analysis import kernel_units
from reportgen.errors import OptionError
from reportgen.progress import Progress
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.figures import Array, ClipFigure, Figure, ImageFigure, MotionFigure, Result


class DecompositionAnalysis:
    """One unit per kernel; the clips of a layer are taken apart together."""

    def units(self, subject: Subject, parameters: DecompositionParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown kernels, each reading its stage-1 clip; a still network has no motion to show.

        Raises OptionError for a reference frame that a clip does not have.
        """
        spec = subject.network.spec
        if spec is not None and spec.frames < 2:
            return [Inapplicable(subject.model, "a network of single frames has no motion to take apart")]
        if spec is not None and parameters.reference_frame is not None and parameters.reference_frame >= spec.frames:
            raise OptionError(
                f"[decomposition] reference_frame is {parameters.reference_frame}: "
                f"a clip of {subject.model} has the frames 0 to {spec.frames - 1}."
            )
        return kernel_units(subject, needs=[("kernels", "stage1_data")])

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: DecompositionParameters,
        answers: Answers,
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each kernel's texture, motion and reconstruction with the activation that they keep.

        A layer may have more kernels than memory holds clips: they come as many at a time as are taken apart at once.
        """
        layer, device = units[0].group, subject.network.device
        first = answers("kernels", units[0].name, "stage1_data")["clip"]
        at_once = parameters.clips_per_batch or clips_at_once(first.shape[:-1], device)
        with progress.task(f"texture and motion of {layer}", len(units)) as task:
            for start in range(0, len(units), at_once):
                some = units[start : start + at_once]
                stacked = np.stack([answers("kernels", unit.name, "stage1_data")["clip"] for unit in some])
                clips = torch.from_numpy(stacked.astype(np.float32)).permute(0, 4, 1, 2, 3).contiguous().to(device)
                found = decompose(
                    clips,
                    reference_frame=parameters.reference_frame,
                    solver=parameters.solver,
                    clips_per_batch=at_once,
                )
                still = found.texture.unsqueeze(2).expand_as(found.reconstruction)
                shown = {
                    "stage1": clips,
                    "reconstruction": found.reconstruction,
                    "texture": still,
                    "reversed": clips.flip(2),
                }
                kept = _own_responses(subject, shown, layer, some)
                for place, unit in enumerate(some):
                    activations = {name: values[place] for name, values in kept.items()}
                    yield unit, _result(found, place, activations)
                    task.advance()


def _own_responses(
    subject: Subject, shown: Mapping[str, Tensor], layer: str, units: Sequence[Unit]
) -> dict[str, list[float]]:
    """Return the response of each unit's own kernel to its own clip, for each kind of clips `N C T H W`."""
    clips = torch.cat(list(shown.values()))
    found = kernel_responses(
        subject.network, clips, [layer], objective=subject.objective, batch_size=starting_batch(clips[:1])
    )[layer].unflatten(0, (len(shown), len(units)))
    kernels = [unit.kernel for unit in units]
    return {
        name: [float(values[place, kernel]) for place, kernel in enumerate(kernels)]
        for name, values in zip(shown, found, strict=True)
    }


def _result(found: Decomposition, place: int, activations: dict[str, float]) -> Result:
    motion = found.motion[place].cpu().numpy()
    evidence = found.evidence[place].cpu().numpy()
    speed = np.hypot(motion[:, 0], motion[:, 1])
    speed_p99 = float(np.percentile(speed[evidence], 99)) if evidence.any() else 0.0
    answer = DecompositionAnswer(
        psnr=float(found.psnr[place]),
        explained_variance=float(found.explained_variance[place]),
        still_variance=float(found.still_variance[place]),
        motion_explains=float(found.motion_explains[place]),
        mean_speed=float(found.mean_speed[place]),
        moving_share=float(found.moving_share[place]),
        changing_share=float(found.changing_share[place]),
        speed_margin=float(found.speed_margin[place]),
        direction_degrees=float(found.direction[place]),
        direction_coherence=float(found.coherence[place]),
        speed_p99=speed_p99,
        evidence_share=float(evidence.mean()),
        **{one.name: float(getattr(found.course, one.name)[place]) for one in fields(found.course)},
        stage1_activation=activations["stage1"],
        reconstruction_activation=activations["reconstruction"],
        texture_activation=activations["texture"],
        activation_kept=_ratio(activations["reconstruction"], activations["stage1"]),
        texture_activation_kept=_ratio(activations["texture"], activations["stage1"]),
        reversed_activation=activations["reversed"],
    )
    texture = _last(found.texture[place])
    figures: dict[str, Figure] = {
        "texture": ImageFigure(texture, "Static texture"),
        "motion": MotionFigure(motion, evidence, speed_p99, "Forward motion"),
        "reconstruction": ClipFigure(_last(found.reconstruction[place]), "The texture, moved by the motion"),
    }
    return Result(answer, figures)


def _last(pixels: Tensor) -> Array:
    """Return `C ... ` as `... C`, clamped to [0, 1], numpy."""
    return pixels.detach().movedim(0, -1).clamp(0, 1).cpu().numpy()


def _ratio(kept: float, whole: float) -> float | None:
    """Return the share that is kept, or None where the whole is not positive and a share means nothing."""
    return kept / whole if whole > 0 else None
