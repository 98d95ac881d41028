"""Networks of other projects, as they are installed: nobody here adapted them, and every analysis takes them.

The extra `zoos` installs the packages, `more-zoos` those that only the long tests ask for. Weights are random, clips
small, and one layer or two are looked at.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from every_analysis import put_through_everything, reasons

from reportgen.networks.kernels.layers import describe_layers
from reportgen.zoo.load import load_network

# What the packages themselves use of torch and Python that is deprecated is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

CLASSES = 6
X3D = "pytorchvideo.models.x3d:create_x3d"
R2PLUS1D = "pytorchvideo.models.r2plus1d:create_r2plus1d"
CSN = "pytorchvideo.models.csn:create_csn"
SLOWFAST = "pytorchvideo.models.slowfast:create_slowfast"
TIMM = "timm:create_model"


@dataclass(frozen=True)
class Published:
    """A network, the clip (frames, side in px) that it is shown, and the layers that are looked at."""

    name: str
    model: str
    clip: tuple[int, int]
    layers: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


NETWORKS = [
    Published(
        "X3D",
        X3D,
        (4, 64),
        ("blocks.2.res_blocks.1.branch2.conv_b",),
        {"model_num_class": CLASSES, "input_clip_length": 4, "input_crop_size": 64},
    ),
    Published(
        "R(2+1)D",
        R2PLUS1D,
        (4, 32),
        ("blocks.1.res_blocks.0.branch2.conv_b.conv_xy", "blocks.1.res_blocks.0.branch2.conv_b.conv_t"),
        {"model_num_class": CLASSES, "head_pool_kernel_size": (1, 1, 1)},
    ),
    Published(
        "CSN",
        CSN,
        (4, 32),
        ("blocks.1.res_blocks.1.branch2.conv_b",),
        {"model_num_class": CLASSES, "model_depth": 50, "head_pool_kernel_size": (1, 1, 1)},
    ),
    Published(
        "SlowFast",
        SLOWFAST,
        (8, 32),
        ("blocks.0.multipathway_blocks.*.conv",),
        {"model_num_class": CLASSES, "head_pool_kernel_sizes": ((2, 1, 1), (8, 1, 1))},
    ),
    Published("R3D-18", "torchvision.models.video:r3d_18", (4, 32), ("layer1.1.conv2.0",), {"num_classes": CLASSES}),
    Published("Swin3D", "torchvision.models.video:swin3d_t", (4, 32), (), {"num_classes": CLASSES}),
    Published(
        "MONAI ResNet",
        "monai.networks.nets:resnet10",
        (16, 32),
        ("layer2.0.conv1",),
        {"spatial_dims": 3, "n_input_channels": 1, "num_classes": CLASSES},
    ),
    Published(
        "MONAI U-Net",
        "monai.networks.nets:UNet",
        (16, 32),
        ("model.1.submodule.0.conv",),
        {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8, 8], "strides": [2, 2]},
    ),
    Published(
        "MONAI DenseNet",
        "monai.networks.nets:DenseNet",
        (16, 32),
        ("features.denseblock2.denselayer2.layers.conv2",),
        {
            "spatial_dims": 3,
            "in_channels": 1,
            "out_channels": 2,
            "init_features": 8,
            "growth_rate": 4,
            "block_config": [2, 2],
        },
    ),
    Published(
        "MONAI SegResNet",
        "monai.networks.nets:SegResNet",
        (16, 32),
        ("up_layers.0.0.conv2.conv",),
        {
            "spatial_dims": 3,
            "init_filters": 8,
            "in_channels": 1,
            "out_channels": 2,
            "blocks_down": [1, 1],
            "blocks_up": [1],
        },
    ),
    *(
        Published(name, TIMM, (1, 64), layers, {"model_name": name, "num_classes": CLASSES})
        for name, layers in {
            "resnet18": ("layer2.1.conv2",),
            "convnext_atto": ("stages.1.blocks.1.conv_dw",),
            "mobilenetv3_small_050": ("blocks.1.0.conv_dw",),
        }.items()
    ),
    Published("ViT", TIMM, (1, 64), (), {"model_name": "vit_tiny_patch16_224", "img_size": 64, "num_classes": CLASSES}),
]
#: The published MViT v2 S with clips of another size, which its factory does not take.
SMALL_MVIT = """
from torchvision.models.video import mvit


def small():
    own = mvit._mvit
    mvit._mvit = lambda **given: own(**given | {"spatial_size": (64, 64), "temporal_size": 4})
    try:
        return mvit.mvit_v2_s(num_classes=6)
    finally:
        mvit._mvit = own
