from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.common.baselines import blurred, make_baseline, mean_frame
from reportgen.analyses.saliency import attribution as saliency
from reportgen.analyses.saliency.attribution import (
    METHODS,
    MapSettings,
    attribute,
    attribute_converged,
    attribute_unchecked,
    cam_places,
)
from reportgen.analyses.saliency.exposed import ExposedNetwork, Exposures
from reportgen.errors import ClipError, NetworkError, OptionError, OutOfMemoryError, UnknownNameError
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.trace.rectifiers import RECTIFIERS
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from tests.options import options_of


class Block(nn.Module):
    """A residual block with one in-place ReLU used twice, and a functional one."""

    def __init__(self, width: int, dims: int) -> None:
        super().__init__()
        convolution: Any = nn.Conv3d if dims == 3 else nn.Conv2d
        norm: Any = nn.BatchNorm3d if dims == 3 else nn.BatchNorm2d
        self.conv1, self.norm1 = convolution(width, width, 3, padding=1), norm(width)
        self.conv2, self.norm2 = convolution(width, width, 3, padding=1), norm(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        out += x
        return self.relu(out)


class Small(nn.Module):
    """Stem, pool, residual block, functional ReLU, classifier."""

    def __init__(self, dims: int = 3, classes: int = 4) -> None:
        super().__init__()
        self.dims = dims
        self.stem = nn.Conv3d(3, 6, 3, padding=1) if dims == 3 else nn.Conv2d(3, 6, 3, padding=1)
        self.pool = nn.MaxPool3d(2) if dims == 3 else nn.MaxPool2d(2)
        self.block = Block(6, dims)
        self.classifier = nn.Linear(6, classes)
        with torch.no_grad():
            self.classifier.weight.abs_()  # every map speaks for every class, so that Grad-CAM shows something

    def forward(self, x: Tensor) -> Tensor:
        out = self.block(self.pool(F.relu(self.stem(x), inplace=True)))
        return self.classifier(out.flatten(2).mean(2))


def network(dims: int = 3, *, frames: int = 4) -> Network:
    torch.manual_seed(3)
    module = Small(dims).eval().requires_grad_(False)
    card = ModelCard(
        name="small",
        title="Small",
        clip=ClipSpec(
            frames=frames, height=8, width=8, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), channel_order="BGR"
        ),
        adapter=Adapter(input="clip" if dims == 3 else "frame"),
        classes=4,
        classifier="classifier",
    )
    return Network(module, card)


def clip(frames: int = 4, count: int = 1) -> Tensor:
    return torch.rand((count, 3, frames, 8, 8), generator=torch.Generator().manual_seed(1))


