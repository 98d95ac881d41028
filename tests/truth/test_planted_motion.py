"""The audit on the bundled network finds what was planted: motion classes rely on motion, static ones do not."""

from __future__ import annotations

import pytest

from reportgen.analyses.motion.motion_audit import motion_audit
from tests.truth.bundled import bundled_clips, bundled_network


@pytest.mark.slow
def test_motion_classes_rely_on_motion_and_static_ones_do_not() -> None:
    network = bundled_network()
    for clip, label in (*bundled_clips(2, motion="dots"), *bundled_clips(3, motion="moving right")):
        name = network.labels[label]
        reliance = motion_audit(network, clip, label, draws=1).motion_reliance
        assert reliance is not None, name
        if name.endswith("static"):
            assert reliance < 0.1, name
        else:
            assert reliance > 0.25, name
    statics = [motion_audit(network, *pair, draws=1).motion_reliance for pair in bundled_clips(4, motion="static")]
    assert all(reliance is not None and reliance < 0.1 for reliance in statics)
