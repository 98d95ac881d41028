"""The attribution methods, each for one clip; captum computes most of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from reportgen.analyses.saliency.class_map import class_map
from reportgen.analyses.saliency.exposed import ExposedNetwork
from reportgen.analyses.saliency.question import MapMethod, Question
from reportgen.analyses.saliency.quiet_captum import captum
from reportgen.analyses.saliency.rescale import contributions
from reportgen.analyses.saliency.rescaled_calls import WITH_RULES
from reportgen.analyses.saliency.smoothing import smoothed
from reportgen.errors import NetworkError, NoAnswerError
from reportgen.networks.core.copying import no_gradient
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.speed.reduced import in_bfloat16
from reportgen.networks.trace.build import gradient_cuts

_PARTS = (4, 5, 5)
"""Into how many boxes occlusion cuts a clip along time, height and width."""


def gradients(question: Question) -> Tensor:
    """Return dy/dx."""
    return _attributed(captum.attr.Saliency(question.logits), question, abs=False)


def input_x_gradient(question: Question) -> Tensor:
    """Return x dy/dx."""
    return _attributed(captum.attr.InputXGradient(question.logits), question)


def guided_backprop(question: Question) -> Tensor:
    """Return dy/dx where every ReLU passes back only what is positive."""
    with _cuts_told(question):
        return _attributed(captum.attr.GuidedBackprop(_guided(question)), question)


def smoothgrad(question: Question) -> Tensor:
    """Return the mean of dy/dx over noisy copies of the clip."""
    return _smoothed(question, lambda asked: captum.attr.Saliency(asked.logits), abs=False)


def smoothgrad_guided(question: Question) -> Tensor:
    """Return the mean of guided backprop over noisy copies of the clip."""
    with _cuts_told(question):
        return _smoothed(question, lambda asked: captum.attr.GuidedBackprop(_guided(asked)))


def integrated_gradients(question: Question) -> Tensor:
    """Return (x - b) times the mean of dy/dx along the line from the baseline b to the clip x."""
    return _attributed(
        captum.attr.IntegratedGradients(question.logits),
        question,
        baselines=question.baseline,
        n_steps=question.steps,
        internal_batch_size=question.batch_size,
    )


def deeplift(question: Question) -> Tensor:
    """Return DeepLift's contributions by the rescale rule."""
    exposed = ExposedNetwork(question.network, question.clip, question.scores, WITH_RULES, question.advance)
    return contributions(exposed, question.clip, question.baseline, question.class_index)


def grad_cam(question: Question) -> Tensor:
    """Return the positive part of sum_k mean(dy/dA_k) A_k of a layer's maps A, laid over the clip.

    The map has no channels: each of the clip's has an equal share of it.
    """
    return (_cam(question) / question.clip.shape[1]).expand_as(question.clip).clone()


def guided_grad_cam(question: Question) -> Tensor:
    """Return guided backprop times Grad-CAM."""
    return guided_backprop(question) * _cam(question)


def occlusion(question: Question) -> Tensor:
    """Return how much the logit falls when a box of space and time is replaced by the baseline's.

    Boxes lie side by side; a pixel has its box's fall, shared out over the box.
    """
    box = (question.clip.shape[1], *_window(question))
    found = _attributed(
        captum.attr.Occlusion(question.logits),
        question,
        sliding_window_shapes=box,
        strides=box,
        baselines=question.baseline,
        perturbations_per_eval=question.batch_size,
    )
    return found / math.prod(box)


def _window(question: Question) -> tuple[int, ...]:
    """Return the sides of occlusion's box, as many as the clip has axes of time and space."""
    sizes = question.clip.shape[2:]
    window = question.window or tuple(
        math.ceil(size / parts) for size, parts in zip(sizes, _PARTS[-len(sizes) :], strict=True)
    )
    if not isinstance(window, tuple | list) or not all(isinstance(side, int) for side in window):
        raise NetworkError(f"The occlusion box {window!r} is no size: give whole numbers, one for each axis.")
    if len(window) != len(sizes) or any(not 0 < side <= size for side, size in zip(window, sizes, strict=True)):
        raise NetworkError(
            f"The occlusion box {window} does not fit into the clip {tuple(sizes)}: choose a smaller one."
        )
    return window


def _boxes(question: Question) -> int:
    return 1 + math.prod(
        math.ceil(size / side) for size, side in zip(question.clip.shape[2:], _window(question), strict=True)
    )


def _attributed(method: Any, question: Question, **options: Any) -> Tensor:
    kept = question.passed.clip if question.passed is not None else question.clip
    clip = kept if kept.requires_grad else question.clip.detach().clone().requires_grad_()
    with _quiet():
        found: Tensor = method.attribute(clip, target=question.class_index, **options)
    return found.detach()


def _smoothed(question: Question, method: Callable[[Question], Any], **options: Any) -> Tensor:
    """Return the mean attribution over noisy clips by a method of captum's, which is made for a question."""

    def attributed(asked: Question, noisy: Tensor) -> Tensor:
        with _quiet():
            found: Tensor = method(asked).attribute(noisy.requires_grad_(), target=asked.class_index, **options)
        return found.detach()

    return smoothed(
        question.clip,
        partial(attributed, question),
        samples=question.samples,
        seed=question.seed,
        batch_size=question.batch_size,
        rounding=partial(in_bfloat16, question.network) if question.reduced else None,
        tried=partial(attributed, replace(question, advance=lambda _clips: None)),
    )


