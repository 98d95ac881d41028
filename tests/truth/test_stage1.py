"""Known answers for activation maximisation: networks whose optimum is known in closed form."""

from __future__ import annotations

import importlib.util
import math
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen import load_network, maximize_activation
from reportgen.analyses.base import Subject, Unit
from reportgen.analyses.kernels.analysis import KernelAnalysis
from reportgen.analyses.kernels.closed_form import closed_form, filters
from reportgen.analyses.kernels.parameters import KernelParameters
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.kernels.clip_form import clip_preactivation
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.kernels.preactivation import preactivation
from reportgen.progress import SILENT
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.figures import Result
from reportgen.resources import modelzoo_folder

SHAPE = (4, 6, 8)
# The planted kernels are white noise. The priors for natural clips (1/f gains, correlated colours) would only slow the
# way there, so they are off.
WHITE = {"power": 0.0, "decorrelated": False, "jitter": (0, 0), "learning_rate": 0.2}
# Without the 1/f gains, which would pull a frequency between two bins to the lower one.
FLAT = {"power": 0.0, "learning_rate": 0.15, "steps": 64}


@pytest.fixture
def planted() -> nn.Conv3d:
    """A layer whose four kernels are as large as the clip."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 4, SHAPE)).requires_grad_(False)


def white(basis: str) -> dict[str, Any]:
    """The options for white kernels that a basis has a use for: pixels have no frequencies."""
    return {name: value for name, value in WHITE.items() if basis == "fft" or name != "power"}


def cosine(found: Tensor, wanted: Tensor) -> Tensor:
    return functional.cosine_similarity(found.flatten(1), wanted.flatten(1))


@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_in_a_ball_the_optimum_is_the_kernel_itself(planted: nn.Module, basis: str) -> None:
    weight = planted[0].weight
    found = maximize_activation(
        planted,
        "0",
        [0, 1, 2, 3],
        basis=basis,
        constraint="ball",
        clip_shape=SHAPE,
        steps=256,
        early_stop=False,
        **white(basis),
    )
    assert cosine(found.clips, weight).min() >= 0.999
    assert found.activations == pytest.approx(weight.flatten(1).norm(dim=1) + planted[0].bias, rel=1e-3)


@pytest.mark.parametrize("grow", [False, True])
def test_the_best_colour_is_found_though_luminance_rises_first(grow: bool) -> None:
    # Cyan is best; on the way there all channels rise together and red, too, is nearly saturated.
    layer = nn.Conv3d(3, 1, 1, bias=False)
    layer.weight = nn.Parameter(torch.tensor([-0.48, 0.8, 0.79]).view(1, 3, 1, 1, 1))
    network = nn.Sequential(layer).requires_grad_(False)
    found = maximize_activation(
        network, "0", [0], clip_shape=(8, 64, 64), steps=96, learning_rate=0.2, grow=grow, early_stop=False
    )
    assert float(found.activations[0]) >= 0.97 * (0.8 + 0.79)


@pytest.mark.parametrize("grow", [False, True])
def test_views_that_disagree_do_not_hold_the_optimum_back(grow: bool) -> None:
    # Under random shifts the mean of a strided map depends on a clip's mean colour alone, but each single step prefers
    # a pattern with the period of the stride, and another one in the next step.
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 1, (1, 6, 6), stride=(1, 2, 2), bias=False)
    network = nn.Sequential(layer).requires_grad_(False)
    best = layer.weight.sum((2, 3, 4)).clamp_min(0).sum()  # every colour at 0 or 1
    found = maximize_activation(
        network, "0", [0], clip_shape=(8, 64, 64), steps=96, learning_rate=0.2, grow=grow, early_stop=False
    )
    assert float(found.activations[0]) >= 0.9 * float(best)


def wave(size: int, moved: float) -> Tensor:
    """Return a wave 1 3 H W of 8 px, grey about 0, moved right by a share of its length."""
    return torch.cos(2 * math.pi * (torch.arange(size) / 8 - moved)).expand(1, 3, size, size)


def test_frames_that_are_channels_are_not_taken_for_time() -> None:
    """A layer that takes two frames at once, as FlowNetS does, for a wave that moves on by a quarter of its length."""
    layer = nn.Conv2d(6, 1, 16, stride=2, bias=False)
    layer.weight.data = torch.cat([wave(16, 0.0), wave(16, 0.25)], 1) / 256
    spec = ClipSpec(frames=2, height=64, width=64, mean=(0.5,) * 3, std=(0.5,) * 3)
    card = ModelCard(name="two", title="Two frames", clip=spec, adapter=Adapter(input="stacked_frames"))
    network = Network(nn.Sequential(layer).requires_grad_(False), card)
    found = maximize_activation(network, "0", [0], objective="firing", steps=96)
    best = torch.stack([wave(64, moved).sign() for moved in (1 / 16, 5 / 16)], dim=2)
    assert float(found.activations[0]) >= 0.65 * float(layer(best.transpose(1, 2).flatten(1, 2)).clamp_min(0).mean())
    first, second = torch.fft.rfft(found.clips[0].mean((0, 2)))[:, 8]
    assert abs(float(torch.angle(first / second)) - math.pi / 2) < 0.1, "a quarter of the wave to the right"


@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_in_the_box_the_optimum_is_the_kernels_sign(planted: nn.Module, basis: str) -> None:
    weight, bias = planted[0].weight, planted[0].bias
    found = maximize_activation(
        planted, "0", [0, 1, 2, 3], basis=basis, clip_shape=SHAPE, steps=256, early_stop=False, **white(basis)
    )
    assert cosine(2 * found.clips - 1, weight.sign()).min() >= 0.99
    middle = weight.flatten(1).sum(1) / 2
    reached = (found.activations - bias - middle) / (weight.flatten(1).abs().sum(1) / 2)
    assert reached.min() >= 0.97


def test_a_batch_norm_of_negative_gain_turns_the_optimum_round(planted: nn.Module) -> None:
    norm = nn.BatchNorm3d(4)
    norm.weight.data = torch.tensor([1.0, -1.0, 2.0, -0.5])
    network = nn.Sequential(planted[0], norm).eval().requires_grad_(False)
    found = maximize_activation(network, "0", [0, 1, 2, 3], constraint="ball", clip_shape=SHAPE, steps=256, **WHITE)
    signs = norm.weight.sign().view(-1, 1, 1, 1, 1)
    assert cosine(found.clips, signs * planted[0].weight).min() >= 0.999


def test_the_closed_form_is_the_kernel_and_the_search_finds_its_optimum(planted: nn.Module) -> None:
    network = nn.Sequential(nn.Conv3d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv3d(4, 4, 3))
    exact = closed_form(clip_preactivation(as_network(network), "0", (9, 9, 9)), [1, 3])
    weight = network[0].weight.detach()[[1, 3]]
    assert exact.weights == pytest.approx(weight, abs=1e-6)
    found = maximize_activation(
        network,
        "0",
        [1, 3],
        objective="neuron",
        basis="pixels",
        clip_shape=(9, 9, 9),
        steps=256,
        early_stop=False,
        **white("pixels"),
    )
    bias = network[0].bias.detach()[[1, 3]]
    assert exact.activations == pytest.approx(bias + weight.clamp_min(0).flatten(1).sum(1), rel=1e-5)
    assert torch.all(found.activations <= exact.activations + 1e-5)
    assert found.activations == pytest.approx(exact.activations, rel=0.03)


class OfOneSize(nn.Module):
    """A first convolution before a head that refuses clips of any other size, as a C3D's does."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 4, 3, padding=1)
        self.head = nn.Linear(4 * 16 * 64 * 64, 2)

    def forward(self, clips: Tensor) -> Tensor:
        maps = self.first(clips).relu().flatten(1)
        if maps.shape[1] != self.head.in_features:
            raise NetworkError("The classifier takes clips of 16x64x64.")
        answer: Tensor = self.head(maps)
        return answer