QUICK = {"steps": 8, "samples": 3, "window": (2, 4, 4)}


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    def test_maps_are_like_the_clip_and_repeat_themselves(self, method: str) -> None:
        net = network()
        found = attribute(net, clip(), 1, method, seed=4, **options_of(method, **QUICK))
        again = attribute(net, clip(), 1, method, seed=4, **options_of(method, **QUICK))
        assert found.attribution.shape == (1, 3, 4, 8, 8)
        assert found.heat.shape == (1, 4, 8, 8)
        assert found.temporal_profile.shape == (1, 4)
        assert found.attribution.dtype == torch.float32
        assert found.attribution.equal(again.attribution)
        torch.testing.assert_close(found.temporal_profile, found.attribution.abs().sum(dim=(1, 3, 4)))
        assert found.logit == pytest.approx(float(net.logits(clip())[0, 1]), rel=1e-5)
        assert found.signed == METHODS[method].signed
        values = found.attribution if found.signed else found.attribution.abs()
        torch.testing.assert_close(found.heat, values.sum(dim=1))
        assert (found.completeness_error is not None) == METHODS[method].additive

    def test_frames_of_a_2d_network(self, method: str) -> None:
        options = options_of(method, **{**QUICK, "window": (1, 4, 4)})
        found = attribute(network(2, frames=1), clip(1), 2, method, **options)
        assert found.attribution.shape == (1, 3, 1, 8, 8)
        bare = attribute(
            Small(2).eval(), clip(1)[:, :, 0], 2, method, **options_of(method, **{**QUICK, "window": (4, 4)})
        )
        assert bare.attribution.shape == (1, 3, 8, 8)
        assert bare.heat.shape == (1, 1, 8, 8)

    def test_the_network_is_left_as_it_was(self, method: str) -> None:
        net = network()
        parameter = net.module.get_submodule("stem").weight
        parameter.requires_grad_(True)
        before = copy.deepcopy(net.module.state_dict())
        outputs = net.logits(clip()).detach()
        flags = {name: p.requires_grad for name, p in net.module.named_parameters()}
        source = clip()
        attribute(net, source, 1, method, **options_of(method, **QUICK))
        assert all(before[name].equal(value) for name, value in net.module.state_dict().items())
        assert {name: p.requires_grad for name, p in net.module.named_parameters()} == flags
        assert all(p.grad is None for p in net.module.parameters())
        for module in net.module.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
            assert not module._backward_hooks
        assert [m.inplace for m in net.module.modules() if isinstance(m, nn.ReLU)] == [True]
        assert not net.module.training
        assert net.logits(clip()).detach().equal(outputs)
        assert source.equal(clip())
        assert not source.requires_grad

    def test_clips_are_answered_as_if_alone_and_batches_do_not_matter(self, method: str) -> None:
        net = network()
        both = torch.cat([clip(), 1 - clip()])
        together = attribute(net, both, 1, method, batch_size=3, **options_of(method, **QUICK))
        alone = attribute(net, both[1:], 1, method, batch_size=1, **options_of(method, **QUICK))
        torch.testing.assert_close(together.attribution[1:], alone.attribution, rtol=1e-4, atol=1e-7)
        assert len(together.logits) == 2

    def test_in_place_and_out_of_place_networks_have_the_same_map(self, method: str) -> None:
        net = network()
        other = network()
        other.module.get_submodule("block").relu = nn.ReLU()
        torch.testing.assert_close(
            attribute(net, clip(), 0, method, **options_of(method, **QUICK)).attribution,
            attribute(other, clip(), 0, method, **options_of(method, **QUICK)).attribution,
        )