def _cam(question: Question) -> Tensor:
    assert question.passed is not None  # a method that reads layers
    question.advance(1)
    return class_map(question.passed, question.class_index, question.places)


def _guided(question: Question) -> ExposedNetwork:
    exposed = question.exposures.of(question.network, question.clip, question.scores, question.advance)
    if exposed.unreached:
        raise NoAnswerError(
            f"{question.network.name} has ReLUs whose gradient cannot be replaced ({exposed.unreached} of "
            f"{exposed.unreached + len(exposed.calls)} run in compiled or scripted code, under torch.vmap, on sparse "
            "values or in an autograd function of its own): choose a method without guided backprop."
        )
    if not len(exposed.calls):
        raise NoAnswerError(
            f"{question.network.name} has no ReLU whose gradient could be replaced: choose a method without guided "
            "backprop."
        )
    if exposed.others:
        others = " and ".join(f"{count} {name}" for name, count in sorted(exposed.others.items()))
        question.notes[
            f"Guided backprop has a rule for ReLUs alone: {len(exposed.calls)} of the rectifiers are ReLUs; the others "
            f"({others}) pass back their plain gradient."
        ] = None
    return exposed


@contextmanager
def _cuts_told(question: Question) -> Iterator[None]:
    """Let it be a sentence that captum's hooks on rectifiers are given no gradient, and where it is cut off."""
    try:
        yield
    except (RuntimeError, AttributeError) as error:
        cuts = () if is_out_of_memory(error) else gradient_cuts(question.network, question.clip)
        if not cuts:
            raise
        raise NetworkError(no_gradient(question.network.name, cuts)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep captum from announcing the hooks that it sets and removes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks", category=UserWarning)
        yield


METHODS: Mapping[str, MapMethod] = {
    "gradients": MapMethod(
        "Gradients",
        signed=False,
        description="How fast the logit changes with each pixel.",
        source="Simonyan et al. 2014, arXiv 1312.6034",
        compute=gradients,
        differentiates=True,
    ),
    "input_x_gradient": MapMethod(
        "Input x gradient",
        signed=True,
        description="The gradient times the pixel: the logit's first-order share of each pixel, seen from black.",
        source="Shrikumar et al. 2016, arXiv 1605.01713",
        compute=input_x_gradient,
        differentiates=True,
    ),
    "guided_backprop": MapMethod(
        "Guided backprop",
        signed=False,
        description="The gradient where every ReLU passes back only what is positive; sharp, but often blind to "
        "the class.",
        source="Springenberg et al. 2015, arXiv 1412.6806",
        compute=guided_backprop,
    ),
    "smoothgrad": MapMethod(
        "SmoothGrad",
        signed=False,
        description="The mean gradient over noisy copies of the clip.",
        source="Smilkov et al. 2017, arXiv 1706.03825",
        compute=smoothgrad,
        stochastic=True,
        passes=lambda question: question.samples,
    ),
    "smoothgrad_guided": MapMethod(
        "SmoothGrad of guided backprop",
        signed=False,
        description="The mean of guided backprop over noisy copies of the clip.",
        source="Smilkov et al. 2017, arXiv 1706.03825",
        compute=smoothgrad_guided,
        stochastic=True,
        passes=lambda question: question.samples,
    ),
    "integrated_gradients": MapMethod(
        "Integrated gradients",
        signed=True,
        description="What each pixel adds to the logit on the way from a baseline clip to this one.",
        source="Sundararajan et al. 2017, arXiv 1703.01365",
        compute=integrated_gradients,
        additive=True,
        compared=True,
        passes=lambda question: question.steps,
    ),
    "deeplift": MapMethod(
        "DeepLift",
        signed=True,
        description="What each pixel adds to the logit against a baseline clip, followed back activation by "
        "activation.",
        source="Shrikumar et al. 2017, arXiv 1704.02685",
        compute=deeplift,
        additive=True,
        compared=True,
        passes=lambda _question: 2,
    ),
    "grad_cam": MapMethod(
        "Grad-CAM",
        signed=False,
        description="Where and when the last maps that speak for the class are active; coarse.",
        source="Selvaraju et al. 2017, arXiv 1610.02391",
        compute=grad_cam,
        reads_layer=True,
    ),
    "guided_grad_cam": MapMethod(
        "Guided Grad-CAM",
        signed=False,
        description="Guided backprop, kept where Grad-CAM is warm.",
        source="Selvaraju et al. 2017, arXiv 1610.02391",
        compute=guided_grad_cam,
        reads_layer=True,
        passes=lambda _question: 2,
    ),
    "occlusion": MapMethod(
        "Occlusion",
        signed=True,
        description="How far the logit falls when a box of space and time is replaced by the baseline's.",
        source="Zeiler and Fergus 2014, arXiv 1311.2901",
        compute=occlusion,
        compared=True,
        passes=_boxes,
    ),
}
