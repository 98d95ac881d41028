"""Calls about kernels, maps, concepts and pyramids, and every call's options: right, or one sentence of one error."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch

import reportgen
from reportgen.errors import NetworkError, ReportgenError, UnknownNameError
from reportgen.networks.core.network import Network
from tests.contract.test_python_calls import CALLS, CLIP, FRAMES, SIDE, drawn, tiny


def maximised(network: Any, layer: Any, kernels: Any, **more: Any) -> Any:
    return reportgen.maximize_activation(network, layer, kernels, steps=2, **more)


def grown(network: Any, layer: Any, kernels: Any, **more: Any) -> Any:
    return reportgen.maximize_over_scales(network, layer, kernels, start=8, sizes=1, steps=2, **more)


SEARCHES: dict[str, Callable[..., Any]] = {"maximize_activation": maximised, "maximize_over_scales": grown}


@lru_cache
def probes() -> Any:
    return reportgen.probe(tiny(), CLIP, steps=2, maps=2, samples=4, baseline="black")


HEAT = torch.rand(FRAMES, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("call", SEARCHES)
class TestKernels:
    def test_every_right_form_has_the_same_answer(self, call: str) -> None:
        network = tiny()
        expected = SEARCHES[call](network, "second", [0, 2])
        assert expected.clips.isfinite().all()
        forms = [(0, 2), np.array([0, 2]), [np.uint8(0), np.int64(2)], torch.tensor([0, 2]), range(0, 3, 2), [0, 2, 0]]
        for form in forms:
            found = SEARCHES[call](network, "second", form)
            assert found.kernels == (0, 2), form
            torch.testing.assert_close(found.clips, expected.clips)
        for one in (2, np.int64(2), torch.tensor(2)):
            assert SEARCHES[call](network, "second", one).kernels == (2,)

    def test_every_wrong_form_is_refused_in_a_sentence(self, call: str) -> None:
        wrong = (
            [0.5],
            [-1],
            [6],
            ["0"],
            [],
            [True],
            None,
            "01",
            [None],
            {"a": 1},
            np.array([0.0]),
            torch.tensor([1.5]),
        )
        for form in wrong:
            with pytest.raises(ReportgenError) as caught:
                SEARCHES[call](tiny(), "second", form)
            assert str(caught.value).endswith("."), form
        for layer in ("secnd", "norm.", "", None, 3):
            with pytest.raises(UnknownNameError):
                SEARCHES[call](tiny(), layer, [0])
        for network in ("tiny", None, 3):
            with pytest.raises(NetworkError, match="torch module"):
                SEARCHES[call](network, "second", [0])

    def test_the_network_and_the_random_state_are_as_before(self, call: str) -> None:
        network = tiny(training=True)
        before = copy.deepcopy(network.module.state_dict())
        states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
        expected = SEARCHES[call](tiny(), "second", [1])
        torch.testing.assert_close(SEARCHES[call](network, "second", [1]).clips, expected.clips)
        assert torch.get_rng_state().equal(states[0])
        assert (np.random.get_state()[1] == states[1]).all()
        assert random.getstate() == states[2]
        assert all(part.training for part in network.module.modules())
        assert all(one.requires_grad and one.grad is None for one in network.module.parameters())
        assert all(value.equal(before[name]) for name, value in network.module.state_dict().items())


def gains(heats: Any) -> list[float]:
    return [one.insertion_gain for one in reportgen.evaluate_maps(tiny(), probes(), heats)]


def test_maps_are_taken_in_every_usual_form() -> None:
    expected = gains([HEAT])
    for form in (HEAT, HEAT[None], [HEAT.numpy()], [HEAT.double()], (HEAT.clone().requires_grad_(),), HEAT.numpy()):
        assert gains(form) == pytest.approx(expected)
    assert gains([]) == []


def test_maps_that_are_none_are_refused() -> None:
    heat = reportgen.attribute(tiny(), CLIP, None, "gradients")
    wrong: list[tuple[Any, str]] = [
        ([HEAT.masked_fill(HEAT > 0.9, torch.nan)], "NaN or infinity"),
        ([HEAT.masked_fill(HEAT > 0.9, torch.inf)], "NaN or infinity"),
        ([HEAT[:2]], "T H W like its clip"),
        ([HEAT[None]], "T H W like its clip"),
        ([HEAT.to("meta")], "on meta"),
        ([HEAT.to(torch.complex64)], "complex64"),
        ([heat], "give each of its `heat`"),
        ([np.array([["a"]])], "real numbers"),
        ([3], "not an int"),
        (None, "not a NoneType"),
        ("heat", "not a str"),
    ]
    for form, says in wrong:
        with pytest.raises(NetworkError, match=says) as caught:
            gains(form)
        assert str(caught.value).endswith(".")
    with pytest.raises(NetworkError, match="what `probe` returns, and not an int"):
        reportgen.evaluate_maps(tiny(), 3, [HEAT])  # type: ignore[arg-type]


def test_concepts_and_layers_that_are_none_are_refused() -> None:
    network = tiny()
    with pytest.raises(ReportgenError, match="Concepts are clips by name"):
        reportgen.concept_tests(network, CLIP, drawn(3))  # type: ignore[arg-type]
    with pytest.raises(ReportgenError, match=r"wheels: .*divide by 255"):
        reportgen.concept_tests(network, {"wheels": CLIP * 255}, drawn(3))
    one, listed = (reportgen.response_maps(network, CLIP, layers)["second"] for layers in ("second", ["second"]))
    assert one == listed


def test_pyramids_are_compared_as_they_are_returned() -> None:
    network = tiny()
    first, second = (reportgen.class_pyramid(network, CLIP, index) for index in (0, 1))
    found = reportgen.compare_pyramids(first, second)
    assert found == reportgen.compare_pyramids(first.document(), second.document())
    same = reportgen.compare_pyramids(first, first)
    assert same.jaccard == 1
    other = reportgen.class_pyramid(network, drawn(seed=9), 0)
    assert reportgen.spread_over_clips([first, other])
    with pytest.raises(ReportgenError, match="what class_pyramid returns, or its document, and not an int"):
        reportgen.compare_pyramids(first, 3)  # type: ignore[arg-type]


def audited(**options: Any) -> Any:
    return reportgen.audit(tiny(), CLIP, **{"checks": ["kernels"], **options})


def probed(**options: Any) -> Any:
    return reportgen.probe(tiny(), CLIP, **{"steps": 2, "maps": 2, "samples": 2, **options})


def explained(**options: Any) -> Any:
    method = next((m for o, m in (("window", "occlusion"), ("layer", "grad_cam")) if o in options), "smoothgrad")
    return reportgen.attribute(tiny(), CLIP, 1, "integrated_gradients" if "steps" in options else method, **options)


BAD = (0, -1, 1.5, "a", True, float("nan"))
OPTIONS: list[tuple[Callable[..., Any], dict[str, tuple[Any, ...]]]] = [
    (explained, {"steps": BAD, "samples": BAD, "batch_size": BAD, "seed": (-1, 1.5, "x")}),
    (explained, {"window": (3, "abc", (9, 9, 9), (1.5, 2, 2)), "layer": (3, "secnd")}),
    (explained, {"steps": (0,), "baseline": (3, "bla", CLIP[:, :, :2], CLIP * 255)}),
    (probed, {"steps": BAD, "maps": BAD, "samples": BAD, "batch_size": BAD}),
    (probed, {"seed": (-1, 1.5), "tube": (3, (9, 99, 9))}),
    (lambda **o: reportgen.motion_audit(tiny(), CLIP, **o), {"draws": BAD, "batch_size": BAD, "seed": (-1, 1.5)}),
    (lambda **o: reportgen.decompose(CLIP, **o), {"reference_frame": (99, -1, "a", 1.5), "clips_per_batch": BAD}),
    (lambda **o: reportgen.decompose(CLIP, **o), {"solver": ("x", 3)}),
    (lambda **o: reportgen.class_pyramid(tiny(), CLIP, **o), {"depth": (0, 1.5, "a"), "top": (-1, 1.5)}),
    (lambda **o: reportgen.class_pyramid(tiny(), CLIP, **o), {"mass": (2, -1.0), "threshold": (float("nan"), 2)}),
    (audited, {"most": BAD, "seed": (-1, "x"), "limits": ({"a": 1},)}),
    (audited, {"labels": (3, "abc", [0, 0]), "checks": (["motoin"], "kernls")}),
]


@pytest.mark.parametrize(("call", "options"), OPTIONS)
def test_options_out_of_place_are_refused_in_a_sentence(
    call: Callable[..., Any], options: dict[str, tuple[Any, ...]]
) -> None:
    for name, values in options.items():
        for value in values:
            with pytest.raises(ReportgenError) as caught:
                call(**{name: value})
            assert str(caught.value).endswith((".", "?")), (name, value)


def test_a_network_without_values_is_refused_by_every_call() -> None:
    network = tiny()
    empty = Network(tiny().module.to("meta"), network.card, network.labels, device=torch.device("meta"))
    calls: dict[str, Callable[[], Any]] = {
        **{name: (lambda call=call: call(empty, CLIP)) for name, call in CALLS.items()},
        **{name: (lambda call=call: call(empty, "second", [0])) for name, call in SEARCHES.items()},
        "audit": lambda: reportgen.audit(empty, CLIP),
    }
    for name in calls.keys() - {"decompose", "connection_graph"}:  # neither needs values
        with pytest.raises(NetworkError, match=r"no weights in memory: load it without meta=True\."):
            calls[name]()


def test_every_public_call_about_a_network_is_tried_here() -> None:
    """A call that takes a network, and is in neither table, has no contract."""
    import inspect

    tried = {*CALLS, *SEARCHES, "evaluate_maps", "audit", "contrast"}
    calls = [getattr(reportgen, name) for name in reportgen._PUBLIC]
    about = {
        name
        for name, call in zip(reportgen._PUBLIC, calls, strict=True)
        if inspect.isfunction(call) and "network" in inspect.signature(call).parameters
    }
    assert about <= tried, about - tried
