"""What attributions cost beside captum called by hand on the same network, side by side in one run.

    python -m benchmarks.attributions                             # r3d_18, native clip, one thread, some 15 minutes
    python -m benchmarks.attributions --threads 2 --json FILE

Each round asks for one method's map of the same clip and class, once by `reportgen.attribute` and once by captum as its
documentation has it, in turn, so that both meet the same load of the machine; seconds are those of the processor. By
hand captum is given the module with its weights frozen, the card's normalisation in front, the class, Grad-CAM's layer
and, for integrated gradients, the same steps and batch; few steps do not pay for the copy of the network. The network
is seeded and untrained: cost does not depend on what was learned. The ratio is captum's median over ours; `apart` is
the largest difference of both maps, as a share of the largest value.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.machine import describe
from benchmarks.saliency import seeded_clip
from reportgen import attribute
from reportgen.analyses.common.baselines import make_baseline
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.saliency.attribution import Attribution, cam_places
from reportgen.analyses.saliency.quiet_captum import captum
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.places import output_places
from reportgen.result import required
from reportgen.zoo.load import load_network

METHODS = ("gradients", "integrated_gradients", "grad_cam")


@dataclass(frozen=True)
class Row:
    """Processor seconds of one method's map, the median of some rounds, by either side."""

    method: str
    captum: float
    ours: float
    apart: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.captum / self.ours


def by_hand(network: Network, clip: Tensor, index: int, method: str, steps: int, layer: str) -> Tensor:
    """Return captum's map as its documentation has it: like the clip, or like the layer's for Grad-CAM."""
    found: Tensor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if method == "gradients":
            found = captum.attr.Saliency(network.logits).attribute(clip, target=index, abs=False)
        elif method == "integrated_gradients":
            found = captum.attr.IntegratedGradients(network.logits).attribute(
                clip,
                baselines=make_baseline("blur", clip),
                target=index,
                n_steps=steps,
                internal_batch_size=starting_batch(clip),
            )
        else:
            cam = captum.attr.LayerGradCam(network.logits, network.submodule(layer))
            found = cam.attribute(clip, target=index, relu_attributions=True)
            captum.attr.LayerAttribution.interpolate(found, tuple(clip.shape[2:]), "trilinear")
    return found.detach()


def by_us(network: Network, clip: Tensor, index: int, method: str, steps: int) -> Attribution:
    """Return our map, as `reportgen.attribute` is called."""
    more = {"steps": steps} if method == "integrated_gradients" else {}
    return required(attribute(network, clip, index, method, **more))  # type: ignore[arg-type]


def apart(network: Network, clip: Tensor, ours: Attribution, theirs: Tensor) -> float:
    """Return the largest difference of two maps, Grad-CAM's laid over the clip, as a share of the largest value."""
    if ours.method == "grad_cam":
        (layer,) = ours.layers
        places = output_places(network, clip.shape, [layer])[layer]
        assert places is not None
        return float((places.laid(theirs, clip.shape[2:]) - ours.heat).abs().max() / ours.heat.abs().max())
    return float((theirs - ours.attribution).abs().max() / ours.attribution.abs().max())


def measure(network: Network, method: str, rounds: int, steps: int) -> Row:
    """Return the row of one method, both sides in turn; a first round warms up."""
    clip, index = seeded_clip(network), 0
    layer = next(iter(cam_places(network, clip)))
    seconds: dict[str, list[float]] = {"captum": [], "ours": []}
    for _ in range(rounds + 1):
        began = time.process_time()
        theirs = by_hand(network, clip, index, method, steps, layer)
        between = time.process_time()
        ours = by_us(network, clip, index, method, steps)
        seconds["captum"].append(between - began)
        seconds["ours"].append(time.process_time() - between)
    captums, own = (statistics.median(values[1:]) for values in seconds.values())
    return Row(method, captums, own, apart(network, clip, ours, theirs))


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| method | captum by hand, s | ours, s | ratio | apart |", "| --- |" + " ---: |" * 4]
    lines += [
        f"| {row.method} | {row.captum:.2f} | {row.ours:.2f} | {row.ratio:.2f}x | {row.apart:.1e} |" for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="r3d_18")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=64, help="of integrated gradients; default 64, as in `attribute`")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network = load_network(options.model, untrained=True)
    rows = [measure(network, method, options.rounds, options.steps) for method in options.methods]
    print(table(rows))
    if options.json:
        found = [{**asdict(row), "ratio": row.ratio} for row in rows]
        content = {"machine": describe(network.device), "model": options.model, "steps": options.steps, "rows": found}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
