"""Every Python call about clips and classes: right forms have the right answer, wrong ones one sentence."""

from __future__ import annotations

import copy
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import reportgen
from reportgen.analyses.multiscale.maximize import GrownPicture
from reportgen.clips import Clip
from reportgen.errors import ClipError, NetworkError, ReportgenError, UnknownNameError
from reportgen.networks.core import said
from reportgen.networks.core.classes import explained_class
from reportgen.networks.core.network import Network
from reportgen.records.card import ClipSpec, ModelCard

FRAMES, SIDE = 4, 12
LABELS = ("walking", "running", "standing still")
STD = torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1, 1)


class Tiny(nn.Module):
    """Two convolutions, a batch norm between them, and a classifier; three classes.

    Each pass draws random numbers, of no effect, as networks do that drop frames.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(4)
        self.second = nn.Conv3d(4, 6, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, len(LABELS))

    def forward(self, x: Tensor) -> Tensor:
        torch.rand(2), np.random.rand(2), random.random()
        found = torch.relu(self.second(torch.relu(self.norm(self.first(x)))))
        return self.head(self.drop(found.mean((2, 3, 4))))


def tiny(*, training: bool = False, dtype: torch.dtype = torch.float32) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        module = Tiny().to(dtype)
    module.train(training).requires_grad_(training)
    spec = ClipSpec(frames=FRAMES, height=SIDE, width=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    return Network(module, ModelCard(name="tiny", title="Tiny", clip=spec, classes=len(LABELS)), LABELS)


def drawn(count: int = 1, seed: int = 1) -> Tensor:
    """Return clips whose values are whole shares of 255."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, FRAMES, SIDE, SIDE), generator=generator).float() / 255


CLIP = drawn()
BYTES = (CLIP * 255).round().to(torch.uint8)
CLASS = int(tiny().logits(CLIP).argmax())


def attribute(network: Any, clip: Any, wanted: Any = None) -> Tensor:
    return reportgen.attribute(network, clip, wanted, "input_x_gradient").attribution


def motion(network: Any, clip: Any, wanted: Any = None) -> Tensor:
    found = reportgen.motion_audit(network, clip, wanted, draws=2)
    return torch.cat([found.logits["frozen"], torch.tensor([found.logit, found.rank])])


def pyramid(network: Any, clip: Any, wanted: Any = None) -> Tensor:
    found = reportgen.class_pyramid(network, clip, wanted)
    return torch.cat([torch.tensor([found.logit]), *(torch.tensor(one.relevance) for one in found.layers)])


def gradients(network: Any, clip: Any, wanted: Any = None) -> Tensor:
    found = reportgen.weight_gradients(network, clip, wanted)
    return torch.cat([torch.as_tensor(one.gradients).flatten() for one in found.layers.values()])


def probed(network: Any, clip: Any, wanted: Any = None) -> Tensor:
    found = reportgen.probe(network, clip, wanted, steps=2, maps=2, samples=2, baseline="black")
    return torch.cat([found.drops, torch.tensor([found.logit])])


def mapped(network: Any, clip: Any) -> Tensor:
    return torch.from_numpy(reportgen.response_maps(network, clip, ["second"])["second"].maps)


def apart(network: Any, clip: Any) -> Tensor:
    return reportgen.decompose(clip).texture


def concepts(network: Any, clip: Any) -> Tensor:
    found = reportgen.concept_tests(network, {"given": clip}, drawn(3, seed=5))["given"]
    return torch.cat([torch.as_tensor(one.auroc) for one in found.layers.values()])


def graphed(network: Any, clip: Any) -> Tensor:
    found = reportgen.connection_graph(network, CLIP.shape, clip=clip)
    return torch.tensor([len(found.layers)])


