"""How often each verdict passes, and each sentence is said, where it must not, and where it must.

    python -m benchmarks.nulls                                   the numbers of the methods page, some minutes
    python -m benchmarks.nulls --seeds 5 --only motion           a look

Every case draws networks and clips from seeds; a rate stands with its 95% interval (Clopper and Pearson). The kept
numbers are `benchmarks/results/nulls.json`, which the report's methods page shows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from scipy.stats import binomtest

from benchmarks.null_cases import classes, kernels, methods, pictures, sources
from reportgen.version import __version__

RESULTS = Path(__file__).parent / "results" / "nulls.json"

Draw = Callable[..., Iterator[bool]]


@dataclass(frozen=True)
class Case:
    """A verdict or sentence, what it is tried on, and with how many seeds; `nominal` is the null rate asked for."""

    name: str
    verdict: str
    null: str
    planted: str
    draw: Draw
    seeds: int
    nominal: float = 0.05


CASES = (
    Case("natural_path", "natural path: pass", "reference clips that do not drive the kernel, untrained networks",
         "reference clips that drive it, left out of the comparison", kernels.natural_paths, 20),
    Case("seeds", "seeds agree: pass", "clips drawn apart, untrained networks", "the same clips with noise",
         kernels.seeds, 20),
    Case("above_real", "above reference clips: pass", "a further reference clip beside the best of 20",
         "the kernel's own weights as a clip", kernels.above_real, 20),
    Case("label_sentences", "“Responds to …”: said", "labels shuffled, untrained networks",
         "kernels lifted by 2.5 standard deviations on their label's clips", kernels.label_sentences, 20),
    Case("duplicates", "“answers as …”: said", "independent kernels that fire for one of 20 clips",
         "kernels that repeat others in another unit", kernels.duplicates, 20),
    Case("directions", "direction named", "kernels symmetric in time", "drifting kernels", kernels.directions, 20),
    Case("pathways", "class pathway: pass", "untrained networks, labels shuffled",
         "a class of four kernels that its clips drive", classes.pathways, 1000),
    Case("motion", "relies on motion: said", "networks that judge each frame by itself", "networks of directions",
         classes.motion, 200),
    Case("conservation", "relevance is conserved: pass", "networks that square their responses",
         "piecewise-linear networks with biases", classes.conservation, 100),
    Case("maps", "faithful: pass", "the map of another network", "the network's own weights times the clip",
         classes.maps, 60),
    Case("importance", "a score orders the filters best: said", "the scores of another untrained network",
         "linear networks, in which the first order is exact", sources.importance, 100),
    Case("importance_alike", "one score better than the others: said", "three scores that order equally well",
         "one score that orders better", sources.importance_alike, 200),
    Case("concepts", "a kernel stands out for a concept: said", "clips drawn as the reference clips are",
         "clips with a kernel's own weights in them", sources.concepts, 200),
    Case("concept_words", "“Driven by the concept …”: said", "kernels and three concepts of no connection",
         "kernels whose weights one of three concepts shows", sources.concept_words, 50),
    Case("texture_plus_motion", "texture plus motion: pass",
         "kernels of two motions, of a texture that changes, of another texture in each frame, of noise",
         "kernels of one moving texture", pictures.texture_plus_motion, 100),
    Case("activation_kept", "driven by the moved texture: pass", "the same kernels of no moving texture",
         "the same kernels of one", pictures.activation_kept, 100),
    Case("motion_as_real", "motion as in reference clips: pass", "the clip of a kernel that moves beside reference "
         "clips of one that does not, and the reverse", "each with its own", pictures.motion_as_in_real_clips, 100),
    Case("adds_up", "integrated gradients add up: pass", "networks that pass back a gradient that is not their own",
         "untrained networks", methods.adds_up, 200),
    Case("reads_weights", "reads the weights: pass", "maps that are mostly the clip's edges",
         "networks with weights of their own for every place", methods.reads_the_weights, 200),
    Case("steady", "steady under noise: pass", "networks that wind through sines", "untrained networks",
         methods.steady_under_noise, 200),
    Case("map_seeds", "same with other seeds: pass", "networks that wind through sines", "untrained networks",
         methods.same_with_other_seeds, 100),
)  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """So many of so many, with the 95% interval of the share."""

    passed: int
    of: int
    low: float
    high: float

    @classmethod
    def count(cls, outcomes: Iterator[bool]) -> Rate:
        """Return the rate of what passed."""
        found = list(outcomes)
        interval = binomtest(sum(found), len(found)).proportion_ci(0.95, method="exact")
        return cls(sum(found), len(found), round(float(interval.low), 4), round(float(interval.high), 4))


def measured(case: Case, seeds: int, first: int) -> dict[str, object]:
    """Return a case's row: its rate on nulls and on planted ones."""
    begun = time.perf_counter()

    def outcomes(*, planted: bool) -> Iterator[bool]:
        for seed in range(first, first + seeds):
            yield from case.draw(seed, planted=planted)

    null, planted = Rate.count(outcomes(planted=False)), Rate.count(outcomes(planted=True))
    row = {
        "name": case.name,
        "verdict": case.verdict,
        "null": case.null,
        "planted": case.planted,
        "nominal": case.nominal,
        "seeds": seeds,
        "null_rate": asdict(null),
        "power": asdict(planted),
    }
    print(
        f"{case.verdict:32} null {null.passed:4} of {null.of:4} ({null.low:.3f} to {null.high:.3f})   planted "
        f"{planted.passed:4} of {planted.of:4}   {time.perf_counter() - begun:.1f} s",
        flush=True,
    )
    return row


def main(argv: list[str] | None = None) -> int:
    """Measure the cases, print their rates, write them."""
    parser = argparse.ArgumentParser(description="Null rate and power of the report's verdicts and sentences.")
    parser.add_argument("--seeds", type=int, help="seeds of every case instead of its own number")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], help="these cases alone")
    parser.add_argument("--json", type=Path, help=f"where to write the rates; the kept ones are {RESULTS.name}")
    asked = parser.parse_args(argv)
    torch.set_num_threads(1)
    chosen = [case for case in CASES if not asked.only or case.name in asked.only]
    rows = [measured(case, asked.seeds or case.seeds, asked.first) for case in chosen]
    document = {"reportgen": __version__, "torch": torch.__version__, "first_seed": asked.first, "cases": rows}
    if asked.json:
        asked.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
