from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor, nn

from reportgen.analyses.common.ranking import ranks, spearman
from reportgen.analyses.faithfulness import map_checks
from reportgen.analyses.faithfulness.controls import network_free_maps
from reportgen.analyses.faithfulness.evaluation import evaluate_maps, probe
from reportgen.analyses.faithfulness.map_checks import MOST_LAYERS, sensitivity, stability
from reportgen.analyses.faithfulness.tubes import make_tubes
from reportgen.analyses.saliency.attribution import Attribution, MapSettings, attribute_unchecked
from reportgen.errors import ClipError, EmptySelectionError, NetworkError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.records.card import ClipSpec, ModelCard
from reportgen.result import Unexplained
from tests.shuffled import weight_randomisation

CLIP = torch.rand((1, 3, 4, 8, 8), generator=torch.Generator().manual_seed(2))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 4, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv3d(4, 4, 3, padding=1),
        nn.BatchNorm3d(4),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()


def best_class() -> int:
    """The class whose logit gains most over the blurred clip's, so that there is something to lose."""
    from reportgen.analyses.common.baselines import blurred

    with torch.no_grad():
        return int((network()(CLIP) - network()(blurred(CLIP))).argmax())


class TestTubes:
    def test_every_pixel_is_in_one_tube_and_sums_are_kept(self) -> None:
        tubes = make_tubes((5, 7, 9), (2, 3, 4))
        assert tubes.counts == (3, 3, 3)
        heat = torch.rand(5, 7, 9, dtype=torch.float64)
        assert float(tubes.sums(heat).sum()) == pytest.approx(float(heat.sum()))
        assert float(tubes.sums(heat)[0]) == pytest.approx(float(heat[:2, :3, :4].sum()))
        assert float(tubes.means(heat)[-1]) == pytest.approx(float(heat[4:, 6:, 8:].mean()))

    def test_masks_show_the_chosen_tubes(self) -> None:
        tubes = make_tubes((2, 2, 4), (2, 2, 2))
        masks = tubes.masks(torch.tensor([[True, False], [False, True]]))
        assert masks.shape == (2, 1, 2, 2, 4)
        assert masks[0, 0, :, :, :2].all()
        assert not masks[0, 0, :, :, 2:].any()
        assert masks.sum(dim=0).eq(1).all()

    def test_the_default_is_a_few_hundred(self) -> None:
        assert make_tubes((16, 112, 112)).counts == (4, 7, 7)
        assert make_tubes((1, 3, 3)).counts == (1, 3, 3)

    @pytest.mark.parametrize("side", [(0, 1, 1), (5, 1, 1), (1, 1)])
    def test_sides_that_do_not_fit(self, side: tuple[int, ...]) -> None:
        with pytest.raises(NetworkError, match="does not fit into the clip"):
            make_tubes((4, 8, 8), side)