ABOUT_CLASSES: dict[str, Callable[..., Tensor]] = {
    "attribute": attribute,
    "motion_audit": motion,
    "class_pyramid": pyramid,
    "weight_gradients": gradients,
    "probe": probed,
}
CALLS = ABOUT_CLASSES | {
    "response_maps": mapped,
    "decompose": apart,
    "concept_tests": concepts,
    "connection_graph": graphed,
}
EVERY_FORM = {"motion_audit", "decompose"}
SOME_FORMS = ("array of other bytes", "Clip", "tuple of one clip without N", "uint8", "T H W C")
"""Those that every call is tried with: that all calls share one way in, shows in these."""

OF_BATCHES = {"attribute", "decompose", "concept_tests", "connection_graph"}


def read_only(clip: Tensor) -> Any:
    values = clip.numpy().copy()
    values.flags.writeable = False
    return values


RIGHT: dict[str, Callable[[], Any]] = {
    "float64": CLIP.double,
    "with a gradient": lambda: CLIP.clone().requires_grad_(),
    "array": CLIP.numpy,
    "array that is read only": lambda: read_only(CLIP),
    "array of other bytes": lambda: CLIP.numpy().astype(">f4"),
    "array backwards in memory": lambda: CLIP.numpy()[..., ::-1].copy()[..., ::-1],
    "Clip": lambda: Clip("drawn", CLIP.numpy()),
    "list": lambda: [CLIP],
    "tuple of one clip without N": lambda: (CLIP[0].numpy(),),
    "uint8": lambda: BYTES,
    "uint8 T H W C array, as videos are read": lambda: BYTES[0].permute(1, 2, 3, 0).numpy(),
    "C T H W": lambda: CLIP[0],
    "T C H W": lambda: CLIP[0].transpose(0, 1),
    "T H W C": lambda: CLIP[0].permute(1, 2, 3, 0),
    "N T C H W": lambda: CLIP.transpose(1, 2),
    "N T H W C": lambda: CLIP.permute(0, 2, 3, 4, 1),
}

WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "0 to 255": (lambda: CLIP * 255, "divide by 255"),
    "normalised": (lambda: (CLIP - 0.5) / STD, "normalised already"),
    "beyond": (lambda: CLIP * 1e4, "white is 1"),
    "nan": (lambda: CLIP.masked_fill(CLIP.max() == CLIP, torch.nan), "NaN"),
    "infinity": (lambda: CLIP.masked_fill(CLIP.max() == CLIP, torch.inf), "infinity"),
    "int64": (BYTES.long, "uint8, and this one holds int64"),
    "bool": (lambda: CLIP > 0.5, "holds bool"),
    "bool array": (lambda: CLIP.numpy() > 0.5, "holds bool"),
    "complex": (lambda: CLIP.to(torch.complex64), "holds complex64"),
    "texts": (lambda: np.array([["a"]]), "holds <U1"),
    "objects": (lambda: np.array([None]), "holds object"),
    "empty": (lambda: CLIP[:0], "holds no values"),
    "meta": (lambda: CLIP.to("meta"), "holds no values"),
    "three axes": (lambda: CLIP[0, 0], "have the shape"),
    "six axes": (lambda: CLIP[None], "have the shape"),
    "T C H W or C T H W": (lambda: CLIP[0, :, :3], "more than one way"),
    "N C T H W or N T H W C": (lambda: CLIP[..., :3], "more than one way"),
    "number": (lambda: 3, "not an int"),
    "nothing": (lambda: None, "not a NoneType"),
    "table": (lambda: {"clip": CLIP}, "not a dict"),
    "empty list": (lambda: [], "no clip in the list"),
    "sizes": (lambda: [CLIP, CLIP[..., :8]], "of one size"),
    "no file": (lambda: "nowhere/at_all.mp4", "at_all.mp4"),
}


