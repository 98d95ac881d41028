"""Accept an official file of weights: load it, record what it is, and check what a trained network must show.

    make accept MODEL=i3d WEIGHTS=I3D_8x8_R50.pkl CLIPS=kinetics_val
    python tools/accept.py --model i3d --weights I3D_8x8_R50.pkl --clips kinetics_val --out build/accept

The clips are files or folders of frames in sub-folders named like classes. Checked are

- the file: it loads strictly, and its SHA-256 is recorded (and compared, where the card states one);
- accuracy: the share of clips whose class comes first is no chance (p under 0.001) and at least half of what is
  published for the network, where the card says that;
- selectivity: the deepest stage's kernels tell the classes apart better than those of the untrained network;
- the report: no job fails, every link leads somewhere, and the pages of model, audit and each shown clip are there.

What was found is printed and written to accept.json; the exit code is 1 where something fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from scipy import stats
from torch import Tensor

import reportgen
from reportgen.analyses.common.responses import kernel_responses, selectivity
from reportgen.clips import ClipReference
from reportgen.clips.collection import find_clips
from reportgen.errors import OptionError, ReportgenError
from reportgen.networks.core.network import Network
from reportgen.progress import SILENT
from reportgen.records.files import file_digest
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Failed
from reportgen.runner.references import stored_clips

#: A share of right answers that chance has less often than this is no chance.
RARE = 1e-3
#: The trained kernels' selectivity is larger than the untrained ones' with this p.
SELECTIVE = 0.01
#: One centre clip a video is recognised less often than the many views that published figures are of.
OF_PUBLISHED = 0.5
SHOWN = 3
BATCH = 4


@dataclass(frozen=True)
class Checked:
    """One check: what was found, and whether that is enough."""

    name: str
    passed: bool
    found: str


def labelled(network: Network, folder: Path) -> list[tuple[ClipReference, int, str]]:
    """Return the clips of a folder that have a class, with it and where they lie.

    Raises OptionError where there are not two classes.
    """
    stored = zip(stored_clips(network, folder, SILENT), find_clips(folder), strict=True)
    clips = [(clip, clip.label, found.path) for clip, found in stored if clip.label is not None]
    if len({label for _, label, _ in clips}) < 2:
        raise OptionError(f"{folder} holds clips of fewer than two classes: name its sub-folders like the classes.")
    return clips


def passed_through(network: Network, clips: Sequence[ClipReference], layer: str) -> tuple[Tensor, Tensor]:
    """Return the logits `N K` of the clips and the responses `N C` of a layer's kernels, both on the CPU."""
    logits, responses = [], []
    for start in range(0, len(clips), BATCH):
        pixels = torch.cat([torch.from_numpy(clip.load().pixels) for clip in clips[start : start + BATCH]])
        with torch.no_grad():
            logits.append(network.logits(pixels.to(network.device)).cpu())
        responses.append(kernel_responses(network, pixels, [layer])[layer])
    return torch.cat(logits), torch.cat(responses)


def accuracy(logits: Tensor, labels: Sequence[int], published: float | None) -> Checked:
    """Return whether the classes are recognised; `published` is the top-1 accuracy in percent, where it is known."""
    right = int((logits.argmax(1) == torch.tensor(labels)).sum())
    five = logits.topk(min(5, logits.shape[1])).indices
    among = int((five == torch.tensor(labels)[:, None]).any(1).sum())
    count, chance = len(labels), 1 / logits.shape[1]
    p = float(stats.binomtest(right, count, chance, alternative="greater").pvalue)
    enough = published is None or right / count >= OF_PUBLISHED * published / 100
    told = f"{right} of {count} clips first, {among} among five (p {p:.1g} by chance)"
    return Checked("accuracy", p < RARE and enough, told + (f"; published: {published}%" if published else ""))