def test_a_first_layers_kernel_is_read_off_clips_that_layers_behind_it_refuse() -> None:
    module = OfOneSize().eval().requires_grad_(False)
    target = clip_preactivation(as_network(module), "first", (16, 64, 64))
    found = filters(target, [0, 2], (8, 32, 32))
    assert sorted(found) == [0, 2]
    assert found[2] == pytest.approx(module.first.weight[2], abs=1e-6)


def test_a_kernel_behind_rectified_colours_is_searched_and_has_no_closed_form() -> None:
    """It sees no more of the clip than itself, and bends it: each colour counts from the half on."""
    torch.manual_seed(0)
    colours, layer = nn.Conv3d(3, 3, 1), nn.Conv3d(3, 2, 3, padding=1, bias=False)
    with torch.no_grad():
        colours.weight.copy_(torch.eye(3).view(3, 3, 1, 1, 1))
        colours.bias.fill_(-0.5)  # type: ignore[union-attr]
        layer.weight[0] = 0.0  # a pruned kernel is linear in anything
    module = nn.Sequential(colours, nn.ReLU(), layer, nn.ReLU()).eval().requires_grad_(False)
    spec = ClipSpec(frames=4, height=8, width=8, mean=(0.0,) * 3, std=(1.0,) * 3)
    network = Network(module, ModelCard(name="bent", title="Bent", clip=spec))
    facts = {one.name: one for one in describe_layers(network)}
    assert facts["2"].receptive_field == facts["2"].kernel_size
    units = [Unit(f"bent/2/000{kernel}", "2", {"kernel": kernel}) for kernel in (0, 1)]
    subject = Subject(network, facts, ("2",), objective="neuron")
    answers = KernelAnalysis().run(subject, units, KernelParameters(steps=64), lambda *_: {}, SILENT)
    found = {unit.kernel: result for unit, result in answers if isinstance(result, Result)}
    assert [sorted(result.figures) for result in found.values()] == [["stage1", "stage1_data"]] * 2
    best = float(layer.weight[1].clamp_min(0).sum()) / 2
    assert isinstance(found[1].answer, KernelAnswer)
    assert 0 < found[1].answer.activation <= best + 1e-5
    with pytest.raises(NetworkError, match="is not linear in the pixels"):
        closed_form(clip_preactivation(network, "2", (4, 8, 8)), [0, 1])