@pytest.mark.parametrize("call", CALLS)
class TestClips:
    def test_every_right_form_has_the_same_answer(self, call: str) -> None:
        network = tiny()
        expected = CALLS[call](network, CLIP)
        assert expected.isfinite().all()
        for name in RIGHT if call in EVERY_FORM else SOME_FORMS:
            form = RIGHT[name]
            torch.testing.assert_close(CALLS[call](network, form()), expected, msg=lambda m, n=name: f"{n}: {m}")

    def test_every_wrong_form_is_refused_in_a_sentence(self, call: str) -> None:
        network = tiny()
        for name, (form, says) in WRONG.items():
            if (call, name) in {("connection_graph", "nothing")}:
                continue  # there, no clip is a right form
            with pytest.raises(ClipError, match=says) as caught:
                CALLS[call](network, form())
            assert str(caught.value).endswith("."), name

    def test_a_batch_is_that_of_its_clips_or_refused(self, call: str) -> None:
        network, other = tiny(), drawn(seed=7)
        for both in (torch.cat([CLIP, other]), [CLIP, other.numpy()]):
            if call not in OF_BATCHES:
                with pytest.raises(ClipError, match="one clip a call"):
                    CALLS[call](network, both)
            elif call in {"attribute", "decompose"}:
                wanted = (CLASS,) if call == "attribute" else ()
                single = [CALLS[call](network, one, *wanted) for one in (CLIP, other)]
                torch.testing.assert_close(CALLS[call](network, both, *wanted), torch.cat(single))

    def test_the_network_and_the_random_state_are_as_before(self, call: str) -> None:
        network = tiny(training=True)
        network.module.get_submodule("drop").eval()
        assert network.module.head.bias is not None
        network.module.head.bias.grad = torch.ones(len(LABELS))
        network.module.get_submodule("norm").register_forward_hook(lambda *_: None)
        before = copy.deepcopy(network.module.state_dict())
        modes = [part.training for part in network.module.modules()]
        expected = CALLS[call](tiny(), CLIP)
        states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
        torch.testing.assert_close(CALLS[call](network, CLIP), expected)
        assert torch.get_rng_state().equal(states[0])
        assert (np.random.get_state()[1] == states[1]).all()
        assert random.getstate() == states[2]
        assert [part.training for part in network.module.modules()] == modes
        for name, value in network.module.state_dict().items():
            assert value.equal(before[name]), name
        assert all(one.requires_grad for one in network.module.parameters())
        assert [name for name, one in network.module.named_parameters() if one.grad is not None] == ["head.bias"]
        assert network.module.head.bias.grad.equal(torch.ones(len(LABELS)))
        assert [len(part._forward_hooks) for part in network.module.modules()] == [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("call", ABOUT_CLASSES)
class TestClasses:
    def test_every_way_to_name_a_class(self, call: str) -> None:
        network = tiny()
        expected = ABOUT_CLASSES[call](network, CLIP, CLASS)
        forms = [
            None,
            LABELS[CLASS],
            LABELS[CLASS].upper(),
            str(CLASS),
            np.int64(CLASS),
            np.array(CLASS),
            np.array([CLASS], np.uint8),
            torch.tensor(CLASS),
            torch.tensor([CLASS]),
        ]
        for form in forms:
            torch.testing.assert_close(ABOUT_CLASSES[call](network, CLIP, form), expected)

    def test_what_names_no_class_is_refused(self, call: str) -> None:
        wrong: list[tuple[Any, str]] = [
            ("runing", "did you mean running"),
            (-1, "0 to 2"),
            (3, "0 to 2"),
            ("3", "0 to 2"),
            (np.int64(-2), "0 to 2"),
            (torch.tensor(9), "0 to 2"),
            (1.0, "one whole number"),
            (True, "one whole number"),
            (torch.tensor(1.5), "one whole number"),
            (torch.tensor([0, 1]), "one whole number"),
            (np.array([]), "one whole number"),
            ([1], "one whole number"),
            ("", "no class named"),
        ]
        for form, says in wrong:
            with pytest.raises(UnknownNameError, match=says):
                ABOUT_CLASSES[call](tiny(), CLIP, form)

    def test_of_a_contrast_the_only_class_is_the_contrast(self, call: str) -> None:
        contrast = reportgen.contrast(tiny(), LABELS[CLASS], (CLASS + 1) % 3)
        expected = ABOUT_CLASSES[call](contrast, CLIP, 0)
        torch.testing.assert_close(ABOUT_CLASSES[call](contrast, CLIP), expected)
        with pytest.raises(UnknownNameError):
            ABOUT_CLASSES[call](contrast, CLIP, LABELS[CLASS])


def test_a_contrast_names_its_classes_and_refuses_others() -> None:
    network = tiny()
    logits = network.logits(CLIP)
    for first, second in (("walking", 1), (np.int64(0), "Running"), (torch.tensor(0), "1")):
        found = reportgen.contrast(network, first, second).logits(CLIP)
        torch.testing.assert_close(found, logits[:, :1] - logits[:, 1:2])
    for wrong in (-1, 3, "runing", None, 0.5):
        with pytest.raises(UnknownNameError):
            reportgen.contrast(network, wrong, 0)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="given twice"):
        reportgen.contrast(network, "walking", 0)


