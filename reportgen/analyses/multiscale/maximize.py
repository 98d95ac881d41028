"""Multi-scale filters: the picture that a kernel looks for, grown from noise through many sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack

import torch
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line, span, with_axes
from reportgen.analyses.common.whole_numbers import kernel_numbers
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.multiscale.growing import Grower, GrowingKernel
from reportgen.analyses.multiscale.options import GrowthKeywords, GrowthOptions
from reportgen.analyses.multiscale.schedule import ClipShape
from reportgen.networks.core.network import Network, as_network, no_weight_gradients
from reportgen.networks.core.out_of_memory import is_out_of_memory, out_of_memory
from reportgen.networks.core.unchanged import leaving_unchanged, require_values
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.answers.multiscale import MeasuredOn
from reportgen.result import ShownResult


@dataclass(frozen=True, eq=False)
class GrownPicture(ShownResult):
    """What one kernel's picture became.

    `clip` is `C T H W` float32 on the CPU in [0, 1] RGB, of the last of `shapes` (T, H, W); `native_clip` is what of it
    is of the network's own size (see `measured_on`: the whole, its middle part, or, where it is smaller, enlarged).
    `activations` are the objective (pre-activation, batch norm included) of the noise and of the picture at the end of
    each size, all of it, `native_activation` that of `native_clip`, all in full precision. `middles` are the middle
    frames `C H W` at the end of each size, `curve` the objective before each step. `seconds` is this kernel's share of
    the time of its batches. `passed_on` says whether a ReLU of the kernel's map is all that others are given.
    """

    kernel: int
    clip: Tensor
    native_clip: Tensor
    shapes: tuple[ClipShape, ...]
    activations: tuple[float, ...]
    native_activation: float
    measured_on: MeasuredOn
    middles: tuple[Tensor, ...]
    curve: tuple[float, ...]
    seconds: float
    passed_on: bool = False
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"kernel {self.kernel}",
            f"clip {with_axes(self.clip, 'C T H W')}",
            f"{len(self.shapes)} sizes",
            f"activation {self.native_activation:.3g}",
            f"{self.seconds:.1f} s",
        )


@dataclass(frozen=True, eq=False)
class MultiscaleMaximization(ShownResult):
    """The pictures of some kernels of a layer, in the order asked for; see GrownPicture.

    `clips` are `N C T H W` at the last size, `native_clips` `N C T H W` at the network's own, `activations` `N` on the
    latter.
    """

    layer: str
    kernels: tuple[int, ...]
    clips: Tensor
    native_clips: Tensor
    activations: Tensor
    pictures: tuple[GrownPicture, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"{len(self.kernels)} kernels of {self.layer}",
            f"clips {with_axes(self.clips, 'N C T H W')}",
            f"activations {span(self.activations)}",
        )


@leaving_unchanged
def maximize_over_scales(
    network: Network | nn.Module,
    layer: str,
    kernels: Sequence[int] | int,
    *,
    progress: Progress | bool = SILENT,
    **options: Unpack[GrowthKeywords],
) -> MultiscaleMaximization:
    """Return the pictures of `kernels` of `layer`, grown by the published schedule; the options are GrowthOptions.

    A bare module takes its input as is, and must be told `clip_shape` (T, H, W). Raises UnknownNameError for a layer
    or kernel that does not exist, OptionError for options that are not valid, NetworkError when the network takes no
    size of the schedule, OutOfMemoryError when memory does not suffice for one kernel.
    """
    progress = observer(progress)
    require_values(network)
    wanted = kernel_numbers(kernels)
    chosen = GrowthOptions.given(options)
    subject = as_network(network)
    found = {one.kernel: one for one in grown_pictures(subject, layer, wanted, chosen, progress=progress)}
    ordered = [found[kernel] for kernel in wanted]
    return MultiscaleMaximization(
        layer=subject.layer_name(layer),
        kernels=wanted,
        clips=torch.stack([one.clip for one in ordered]),
        native_clips=torch.stack([one.native_clip for one in ordered]),
        activations=torch.tensor([one.native_activation for one in ordered]),
        pictures=tuple(ordered),
        notes=tuple(dict.fromkeys(note for one in ordered for note in one.notes)),
    )


def grown_pictures(
    network: Network,
    layer: str,
    kernels: Sequence[int],
    options: GrowthOptions,
    *,
    progress: Progress = SILENT,
) -> Iterator[GrownPicture]:
    """Yield the picture of each kernel as soon as it is grown, by options that are checked already."""
    try:
        grower = Grower(network, layer, kernels, options)
        title = f"{network.name} {grower.target.layer}, {len(grower.shapes)} sizes"
        total = options.steps * len(grower.shapes) * len(grower.kernels)
        with no_weight_gradients(network):
            grower.quicken()
        with as_searched(network, reduced_precision=grower.mixed), progress.task(title, total) as task:
            for one in grower.run(task):
                yield _picture(grower, one)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise out_of_memory() from error
        raise


def _picture(grower: Grower, one: GrowingKernel) -> GrownPicture:
    clip = one.pixels.clamp(0, 1).float().cpu()
    native, measured_on = grower.native_clip(clip)
    (activation,) = grower.measure(grower.target, native[None], [one.kernel])
    return GrownPicture(
        kernel=one.kernel,
        clip=clip,
        native_clip=native.contiguous(),
        shapes=grower.shapes,
        activations=tuple(one.activations),
        native_activation=activation,
        measured_on=measured_on,
        middles=tuple(one.middles),
        curve=tuple(one.curve),
        seconds=one.seconds,
        passed_on=grower.target.passed_on,
        notes=grower.notes,
    )