class DriftEnergy(nn.Module):
    """The energy of quadrature pairs: each output is the squared response to a drifting Gabor and its 90 degree mate.

    `frequencies` are (ft, fy, fx) in cycles/frame and cycles/px; the drift is right and down for a negative ft.
    """

    def __init__(self, frequencies: list[tuple[float, float, float]]) -> None:
        super().__init__()
        t, y, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in (9, 11, 11)], indexing="ij")
        window = torch.exp(-((t / 3) ** 2) - (y / 4) ** 2 - (x / 4) ** 2)
        phases = [2 * math.pi * (ft * t + fy * y + fx * x) for ft, fy, fx in frequencies]
        waves = [window * wave(phase) for phase in phases for wave in (torch.cos, torch.sin)]
        kernels = torch.stack([wave - window * wave.sum() / window.sum() for wave in waves])
        self.pairs = nn.Conv3d(1, len(kernels), (9, 11, 11), bias=False)
        self.pairs.weight.data = kernels[:, None]
        self.energy = nn.Identity()

    def forward(self, clips: Tensor) -> Tensor:
        return self.energy(self.pairs(clips).square().unflatten(1, (-1, 2)).sum(2))


def test_a_drifting_quadrature_pair_shows_its_frequency_and_velocity() -> None:
    frequencies = [(-0.13, 0.0, 0.16), (0.23, 0.12, 0.09)]
    shape = (16, 24, 24)
    found = maximize_activation(DriftEnergy(frequencies), "energy", [0, 1], clip_shape=shape, **FLAT)
    for clip, (ft, fy, fx) in zip(found.clips, frequencies, strict=True):
        power = torch.fft.fftn(clip[0] - clip.mean()).abs()
        peak = torch.unravel_index(power.argmax(), power.shape)
        at = [float(torch.fft.fftfreq(n)[i]) for n, i in zip(shape, peak, strict=True)]
        at = at if at[1] * fy + at[2] * fx > 0 else [-value for value in at]  # a real clip has both signs
        for value, wanted, size in zip(at, (ft, fy, fx), shape, strict=True):
            assert abs(value - wanted) <= 1 / (2 * size)
        assert abs(-at[0] / at[2] + ft / fx) <= (1 / 32 + abs(ft / fx) / 48) / abs(at[2])


def test_a_kernel_that_fires_at_rightward_motion_gets_a_clip_that_moves_right() -> None:
    network = DriftEnergy([(-0.125, 0.0, 0.125)])
    found = maximize_activation(network, "energy", [0], clip_shape=(16, 24, 24), **FLAT)
    clip = found.clips[0, 0] - found.clips.mean()
    # Two frames later a grating of 8 px that moves by 1 px/frame is in phase one way, and in antiphase the other way.
    right, left = (float((clip[2:] * clip[:-2].roll(2 * step, -1)).mean()) for step in (1, -1))
    assert right > 0 > left
    assert abs(right + left) < 0.2 * right