class TestGradientsGoThroughPreparation:
    def test_the_clip_s_own_pixels_are_attributed_to(self) -> None:
        """Central differences of the logit in [0, 1] RGB, through BGR order, mean and standard deviation."""
        net = network()
        net.module.double()
        pixels = clip().double()
        found = attribute(net, pixels, 3, "gradients").attribution.double()
        for place in [(0, 0, 1, 2, 3), (0, 2, 3, 5, 5), (0, 1, 0, 7, 0)]:
            step = torch.zeros_like(pixels)
            step[place] = 1e-5
            slope = (net.logits(pixels + step) - net.logits(pixels - step))[0, 3] / 2e-5
            assert float(found[place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


class TestSeeds:
    def test_only_stochastic_methods_depend_on_the_seed(self) -> None:
        for method, about in METHODS.items():
            one = attribute(network(), clip(), 1, method, seed=1, **options_of(method, **QUICK)).attribution
            two = attribute(network(), clip(), 1, method, seed=2, **options_of(method, **QUICK)).attribution
            assert one.equal(two) != about.stochastic, method

    def test_the_global_generator_is_neither_read_nor_moved(self) -> None:
        net = network()
        state = torch.get_rng_state()
        attribute(net, clip(), 1, "smoothgrad", **options_of("smoothgrad", **QUICK))
        assert torch.get_rng_state().equal(state)

    def test_smoothgrad_tends_to_the_gradient_of_the_smoothed_logit(self) -> None:
        """Without noise there is nothing to smooth: a clip of one colour has no range, and gives its gradient."""
        flat = torch.full((1, 3, 4, 8, 8), 0.5)
        smooth = attribute(network(), flat, 1, "smoothgrad", **options_of("smoothgrad", **QUICK)).attribution
        torch.testing.assert_close(smooth, attribute(network(), flat, 1, "gradients").attribution)


class _CalledTwice(nn.Module):
    """A convolution called on a clip and, `beside` it, on the clip turned round, from where no gradient goes back."""

    def __init__(self, cut_first: bool, *, beside: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, 2)
        self.cut_first, self.beside = cut_first, beside

    def forward(self, given: Tensor) -> Tensor:
        if self.beside and self.cut_first:
            self.convolution(given.flip(2)).detach()
        maps = self.convolution(given)
        if self.beside and not self.cut_first:
            self.convolution(given.flip(2)).detach()
        return self.head(maps.relu().mean((2, 3, 4)))


class TestGradCamLayer:
    def test_the_block_s_sum_rather_than_a_convolution_in_it(self) -> None:
        assert tuple(cam_places(network(), clip())) == ("block",)
        assert attribute(network(), clip(), 1, "grad_cam").layers == ("block",)
        assert attribute(network(), clip(), 1, "gradients").layers == ()

    def test_a_layer_before_time_and_space_are_gone(self) -> None:
        module = nn.Sequential(
            nn.Conv3d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.Conv3d(4, 4, (4, 1, 1)),
            nn.ReLU(),
            nn.Conv3d(4, 5, (1, 8, 8)),
            nn.Flatten(),
        )
        assert tuple(cam_places(as_network(module), clip())) == ("1",), "time is gone behind it"
        assert tuple(cam_places(as_network(module[2:]), torch.rand(1, 4, 4, 8, 8))) == ("3",), "none keeps time"

    @pytest.mark.parametrize("cut_first", [True, False])
    def test_a_call_that_does_not_lead_to_the_class_has_no_part_in_the_map(self, cut_first: bool) -> None:
        found = attribute(_CalledTwice(cut_first, beside=True), clip(), 1, "grad_cam")
        alone = attribute(_CalledTwice(cut_first, beside=False), clip(), 1, "grad_cam")
        assert alone.heat.any()
        torch.testing.assert_close(found.heat / found.heat.max(), alone.heat / alone.heat.max())

    def test_a_network_without_maps(self) -> None:
        module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 64, 4))
        with pytest.raises(NetworkError, match="Grad-CAM does not apply"):
            attribute(module, clip(), 1, "grad_cam")

    def test_a_layer_without_positions_and_an_unknown_one(self) -> None:
        with pytest.raises(NetworkError, match="classifier has no map"):
            attribute(network(), clip(), 1, "grad_cam", layer="classifier")
        with pytest.raises(UnknownNameError, match="did you mean block"):
            attribute(network(), clip(), 1, "grad_cam", layer="blok")


def exposed_network(net: Network, given: Tensor) -> ExposedNetwork:
    return ExposedNetwork(net, given, net.logits(given), RECTIFIERS)


