"""Results show themselves, are saved as what their suffix says, and are equal when what they hold is."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imageio.v3
import networkx as nx
import numpy as np
import pytest
import torch

import reportgen
from reportgen.analyses.multiscale.maximize import GrownPicture
from reportgen.clips import Clip
from reportgen.errors import OptionError
from reportgen.result import ShownResult, Unexplained, same_content
from reportgen.showing import html, pictures
from tests.contract.test_python_calls import CLIP, FRAMES, SIDE, drawn, tiny


def maximum(layer: str = "second") -> Any:
    clips, numbers = drawn(2), torch.tensor([1.0, 2.5])
    return reportgen.Maximization(layer, (0, 3), clips, numbers, numbers, ((1.0,), (2.0,)), numbers, numbers, numbers)


@lru_cache
def heat() -> Any:
    return reportgen.attribute(tiny(), CLIP, 1, "input_x_gradient")


@lru_cache
def probes() -> Any:
    return reportgen.probe(tiny(), CLIP, steps=2, maps=2, samples=2, baseline="black")


@lru_cache
def pyramid() -> Any:
    return reportgen.class_pyramid(tiny(), CLIP)


@lru_cache
def picture() -> Any:
    return GrownPicture(1, CLIP[0], CLIP[0], ((FRAMES, SIDE, SIDE),), (0.0, 1.0), 1.0, "whole", (), (), 0.5)


EVERY = {".json", ".csv", ".npz"}
MOVES = {".gif", ".mp4", ".png"}
RESULTS: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "Clip": (lambda: Clip("drawn", CLIP.numpy()), EVERY | MOVES),
    "Maximization": (maximum, EVERY | MOVES),
    "GrownPicture": (picture, EVERY | MOVES),
    "MultiscaleMaximization": (
        lambda: reportgen.MultiscaleMaximization("second", (1,), CLIP, CLIP, torch.ones(1), (picture(),)),
        EVERY | MOVES,
    ),
    "Decomposition": (lambda: reportgen.decompose(CLIP), EVERY | MOVES),
    "Attribution": (heat, EVERY | MOVES),
    "MotionAudit": (lambda: reportgen.motion_audit(tiny(), CLIP, draws=2), EVERY | {".svg"}),
    "ClassPyramid": (pyramid, EVERY | {".svg", ".graphml"}),
    "WeightGradients": (lambda: reportgen.weight_gradients(tiny(), CLIP), EVERY),
    "FilterGradients": (lambda: reportgen.weight_gradients(tiny(), CLIP).layers["second"], EVERY),
    "ResponseMaps": (lambda: reportgen.response_maps(tiny(), CLIP, ["first"])["first"], EVERY | MOVES),
    "Probes": (probes, EVERY | MOVES),
    "Faithfulness": (lambda: reportgen.evaluate_maps(tiny(), probes(), [heat().heat[0]])[0], {".json", ".csv", ".svg"}),
    "ConceptTests": (
        lambda: reportgen.concept_tests(tiny(), {"given": CLIP}, drawn(3, seed=5))["given"],
        EVERY,
    ),
    "NetworkAudit": (lambda: reportgen.audit(tiny(), CLIP, checks=["kernels"]), {".json", ".csv"}),
    "AuditComparison": (
        lambda: reportgen.compare(*(reportgen.audit(tiny(), CLIP, checks=["kernels"]) for _ in range(2))),
        {".json", ".csv"},
    ),
    "Unexplained": (lambda: Unexplained("gradients", 2, 0.5, "Nothing <speaks> for it."), {".json", ".csv"}),
}


@pytest.mark.parametrize("name", RESULTS)
class TestEveryResult:
    def test_is_shown_without_scripts_or_anything_from_elsewhere(self, name: str) -> None:
        shown = RESULTS[name][0]()._repr_html_()
        assert "<script" not in shown
        assert not re.search(r"""(src|href|srcset)=["'](?!data:)""", shown)
        assert not re.search(r"\son\w+=", shown)
        ElementTree.fromstring(_closed(shown))
        moves = RESULTS[name][1] >= MOVES
        assert ("data:image/webp;base64," in shown) == moves
        assert ("<svg" in shown) == (".svg" in RESULTS[name][1])
        assert "<table>" in shown

    def test_is_saved_as_what_it_has_and_refused_as_anything_else(self, name: str, tmp_path: Path) -> None:
        result, forms = RESULTS[name][0](), RESULTS[name][1]
        for suffix in forms:
            path = result.save(tmp_path / f"x{suffix}")
            assert path.stat().st_size > 20, suffix
        document = json.loads((tmp_path / "x.json").read_text())
        assert document
        with (tmp_path / "x.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert rows
        with pytest.raises(OptionError, match=rf"An? {name} is saved as .*\.json.* and not as \.tiff") as caught:
            result.save(tmp_path / "x.tiff")
        for suffix in sorted(forms):
            assert suffix in str(caught.value)
        with pytest.raises(OptionError, match="has no suffix"):
            result.save(str(tmp_path / "x"))
        assert {one.suffix for one in tmp_path.iterdir()} == forms

    def test_is_a_table(self, name: str) -> None:
        pandas = pytest.importorskip("pandas")
        frame = RESULTS[name][0]().to_frame()
        assert isinstance(frame, pandas.DataFrame)
        assert len(frame)

    def test_is_equal_to_what_holds_the_same(self, name: str) -> None:
        make = RESULTS[name][0]
        for cached in (heat, probes, pyramid, picture):
            cached.cache_clear()
        one, other = make(), make()
        for cached in (heat, probes, pyramid, picture):
            cached.cache_clear()
        assert one is not make() or name == "Clip"
        assert one == other
        assert hash(one) == hash(other)
        assert one != 3
        assert one in [other]


def _closed(html: str) -> str:
    """Return HTML as XML: tags that HTML leaves open are closed."""
    return re.sub(r"<(img|source)([^>]*)>", r"<\1\2/>", html)


def test_what_differs_in_one_number_is_not_equal() -> None:
    clip = Clip("drawn", CLIP.numpy())
    assert clip != replace(clip, pixels=clip.pixels + 1e-3)
    assert heat() != replace(heat(), attribution=heat().attribution + 1)
    assert maximum() != maximum("first")
    assert replace(heat(), seconds=99.0) == heat()
    assert same_content({"a": float("nan")}, {"a": float("nan")})
    assert not same_content(np.zeros(2), np.zeros(2, np.float32))
    assert not same_content((1, 2), [1, 2])


def test_text_of_others_is_inert() -> None:
    layer = '<img src=x onerror="alert(1)">'
    shown = maximum(layer)._repr_html_()
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown
    assert "&lt;speaks&gt;" in RESULTS["Unexplained"][0]()._repr_html_()


def test_a_clip_is_saved_frame_by_frame(tmp_path: Path) -> None:
    grey = np.linspace(0, 1, FRAMES, dtype=np.float32).reshape(1, 1, FRAMES, 1, 1)
    clip = Clip("steps", np.broadcast_to(grey, (1, 3, FRAMES, SIDE, SIDE)).copy())
    wanted = np.rint(grey[0, 0, :, 0, 0] * 255)
    frames = imageio.v3.imread(clip.save(tmp_path / "x.gif"), index=None)
    assert frames.shape[:3] == (FRAMES, SIDE, SIDE)
    assert frames[:, 5, 5, 0] == pytest.approx(wanted, abs=1)
    movie = imageio.v3.imread(clip.save(tmp_path / "x.mp4"), plugin="pyav")
    assert movie[:, 5, 5, 0] == pytest.approx(wanted, abs=4)
    sheet = imageio.v3.imread(clip.save(tmp_path / "x.png"))
    assert sheet.shape == (SIDE, FRAMES * SIDE, 3)
    assert sheet[5, 5::SIDE, 0] == pytest.approx(wanted)
    with np.load(clip.save(tmp_path / "x.npz")) as arrays:
        assert (arrays["pixels"] == clip.pixels).all()


def test_the_arrays_and_figures_of_a_result_are_all_saved(tmp_path: Path) -> None:
    found = reportgen.decompose(CLIP)
    with np.load(found.save(tmp_path / "x.npz")) as arrays:
        assert (arrays["motion"] == found.motion.numpy()).all()
        assert (arrays["course.step"] == found.course.step.numpy()).all()
    told = json.loads(heat().save(tmp_path / "heat.json").read_text())
    assert told["figures"]["method"] == "input_x_gradient"
    assert told["figures"]["logits"] == [pytest.approx(heat().logit)]


def test_a_pyramid_is_a_graph_of_networkx(tmp_path: Path) -> None:
    found = pyramid()
    graph = found.to_networkx()
    assert nx.is_directed_acyclic_graph(graph)
    assert set(graph) == {(node.layer, node.index) for node in found.nodes}
    assert graph.number_of_edges() == len(found.edges)
    edge = found.edges[0]
    assert graph.edges[edge.source, edge.target]["contribution"] == edge.contribution
    assert graph.graph["class_index"] == found.class_index
    read = nx.read_graphml(found.save(tmp_path / "x.graphml"))
    assert read.number_of_edges() == graph.number_of_edges()
    drawn_edges = found._repr_html_().count("<line ")
    assert drawn_edges == graph.number_of_edges()


def test_an_audit_of_motion_is_a_dictionary_that_json_holds() -> None:
    found = reportgen.motion_audit(tiny(), CLIP, draws=2)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["logit"] == found.logit
    assert told["probes"]["frozen"]["logits"] == found.logits["frozen"].tolist()
    assert len(told["probes"]["shuffled"]["ranks"]) == 2


def test_without_pandas_a_table_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(OptionError, match=r"needs pandas: install it, or save the result as \.csv"):
        heat().to_frame()


def test_every_public_result_shows_itself() -> None:
    kinds = [one for one in map(reportgen.__getattr__, reportgen._PUBLIC) if isinstance(one, type)]
    results = {one.__name__ for one in kinds if issubclass(one, ShownResult)} - {"ShownResult"}
    assert {"Attribution", "ClassPyramid", "Clip", "Unexplained"} <= results
    assert results <= set(RESULTS)


def test_of_many_pictures_only_those_are_made_that_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    frames = pictures._frames
    monkeypatch.setattr(pictures, "_frames", lambda clip: made.append(1) or frames(clip))
    count = 40
    numbers = torch.ones(count)
    many = replace(
        maximum(), kernels=tuple(range(count)), clips=CLIP.expand(count, -1, -1, -1, -1), activations=numbers,
        starts=numbers, steps=numbers, seconds=numbers,
    )  # fmt: skip
    shown = many._repr_html_()
    assert len(made) == 12
    assert "28 further pictures are not shown" in shown
    assert "28 further rows" in shown


def test_a_clip_of_many_frames_is_thinned_and_says_so() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (150, 160, 160, 3), np.uint8)
    step, content = html._thinned(frames, 10**9)
    with imageio.v3.imopen(content, "r", plugin="pillow") as file:
        shown = list(file.iter())
    assert (step, len(shown)) == (3, 50)
    step, content = html._thinned(frames, 60_000)
    assert len(content) <= 60_000
    assert step > 3
    clip = torch.rand(1, 3, 150, 32, 32)
    noise = replace(
        maximum(), kernels=(0,), clips=clip, activations=torch.ones(1), starts=torch.ones(1), steps=torch.ones(1),
        seconds=torch.ones(1),
    )  # fmt: skip
    assert "(one frame in 3 of 150; save() writes all)" in noise._repr_html_()
