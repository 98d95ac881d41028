"""Facts about layers, checked against gradients and against arithmetic on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import NetworkError
from reportgen.networks.kernels.layers import count_additions, describe_layers
from reportgen.records.manifest import LayerFacts
from tests.children import run_python

Forward = Callable[["Bench", Tensor], Tensor]


class Bench(nn.Module):
    """Some layers and a way through them; the last layer is `probe`."""

    def __init__(self, forward: Forward, probe: nn.Module | None = None, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.probe = probe or nn.Conv3d(1, 1, 1)
        self.way = forward

    def forward(self, clip: Tensor) -> Tensor:
        return self.probe(self.way(self, clip))


def facts(network: nn.Module, shape: tuple[int, ...]) -> dict[str, LayerFacts]:
    return {layer.name: layer for layer in describe_layers(network, clip_shape=shape)}


def measured(network: Bench, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the largest extent of the input that single units of the probe depend on, by their gradients."""
    network = network.double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.5)
    clip = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    output: list[Tensor] = []
    handle = network.probe.register_forward_hook(lambda _module, _inputs, value: output.append(value))
    network(clip)
    handle.remove()
    maps = output[0]
    extents = [0, 0, 0]
    middle = [size // 2 for size in maps.shape[2:]]
    for shift in range(4):  # units of every phase of a transposed convolution
        place = tuple(min(size - 1, centre + shift) for size, centre in zip(maps.shape[2:], middle, strict=True))
        (gradient,) = torch.autograd.grad(maps[(0, 0, *place)], clip, retain_graph=True)
        for axis in range(3):
            touched = gradient.abs().sum(dim=[dim for dim in range(5) if dim != axis + 2]).nonzero()
            extents[axis] = max(extents[axis], int(touched.max() - touched.min()) + 1)
    return tuple(extents)


def conv(size: int | tuple[int, int, int], stride: int = 1, padding: int = 0, dilation: int = 1) -> nn.Conv3d:
    return nn.Conv3d(1, 1, size, stride, padding, dilation)


def per_frame(bench: Bench, clip: Tensor) -> Tensor:
    """A 2D convolution on each frame: time is folded into the batch and unfolded again."""
    count, channels, time, height, width = clip.shape
    frames = clip.transpose(1, 2).reshape(count * time, channels, height, width)
    frames = bench.get_submodule("a")(frames)
    return frames.reshape(count, time, channels, *frames.shape[2:]).transpose(1, 2)


def per_line(bench: Bench, clip: Tensor) -> Tensor:
    """A 1D convolution along time at every place."""
    count, channels, time, height, width = clip.shape
    lines = clip.permute(0, 3, 4, 1, 2).reshape(-1, channels, time)
    lines = bench.get_submodule("a")(lines)
    return lines.reshape(count, height, width, channels, -1).permute(0, 3, 4, 1, 2)


def chunks(_bench: Bench, clip: Tensor) -> Tensor:
    first, second = clip.chunk(2, dim=2)
    return functional.avg_pool3d(first + second.flip(1), (1, 3, 3))


CASES: dict[str, Bench] = {
    "one convolution": Bench(lambda b, x: x, conv((3, 5, 7))),
    "strides": Bench(lambda b, x: b.c(b.a(x)), conv(3), a=conv(3, 2, 1), c=conv((2, 1, 5), 2)),
    "dilation": Bench(lambda b, x: b.a(x), conv(3, dilation=2), a=conv(3, 2, 1, 3)),
    "average pool": Bench(lambda b, x: functional.avg_pool3d(b.a(x), (2, 3, 3), 2, (0, 1, 1)), conv(3), a=conv(3)),
    "transposed 4/2": Bench(lambda b, x: b.t(b.a(x)), conv(1), a=conv(3, 2, 1), t=nn.ConvTranspose3d(1, 1, 4, 2, 1)),
    "transposed 3/2": Bench(lambda b, x: b.t(b.a(x)), conv(1), a=conv(3, 2, 1), t=nn.ConvTranspose3d(1, 1, 3, 2, 1)),
    "transposed 2/2, then 3": Bench(lambda b, x: b.t(b.a(x)), conv(3), a=conv(2, 2), t=nn.ConvTranspose3d(1, 1, 2, 2)),
    "nearest": Bench(lambda b, x: functional.interpolate(b.a(x), scale_factor=2), conv(1), a=conv(4, 2, 1)),
    "residual": Bench(lambda b, x: x + b.c(b.a(x)), conv(1), a=conv(3, padding=1), c=conv((3, 1, 1), 1, (1, 0, 0))),  # type: ignore[arg-type]
    "lopsided branches": Bench(
        lambda b, x: functional.pad(b.a(x), (2, 0, 2, 0, 2, 0)) + functional.pad(b.c(x), (0, 2, 0, 2, 0, 2)),
        conv(1),
        a=conv(3),
        c=conv(3),
    ),
    "concatenation": Bench(lambda b, x: torch.cat([x, b.a(x)], 1), nn.Conv3d(2, 1, 3), a=conv((1, 5, 5), 1, (0, 2, 2))),  # type: ignore[arg-type]
    "concatenation in time": Bench(lambda b, x: torch.cat([x[:, :, :8], x[:, :, 8:]], 2), conv(3)),
    "padding by concatenation": Bench(lambda b, x: torch.cat([torch.zeros_like(x[:, :, :2]), x], 2), conv(3)),
    "slices": Bench(lambda b, x: x[:, :, 1::2, ..., 3:-1], conv(3)),
    "difference of neighbours": Bench(lambda b, x: x[:, :, 1:] - 0.5 * x[:, :, :-1], conv((3, 1, 1))),
    "every frame by itself": Bench(per_frame, conv(3), a=nn.Conv2d(1, 1, 3, 2, 1)),
    "every place by itself": Bench(per_line, conv(3), a=nn.Conv1d(1, 1, 5, 1, 2)),
    "linear along channels": Bench(
        lambda b, x: b.a(b.c(x).permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3), conv(3), a=nn.Linear(1, 1), c=conv(3)
    ),
    "halves of time added": Bench(chunks, conv(1)),
    "space to depth": Bench(
        lambda b, x: x.reshape(1, 1, 16, 20, 2, 20, 2).permute(0, 4, 6, 1, 2, 3, 5).reshape(1, 4, 16, 20, 20),
        nn.Conv3d(4, 1, 3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_receptive_fields_are_those_of_the_gradient(case: str) -> None:
    network, shape = CASES[case], (1, 16, 40, 40)
    found = facts(network, shape)["probe"].receptive_field
    expected = measured(network, shape)
    if case == "halves of time added":
        # Two distant frames enter one value: the field is the interval that holds both.
        assert expected[0] == 9
    assert found == expected


WHOLE = (None, None, None)

SEEN: dict[str, tuple[Forward, tuple[int | None, ...] | None]] = {
    "global average": (lambda b, x: x * x.mean((2, 3, 4), keepdim=True), WHOLE),
    "adaptive pool": (lambda b, x: functional.adaptive_avg_pool3d(x, 1), WHOLE),
    "squeeze and excitation": (lambda b, x: x * torch.sigmoid(functional.adaptive_avg_pool3d(x, 1)), WHOLE),
    "average over space": (lambda b, x: x * x.mean((3, 4), keepdim=True), (1, None, None)),
    "attention": (
        lambda b, x: (x.flatten(2).transpose(1, 2) @ x.flatten(2)).softmax(-1).reshape(1, 64, 4, 4, 4)[:, :1],
        WHOLE,
    ),
    "fused attention": (
        lambda b, x: (
            functional.scaled_dot_product_attention(*[x.flatten(2).transpose(1, 2)] * 3)
            .transpose(1, 2)
            .reshape(x.shape)
        ),
        WHOLE,
    ),
    "instance norm": (lambda b, x: functional.instance_norm(x), WHOLE),
    "softmax over time": (lambda b, x: x.softmax(2), (None, 1, 1)),
    "halves of each axis": (lambda b, x: functional.adaptive_avg_pool3d(x, 2), (2, 2, 2)),
    "flip in time": (lambda b, x: x.flip(2), (1, 1, 1)),
    "fourier": (lambda b, x: torch.fft.ifft(torch.fft.fft(x)).real, None),
    "an attended part of an unknown": (lambda b, x: torch.fft.fft(x).real.softmax(2), None),
}


@pytest.mark.parametrize("case", SEEN)
def test_all_of_an_axis_is_told_from_what_is_not_known(case: str) -> None:
    way, expected = SEEN[case]
    assert facts(Bench(way), (1, 4, 4, 4))["probe"].receptive_field == expected


def test_channel_operations_do_not_unbind() -> None:
    def way(_bench: Bench, clip: Tensor) -> Tensor:
        shuffled = clip.reshape(1, 2, 2, *clip.shape[2:]).transpose(1, 2).reshape(clip.shape)
        normed = functional.layer_norm(shuffled.permute(0, 2, 3, 4, 1), (4,)).permute(0, 4, 1, 2, 3)
        return normed.softmax(1).flip(1) * clip.mean(1, keepdim=True)

    assert facts(Bench(way, nn.Conv3d(4, 1, 3)), (4, 8, 8, 8))["probe"].receptive_field == (3, 3, 3)


def test_stacked_frames_are_a_finite_extent() -> None:
    network = Bench(lambda b, x: x.transpose(1, 2).flatten(1, 2), nn.Conv2d(6, 4, 7, 2, 3))
    assert facts(network, (3, 2, 32, 32))["probe"].receptive_field == (2, 7, 7)


def test_a_picture_has_no_time() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, 2))
    assert [layer.receptive_field for layer in describe_layers(network, clip_shape=(3, 16, 16))] == [
        (1, 3, 3),
        (1, 5, 5),
    ]


def test_facts_on_paper() -> None:
    network = nn.Sequential(
        nn.Conv3d(4, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2), groups=2),
        nn.ReLU(inplace=True),
        nn.ConvTranspose3d(8, 6, 4, 2, 1, bias=False),
        nn.Flatten(2),
        nn.Linear(8 * 8 * 8, 5),
    )
    first, second, third = describe_layers(network, clip_shape=(4, 4, 8, 8))
    assert (first.name, first.kind, first.kernels, first.inputs, first.groups) == ("0", "Conv3d", 8, 4, 2)
    assert (first.kernel_size, first.stride, first.output) == ((3, 5, 5), (1, 2, 2), (8, 4, 4, 4))
    assert first.parameters == 8 * 2 * 75 + 8
    assert first.multiply_adds == 8 * 4 * 4 * 4 * 2 * 75
    assert (second.kind, second.output) == ("ConvTranspose3d", (6, 8, 8, 8))
    assert second.multiply_adds == 8 * 4 * 4 * 4 * 6 * 64
    assert (third.kind, third.kernels, third.inputs, third.kernel_size) == ("Linear", 5, 512, ())
    assert third.output == (6, 5)
    assert third.multiply_adds == 6 * 5 * 512
    assert third.receptive_field == WHOLE


def test_layers_come_in_the_order_in_which_they_run() -> None:
    bench = Bench(lambda b, x: b.late(b.early(x)), late=conv(3), early=conv(1), never=conv(5))
    layers = describe_layers(bench, clip_shape=(1, 8, 8, 8))
    assert [layer.name for layer in layers] == ["early", "late", "probe", "never"]
    assert layers[-1].output is None
    assert layers[-1].multiply_adds is None
    assert layers[-1].parameters == 126


def test_a_layer_that_runs_twice() -> None:
    bench = Bench(lambda b, x: b.twice(b.twice(x)), twice=conv(3))
    layer = facts(bench, (1, 8, 8, 8))["twice"]
    assert layer.multiply_adds == 27 * (6**3 + 4**3)
    assert layer.output == (1, 4, 4, 4)
    assert layer.receptive_field == (5, 5, 5)


def test_nothing_is_left_behind() -> None:
    network = Bench(lambda b, x: x, conv(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    describe_layers(network, clip_shape=(1, 8, 8, 8))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not network.probe._forward_hooks
    assert network.training


def test_what_cannot_run_without_numbers_is_run_with_them() -> None:
    def way(_bench: Bench, clip: Tensor) -> Tensor:
        return clip + float(clip.sum().item())

    layer = facts(Bench(way, conv(3)), (1, 8, 8, 8))["probe"]
    assert layer.output == (1, 6, 6, 6)
    assert layer.receptive_field == (3, 3, 3)


def test_a_clip_that_does_not_fit_is_said_in_a_sentence() -> None:
    with pytest.raises(NetworkError, match="Bench cannot run on a clip of 2x8x8"):
        describe_layers(Bench(lambda b, x: x, conv(3)), clip_shape=(1, 2, 8, 8))
    with pytest.raises(NetworkError, match="Bench has no card: say the clip's shape"):
        describe_layers(Bench(lambda b, x: x, conv(3)))


def test_residual_additions_are_counted() -> None:
    bench = Bench(lambda b, x: (x + b.a(x)) + 1 + b.c(x), a=conv(1), c=conv(1))
    assert count_additions(bench, clip_shape=(1, 4, 4, 4)) == 2


def test_the_compiler_is_not_loaded() -> None:
    """Loading it takes seconds, and `reportgen layers` should answer at once."""
    code = (
        "import sys; from reportgen.zoo.load import load_network;"
        "from reportgen.networks.kernels.layers import describe_layers;"
        "describe_layers(load_network('i3d', meta=True)); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert run_python(code).returncode == 0
