"""Activation maximisation: the clip that a kernel looks for (kernel stages, stage 1).

After Li and Li 2025 (arXiv 2505.07387), with their faults mended: many kernels of one layer climb together, only the
layers up to the target run, no weight has a gradient, every sample has its own views of an over-size canvas and no
view is filled with black, pixels are prepared as the network's card says, and what is reported is measured on the
full native clip in float32 without transforms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line, span, with_axes
from reportgen.analyses.common.whole_numbers import kernel_numbers
from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.kernels.options import AscentKeywords, AscentOptions
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network, as_network, no_weight_gradients
from reportgen.networks.core.out_of_memory import is_out_of_memory, out_of_memory
from reportgen.networks.core.unchanged import leaving_unchanged, require_values
from reportgen.networks.speed.folding import folded_stems
from reportgen.networks.speed.layout import channels_last, channels_last_pays
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import SILENT, Progress, observer
from reportgen.result import ShownResult

__all__ = ["Maximization", "Maximum", "maximize_activation", "maximize_stream"]


@dataclass(frozen=True, eq=False)
class Maximization(ShownResult):
    """The clips that drive some kernels of a layer most, kernel by kernel, the facets of each together.

    `clips` `N C T H W` float32 on the CPU; `kernels`, `activations`, `starts`, `steps`, `seconds` and
    `even_activations` are `N`; see Maximum. `notes` say what was done otherwise than asked for.
    """

    layer: str
    kernels: tuple[int, ...]
    clips: Tensor
    activations: Tensor
    starts: Tensor
    curves: tuple[tuple[float, ...], ...]
    steps: Tensor
    seconds: Tensor
    even_activations: Tensor
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"{len(set(self.kernels))} kernels of {self.layer}",
            f"clips {with_axes(self.clips, 'N C T H W')}",
            f"activations {span(self.activations)}",
            f"{float(self.seconds.sum()):.1f} s",
        )


@leaving_unchanged
def maximize_activation(
    network: Network | nn.Module,
    layer: str,
    kernels: Sequence[int] | int,
    *,
    progress: Progress | bool = SILENT,
    **options: Unpack[AscentKeywords],
) -> Maximization:
    """Return the clips that drive `kernels` of `layer` most; the options are those of AscentOptions.

    A bare module takes its input as is, and must be told `clip_shape` (T, H, W). Raises UnknownNameError for a layer
    or kernel that does not exist, OptionError for options that are not valid, NetworkError when the network cannot
    take the clip, OutOfMemoryError when memory does not suffice for one kernel.
    """
    progress = observer(progress)
    require_values(network)
    wanted = kernel_numbers(kernels)
    found = {
        (one.kernel, one.facet): one for one in maximize_stream(network, layer, wanted, progress=progress, **options)
    }
    facets = AscentOptions.of(options).facets
    ordered = [found[kernel, facet] for kernel in wanted for facet in range(facets)]
    return Maximization(
        layer=as_network(network).layer_name(layer),
        kernels=tuple(one.kernel for one in ordered),
        clips=torch.stack([one.clip for one in ordered]),
        activations=torch.tensor([one.activation for one in ordered]),
        starts=torch.tensor([one.start for one in ordered]),
        curves=tuple(one.curve for one in ordered),
        steps=torch.tensor([one.steps for one in ordered]),
        seconds=torch.tensor([one.seconds for one in ordered]),
        even_activations=torch.tensor([one.even_activation for one in ordered]),
        notes=tuple(dict.fromkeys(note for one in ordered for note in one.notes)),
    )


def maximize_stream(
    network: Network | nn.Module,
    layer: str,
    kernels: Sequence[int],
    *,
    progress: Progress = SILENT,
    **options: Unpack[AscentKeywords],
) -> Iterator[Maximum]:
    """Yield the maximum of each kernel (its facets one after the other) as soon as it is found, in any order.

    Arguments and errors as for `maximize_activation`.
    """
    return maximize_with(network, layer, kernels, AscentOptions.given(options), progress=progress)


def maximize_with(
    network: Network | nn.Module,
    layer: str,
    kernels: Sequence[int],
    options: AscentOptions,
    *,
    progress: Progress = SILENT,
) -> Iterator[Maximum]:
    """Yield what `maximize_stream` does, by options that are checked already."""
    subject = as_network(network)
    try:
        with reused_memory():  # from the noise that it begins with on
            search = Search(subject, layer, kernels, options)
            title = f"{subject.name} {search.target.layer}"
            with no_weight_gradients(subject):
                search.quicken()
            with as_searched(subject, search.levels), progress.task(title, search.most_steps) as task:
                yield from search.run(task)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise out_of_memory() from error
        raise


@contextmanager
def as_searched(network: Network, levels: Sequence[Level] = (), *, reduced_precision: bool = False) -> Iterator[None]:
    """Arrange a network for a search within the context: frozen, weights in the fastest order, memory kept.

    The fastest order depends on whether some of its steps are taken in `reduced_precision`, as some `levels` say too.
    """
    mixed = reduced_precision or any(level.reduced_precision for level in levels)
    with ExitStack() as stack:
        stack.enter_context(reused_memory())
        stack.enter_context(no_weight_gradients(network))
        if channels_last_pays(network, reduced_precision=mixed):
            stack.enter_context(channels_last(network))
        stack.enter_context(folded_stems(network))
        yield