class TestExposedNetworks:
    def test_each_call_is_one_module_that_works_out_of_place(self) -> None:
        net = network()
        exposed = exposed_network(net, clip())
        assert [type(m) for m in exposed.calls] == [nn.ReLU] * 3
        assert not any(m.inplace for m in exposed.calls)
        assert exposed(clip()).equal(net.logits(clip()))
        assert list(exposed.parameters()) == [], "the network's own modules are out of captum's reach"

    def test_a_network_without_relu_is_refused_by_guided_methods_only(self) -> None:
        module = nn.Sequential(nn.Conv3d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 2 * 36, 3))
        for method in ("guided_backprop", "smoothgrad_guided", "guided_grad_cam"):
            with pytest.raises(NetworkError, match="has no ReLU"):
                attribute(module, clip(), 0, method, **options_of(method, **QUICK))
        assert attribute(module, clip(), 0, "grad_cam").heat.any()

    def test_a_pass_is_recorded_anew_only_for_another_clip_or_other_weights(self) -> None:
        net, exposures = network(), Exposures()

        def asked(net: Network, clip: Tensor) -> ExposedNetwork:
            return exposures.of(net, clip, net.logits(clip), lambda _clips: None)

        first = asked(net, clip())
        assert asked(net, clip().clone()) is first
        assert asked(net, clip() / 2) is not first
        again = asked(net, clip())
        with torch.no_grad():
            next(net.module.parameters()).mul_(-1)
        assert asked(net, clip()) is not again
        assert asked(network(), clip()).network is not net

    def test_guided_methods_of_one_effort_share_a_recorded_pass_and_answer_as_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorded: list[Network] = []
        record = ExposedNetwork._recorded

        def counted(self: ExposedNetwork, given: Tensor, expected: Tensor) -> bool:
            recorded.append(self.network)
            return record(self, given, expected)

        monkeypatch.setattr(ExposedNetwork, "_recorded", counted)
        net, effort = network(), MapSettings(samples=2)
        guided = [
            attribute_unchecked(net, clip(), 1, method, replace(effort, seed=seed))
            for method, seed in (("guided_backprop", 0), ("smoothgrad_guided", 0), ("smoothgrad_guided", 1))
        ]
        assert recorded == [net]
        for found in guided:
            alone = attribute_unchecked(net, clip(), 1, found.method, MapSettings(samples=2, seed=found.seed))
            assert found.attribution.equal(alone.attribution)
        assert recorded == [net] * 4

    def test_a_takeover_that_changes_what_the_network_returns_is_refused(self) -> None:
        net = network()
        with pytest.raises(NetworkError, match="cannot be taken over without changing what it returns"):
            ExposedNetwork(net, clip(), net.logits(clip()) * 1.01, RECTIFIERS)

    def test_a_network_whose_calls_depend_on_the_clip_is_refused(self) -> None:
        class Fickle(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                y = torch.relu(x)
                if x.mean() > 0.2:
                    y = torch.relu(y - 0.1)
                return y.mean(dim=(2, 3, 4))

        exposed = exposed_network(as_network(Fickle()), clip())
        with pytest.raises(NetworkError, match="applies other activations to another clip"):
            exposed(clip() * 0.01)
        exposed = exposed_network(as_network(Fickle()), clip() * 0.01)
        with pytest.raises(NetworkError, match="applies other activations to another clip"):
            exposed(clip())


class TestBaselines:
    def test_blur_keeps_a_flat_clip_and_removes_stripes(self) -> None:
        flat = torch.full((1, 3, 2, 20, 30), 0.3)
        torch.testing.assert_close(blurred(flat), flat)
        stripes = torch.zeros(1, 3, 2, 20, 40)
        stripes[..., ::2] = 1
        assert (blurred(stripes)[..., 10:-10] - 0.5).abs().max() < 0.01

    def test_blur_does_not_mix_frames(self) -> None:
        moving = torch.zeros(1, 1, 3, 9, 9)
        moving[:, :, 1] = 1
        torch.testing.assert_close(blurred(moving), moving)

    def test_the_mean_frame_stands_still(self) -> None:
        still = mean_frame(clip())
        assert still.diff(dim=2).abs().max() == 0
        torch.testing.assert_close(still[:, :, 0], clip().mean(dim=2))

    def test_given_unknown_and_unfitting_baselines(self) -> None:
        given = 1 - clip()
        assert make_baseline(given, clip()).equal(given)
        with pytest.raises(UnknownNameError, match="did you mean black"):
            attribute(network(), clip(), 0, baseline="blak")
        with pytest.raises(ClipError, match="must be like the clip"):
            attribute(network(), clip(), 0, baseline=given[:, :, :2])
        found = attribute(network(), clip(), 0, baseline=given, steps=32)
        assert found.baseline == "given"
        assert found.completeness_error is not None
        assert found.completeness_error < 0.1


class TestErrors:
    def test_unknown_methods_and_classes(self) -> None:
        with pytest.raises(UnknownNameError, match="did you mean grad_cam"):
            attribute(network(), clip(), 0, "gradcam")
        with pytest.raises(UnknownNameError, match="0 to 3"):
            attribute(network(), clip(), 4)

    def test_an_option_that_the_method_has_no_use_for_is_refused(self) -> None:
        ignored = [
            ("gradients", {"steps": 8}, "Gradients has no use for steps"),
            ("grad_cam", {"baseline": "black"}, "no use for baseline"),
            ("integrated_gradients", {"samples": 3}, "no use for samples"),
            ("deeplift", {"window": (2, 4, 4)}, "no use for window"),
            ("occlusion", {"layer": "conv", "steps": 4}, "no use for steps and layer"),
        ]
        for method, options, says in ignored:
            with pytest.raises(OptionError, match=says):
                attribute(network(), clip(), 0, method, **options)

    def test_shapes_and_counts(self) -> None:
        with pytest.raises(ClipError, match="axes N 3 T H W"):
            attribute(network(), clip()[0, 0], 0)
        with pytest.raises(OptionError, match="steps is 0: give a whole number, 1 or more"):
            attribute(network(), clip(), 0, steps=0)
        with pytest.raises(NetworkError, match="does not fit into the clip"):
            attribute(network(), clip(), 0, "occlusion", window=(9, 4, 4))

    def test_of_a_map_of_zeros_it_is_said_that_nothing_is_explained(self) -> None:
        class Blind(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return torch.relu(x.mean(dim=(2, 3, 4)) - 5)

        found = attribute(Blind(), clip(), 1, "gradients")
        assert not found.explained
        assert "Gradients of class 1 is zero everywhere" in found.reason
        with pytest.raises(NetworkError, match="zero everywhere"):
            attribute_converged(Blind(), clip(), 1)

    def test_a_map_that_is_not_finite_is_an_error(self) -> None:
        class Root(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return (x - x).sqrt().mean(dim=(2, 3, 4)) + x.mean(dim=(2, 3, 4))

        with pytest.raises(NetworkError, match="is not finite"):
            attribute(Root(), clip(), 1, "gradients")


class TestMemory:
    def test_the_batch_is_halved_until_it_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []
        logits = Network.logits

        def scarce(self: Network, clips: Tensor) -> Tensor:
            seen.append(len(clips))
            if len(clips) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return logits(self, clips)

        expected = attribute(network(), clip(), 1, steps=16).attribution
        monkeypatch.setattr(Network, "logits", scarce)
        found = attribute(network(), clip(), 1, steps=16, batch_size=8)
        assert {8, 4, 2} <= set(seen)
        torch.testing.assert_close(found.attribution, expected, rtol=1e-4, atol=1e-7)

    def test_a_single_clip_that_does_not_fit_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(question: saliency.Question) -> Tensor:
            raise MemoryError

        monkeypatch.setitem(METHODS, "gradients", replace(METHODS["gradients"], compute=full))  # type: ignore[arg-type]
        with pytest.raises(OutOfMemoryError, match="single clip"):
            attribute(network(), clip(), 1, "gradients")


def test_progress_reaches_its_total() -> None:
    class Watcher:
        def __init__(self) -> None:
            self.total = self.done = 0.0

        def task(self, title: str, total: float) -> Any:
            self.total += total
            watcher = self

            class Task:
                def advance(self, steps: float = 1) -> None:
                    watcher.done += steps

                def __enter__(self) -> Any:
                    return self

                def __exit__(self, *_: object) -> None:
                    return None

            return Task()

        def note(self, message: str) -> None:
            raise AssertionError(message)

    for method in METHODS:
        watcher = Watcher()
        attribute(network(), clip(), 1, method, progress=watcher, **options_of(method, **QUICK))
        assert watcher.done == watcher.total > 0, method
