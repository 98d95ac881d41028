"""Networks in other precisions are asked in float32; complex ones are told why they are not asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from reportgen import class_pyramid, connection_graph, contrast, maximize_activation, weight_gradients
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.pyramid.tubes import saliency_tubes
from reportgen.analyses.saliency.attribution import attribute
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.kernels.layers import describe_layers


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.next, self.head = nn.Conv3d(3, 4, 3), nn.Conv3d(4, 4, 3), nn.Linear(4, 3)
        with torch.no_grad():
            self.head.weight.abs_()

    def forward(self, clip: Tensor) -> Tensor:
        scores: Tensor = self.head(torch.relu(self.next(torch.relu(self.stem(clip)))).mean((2, 3, 4)))
        return scores


CLIP = torch.rand(1, 3, 6, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_reduced_precision_becomes_float32(precision: torch.dtype) -> None:
    reduced, rounded = Small().to(precision), Small().to(precision).float()
    assert as_network(reduced).module.stem.weight.dtype == torch.float32
    found = attribute(reduced, CLIP, 1, "guided_grad_cam").attribution
    torch.testing.assert_close(found, attribute(rounded, CLIP, 1, "guided_grad_cam").attribution)
    kept = class_pyramid(reduced, CLIP, 1).kept()
    assert kept == class_pyramid(rounded, CLIP, 1).kept()
    assert kept
    assert reduced.stem.weight.dtype == precision, "the network that was given is left as it was"
    assert [layer.receptive_field for layer in describe_layers(reduced, clip_shape=(3, 6, 12, 12))][:1] == [(3, 3, 3)]


def test_eight_bits_become_float32() -> None:
    reduced = Small().to(torch.float8_e4m3fn)
    found = attribute(reduced, CLIP, 1, "gradients").attribution
    torch.testing.assert_close(
        found, attribute(Small().to(torch.float8_e4m3fn).float(), CLIP, 1, "gradients").attribution
    )


def test_a_network_that_converts_by_itself_is_told_to_follow_its_weights() -> None:
    class Cast(Small):
        def forward(self, clip: Tensor) -> Tensor:
            scores: Tensor = self.head(torch.relu(self.stem(clip)).mean((2, 3, 4)).half())
            return scores

    module = Cast()
    module.head.half()
    with pytest.raises(
        NetworkError, match=r"fails on a grey clip .*: let it compute in the precision that its weights"
    ):
        Network.from_module(module.eval(), frames=6, size=12)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_a_bare_module_that_converts_its_clip_by_itself_is_told_to_follow_its_weights(precision: torch.dtype) -> None:
    class Converts(Small):
        def forward(self, clip: Tensor) -> Tensor:
            return super().forward(clip.to(precision))

    calls = [lambda asked: attribute(asked, CLIP, 1, "gradients"), lambda asked: class_pyramid(asked, CLIP, 1)]
    for call in calls:
        with pytest.raises(NetworkError, match=r"let it compute in the precision that its weights have"):
            call(Converts().to(precision).eval())


class Cast(Small):
    """It computes in fewer bits by itself."""

    def forward(self, clip: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(clip)


@pytest.mark.parametrize("layer", ["stem", "next"])
def test_kernels_of_a_network_that_computes_in_fewer_bits_are_searched_as_those_of_another(layer: str) -> None:
    options = {"clip_shape": (6, 12, 12), "steps": 12, "objective": "firing"}
    found, expected = (maximize_activation(one, layer, [0, 2], **options) for one in (Cast(), Small()))  # type: ignore[arg-type]
    assert found.activations.tolist() == pytest.approx(expected.activations.tolist(), rel=0.05)
    responses = (kernel_responses(one, CLIP, [layer])[layer] for one in (Cast(), Small()))
    assert next(responses).tolist()[0] == pytest.approx(next(responses).tolist()[0], rel=0.02, abs=1e-3)


def test_a_network_that_computes_in_fewer_bits_is_measured_in_float32() -> None:
    """Its own autocast gives rounded values, and what is summed over them is not rounded once more."""
    expected, found = class_pyramid(Small(), CLIP, 1, depth=None), class_pyramid(Cast(), CLIP, 1, depth=None)
    for layer in expected.layers:
        own = found.layer(layer.name)
        largest = float(abs(layer.relevance).max())
        assert own.relevance == pytest.approx(layer.relevance, abs=0.02 * largest)
        assert own.activation == pytest.approx(layer.activation, abs=0.02 * float(abs(layer.activation).max()))
    published = class_pyramid(Cast(), CLIP, 1, scoring="published")
    assert published.kept() == class_pyramid(Small(), CLIP, 1, scoring="published").kept()
    assert saliency_tubes(Cast(), CLIP, found)
    gradients = weight_gradients(Cast(), CLIP, 1).layers["next"].gradients
    true = weight_gradients(Small(), CLIP, 1).layers["next"].gradients
    assert gradients == pytest.approx(true, abs=0.02 * float(abs(true).max()))


def test_complex_weights_and_scores_are_told_what_to_do() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 5, dtype=torch.complex64))

        def forward(self, clip: Tensor) -> Tensor:
            return clip.mean((2, 3, 4)).to(torch.complex64) @ self.weight

    class Spectrum(nn.Module):
        def forward(self, clip: Tensor) -> Tensor:
            return torch.fft.fft(clip.mean((2, 3, 4)))

    with pytest.raises(NetworkError, match=r"Complex has complex weights.*view_as_real"):
        attribute(Complex(), CLIP, 0, "gradients")
    with pytest.raises(NetworkError, match="Complex has complex weights"):
        connection_graph(Complex(), CLIP.shape)
    with pytest.raises(NetworkError, match="Spectrum returns complex numbers"):
        attribute(Spectrum(), CLIP, 0, "gradients")


AT_POSITIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "scores": lambda maps: maps.mean((2, 3, 4)),
    "scores over positions": lambda maps: maps,
    "scores for each frame": lambda maps: maps.mean((3, 4)).transpose(1, 2),
    "classes, then frames": lambda maps: maps.mean((3, 4)),
}


@pytest.mark.parametrize("way", AT_POSITIONS)
def test_a_pyramid_of_a_contrast_explains_the_contrast(way: str) -> None:
    """Class 0 reads kernels 0 and 1, class 1 kernels 1 and 2: the contrast of 1 and 0 is what 2 and 0 tell."""

    class Planted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.stem, self.head = nn.Conv3d(3, 3, 1), nn.Conv3d(3, 3, 1), nn.Conv3d(3, 2, 1, bias=False)
            with torch.no_grad():
                for layer in (self.first, self.stem):
                    layer.weight.copy_(torch.eye(3).view(3, 3, 1, 1, 1))
                    layer.bias.zero_()  # type: ignore[union-attr]
                self.head.weight.copy_(torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]).view(2, 3, 1, 1, 1))

        def forward(self, clip: Tensor) -> Tensor:
            return AT_POSITIONS[way](self.head(torch.relu(self.stem(torch.relu(self.first(clip))))))

    asked = contrast(Planted(), 1, 0)
    pyramid = class_pyramid(asked, CLIP, 0)
    expected = asked.logits(CLIP)[0, 0]
    assert pyramid.logit == pytest.approx(float(expected), abs=1e-6)
    relevance = pyramid.layer("stem").relevance
    means = CLIP.mean((0, 2, 3, 4))
    torch.testing.assert_close(
        torch.as_tensor(relevance).float(), torch.stack([-means[0], torch.tensor(0.0), means[2]]), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("last", [4, 9])
def test_axis_one_is_time_where_it_is_as_long_unless_the_layers_say_otherwise(last: int) -> None:
    """Six frames, and an output N 6 4 of a linear layer to four classes, or N 6 9 of six kernels at nine places."""

    class Six(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.head = nn.Conv3d(3, 6, 3, padding=1), nn.Linear(6, 4)

        def forward(self, clip: Tensor) -> Tensor:
            maps: Tensor = self.stem(clip)
            if last == 4:
                scores: Tensor = self.head(maps.mean((3, 4)).transpose(1, 2))
                return scores
            return nn.functional.adaptive_avg_pool2d(maps.mean(2), 3).flatten(2)

    module = Six().eval()
    wanted = module(CLIP)[0].mean(0 if last == 4 else 1).tolist()
    found = attribute(module, CLIP, 3, "gradients")
    assert found.logits == pytest.approx((wanted[3],), abs=1e-6)


def test_scores_whose_first_axis_is_time_are_refused() -> None:
    class FramesFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(3, 2, 1)

        def forward(self, clip: Tensor) -> Tensor:
            maps: Tensor = self.stem(clip)
            return maps.mean((3, 4)).permute(2, 0, 1)

    with pytest.raises(NetworkError, match="returns the clips of a call along axis 1"):
        attribute(FramesFirst(), CLIP, 1, "gradients")


class Spectral(nn.Module):
    """Real numbers in and out, and a spectrum on the way: filtered and turned back, or its magnitudes."""

    def __init__(self, magnitudes: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.next = nn.Conv3d(3, 4, 3, padding=1, bias=False), nn.Conv3d(4, 5, 1, bias=False)
        self.head, self.magnitudes = nn.Linear(5, 3, bias=False), magnitudes

    def forward(self, clip: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(torch.relu(self.stem(clip)))
        low = spectrum * torch.linspace(1.0, 0.2, spectrum.shape[-1])
        maps = spectrum.abs() if self.magnitudes else torch.fft.ifft2(low).real
        scores: Tensor = self.head(torch.relu(self.next(maps)).mean((2, 3, 4)))
        return scores


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("magnitudes", [False, True])
def test_a_spectrum_on_the_way_hands_on_the_evidence(magnitudes: bool) -> None:
    network = Spectral(magnitudes)
    layers = describe_layers(Network.from_module(network.eval(), frames=6, size=12, mean=0.0, std=1.0))
    assert [layer.name for layer in layers] == ["stem", "next", "head"]
    pyramid = class_pyramid(network, CLIP, 1, depth=None)
    for layer in ("stem", "next"):
        assert float(pyramid.layer(layer).relevance.sum()) == pytest.approx(pyramid.logit, rel=1e-4)
