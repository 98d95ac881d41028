"""Where and when a network looked: attribution of a class logit to the pixels of a clip."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from reportgen.analyses.ascent import is_out_of_memory
from reportgen.analyses.baselines import make_baseline
from reportgen.analyses.saliency_methods import METHODS, Method, Question, cam_layer
from reportgen.errors import NetworkError, OutOfMemoryError, unknown_name
from reportgen.networks.network import Network, as_network, no_weight_gradients
from reportgen.networks.preactivation import placement
from reportgen.progress import SILENT, Progress

__all__ = ["METHODS", "Attribution", "attribute", "cam_layer"]

_VALUES_AT_ONCE = 2**21
"""Pixels times channels that go through the network at once on a CPU, where larger batches gain nothing."""

_BYTES_PER_VALUE = 2048
"""Memory per value of a clip that a device is assumed to need; too low a guess costs a second try."""

READS_LAYER = ("grad_cam", "guided_grad_cam")


@dataclass(frozen=True)
class Attribution:
    """What each pixel of N clips did for a class logit; tensors are float32 on the CPU.

    `attribution` is like the clip, `N C T H W`. `heat` N T H W sums it over channels, and its magnitude where the
    map is not `signed`. `temporal_profile` N T is the sum of |attribution| over channels and positions. For methods
    that promise that attributions sum to the logit's gain over the baseline, `completeness_errors` says by which
    share of that gain they miss, per clip. `layer` is the one that Grad-CAM read, `baseline` what was compared with.
    """

    attribution: Tensor
    heat: Tensor
    temporal_profile: Tensor
    logits: tuple[float, ...]
    class_index: int
    method: str
    signed: bool
    baseline: str | None
    completeness_errors: tuple[float, ...] | None
    seconds: float
    seed: int
    layer: str | None = None

    @property
    def logit(self) -> float:
        """The class logit of the clip; the mean over clips where there are several."""
        return math.fsum(self.logits) / len(self.logits)

    @property
    def completeness_error(self) -> float | None:
        """The largest completeness error over clips; None for methods that promise none."""
        return None if self.completeness_errors is None else max(self.completeness_errors)


def attribute(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    method: str = "integrated_gradients",
    *,
    seed: int = 0,
    batch_size: int | None = None,
    steps: int = 64,
    samples: int = 16,
    baseline: str | Tensor = "blur",
    layer: str | None = None,
    window: tuple[int, ...] | None = None,
    signed: bool | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Return what each pixel of `clip` did for the logit of a class, by one of METHODS.

    `clip` is `N C T H W` in [0, 1] RGB for a Network, and what a bare module takes (`N C T H W` or `N C H W`) for
    that; attributions are with respect to these values, behind which lies the card's normalisation. `steps` are
    those of integrated gradients, `samples` those of SmoothGrad, `window` is occlusion's box (t, h, w), `layer`
    Grad-CAM's (default: `cam_layer`), `baseline` one of BASELINES or a clip.
    Clips are answered one by one, `batch_size` passes at once (default: by memory, halved when it runs out); neither
    changes the answer beyond rounding. The network is left as it was.

    Raises UnknownNameError for an unknown method, class or baseline, NetworkError when the method does not apply to
    the network or its map is zero everywhere or not finite, OutOfMemoryError when one pass does not fit into memory.
    """
    if method not in METHODS:
        raise unknown_name("saliency method", method, METHODS)
    if min(steps, samples) < 1:
        raise NetworkError(f"Steps and samples must be at least 1, not {steps} and {samples}.")
    started = time.perf_counter()
    chosen = METHODS[method]
    seen = as_network(network)
    clips = _placed(seen, clip)
    reference = make_baseline(baseline, clips) if chosen.compared else clips
    with no_weight_gradients(seen):
        logits = _class_logits(seen, clips, class_index)
        if layer is None and method in READS_LAYER:
            layer = cam_layer(seen, clips[:1])
        questions = [
            Question(
                network=seen,
                clip=one,
                class_index=class_index,
                baseline=other,
                seed=seed,
                steps=steps,
                samples=samples,
                batch_size=batch_size or _starting_batch(one),
                layer=layer,
                window=window,
            )
            for one, other in zip(_singly(clips), _singly(reference), strict=True)
        ]
        with progress.task(chosen.title, sum(map(chosen.passes, questions))) as task:
            found = torch.cat([_answer(chosen, replace(question, advance=task.advance)) for question in questions])
        errors = _completeness(seen, found, logits, reference, class_index) if chosen.additive else None
    _check(found, chosen, class_index)
    signed = chosen.signed if signed is None else signed
    found = found.float().cpu()
    volume = found if found.ndim == 5 else found.unsqueeze(2)
    return Attribution(
        attribution=found,
        heat=volume.sum(dim=1) if signed else volume.abs().sum(dim=1),
        temporal_profile=volume.abs().sum(dim=(1, 3, 4)),
        logits=tuple(logits.tolist()),
        class_index=class_index,
        method=method,
        signed=signed,
        baseline=_baseline_name(baseline) if chosen.compared else None,
        completeness_errors=errors,
        seconds=time.perf_counter() - started,
        seed=seed,
        layer=layer if method in READS_LAYER else None,
    )


