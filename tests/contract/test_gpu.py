"""Every kind of answer is the same on a GPU as on a CPU, to what rounding allows; skipped where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.gpu.__main__ import main
from reportgen import attribute, class_pyramid, connection_graph, decompose, load_network, motion_audit
from reportgen.networks.speed.precision import full_precision
from tests.truth.bundled import bundled_clips

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def test_a_decomposition_is_the_same_on_a_gpu() -> None:
    clip, _ = bundled_clips(1, motion="moving right")[0]
    here, there = decompose(clip), decompose(clip.cuda())
    assert float((there.motion.cpu() - here.motion).abs().mean()) < 0.01
    assert there.psnr.tolist() == pytest.approx(here.psnr.tolist(), abs=0.5)


@pytest.mark.parametrize("method", ["gradients", "integrated_gradients", "grad_cam", "occlusion"])
def test_a_saliency_map_is_the_same_on_a_gpu(method: str) -> None:
    clip, label = bundled_clips(1, motion="moving right")[0]
    here, there = (
        attribute(load_network("texture_motion", device=device), clip, label, method=method).heat
        for device in ("cpu", "cuda")
    )
    assert float((there - here).norm() / here.norm()) < 0.02


@pytest.mark.parametrize("scoring", ["attribution", "published"])
def test_a_pyramid_keeps_the_same_kernels_on_a_gpu(scoring: str) -> None:
    clip, label = bundled_clips(1, motion="moving right")[0]
    found = []
    for device in ("cpu", "cuda"):
        network = load_network("texture_motion", device=device)
        graph = connection_graph(network, tuple(clip.shape))
        with full_precision():
            found.append(class_pyramid(network, clip, label, graph=graph, scoring=scoring))  # type: ignore[arg-type]
    here, there = found
    assert there.kept() == here.kept()
    assert there.logit == pytest.approx(here.logit, rel=1e-3)


def test_a_motion_audit_is_the_same_on_a_gpu() -> None:
    clip, label = bundled_clips(1, motion="moving right")[0]
    here, there = (
        motion_audit(load_network("texture_motion", device=device), clip, label).motion_reliance
        for device in ("cpu", "cuda")
    )
    assert there == pytest.approx(here, abs=0.02)


def test_every_part_of_the_gpu_benchmark_runs(tmp_path: Path) -> None:
    assert main(["--smoke", "--json", str(tmp_path / "smoke.json")]) == 0
