"""What a kernel's page says of its response."""

from __future__ import annotations

import pytest

from reportgen.pages.kernel import PASSED_ON, RESPONSES, _response
from reportgen.records.answers.kernels import KernelAnswer


@pytest.mark.parametrize("objective", ["firing", "channel", "neuron"])
@pytest.mark.parametrize("passed_on", [True, False])
def test_the_next_layer_is_named_only_where_it_is_given_the_rectified_map(objective: str, passed_on: bool) -> None:
    answer = KernelAnswer(layer="conv", index=0, activation=1.0, objective=objective, steps=8, passed_on=passed_on)
    said = _response(answer)
    assert said.startswith(RESPONSES[objective])
    assert (PASSED_ON in said) == (passed_on and objective == "firing")