def _placed(network: Network, clip: Tensor) -> Tensor:
    """Return the clips where the network is, in its precision; raises NetworkError for other shapes."""
    if clip.ndim not in (4, 5) or 0 in clip.shape:
        raise NetworkError(f"Saliency needs clips N C T H W (or N C H W), got {tuple(clip.shape)}.")
    return clip.detach().to(**placement(network))


def _singly(clips: Tensor) -> tuple[Tensor, ...]:
    return torch.split(clips, 1)


def _class_logits(network: Network, clips: Tensor, index: int) -> Tensor:
    """Return the logit of one class per clip, one clip at a time."""
    with torch.no_grad():
        scores = torch.cat([network.logits(clip) for clip in _singly(clips)])
    if not 0 <= index < scores.shape[1]:
        raise unknown_name("class", str(index), [f"0 to {scores.shape[1] - 1}"])
    return scores[:, index]


def _answer(method: Method, question: Question) -> Tensor:
    """Return the map, with half of the batch whenever memory runs out."""
    while True:
        try:
            return method.compute(question)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if question.batch_size == 1:
                raise OutOfMemoryError(
                    f"Memory ran out on a single clip by {method.title}: choose a smaller clip or another device."
                ) from error
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        question = replace(question, batch_size=question.batch_size // 2)


def _starting_batch(clip: Tensor) -> int:
    """Return how many clips to try at once."""
    if clip.device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(clip.device)
        return max(1, int(free / (clip.numel() * _BYTES_PER_VALUE)))
    return max(1, _VALUES_AT_ONCE // clip.numel())


def _completeness(network: Network, found: Tensor, logits: Tensor, reference: Tensor, index: int) -> tuple[float, ...]:
    """Return |sum of attributions - gain| / |gain| per clip, the gain being the logit's over its baseline's."""
    gain = (logits - _class_logits(network, reference, index)).double()
    missed = found.double().flatten(1).sum(dim=1) - gain
    least = 1e-6 * logits.double().abs().clamp(min=1)
    return tuple((missed.abs() / torch.maximum(gain.abs(), least)).tolist())


def _check(found: Tensor, method: Method, index: int) -> None:
    """Raise NetworkError for a map that would show nothing, or nonsense."""
    for one in found:
        if not torch.isfinite(one).all():
            raise NetworkError(f"{method.title} of class {index} is not finite: the network overflows on this clip.")
        if not one.any():
            raise NetworkError(
                f"{method.title} of class {index} is zero everywhere: nothing in this clip speaks for the class "
                "by this method; choose another class, layer or method."
            )


def _baseline_name(baseline: str | Tensor) -> str:
    return baseline if isinstance(baseline, str) else "given"
