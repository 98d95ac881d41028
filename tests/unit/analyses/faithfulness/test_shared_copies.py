"""The maps of a clip and the checks of them share quick copies of the network, and say what it says itself."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.base import Arrays, Subject, Unit
from reportgen.analyses.faithfulness import analysis as checks_room
from reportgen.analyses.faithfulness.analysis import FaithfulnessAnalysis
from reportgen.analyses.faithfulness.hiding import hiding_tests
from reportgen.analyses.faithfulness.map_checks import weight_randomisations
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.saliency import analysis as maps_room
from reportgen.analyses.saliency import answering, attribution
from reportgen.analyses.saliency.analysis import SaliencyAnalysis
from reportgen.analyses.saliency.attribution import MapSettings
from reportgen.analyses.saliency.parameters import MethodName, SaliencyParameters
from reportgen.clips import Clip
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.speed.library import can_freeze
from reportgen.progress import SILENT
from reportgen.records.answers.faithfulness import FaithfulnessAnswer
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.figures import HeatFigure
from reportgen.records.manifest import LayerFacts
from reportgen.records.targets import Target
from tests.shuffled import weight_randomisation

CLIP = torch.rand(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(1))
ASKED: tuple[MethodName, ...] = ("gradients", "guided_backprop", "smoothgrad", "integrated_gradients", "grad_cam")
MAPS = SaliencyParameters(methods=ASKED, samples=6, steps=8)
CHECKS = FaithfulnessParameters(methods=ASKED, samples=6, steps=8, maps=3, curve_steps=3, hidden=5, layers=2)

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")


class Small(nn.Module):
    """Two convolutions with norms and rectifiers, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first, self.norm = nn.Conv3d(3, 8, 3, (1, 2, 2), 1, bias=False), nn.BatchNorm3d(8)
        self.second = nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1))
        self.classes = nn.Linear(8, 4)
        self.classes.weight.data.abs_()  # every map speaks for every class, so that Grad-CAM shows something
        for values in (self.norm.running_mean, self.norm.running_var):
            assert values is not None
            values.uniform_(0.1, 0.9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x)).relu_()
        return self.classes(self.second(x).relu().mean((2, 3, 4)))


def network() -> Network:
    return Network(Small().eval().requires_grad_(False))


def subject(asked: Network) -> Subject:
    index = int((asked.logits(CLIP) - asked.logits(CLIP.mean(2, keepdim=True).expand_as(CLIP))).argmax())
    layers = {
        "second": LayerFacts(
            name="second",
            kind="Conv3d",
            kernels=8,
            inputs=8,
            kernel_size=(1, 3, 3),
            stride=(1, 1, 1),
            groups=1,
            output=(8, 4, 8, 8),
            parameters=576,
            order=0,
        )
    }
    named = Clip("clip", CLIP.numpy(), known_as="drawn")
    return Subject(asked, layers, (), clips=(named,), targets={"clip": (Target.of(index),)})


def answered() -> Iterator[tuple[SaliencyAnswer, FaithfulnessAnswer]]:
    """Yield what is said of each map, and of how far it may be believed."""
    about = subject(network())
    heats: dict[str, Arrays] = {}

    def answers(analysis: str, unit: str, role: str) -> Arrays:
        return heats[unit]

    def units(analysis: SaliencyAnalysis | FaithfulnessAnalysis, parameters: SaliencyParameters) -> list[Unit]:
        return [one for one in analysis.units(about, parameters) if isinstance(one, Unit)]  # type: ignore[arg-type]

    maps, checks = SaliencyAnalysis(), FaithfulnessAnalysis()
    shown = []
    for unit, result in maps.run(about, units(maps, MAPS), MAPS, answers, SILENT):
        figure = result.figures["overlay"]
        assert isinstance(figure, HeatFigure)
        heats[unit.name] = {"heat": figure.heat, "scale": torch.ones(()).numpy()}
        assert isinstance(result.answer, SaliencyAnswer)
        shown.append(result.answer)
    found = checks.run(about, units(checks, CHECKS), CHECKS, answers, SILENT)  # type: ignore[arg-type]
    for one, (_, result) in zip(shown, found, strict=True):
        assert isinstance(result.answer, FaithfulnessAnswer)
        yield one, result.answer