def tells_apart(trained: Tensor, untrained: Tensor, labels: Sequence[int], layer: str) -> Checked:
    """Return whether the kernels of a trained layer, by their responses `N C`, tell the classes apart better."""
    own, other = (selectivity(responses.double(), labels) for responses in (trained, untrained))
    p = float(stats.mannwhitneyu(own, other, alternative="greater").pvalue)
    told = f"{layer}: median selectivity {float(own.median()):.3f}, untrained {float(other.median()):.3f} (p {p:.1g})"
    return Checked("selectivity", bool(own.median() > other.median()) and p < SELECTIVE, told)


def report(model: str, weights: Path, clips: Sequence[str], out: Path, options: dict[str, Any]) -> Checked:
    """Return whether the report of some clips is whole; its site is in `out`."""
    asked = reportgen.BuildOptions(
        models=(model,),
        weights=weights,
        clips=tuple(clips),
        preset="quick",
        runs=out / "runs",
        site=out / "site",
        **options,
    )
    summary = reportgen.build(asked)
    stores = find_runs(out / "runs")
    failed = [r.outcome.message for s in stores for r in s.manifest().records if isinstance(r.outcome, Failed)]
    shown = [clip.name for s in stores for clip in s.read_run().clips if not clip.reference]
    pages = [page.relative_to(out / "site") for page in sorted((out / "site").rglob("*.html"))]
    missing = [name for name in ("audit", *shown) if not any(name in {page.stem, page.parent.name} for page in pages)]
    told = f"{len(pages)} pages at {summary.site}"
    told += f"; failed: {'; '.join(failed)}" if failed else ""
    told += f"; no page of {', '.join(missing)}" if missing else ""
    return Checked("report", not failed and not missing, told)


def accept(model: str, weights: Path, folder: Path, out: Path, options: dict[str, Any]) -> list[Checked]:
    """Return all checks of a file of weights, by the labelled clips of a folder; see the module."""
    given = {name: value for name, value in options.items() if name in {"device", "labels"}}
    network = reportgen.load_network(model, weights=weights, **given)
    card, facts = network.card, network.weights
    if card is None or facts is None or card.classes is None:
        raise OptionError(f"{model} has no classes to recognise: accept asks for a classifier's card.")
    stated = {source.file: source.sha256 for source in card.weights if source.sha256}.get(weights.name)
    digest = file_digest(weights)
    agrees = "" if stated is None else " as the card states" if stated == digest else f", but the card states {stated}"
    found = [Checked("file", stated in (None, digest), f"{weights.name}, SHA-256 {digest}{agrees}")]
    known, layer = labelled(network, folder), card.stages[-1].layer
    clips, labels = [clip for clip, _, _ in known], [label for _, label, _ in known]
    logits, own = passed_through(network, clips, layer)
    untrained = reportgen.load_network(model, untrained=True, **given)
    _, other = passed_through(untrained, clips, layer)
    published = next((value for name, value in card.figures.items() if name.endswith("top1")), None)
    found += [accuracy(logits, labels, published), tells_apart(own, other, labels, layer)]
    one_each = {label: path for _, label, path in reversed(known)}
    return [*found, report(model, weights, list(one_each.values())[-SHOWN:], out, options)]


def main() -> int:
    """Accept what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="name of a card")
    parser.add_argument("--weights", required=True, type=Path, help="the official file")
    parser.add_argument("--clips", required=True, type=Path, help="labelled clips: sub-folders named like classes")
    parser.add_argument("--labels", type=Path, help="class names, where the card has none")
    parser.add_argument("--out", type=Path, default=Path("build/accept"), help="folder of runs, site and accept.json")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    options = {"device": given.device} | ({"labels": given.labels} if given.labels else {})
    try:
        found = accept(given.model, given.weights, given.clips, given.out, options)
    except ReportgenError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    for one in found:
        print(f"{'pass' if one.passed else 'FAIL'}  {one.name}: {one.found}")
    told = {"model": given.model, "checks": [asdict(one) for one in found]}
    (given.out / "accept.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if failed := [one.name for one in found if not one.passed]:
        print(f"Error: {given.weights} is not accepted: {', '.join(failed)} failed, as said above.", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