def moving_clips(network: Network, motions: tuple[str, ...]) -> list[Tensor]:
    """Return, for each motion, clips `N C T H W` of every texture of the bundled network that move so."""
    path = modelzoo_folder() / "texture_motion" / "clips.py"
    spec = importlib.util.spec_from_file_location("generated_clips", path)
    assert spec is not None
    assert spec.loader is not None
    source: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    kinds = [source.MOTIONS.index(motion) for motion in motions]
    textures = [*range(len(source.TEXTURES))] * 3
    labels = [texture * len(source.MOTIONS) + kind for kind in kinds for texture in textures]
    frames, height, width = network.card.clip.shape[1:]  # type: ignore[union-attr]
    made = source.generate(len(labels), 11, frames=frames, height=height, width=width, labels=torch.tensor(labels))
    return list(made.clips.split(len(textures)))


def mean_velocity(clip: Tensor) -> Tensor:
    """Return the one velocity (right, down) in px/frame that explains a clip `C T H W` best (Lucas and Kanade 1981)."""
    grey = functional.avg_pool3d(clip.mean(0)[None], 3, 1)[0]
    t, y, x = (slope[1:-1, 1:-1, 1:-1] for slope in torch.gradient(grey))
    matrix = torch.stack([torch.stack([(x * x).sum(), (x * y).sum()]), torch.stack([(x * y).sum(), (y * y).sum()])])
    return torch.linalg.solve(matrix, -torch.stack([(x * t).sum(), (y * t).sum()]))


@pytest.mark.long
def test_the_bundled_networks_most_direction_selective_kernels_get_clips_that_move_their_way() -> None:
    network = load_network("texture_motion")
    motions = ("moving left", "moving right", "moving up", "moving down")
    ways = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    target = preactivation(network, "res2.conv2", network.card.clip.shape[1:], 3)  # type: ignore[union-attr]
    with torch.no_grad():
        maps = [target.maps(clips).relu() for clips in moving_clips(network, motions)]
    fires = torch.stack([of_motion.flatten(2).mean((0, 2)) for of_motion in maps])
    kernels = []
    for motion in (1, 2):  # right, up
        others = fires[[other for other in range(4) if other != motion]].amax(0)
        kernels.append(int(((fires[motion] - others) / (fires[motion] + others + 0.1)).argmax()))
    found = maximize_activation(network, "res2.conv2", kernels, objective="firing", steps=32)
    for clip, way in zip(found.clips, ways, strict=True):
        velocity = mean_velocity(clip)
        assert functional.cosine_similarity(velocity, way, dim=0) > 0.5


class Prepared(nn.Module):
    """A convolution of what a network makes of the clip, or of its frames, by itself."""

    def __init__(self, way: str) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.way = way
        self.stem: nn.Module = (
            nn.Conv2d(3, 2, 7, 2, 3) if way == "frames" else nn.Conv3d(3, 2, (3, 5, 5), padding=(1, 2, 2))
        )

    def forward(self, clip: Tensor) -> Tensor:
        if self.way == "frames":
            return self.stem(clip.transpose(1, 2).flatten(0, 1))
        return self.stem(clip[..., 4:-4, 4:-4] if self.way == "a crop" else clip - clip.mean(2, keepdim=True))


@pytest.mark.parametrize("way", ["frames", "a crop", "less the mean"])
def test_a_unit_that_is_not_cropped_to_is_shifted_by_what_it_sees_and_not_by_the_clip(way: str) -> None:
    """Shifts by an eighth of the clip are larger than half of what such a unit sees: 0.1 to 0.7 of the optimum."""
    network = Prepared(way).eval().requires_grad_(False)
    found = maximize_activation(network, "stem", [0, 1], objective="neuron", clip_shape=(8, 24, 24), steps=32)
    target = preactivation(Network(network), "stem", (8, 24, 24), 3)
    for kernel, reached in enumerate(found.activations.tolist()):
        grey = torch.full((1, 3, 8, 24, 24), 0.5, requires_grad=True)
        answer = target.maps(grey)[(0, kernel, *target.centre)]
        (gradient,) = torch.autograd.grad(answer, grey)
        best = target.maps((gradient > 0).float())[(0, kernel, *target.centre)]
        assert reached - answer.item() > 0.97 * (best - answer).item()
