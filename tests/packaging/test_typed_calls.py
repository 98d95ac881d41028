"""Whoever checks a script of their own with mypy --strict, and no plug-in, sees every public call typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.children import run

RIGHT = """
from pathlib import Path

import numpy as np
import torch
from torch import nn

import reportgen
from reportgen import BuildOptions, Network

options = BuildOptions(
    models="texture_motion", weights="w.pth", zoo=Path("zoo"), clips=[Path("a.mp4"), "b.mp4"], classes=[3, "x"],
    frames=(0, 16), kernels=[0, 4], preset="quick", runs="runs", max_size="1GB", clip_spec={"frames": 4},
    concepts={"wheels": Path("w")}, contrasts=[("a", 3)], check={"explained": (0.5, 0.1)}, slurm={"partition": "gpu"},
)
names: tuple[str, ...] = options.names
module: nn.Module = nn.Linear(2, 2)
live: Network = Network.from_module(module, labels={0: "a", 1: "b"}, mean=0.5, std=[0.2], frames=4, size=(8, 8))
network = reportgen.load_network(module, labels=["a", "b"], clip={"frames": 4})
clip = reportgen.read_clip("clip.mp4", {"frames": 4, "height": 8, "width": 8}, frames=(0, None))
array = np.zeros((1, 3, 4, 8, 8), np.float16)
found = reportgen.attribute(network, [clip, clip], torch.tensor(1), method="grad_cam", layer="x")
if isinstance(found, reportgen.Unexplained):
    print(found.reason)
else:
    found.save("map.gif")
    print(found.notes, found.heat.shape, found.to_frame())
motion = reportgen.motion_audit(module, array, np.int64(3))
pyramid = reportgen.class_pyramid(network, clip, "a", depth=1)
print(motion.to_dict(), pyramid.to_networkx(), reportgen.compare_pyramids(pyramid, pyramid))
reportgen.evaluate_maps(network, reportgen.probe(network, clip), array, progress=True)
print(reportgen.response_maps(network, clip, "layer")["layer"].maps, reportgen.decompose(array).texture)
print(reportgen.weight_gradients(network, clip, layers="a"), reportgen.concept_tests(network, {"a": clip}, array))
kernels = reportgen.maximize_activation(network, "layer", [1, 2], steps=4, objective="channel")
print(kernels.clips, reportgen.maximize_over_scales(network, "layer", 3), reportgen.connection_graph(network, (1, 3)))
audit = reportgen.audit(reportgen.contrast(network, "a", 1), clip, labels=["a"], progress=True)
reportgen.require([audit, *reportgen.check("runs", limits={"explained": (0.5, 0.0)})], strict=True)
print(audit["accuracy"], reportgen.compare(audit, audit), reportgen.compare("a", Path("b")))
print(reportgen.build(options, progress=True).seconds, reportgen.compute(options), reportgen.plan(options))
reportgen.render(["runs", Path("more")], select="a", media="full")
reportgen.export("runs", "zip", to="x.zip", max_size="95MB")
reportgen.verify("x.zip", options=options)
print(reportgen.diff("a", "b"), reportgen.status(), reportgen.clean(), reportgen.work("runs/x", options))
print(reportgen.publish("site", forbid="me"), reportgen.publish_workflow(), reportgen.card("net.py:make", labels=["a"]))
print(reportgen.list_layers(module), reportgen.list_models(), reportgen.list_methods(), reportgen.schema("run"))
print(reportgen.heat_overlay(np.zeros((4, 8, 8)), reportgen.example_clips(count=1)[0]), reportgen.colour_wheel(8))
"""

WRONG = """
from reportgen import BuildOptions

BuildOptions(preset="fast")
BuildOptions(model="x")
BuildOptions(seed="x")
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_script_of_a_user_is_checked_without_a_plug_in(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    check = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini"]
    right = run([*check, "right.py"], cwd=tmp_path, timeout=500)
    assert right.returncode == 0, right.stdout
    wrong = run([*check, "wrong.py"], cwd=tmp_path, timeout=500)
    assert [line.partition(":")[2].partition(":")[0] for line in wrong.stdout.splitlines() if ": error:" in line] == [
        "4",
        "5",
        "6",
    ]
