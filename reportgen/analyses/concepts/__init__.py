"""Hypothesis tests on real clips: which kernels a concept drives more, or less, than the reference clips do."""
