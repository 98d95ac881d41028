"""What the figures of a kernel are made of."""

from __future__ import annotations

import pytest

from reportgen.reading.evidence import Evidence
from reportgen.reading.kernel_figures import joined_figures
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.identities import KernelId

PARTS = DecompositionAnswer(
    psnr=30.0, explained_variance=0.99, evidence_share=0.9, mean_speed=2.0, direction_degrees=0.0,
    direction_coherence=1.0, speed_p99=2.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "activation", "fires"),
    [("firing", 0.0, False), ("firing", 0.1, True), ("channel", -0.3, True)],
)
def test_a_clip_that_leaves_its_kernel_silent_has_no_figures(objective: str, activation: float, fires: bool) -> None:
    answer = KernelAnswer.model_validate(
        {"layer": "conv", "index": 0, "activation": activation, "contrast": 0.4, "objective": objective, "steps": 24}
    )
    found = joined_figures(
        KernelId(model="net", layer="conv", index=0),
        synthetic=answer, parts=PARTS, evidence=Evidence(), probes=None, word=None, path=None,
    )  # fmt: skip
    assert found.fires is fires
    assert (found.explained_variance is not None) is fires
    assert (found.contrast is not None) is fires
    assert found.activation == activation
