"""Response maps: planted groups are found, the leaf order is the best, and files hold what the formula says."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import linkage, to_tree
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score
from torch import nn

from reportgen import response_maps, write_volume
from reportgen.analyses.responses.ordering import kernel_orders
from reportgen.errors import NetworkError
from reportgen.records.answers.responses import KernelOrder
from reportgen.records.figures import VolumeFigure
from tests.nrrd import read_nrrd

Array = np.ndarray[Any, Any]


def planted_groups(kernels: int = 48, groups: int = 4, noise: float = 0.3) -> tuple[Array, Array]:
    """Return maps K T H W that are noisy copies of as many prototypes as there are groups, and the group of each."""
    rng = np.random.default_rng(7)
    prototypes = rng.normal(size=(groups, 3, 9, 11))
    labels = rng.permutation(np.arange(kernels) % groups)
    return prototypes[labels] + noise * rng.normal(size=(kernels, 3, 9, 11)), labels


def orders_of(maps: Array, **more: Any) -> dict[str, KernelOrder]:
    return {order.name: order for order in kernel_orders(maps.astype(np.float32), **more)}


def runs(order: KernelOrder, labels: Array) -> int:
    """Return how many stretches of one label an order has."""
    return len(list(itertools.groupby(labels[list(order.order)])))


def test_copies_of_four_prototypes_are_ordered_into_their_four_groups() -> None:
    maps, labels = planted_groups()
    found = orders_of(maps, clusters=4)
    assert runs(found["none"], labels) > 20
    for name in ("kmeans", "kmeans10", "published", "hierarchical"):
        assert found[name].group_count == 4, f"silhouette says {found[name].group_count}"
        assert adjusted_rand_score(labels, found[name].groups) == 1.0, name
        assert runs(found[name], labels) == 4, name
    tried = dict(found["kmeans"].tried)
    assert set(tried) == set(range(2, 13))
    assert max(tried, key=lambda count: tried[count] or 0.0) == 4
    assert (found["hierarchical"].neighbour_correlation or 0) > 0.8 > 0.4 > (found["none"].neighbour_correlation or 0)


def test_groups_are_of_shape_and_not_of_place_in_the_layer() -> None:
    maps, labels = planted_groups()
    turned = np.random.default_rng(3).permutation(len(maps))
    one, other = orders_of(maps)["kmeans"], orders_of(maps[turned])["kmeans"]
    assert [int(turned[place]) for place in other.order] == list(one.order)
    assert adjusted_rand_score(labels[turned], other.groups) == 1.0


def leaf_orders(node: Any) -> list[list[int]]:
    """Return every order of a tree's leaves that its branches allow."""
    if node.is_leaf():
        return [[node.id]]
    pairs = itertools.product(leaf_orders(node.left), leaf_orders(node.right))
    return [way for left, right in pairs for way in (left + right, right + left)]


