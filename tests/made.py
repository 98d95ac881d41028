"""Answers and facts made by hand, which tests of several rooms judge."""

from __future__ import annotations

from reportgen.records.answers.faithfulness import FaithfulnessAnswer, HidingTest, RandomBand, ShuffledWeights
from reportgen.records.manifest import LayerFacts
from reportgen.records.targets import Target


def map_checks(
    method: str,
    insertion: float,
    deletion: float,
    *,
    kept: float = 0.1,
    control: float = 0.0,
    random_maps: int = 10,
    steps: int = 6,
) -> FaithfulnessAnswer:
    """Return the checks of one map beside random ones that reach 0.4 to 0.6, and one that sees no network."""
    band = RandomBand(mean=0.5, low=0.4, high=0.6)
    test = HidingTest(
        insertion_auc=insertion,
        deletion_auc=deletion,
        insertion_band=band,
        deletion_band=band,
        controls={"centre": control},
        unexplained=0.5,
        random_maps=random_maps,
        shares=tuple(step / steps for step in range(steps + 1)),
    )
    return FaithfulnessAnswer(
        target=Target.of(0),
        clip="clip",
        method=method,
        tests={"blur": test},
        randomisation=ShuffledWeights(layers=("fc",), correlations=(kept,)),
    )


def layers_of(*multiply_adds: float) -> dict[str, LayerFacts]:
    """Return convolutions of so many multiply-adds, one behind the other."""
    return {
        f"conv{order}": LayerFacts(
            name=f"conv{order}",
            kind="Conv3d",
            kernels=2,
            inputs=3,
            kernel_size=(1, 1, 1),
            stride=(1, 1, 1),
            groups=1,
            parameters=6,
            output=(2, 1, 1, 1),
            receptive_field=(1, 1, 1),
            multiply_adds=int(work),
            order=order,
        )
        for order, work in enumerate(multiply_adds)
    }