class TestRanks:
    @given(st.lists(st.integers(-3, 3), min_size=3, max_size=30), st.integers(0, 100))
    def test_spearman_is_scipy_s_with_ties(self, values: list[int], seed: int) -> None:
        one = torch.tensor(values, dtype=torch.float64)
        other = one + torch.randn(len(one), generator=torch.Generator().manual_seed(seed)).round()
        if one.unique().numel() == 1 or other.unique().numel() == 1:
            assert spearman(one, other) == 0
        else:
            assert spearman(one, other) == pytest.approx(float(spearmanr(one, other).statistic), abs=1e-9)

    def test_equal_values_share_their_ranks(self) -> None:
        assert ranks(torch.tensor([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


class TestProbes:
    def test_they_repeat_themselves_and_leave_the_network(self) -> None:
        net = network()
        before = copy.deepcopy(net.state_dict())
        one = probe(net, CLIP, best_class(), steps=4, maps=3, samples=6, seed=5)
        two = probe(net, CLIP, best_class(), steps=4, maps=3, samples=6, seed=5, batch_size=1)
        other = probe(net, CLIP, best_class(), steps=4, maps=3, samples=6, seed=6)
        assert [r.insertion_auc for r in one.random] == pytest.approx([r.insertion_auc for r in two.random], abs=1e-5)
        assert [r.insertion_auc for r in one.random] != [r.insertion_auc for r in other.random]
        torch.testing.assert_close(one.drops, two.drops, rtol=1e-4, atol=1e-6)
        assert all(before[name].equal(value) for name, value in net.state_dict().items())
        assert one.hidden.sum(dim=1).unique().numel() == 1

    def test_curves_begin_at_the_baseline_and_end_at_the_clip(self) -> None:
        probes = probe(network(), CLIP, best_class(), steps=4, maps=3, samples=6)
        for curves in probes.random:
            assert curves.insertion[0] == curves.deletion[-1] == probes.baseline_logit
            assert curves.insertion[-1] == curves.deletion[0] == probes.logit
            assert len(curves.shares) == len(curves.insertion) == 5

    def test_maps_together_fare_as_alone(self) -> None:
        probes = probe(network(), CLIP, best_class(), steps=4, maps=3, samples=6)
        heats = [torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(3)]
        together = evaluate_maps(network(), probes, heats)
        alone = [evaluate_maps(network(), probes, [heat], batch_size=2)[0] for heat in heats]
        for one, other in zip(together, alone, strict=True):
            assert one.curves.insertion == pytest.approx(other.curves.insertion, abs=1e-5)
            assert one.unexplained == pytest.approx(other.unexplained)

    def test_one_step_compares_the_ends_only(self) -> None:
        probes = probe(network(), CLIP, best_class(), steps=1, maps=2, samples=2)
        assert probes.random[0].shares == (0.0, 1.0)
        assert probes.random[0].insertion_auc == pytest.approx(0.5)

    def test_a_further_random_map_lies_in_the_band(self) -> None:
        probes = probe(network(), CLIP, best_class(), steps=6, maps=10, samples=4, seed=1)
        fares = evaluate_maps(
            network(),
            probes,
            [torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(100 + i)) for i in range(20)],
        )
        inside = sum(f.insertion_band.low <= f.curves.insertion_auc <= f.insertion_band.high for f in fares)
        assert inside >= 16
        assert sum(f.beats_random for f in fares) <= 2

    def test_memory_that_runs_out_halves_the_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        logits = Network.logits

        def scarce(self: Network, clips: Tensor) -> Tensor:
            if len(clips) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return logits(self, clips)

        monkeypatch.setattr(Network, "logits", scarce)
        probes = probe(network(), CLIP, best_class(), steps=3, maps=2, samples=4, batch_size=16)
        assert math.isfinite(probes.logit)

    def test_errors(self) -> None:
        worst = next(k for k in range(3) if k != best_class() and _gain(k) <= 0)
        nothing = probe(network(), CLIP, worst, steps=3, maps=2, samples=2)
        assert isinstance(nothing, Unexplained)
        assert "not larger on the clip" in nothing.reason
        with pytest.raises(ClipError, match="one clip a call"):
            probe(network(), torch.cat([CLIP, CLIP]), 0)
        with pytest.raises(NetworkError, match="2 maps"):
            probe(network(), CLIP, 0, maps=1)
        with pytest.raises(UnknownNameError, match="0 to 2"):
            probe(network(), CLIP, 7)
        probes = probe(network(), CLIP, best_class(), steps=2, maps=2, samples=2)
        with pytest.raises(NetworkError, match="must be T H W like its clip"):
            evaluate_maps(network(), probes, [torch.rand(4, 8, 7)])[0]


def _gain(index: int) -> float:
    from reportgen.analyses.common.baselines import blurred

    with torch.no_grad():
        return float((network()(CLIP) - network()(blurred(CLIP)))[0, index])


class TestRandomisation:
    def test_layers_from_the_top_and_the_network_untouched(self) -> None:
        net = network()
        before = copy.deepcopy(net.state_dict())
        found = weight_randomisation(net, CLIP, 1, "gradients")
        assert found.layers == ("7", "2", "0")
        assert all(-1 <= value <= 1 for value in found.correlations)
        assert all(before[name].equal(value) for name, value in net.state_dict().items())

    def test_chosen_layers_are_a_part_of_the_whole_cascade(self) -> None:
        whole = weight_randomisation(network(), CLIP, 1, "gradients", effort=MapSettings(seed=3))
        some = weight_randomisation(network(), CLIP, 1, "gradients", effort=MapSettings(seed=3), layers=["0", "7"])
        assert some.layers == ("7", "0")
        assert some.correlations == (whole.correlations[0], whole.correlations[2])
        assert some.kept == whole.kept == abs(whole.correlations[2]), "however many depths are looked at"

    def test_norms_are_shuffled_too_with_what_they_know_of_their_inputs(self) -> None:
        """A network whose convolutions are all alike and whose norm alone tells the kernels apart."""
        net = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.AdaptiveAvgPool3d(1), nn.Flatten()).eval()
        with torch.no_grad():
            net[0].weight.fill_(0.1)
            net[0].bias.zero_()
            net[1].running_var.copy_(torch.tensor([0.01, 1.0, 100.0, 1e4]))
        heats = []
        attributed = map_checks.attribute_unchecked

        def noted(*args: Any, **more: Any) -> Attribution:
            heats.append(attributed(*args, **more))
            return heats[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(map_checks, "attribute_unchecked", noted)
            weight_randomisation(net, CLIP, 0, "gradients", effort=MapSettings(seed=1))
        before, after = (float(one.heat.sum()) for one in heats)
        assert before / after == pytest.approx(round(before / after), rel=1e-3)
        assert before / after > 5, "class 0 has another kernel's variance"

    def test_weights_that_are_all_equal_change_nothing(self) -> None:
        net = network()
        with torch.no_grad():
            for module in net.modules():
                for parameter in module.parameters(recurse=False):
                    parameter.fill_(0.1)
        found = weight_randomisation(net, CLIP, 1, "input_x_gradient")
        assert found.correlations == pytest.approx([1, 1, 1])

    def test_a_map_that_vanishes_is_not_like_itself(self) -> None:
        """With shuffled weights the last ReLU may be silent everywhere: the map is then zero, and its likeness too."""
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 64, 2), nn.ReLU(), nn.Linear(2, 1))
        with torch.no_grad():
            net[1].weight.fill_(0.0)
            net[1].weight[0] = torch.linspace(0, 1, 768)
            net[1].bias.copy_(torch.tensor([0.0, -1e6]))
            net[3].weight.copy_(torch.tensor([[1.0, 0.0]]))
        seeds = [
            weight_randomisation(net, CLIP, 0, "gradients", effort=MapSettings(seed=seed)).correlations
            for seed in range(6)
        ]
        assert 0.0 in {value for one in seeds for value in one}

    def test_deep_networks_are_compared_at_a_few_depths(self) -> None:
        deep = nn.Sequential(
            *(nn.Conv3d(3, 3, 1) for _ in range(30)), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2)
        )
        found = weight_randomisation(deep, CLIP, 0, "gradients")
        assert len(found.layers) == MOST_LAYERS
        assert (found.layers[0], found.layers[-1]) == ("32", "0")

    def test_a_network_without_weights(self) -> None:
        net = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten())
        with pytest.raises(EmptySelectionError, match="no convolution or linear layer"):
            weight_randomisation(net, CLIP, 0, "gradients")


