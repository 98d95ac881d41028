"""Every kernel of every layer has a page: its data are the stored answers, and whatever names a kernel leads to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.pages.every_kernel import command_without
from reportgen.pages.kernel_index import SHARD
from reportgen.pages.page import MadeScript, Page
from reportgen.pages.pyramid_graph import graph_data, node_rows
from reportgen.pages.registry import all_pages
from reportgen.pages.report import ModelView, Report
from reportgen.pages.spread import short
from reportgen.records.finding import find_runs
from tests.site.sample_run import LAYERS, NEAR_SILENT


@pytest.fixture(scope="module")
def report(written_sample: Path) -> Report:
    return Report.of(find_runs(written_sample))


@pytest.fixture(scope="module")
def model(report: Report) -> ModelView:
    return next(model for model in report.models if model.name == "drift")


@pytest.fixture(scope="module")
def pages(report: Report) -> dict[str, Page]:
    return {page.uri: page for page in all_pages(report)}


def made(page: Page) -> dict[str, Any]:
    return {asset.name: asset.make() for asset in page.assets if isinstance(asset, MadeScript)}


@pytest.fixture(scope="module")
def shards(pages: dict[str, Page], model: ModelView) -> dict[str, dict[str, Any]]:
    return {layer: made(pages[model.addresses.all_kernels(layer)]) for layer in model.census}


@pytest.fixture(scope="module")
def listed(pages: dict[str, Page]) -> dict[str, Any]:
    found: dict[str, Any] = made(pages["drift/kernels.md"])["drift/kernels"]
    return found


def test_every_kernel_of_every_layer_has_its_part_and_its_data(
    pages: dict[str, Page], model: ModelView, shards: dict[str, dict[str, Any]]
) -> None:
    assert set(LAYERS) <= set(model.census)
    for layer, count in model.census.items():
        assert count >= model.evidence.layers[layer].kernels if layer in model.evidence.layers else count
        page = pages[model.addresses.all_kernels(layer)]
        assert page.parts == tuple(f"{index:04d}" for index in range(count))
        kernels = [kernel for shard in shards[layer].values() for kernel in shard["kernels"]]
        assert [kernel["index"] for kernel in kernels] == list(range(count))
        assert all(len(shard["kernels"]) <= SHARD for shard in shards[layer].values())


def test_what_a_page_shows_is_what_the_run_holds(model: ModelView, shards: dict[str, dict[str, Any]]) -> None:
    layer = LAYERS[1]
    stored, probes = model.evidence.layers[layer], model.motion_probes
    assert probes is not None
    for words, kernel in ((one["words"], row) for one in shards[layer].values() for row in one["kernels"][:64]):
        index = kernel["index"]
        most = [(model.evidence.names[example[0]], example[1]) for example in stored.most[index]]
        names = list(dict.fromkeys((*model.evidence.names, *probes.names)))
        assert [(names[clip], value) for clip, value, *_ in kernel["clips"]["most"]] == [
            (name, short(value)) for name, value in most if value is not None
        ]
        assert sum(kernel["histogram"]["counts"]) == len(stored.statistics(index))
        if index != NEAR_SILENT:
            kept = [probes.layers[layer].kept[name][index] for name in ("frozen", "dissolved")]
            assert kernel["probes"][:2] == pytest.approx(kept)
        else:
            assert "probes" not in kernel, "no share is told of next to nothing"
            assert any("Near-silent" in words[doubt] for doubt in kernel["doubts"])


def test_a_planted_copy_is_told_as_the_nearest(shards: dict[str, dict[str, Any]]) -> None:
    kernels = [kernel for shard in shards[LAYERS[0]].values() for kernel in shard["kernels"]]
    assert kernels[8]["near"]["responses"][0] == [0, 9, 1.0]
    assert kernels[9]["near"]["responses"][0] == [0, 8, 1.0]


def test_what_no_pyramid_keeps_has_its_connections_by_the_weights(
    model: ModelView, shards: dict[str, dict[str, Any]]
) -> None:
    every = [kernel for layer in shards.values() for shard in layer.values() for kernel in shard["kernels"]]
    assert any("linked" in kernel for kernel in every)
    assert not any("linked" in kernel and "weighted" in kernel for kernel in every)
    second = [kernel for shard in shards[LAYERS[1]].values() for kernel in shard["kernels"]]
    told = next(kernel["weighted"] for kernel in second if "weighted" in kernel)
    assert told == {"fed_by": [[0, 0, 0.75], [0, 1, 0.13]], "feeds": [["head", 2, 0.5]]}


def test_the_list_has_a_figure_or_null_for_each_kernel(model: ModelView, listed: dict[str, Any]) -> None:
    total = sum(model.census.values())
    for column in ("best", "median", "motion", "speed", "state", "word", "auroc", "clip"):
        assert len(listed[column]) == total, column
    assert [layer["kernels"] for layer in listed["layers"]] == list(model.census.values())
    first = sum(count for layer, count in model.census.items() if list(model.census).index(layer) == 0)
    assert listed["state"][first + 3] & 1, "kernel 3 of the second layer is dead"
    assert listed["twin"][first + 1] == 2
    assert listed["motion"][first + NEAR_SILENT] is None
    assert listed["motion"][first] == 0.75


def test_numbers_in_the_data_are_plain_json(shards: dict[str, dict[str, Any]], listed: dict[str, Any]) -> None:
    for data in (*shards.values(), listed):
        json.dumps(data, allow_nan=False)
    assert not any(isinstance(value, np.generic) for value in listed["best"])


def test_every_node_of_a_pyramid_leads_to_its_kernel(report: Report, model: ModelView, pages: dict[str, Page]) -> None:
    places = {f"{page.uri}#{part}" for page in pages.values() for part in page.parts} | pages.keys()
    assert model.pyramids
    for pyramid in model.pyramids:
        rows = node_rows(model, pyramid.graph.nodes)
        assert rows
        assert all(row.uri in places for row in rows)
        cards = graph_data(model, pyramid)["cards"]
        assert len(cards) == len(pyramid.graph.nodes) - 1, "all but the class"
        assert all(card["href"] for card in cards.values())


def test_a_visualised_kernel_is_told_by_its_own_page_and_any_other_by_its_part(model: ModelView) -> None:
    assert model.kernel_uri(LAYERS[0], 7) == "drift/stem.conv/0007.md"
    assert model.kernel_uri(LAYERS[0], 8) == "drift/stem.conv/kernels.md#0008"
    assert model.kernel_uri(LAYERS[0], 10_000) == ""
    assert model.kernel_uri("no such layer", 0) == ""


def test_the_command_for_more_pictures_names_the_network_as_it_was_given(model: ModelView) -> None:
    words = command_without(model, "a layer; rm -rf")
    assert words.startswith("reportgen build")
    assert "--layers 'a layer; rm -rf' --kernels KERNEL," in words


def test_layers_have_few_pages_however_many_kernels(pages: dict[str, Page], model: ModelView) -> None:
    folder = Path(model.addresses.all_kernels(LAYERS[0])).parent.as_posix()
    own = [uri for uri in pages if uri.startswith(f"{folder}/")]
    assert len(own) - len(model.kernels[LAYERS[0]]) <= 4