def test_what_is_said_of_maps_is_what_the_network_itself_says(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = list(answered())
    for room in (checks_room, attribution, answering):
        monkeypatch.setattr(room, "quick_copy", lambda *_: None)
    for (map_, check), (own_map, own_check) in zip(quick, answered(), strict=True):
        assert map_.steps_used == own_map.steps_used
        for name in ("logit", "scale", "minimum", "maximum"):
            assert getattr(map_, name) == pytest.approx(getattr(own_map, name), rel=1e-4, abs=1e-7), name
        for baseline, test in own_check.tests.items():
            assert test.reason is None
            assert check.tests[baseline].insertion == pytest.approx(test.insertion, rel=1e-4)
            assert check.tests[baseline].deletion == pytest.approx(test.deletion, rel=1e-4)
            assert check.tests[baseline].unexplained == pytest.approx(test.unexplained, abs=1e-3)
        assert check.randomisation is not None
        assert own_check.randomisation is not None
        assert check.randomisation.layers == own_check.randomisation.layers
        assert check.randomisation.correlations == pytest.approx(own_check.randomisation.correlations, abs=2e-3)
        assert own_check.sensitivity is not None
        assert check.sensitivity == pytest.approx(own_check.sensitivity, rel=1e-3)
        assert (check.stability is None) is (own_check.stability is None) is (check.method != "smoothgrad")
        assert check.stability is None or check.stability == pytest.approx(own_check.stability, abs=2e-3)


def test_a_copy_is_made_once_for_all_maps_and_once_for_each_network_that_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def counting(room: ModuleType) -> None:
        make = room.quick_copy

        def counted(*args: object) -> object:
            made.append(room.__name__)
            return make(*args)

        monkeypatch.setattr(room, "quick_copy", counted)

    for room in (checks_room, attribution, answering):
        counting(room)
    assert len(list(answered())) == len(ASKED)
    assert made == [
        attribution.__name__,  # all maps of the clip
        checks_room.__name__,  # all that is hidden, and the checks' own maps
        *[attribution.__name__] * CHECKS.layers,  # each depth of shuffled weights
    ]
    assert not hasattr(maps_room, "quick_copy")


@pytest.mark.parametrize(("off", "asked"), [(0.0, True), (0.02, False)])
def test_hiding_asks_a_copy_only_where_it_is_right_beside_what_hiding_costs(off: float, asked: bool) -> None:
    """The copy's logit of the clip itself is off by a share of the gain over the baseline, on top of a large offset."""
    own = network()
    about = subject(own)
    (clip,), index = about.clips, about.targets["clip"][0].index or 0
    passes: list[int] = []

    class Off(Small):
        def forward(self, x: Tensor) -> Tensor:
            passes.append(len(x))
            found = super().forward(x)
            found[:, index] += off * 0.75 * gain * torch.tensor([torch.equal(one, CLIP[0]) for one in x])
            return found

    ends = own.logits(torch.cat([CLIP, CLIP.mean(2, keepdim=True).expand_as(CLIP)])).detach()
    gain = float((ends - ends.mean(1, keepdim=True))[:, index].diff().abs())
    quick = Network(Off().eval().requires_grad_(False))
    heats = [torch.rand(CLIP.shape[2:], generator=torch.Generator().manual_seed(3))]
    found = hiding_tests(own, 0, clip, index, heats, CHECKS, SILENT, quick=quick)
    wanted = hiding_tests(own, 0, clip, index, heats, CHECKS, SILENT)
    assert found[0]["mean_frame"] == wanted[0]["mean_frame"]
    assert (sum(passes) > 20) is asked, "beyond both ends of both baselines"


def test_methods_together_fare_as_alone_and_one_that_does_not_apply_hinders_none() -> None:
    plain = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 3)).eval()
    effort = MapSettings(steps=4, samples=2)
    found = weight_randomisations(plain, CLIP, 1, ["guided_backprop", "gradients", "smoothgrad"], effort=effort)
    assert isinstance(found["guided_backprop"], NetworkError)
    for method in ("gradients", "smoothgrad"):
        own = found[method]
        assert not isinstance(own, NetworkError)
        alone = weight_randomisation(plain, CLIP, 1, method, effort=effort)
        assert own.layers == alone.layers
        assert own.correlations == pytest.approx(alone.correlations, abs=2e-3)
    with pytest.raises(NetworkError, match="no ReLU"):
        weight_randomisation(plain, CLIP, 1, "guided_backprop", effort=effort)
