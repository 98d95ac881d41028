"""Hypothesis tests from Python: does a concept drive the kernels that its pictures suggest?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

import numpy as np
from torch import Tensor, nn

from reportgen.analyses.common.layers import measurable_layers
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.concepts.compare import ConceptTests, against_reference
from reportgen.analyses.concepts.passes import ClipResponses
from reportgen.clips import Clip
from reportgen.errors import ClipError, a_type
from reportgen.given import given_words
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.objective import Objective


@leaving_unchanged
def concept_tests(
    network: Network | nn.Module,
    concepts: Mapping[str, Clips],
    reference: Clips,
    *,
    layers: Iterable[str] | str = (),
    objective: Objective = "firing",
    progress: Progress | bool = SILENT,
) -> dict[str, ConceptTests]:
    """Return for each concept how its clips drive every kernel of `layers` (none: all) beside the reference clips.

    `concepts` are clips `N C T H W` by name, in any form that `given_clips` knows, and `reference` are clips of the
    same size, in [0, 1] RGB (a bare module takes them as is; a picture is a clip of one frame, or the same frame T
    times). A kernel's response is that of `kernel_responses`. Clips that are there twice count once, and reference
    clips that are clips of the concept are left out. With fewer than five clips on either side there are scores and
    AUROCs, but no p (VGG-16 article, "40 lines": hypothesis testing, with a test). Raises ClipError for a concept or a
    reference without clips, NetworkError for clips that the network cannot take or a layer that they do not reach.
    """
    progress = observer(progress)
    if not isinstance(concepts, Mapping):
        raise ClipError(f"Concepts are clips by name, {{'wheels': clips}}, and not {a_type(concepts)}.")
    if not concepts:
        raise ClipError("There is no concept to test: give its clips by name, {'wheels': clips}.")
    subject, named = as_network(network), given_words(layers)
    others = _given(subject, "the reference", reference)
    shown = {name: _given(subject, name, clips) for name, clips in concepts.items()}
    shape, channels = others.shape[2:], others.shape[1]
    facts = {one.name: one for one in describe_layers(subject, clip_shape=(channels, *shape))} if not named else {}
    meter = Meter(subject, named or measurable_layers(facts), (shape[0], shape[1], shape[2]), channels, objective)
    with ExitStack() as stack:
        measured = stack.enter_context(ClipResponses(meter))
        measured.run(_clips(others), len(others), "responses to the reference clips", progress)
        found = {}
        for name, clips in shown.items():
            own = stack.enter_context(ClipResponses(meter))
            own.run(_clips(clips), len(clips), f"responses to {name}", progress)
            tests = found[name] = against_reference(own, measured)
            if not tests.reference:
                raise ClipError(f"Every reference clip is a clip of {name}: give others to compare it with.")
    return found


def _given(network: Network, name: str, clips: Clips) -> Tensor:
    """Return the clips of one concept, `N C T H W`; raises ClipError, which names the concept."""
    try:
        found = given_clips(network, clips)
    except ClipError as error:
        raise ClipError(f"{name}: {error}") from error
    if found.ndim != 5:
        raise ClipError(f"{name} has no clips of N C T H W: it has the shape {tuple(found.shape)}.")
    return found


def _clips(clips: Tensor) -> Iterator[Clip]:
    for place, pixels in enumerate(clips.split(1)):
        yield Clip(f"{place:05d}", np.ascontiguousarray(pixels.detach().cpu().float().numpy()))