def test_the_leaves_lie_in_the_order_of_least_neighbour_distance() -> None:
    maps = np.random.default_rng(5).normal(size=(9, 1, 4, 5))
    apart = pdist(maps.reshape(9, -1), "correlation")
    every = leaf_orders(to_tree(linkage(apart, "average")))
    assert len(every) == 2**8
    alike = np.corrcoef(maps.reshape(9, -1))

    def length(order: list[int]) -> float:
        return float(sum(1 - alike[a, b] for a, b in itertools.pairwise(order)))

    lengths = sorted(map(length, every))
    found = list(orders_of(maps)["hierarchical"].order)
    assert found in every
    assert length(found) == pytest.approx(lengths[0], abs=1e-6)
    assert lengths[0] < lengths[len(lengths) // 2] - 0.1


def test_the_component_is_the_singular_vector_and_rises_with_the_mean_response() -> None:
    rng = np.random.default_rng(1)
    strength = rng.permutation(np.linspace(-1, 3, 20))
    pattern = rng.uniform(0.5, 1, size=(2, 5, 6))
    maps = strength[:, None, None, None] * pattern + 1e-3 * rng.normal(size=(20, 2, 5, 6))
    found = orders_of(maps)["component"]
    assert list(found.order) == list(np.argsort(strength))
    flat = maps.reshape(20, -1).astype(np.float32).astype(np.float64)
    singular = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
    assert found.explained_variance == pytest.approx(singular[0] ** 2 / (singular**2).sum(), rel=1e-9)
    flipped = orders_of(-maps)["component"]
    assert list(flipped.order) == list(np.argsort(-strength)), "the sign follows the response, and not the solver"


def test_the_published_order_goes_by_one_row_alone() -> None:
    """Two groups in row 2 are 0 and 1; within each, kernels rise along the row's own component."""
    rng = np.random.default_rng(2)
    maps = rng.normal(size=(12, 1, 6, 8))
    base = np.array([np.full(8, 10.0), np.full(8, -10.0)])
    slope = np.linspace(0.1, 1, 8)
    group, height = np.arange(12) % 2, rng.permutation(12) / 12
    maps[:, 0, 2] = base[group] + height[:, None] * slope
    found = orders_of(maps, clusters=2, row=2)["published"]
    assert adjusted_rand_score(group, found.groups) == 1.0
    for label in (0, 1):
        own = [kernel for kernel in found.order if group[kernel] == label]
        assert list(height[own]) == sorted(height[own])
    with pytest.raises(ValueError, match="6 rows"):
        orders_of(maps, row=6)


def test_dead_and_equal_maps_leave_fewer_groups_and_no_warning() -> None:
    maps = np.zeros((6, 1, 4, 4))
    assert [order.name for order in kernel_orders(maps)] == ["none", "component", "hierarchical"]
    maps[:3, 0, 0, 0] = 1.0
    found = orders_of(maps)
    assert found["kmeans"].group_count == found["kmeans10"].group_count == 2
    assert found["hierarchical"].neighbour_correlation == pytest.approx(1.0), "over the maps that vary"
    assert [order.name for order in kernel_orders(maps[:1])] == ["none"]


def published_bytes(maps: Array) -> Array:
    """Return the values as CNN-VIS writes them, one by one."""
    low, high = maps.min(), maps.max()
    return np.array([round(float((value - low) / (high - low) * 255)) for value in maps.ravel()], np.uint8)


HAND_MADE = np.array([[[[-1.0, 0.0, 1.0], [3.0, 2.5, 0.25]]], [[[0.5, -0.5, 2.0], [1.5, 2.0, -1.0]]]], np.float32)


def test_the_published_pair_is_the_published_formula(tmp_path: Path) -> None:
    write_volume(VolumeFigure(HAND_MADE, "L3_conv1", still=True), tmp_path)
    assert (tmp_path / "L3_conv1.hd").read_bytes() == b"Size 2x3x2 unsigned byte \nSpacing 1.0x1.0x1.0\n"
    # (value + 1) / 4 * 255, rounded; kernels slowest, then rows, then columns
    by_hand = [0, 64, 128, 255, 223, 80, 96, 32, 191, 159, 191, 0]
    assert list((tmp_path / "L3_conv1.vox").read_bytes()) == by_hand
    assert list(published_bytes(HAND_MADE)) == by_hand


def test_what_is_written_of_a_picture_reads_back_equal(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(5, 1, 3, 4)).astype(np.float32)
    files = {path.name: path for path in write_volume(VolumeFigure(maps, "L1_conv", still=True), tmp_path)}
    assert set(files) == {"L1_conv.npz", "L1_conv_float32.nrrd", "L1_conv_uint8.nrrd", "L1_conv.vox", "L1_conv.hd"}
    with np.load(files["L1_conv.npz"], allow_pickle=False) as stored:
        assert np.array_equal(stored["maps"], maps)
    fields, values = read_nrrd(files["L1_conv_float32.nrrd"].read_bytes())
    assert (fields["sizes"], fields["labels"]) == ("4 3 5", '"x" "y" "kernel"')
    assert np.array_equal(values.transpose(2, 1, 0), maps[:, 0])
    fields, levels = read_nrrd(files["L1_conv_uint8.nrrd"].read_bytes())
    assert (float(fields["old min"]), float(fields["old max"])) == (maps.min(), maps.max())
    assert np.array_equal(levels.ravel(order="F"), published_bytes(maps))


def test_what_is_written_of_a_video_has_time_as_a_list_and_a_pair_a_frame(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(5, 6, 3, 4)).astype(np.float32)
    files = {path.name: path for path in write_volume(VolumeFigure(maps, "L2_conv"), tmp_path)}
    fields, values = read_nrrd(files["L2_conv_float32.seq.nrrd"].read_bytes())
    assert fields["kinds"] == "domain domain domain list"
    assert fields["labels"] == '"x" "y" "kernel" "frame"'
    assert np.array_equal(values.transpose(2, 3, 1, 0), maps)
    levels = published_bytes(maps).reshape(maps.shape)
    with zipfile.ZipFile(files["L2_conv_vox.zip"]) as archive:
        assert len(archive.namelist()) == 12
        for frame in range(6):
            assert archive.read(f"L2_conv_t{frame:03d}.vox") == levels[:, frame].tobytes()
            assert archive.read(f"L2_conv_t{frame:03d}.hd").startswith(b"Size 3x4x5 unsigned byte \n")


class Planted(nn.Module):
    """A video network whose first layer's maps are known: the red channel, its negative, and a delay by one frame."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 3, (3, 1, 1), stride=(2, 1, 1), bias=False)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.last = nn.Conv3d(3, 4, 1)
        self.classes = nn.Linear(4, 2)
        weight = torch.zeros(3, 3, 3, 1, 1)
        weight[0, 0, 1], weight[1, 0, 1], weight[2, 0, 0] = 1.0, -1.0, 1.0
        self.first.weight.data = weight

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.classes(self.last(self.pool(self.first(clip).relu_())).flatten(1))
        return found


def test_maps_are_the_pre_activations_and_know_when_they_look() -> None:
    clip = torch.rand(1, 3, 9, 6, 5, generator=torch.Generator().manual_seed(0))
    found = response_maps(Planted(), clip, ["first"])["first"]
    red = clip[0, 0].numpy()
    assert found.maps.shape == (3, 4, 6, 5)
    assert np.allclose(found.maps[0], red[1:8:2])
    assert np.allclose(found.maps[1], -red[1:8:2]), "before the ReLU, although it works in place"
    assert np.allclose(found.maps[2], red[0:7:2])
    assert (found.moments, found.moments_known) == ((1.0, 3.0, 5.0, 7.0), True)
    assert found.file_name == "L1_first"
    rectified = response_maps(Planted(), clip, ["first"], rectified=True)["first"].maps
    assert np.array_equal(rectified, np.maximum(found.maps, 0))


@pytest.mark.parametrize(("layer", "why"), [("last", "a single position"), ("classes", "no map of rows and columns")])
def test_a_layer_without_maps_is_refused_in_a_sentence(layer: str, why: str) -> None:
    with pytest.raises(NetworkError, match=f"{layer} has .*{why}"):
        response_maps(Planted(), torch.rand(1, 3, 9, 6, 5), [layer])


@pytest.mark.parametrize("frames_last", [False, True])
def test_tokens_of_frames_are_no_picture(frames_last: bool) -> None:
    """Features of `N T P K`, or `N P T K`, have two axes of positions, and are no rows and columns."""

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv3d(3, 4, (1, 3, 3), (1, 3, 3))
            self.mixed, self.classes = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            tokens = self.patches(clip).flatten(3).permute(0, 2, 3, 1)
            tokens = tokens + (tokens @ tokens.mT).softmax(-1) @ tokens
            mixed = self.mixed(tokens.transpose(1, 2) if frames_last else tokens)
            found: torch.Tensor = self.classes(mixed.mean((1, 2)))
            return found

    with pytest.raises(NetworkError, match="mixed has frames for rows or columns"):
        response_maps(Tokens(), torch.rand(1, 3, 5, 9, 6), ["mixed"])


def test_maps_that_are_not_finite_are_refused() -> None:
    network = Planted()
    network.first.weight.data[0, 0, 1] = torch.inf
    with pytest.raises(NetworkError, match="not finite"):
        response_maps(network, torch.rand(1, 3, 9, 6, 5), ["first"])


def test_of_a_picture_the_maps_have_no_time() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    class Framed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = network

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.body(clip.squeeze(2))
            return found

    clip = torch.rand(1, 3, 1, 9, 9)
    found = response_maps(Framed(), clip, ["body.0"])["body.0"]
    assert (found.still, found.maps.shape) == (True, (4, 1, 4, 4))
    assert np.allclose(found.maps[:, 0], network[0](clip.squeeze(2))[0].detach().numpy())


def test_the_binarised_volume_by_value_percentile_and_otsu() -> None:
    network, clip = Planted(), torch.rand(1, 3, 9, 8, 8, generator=torch.Generator().manual_seed(1))
    found = response_maps(network, clip, ["first"])["first"]
    assert np.array_equal(found.binarised(0.5), found.maps >= 0.5)
    assert found.binarised(percentile=90).mean() == pytest.approx(0.1, abs=0.01)
    two = np.where(np.random.default_rng(0).random((2, 1, 20, 20)) < 0.3, 4.0, 1.0)
    two += 0.1 * np.random.default_rng(1).normal(size=two.shape)
    maps = type(found)("x", "L1_x", two.astype(np.float32), True, (0.0,), True)
    assert np.array_equal(maps.binarised("otsu"), two > 2.5), "two heaps are told apart"
    with pytest.raises(ValueError, match="threshold or a percentile"):
        found.binarised()