def test_a_path_is_read_as_the_card_says(tmp_path: Path) -> None:
    network = tiny()
    for place, frame in enumerate(BYTES[0].permute(1, 2, 3, 0).numpy()):
        Image.fromarray(frame).save(tmp_path / f"{place:03d}.png")
    for path in (tmp_path, str(tmp_path)):
        torch.testing.assert_close(motion(network, path), motion(network, CLIP))
    with pytest.raises(ClipError, match="without a network's card"):
        reportgen.decompose(tmp_path)


def test_uint8_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(said, "_said", set())
    with caplog.at_level(logging.WARNING, "reportgen"):
        for _ in range(3):
            mapped(tiny(), BYTES)
    assert [record.getMessage() for record in caplog.records] == [
        "Clips of uint8 are divided by 255, so that black is 0 and white is 1."
    ]


def test_clips_of_several_predicted_classes_need_a_name() -> None:
    with pytest.raises(NetworkError, match="name one"):
        explained_class(tiny(), None, torch.eye(3))
    assert explained_class(tiny(), "running", torch.eye(3)) == 1


def test_a_network_of_doubles_is_asked_in_doubles() -> None:
    torch.testing.assert_close(mapped(tiny(dtype=torch.float64), CLIP), mapped(tiny(), CLIP))


@pytest.mark.parametrize("call", [name for name in CALLS if name != "decompose"])
def test_what_is_no_network_and_a_network_that_fails_are_refused(call: str) -> None:
    with pytest.raises(NetworkError, match="torch module"):
        CALLS[call]("r3d_18", CLIP)
    module = tiny().module
    module.head = nn.Linear(5, 3)
    broken = Network(module, tiny().card, LABELS)
    if call in ABOUT_CLASSES:
        with pytest.raises(ReportgenError, match="cannot take clips of the shape"):
            CALLS[call](broken, CLIP)


def test_a_bare_module_takes_its_input_as_it_is() -> None:
    module = tiny().module
    normalised = (CLIP - 0.5) / STD
    expected = motion(module, normalised)
    torch.testing.assert_close(motion(module, normalised[0]), expected)
    torch.testing.assert_close(motion(module, normalised.numpy()), expected)
    with pytest.raises(ClipError, match="NaN"):
        motion(module, normalised * torch.nan)