"""
#: A ResNet with temporal shifts, as published (Lin et al. 2019, arXiv 1811.08383): frames folded into the batch, of
#: each block an eighth of the channels from the frame before and an eighth from the next, and the mean over the frames.
SHIFTED = """
import torch
from torch import nn
from torchvision.models import resnet18

FRAMES = 4


class Shifted(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        x = x.view(-1, FRAMES, *x.shape[1:])
        eighth = x.shape[2] // 8
        out = torch.zeros_like(x)
        out[:, :-1, :eighth] = x[:, 1:, :eighth]
        out[:, 1:, eighth : 2 * eighth] = x[:, :-1, eighth : 2 * eighth]
        out[:, :, 2 * eighth :] = x[:, :, 2 * eighth :]
        return self.conv(out.view(-1, *out.shape[2:]))


class Segments(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = resnet18(num_classes=6)
        for stage in (self.base.layer1, self.base.layer2, self.base.layer3, self.base.layer4):
            for block in stage:
                block.conv1 = Shifted(block.conv1)

    def forward(self, clip):
        return self.base(clip.view(-1, 3, *clip.shape[-2:])).view(-1, FRAMES, 6).mean(1)


def make():
    return Segments()
"""
HUB = [f"pytorchvideo.models.hub:{name}" for name in ("x3d_xs", "r2plus1d_r50", "csn_r101", "slowfast_r50")]


@pytest.fixture(scope="module", autouse=True)
def _operators() -> Iterator[None]:
    """Declare the operators without which torchvision refuses to be imported, where its compiled part is missing.

    That part is built for CUDA in the wheels that go with the ordinary torch, and does not load beside a torch for the
    CPU. It holds operators for boxes; the networks need none of them.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the packages themselves use of torch that is deprecated
        try:
            importlib.import_module("torchvision")
        except ImportError:
            pass  # it is not installed: each test that needs it says so
        except RuntimeError:
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]  # half imported
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    yield
    del library


def importable(model: str) -> None:
    """Skip the test when the package of the model is not there, or not whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module(model.partition(":")[0])
        except ImportError as error:
            pytest.skip(f"install the extra `zoos` to run this ({error})")


@pytest.mark.long  # tests on small networks have each of their kinds
@pytest.mark.parametrize("network", [pytest.param(one, id=one.name) for one in NETWORKS])
def test_every_analysis_takes_it(network: Published, tmp_path: Path) -> None:
    importable(network.model)
    outcomes = put_through_everything(network.model, network.arguments, network.clip, tmp_path, network.layers)
    unmoved = {"decomposition", "motion"} if network.clip[0] == 1 else set()
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing of {network.name}"
        assert bool(reasons(found)) == (analysis in unmoved), f"{analysis}: {reasons(found)}"
        assert analysis not in unmoved or "single frame" in reasons(found)


@pytest.mark.long
def test_every_analysis_takes_a_multiscale_transformer(tmp_path: Path) -> None:
    importable("torchvision.models.video:mvit_v2_s")
    (tmp_path / "mvit.py").write_text(SMALL_MVIT)
    outcomes = put_through_everything(f"{tmp_path / 'mvit.py'}:small", {}, (4, 64), tmp_path)
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert not reasons(found), f"{analysis}: {reasons(found)}"


@pytest.mark.long
def test_every_analysis_takes_a_network_of_temporal_shifts(tmp_path: Path) -> None:
    importable("torchvision.models.video:mvit_v2_s")
    (tmp_path / "tsm.py").write_text(SHIFTED)
    model = f"{tmp_path / 'tsm.py'}:make"
    network = load_network(model, untrained=True, clip={"frames": 4, "height": 64, "width": 64})
    assert (network.adapter.layout, network.adapter.rows, network.adapter.answer) == ("N T C H W", "clips", "N K")
    outcomes = put_through_everything(model, {}, (4, 64), tmp_path, ("base.layer2.1.conv2",))
    for analysis, found in outcomes.items():
        assert found, f"{analysis} says nothing"
        assert not reasons(found), f"{analysis}: {reasons(found)}"


@pytest.mark.slow
@pytest.mark.parametrize("model", [HUB[0], *(pytest.param(model, marks=pytest.mark.long) for model in HUB[1:])])
def test_its_layers_are_described_without_a_word_about_it(model: str) -> None:
    importable(model)
    network = load_network(model, meta=True)
    assert network.card is not None
    assert network.card.classes == 400
    assert network.card.adapter.input == ("pathways" if "slowfast" in model else "clip")
    assert all(layer.output for layer in describe_layers(network))
