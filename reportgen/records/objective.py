"""What a kernel's response to a clip is."""

from __future__ import annotations

from typing import Literal

Objective = Literal["channel", "firing", "neuron"]
"""The mean of a kernel's map, the mean of its rectified map, or its centre unit."""