def test_what_calls_return_prints_in_one_line_with_its_shapes() -> None:
    network = tiny()
    probes = reportgen.probe(network, CLIP, steps=2, maps=2, samples=2, baseline="black")
    heat = reportgen.attribute(network, CLIP, None, "input_x_gradient")
    concept = reportgen.concept_tests(network, {"given": CLIP}, drawn(3, seed=5))["given"]
    gradient = reportgen.weight_gradients(network, CLIP)
    pyramid = reportgen.class_pyramid(network, CLIP)
    clips, numbers = torch.zeros(2, 3, FRAMES, SIDE, SIDE), torch.tensor([1.0, 2.5])
    maximum = reportgen.Maximization("second", (0, 3), clips, numbers, numbers, ((), ()), numbers, numbers, numbers)
    picture = GrownPicture(1, clips[0], clips[0], ((FRAMES, SIDE, SIDE),), (0.0, 1.0), 1.0, "whole", (), (), 0.5)
    pictures = reportgen.MultiscaleMaximization("second", (1,), clips[:1], clips[:1], numbers[:1], (picture,))
    shapes: list[tuple[Any, str]] = [
        (network, "tiny, Tiny, clips C T H W 3 4 12 12, 3 classes, cpu"),
        (reportgen.contrast(network, 0, 1), "class-0000-vs-0001 of Network(tiny"),
        (heat, "attribution N C T H W 1 3 4 12 12"),
        (reportgen.decompose(CLIP), "clips N C T H W 1 3 4 12 12, PSNR"),
        (reportgen.motion_audit(network, CLIP, draws=2), "rank 0, motion reliance"),
        (pyramid, f"class {CLASS}, logit"),
        (pyramid.layers[-1], "kept"),
        (gradient, "10 filters of 2 layers"),
        (gradient.layers["second"], "second, gradients K C taps 6 4 3 3 3"),
        (probes, "clip N C T H W 1 3 4 12 12"),
        (reportgen.evaluate_maps(network, probes, [heat.heat[0]])[0], "insertion"),
        (reportgen.response_maps(network, CLIP, ["first"])["first"], "first, maps K T H W 4 4 12 12"),
        (concept, "1 clips against 3"),
        (maximum, "2 kernels of second, clips N C T H W 2 3 4 12 12"),
        (pictures, "1 kernels of second, clips N C T H W 1 3"),
        (picture, "kernel 1, clip C T H W 3"),
        (reportgen.connection_graph(network, CLIP.shape), "clips 1 3 4 12 12, by shapes"),
        (Clip("drawn", CLIP.numpy(), frame_rate=25), "Clip(drawn, N C T H W 1 3 4 12 12, 25 frames/s)"),
    ]
    for result, says in shapes:
        line = repr(result)
        assert line.startswith(f"{type(result).__name__}(")
        assert says in line
        assert line.endswith(")")
        assert len(line) <= 170
        assert "\n" not in line
        assert "tensor(" not in line
        assert result == result


def test_a_loop_over_classes_goes_on_where_nothing_can_be_explained() -> None:
    """Of a class whose weights are zero nothing can be said; of the others what can be said without it."""
    network = tiny()
    with torch.no_grad():
        network.module.head.weight[2] = 0
    told = {name: reportgen.attribute(network, CLIP, name, "gradients") for name in LABELS}
    assert [found.explained for found in told.values()] == [True, True, False]
    nothing = told["standing still"]
    assert repr(nothing).startswith("Unexplained(gradients of class 2, logit")
    assert "nothing in this clip speaks for the class" in nothing.reason
    with pytest.raises(AttributeError, match="There is no heat, for nothing was explained"):
        _ = nothing.heat
    assert not hasattr(nothing, "temporal_profile")
    assert copy.deepcopy(nothing) == nothing
    probes = [reportgen.probe(network, CLIP, name, steps=2, maps=2, samples=2) for name in LABELS]
    assert any(isinstance(one, reportgen.Unexplained) for one in probes)
    assert any(isinstance(one, reportgen.Probes) for one in probes)
    for one in probes:
        (tested,) = reportgen.evaluate_maps(network, one, [told["walking"].heat[0]])
        assert tested.explained == one.explained
    for call in (pyramid, motion, gradients):
        for name in LABELS:
            numbers = call(network, CLIP, name)
            assert not numbers.isnan().any(), (call.__name__, name)
