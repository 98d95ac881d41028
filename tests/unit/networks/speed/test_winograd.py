import pytest
import torch
from torch import Tensor, nn

from reportgen.networks.speed import winograd
from reportgen.networks.speed.frozen_convolution import FrozenConvolution
from reportgen.networks.speed.library import PackedConvolution, can_freeze
from reportgen.networks.speed.winograd import WinogradConvolution, by_winograd

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")

_CUBE = (3, 3, 3)
_ONE = (1, 1, 1)


def _maps(*shape: int, seed: int = 0) -> Tensor:
    found = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return found.contiguous(memory_format=torch.channels_last_3d)


def _exactly(maps: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int, int]) -> Tensor:
    return torch.conv3d(maps.double(), weight.double(), None if bias is None else bias.double(), padding=padding)


def _assert_alike(found: Tensor, wanted: Tensor) -> None:
    assert found.shape == wanted.shape
    assert (found.double() - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.fixture
def avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


@pytest.mark.parametrize("padding", [(1, 1, 1), (0, 0, 0), (2, 2, 2), (1, 0, 2), (0, 1, 1)])
@pytest.mark.parametrize("shape", [(2, 16, 4, 8, 8), (1, 24, 3, 7, 9), (3, 16, 5, 3, 4)])
def test_that_it_is_the_convolution_there_and_back(
    shape: tuple[int, int, int, int, int], padding: tuple[int, int, int]
) -> None:
    maps, weight, bias = _maps(*shape), _maps(8, shape[1], *_CUBE, seed=1), torch.randn(8)
    asked = maps.double().requires_grad_()
    wanted = _exactly(asked, weight, bias, padding)
    gradient = _maps(*wanted.shape, seed=2)
    (back,) = torch.autograd.grad(wanted, asked, gradient.double())
    own = WinogradConvolution(weight, bias, padding)

    with torch.no_grad():
        found = own.forward(maps)
        _assert_alike(found, wanted.detach())
        _assert_alike(own.backward(gradient), back)

    assert found.is_contiguous(memory_format=torch.channels_last_3d)


def test_that_a_sum_and_a_rectifier_go_with_it() -> None:
    maps, weight, bias, other = (
        _maps(1, 16, 4, 6, 6),
        _maps(8, 16, *_CUBE, seed=1),
        torch.randn(8),
        _maps(1, 8, 4, 6, 6),
    )
    wanted = (_exactly(maps, weight, bias, _ONE) + other).relu()
    own, written = WinogradConvolution(weight, bias, _ONE), other.clone(memory_format=torch.channels_last_3d)

    with torch.no_grad():
        found = own.forward(maps, onto=written, rectified=True)
        back = own.backward(other, onto=maps.clone(memory_format=torch.channels_last_3d))
        alone = own.backward(other)

    _assert_alike(found, wanted)
    assert found.data_ptr() == written.data_ptr()
    _assert_alike(back, alone.double() + maps)


def test_that_maps_larger_than_the_cache_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    maps, weight = _maps(3, 16, 4, 9, 8), _maps(8, 16, *_CUBE, seed=1)
    with torch.no_grad():
        whole = WinogradConvolution(weight, None, _ONE).forward(maps)
        tiles_of_a_row = 4 * 16 * 4 * 4 * 16
        for cache in (1, 2 * tiles_of_a_row, 11 * tiles_of_a_row):
            monkeypatch.setattr(winograd, "_CACHE", cache)
            _assert_alike(WinogradConvolution(weight, None, _ONE).forward(maps), whole.double())


@pytest.mark.usefixtures("avx2")
@pytest.mark.parametrize(
    ("channels", "side", "kernel", "stride", "chosen"),
    [
        (112, 9, _CUBE, _ONE, True),
        (64, 28, _CUBE, _ONE, False),
        (112, 7, _CUBE, _ONE, False),
        (112, 9, (1, 3, 3), _ONE, False),
        (112, 9, _CUBE, (1, 2, 2), False),
    ],
)
def test_that_it_is_chosen_where_it_was_measured_to_pay(
    channels: int, side: int, kernel: tuple[int, int, int], stride: tuple[int, int, int], chosen: bool
) -> None:
    maps, weight = _maps(1, channels, 2, side, side), torch.zeros(channels, channels, *kernel)

    assert by_winograd(maps, weight, stride, _ONE, _ONE) is chosen
    assert not by_winograd(maps.bfloat16(), weight, stride, _ONE, _ONE)


def test_that_it_is_not_chosen_on_processors_where_it_was_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")

    assert not by_winograd(_maps(1, 112, 2, 9, 9), torch.zeros(112, 112, *_CUBE), _ONE, _ONE, _ONE)


@pytest.mark.usefixtures("avx2")
def test_that_a_frozen_convolution_of_many_passes_is_done_so() -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(112, 112, 3, padding=1)
    weight, bias = layer.weight.detach(), layer.bias
    assert bias is not None
    maps = _maps(1, 112, 2, 9, 9)
    often = FrozenConvolution(layer, weight, bias.detach())
    once, silenced = FrozenConvolution(layer, weight, bias.detach(), packs=False), often.silenced(torch.ones(112))

    for frozen, kind in [(often, WinogradConvolution), (once, PackedConvolution), (silenced, PackedConvolution)]:
        asked = maps.clone(memory_format=torch.channels_last_3d).requires_grad_()
        wanted = torch.autograd.grad(layer(asked).square().sum(), asked)[0]
        found = frozen(asked)
        _assert_alike(found.detach(), layer(maps).detach().double())
        _assert_alike(torch.autograd.grad(found.square().sum(), asked)[0], wanted.double())
        assert [type(one) for one in frozen._packed.values()] == [kind]