class TestControls:
    def test_they_mark_detail_the_centre_and_what_changes(self) -> None:
        clip = torch.full((1, 3, 4, 9, 9), 0.5)
        clip[:, :, 2:, 1, 7] = 1.0
        maps = network_free_maps(clip)
        assert int(maps["fine detail"][3].argmax()) == 1 * 9 + 7
        assert int(maps["centre"][0].argmax()) == 4 * 9 + 4
        assert maps["frame difference"].nonzero().tolist() == [[2, 1, 7]]
        assert all(one.shape == (4, 9, 9) for one in maps.values())

    def test_one_frame_has_no_difference(self) -> None:
        assert set(network_free_maps(torch.rand(1, 3, 1, 5, 5))) == {"fine detail", "centre"}


class TestSteadiness:
    def test_the_sensitivity_is_that_of_the_map_that_is_given(self) -> None:
        own = attribute_unchecked(network(), CLIP, 1, "gradients", MapSettings()).heat[0]
        measured = sensitivity(network(), CLIP, 1, "gradients", samples=2)
        assert sensitivity(network(), CLIP, 1, "gradients", samples=2, before=own) == pytest.approx(measured)
        assert sensitivity(network(), CLIP, 1, "gradients", samples=2, before=own * 1.5) != pytest.approx(measured)

    def test_seeds(self) -> None:
        first = MapSettings(seed=1)
        one, two, three = (
            attribute_unchecked(network(), CLIP, 1, "smoothgrad", replace(first, seed=seed)).heat[0]
            for seed in (1, 2, 3)
        )
        found = stability(network(), CLIP, 1, "smoothgrad", one, effort=first, seeds=3)
        assert found == pytest.approx((spearman(one, two) + spearman(one, three)) / 2)
        assert 0 < found < 1
        with pytest.raises(NetworkError, match="two seeds"):
            stability(network(), CLIP, 1, "smoothgrad", one, seeds=1)

    @pytest.mark.parametrize("method", ["gradients", "smoothgrad", "integrated_gradients"])
    def test_noise_on_black_and_white_pixels_is_still_a_clip(self, method: str) -> None:
        spec = ClipSpec(frames=4, height=8, width=8, mean=(0.5,) * 3, std=(0.25,) * 3)
        carded = Network(network(), ModelCard(name="small", title="Small", clip=spec, classes=3, classifier="7"))
        black_and_white = CLIP.round()
        assert set(black_and_white.unique().tolist()) == {0.0, 1.0}
        found = sensitivity(carded, black_and_white, 1, method, effort=MapSettings(steps=16, samples=4), samples=2)
        assert 0 < found < math.inf

    def test_sensitivity_repeats_itself_and_grows_with_the_noise(self) -> None:
        small = sensitivity(network(), CLIP, 1, "gradients", radius=0.01)
        assert small == sensitivity(network(), CLIP, 1, "gradients", radius=0.01)
        assert sensitivity(network(), CLIP, 1, "gradients", radius=0.3) > small
        with pytest.raises(NetworkError, match="positive radius"):
            sensitivity(network(), CLIP, 1, "gradients", radius=0.0)
