"""A kernel that one even colour drives most is shown by that colour once, and not by four pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reportgen.pages.cards import kernel_card
from reportgen.pages.kernel_index import SHARD, KernelIndex
from reportgen.pages.kernel_shards import KernelShards
from reportgen.pages.registry import all_pages
from reportgen.pages.report import ModelView, Report
from reportgen.pages.templating import Templates
from reportgen.reading.addresses import relative_link
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Done, Record
from reportgen.records.store import Store
from reportgen.resources import templates_folder

pytestmark = pytest.mark.slow

SAID = "The clip is of one even colour"


def shown(runs: Path, unit: str) -> tuple[str, list[str]]:
    """Return a kernel's page as Markdown, and the titles of its pictures where a script draws it."""
    report = Report.of(find_runs(runs))
    model: ModelView = next(one for one in report.models if one.evidence.names)
    view = next(view for view in model.all_kernels if str(view.id) == unit)
    page = next(page for page in all_pages(report) if page.uri == view.uri)
    text = Templates(templates_folder()).render(page, untrained=report.untrained, selected=())
    start = view.id.index // SHARD * SHARD
    kernels = KernelShards(KernelIndex(model)).shard(view.id.layer, start)["kernels"]
    return text, [title for title, _ in kernels[view.id.index - start]["pictures"]]


def tabled(runs: Path, unit: str) -> tuple[int, int, bool]:
    """Return how many pictures a kernel has on the front page and on its layer's, and whether the front says why."""
    report = Report.of(find_runs(runs))
    pages = {page.uri: page for page in all_pages(report)}
    model, view = next((one, view) for one in report.models for view in one.all_kernels if str(view.id) == unit)
    found, texts = [], []
    for uri, kind in (("index.md", "rg-pair"), (model.addresses.layer(view.id.layer), "rg-card")):
        text = Templates(templates_folder()).render(pages[uri], untrained=report.untrained, selected=())
        link = text.partition(f'<a class="{kind}" href="{relative_link(uri, view.uri)}"')[2]
        found.append(link.partition("</a>")[0].count('role="img"'))
        texts.append(text)
    return found[0], found[1], "where an even colour drives it the clip alone" in texts[0]


def test_one_picture_and_a_sentence_stand_for_four_of_one_colour(
    tmp_path: Path, sample_copy: Callable[[Path], Path]
) -> None:
    sample_copy(tmp_path)
    store = next(one for one in find_runs(tmp_path) if one.folder.name == "drift")
    parts = {record.job.unit for record in store.manifest().of("decomposition") if isinstance(record.outcome, Done)}
    record = next(
        one for one in store.manifest().of("kernels") if isinstance(one.outcome, Done) and one.job.unit in parts
    )
    unit = record.job.unit
    before, pictures = shown(tmp_path, unit)
    assert len(pictures) == 4
    assert "the texture, moved" in before
    assert SAID not in before
    assert tabled(tmp_path, unit) == (2, 2, False)
    assert isinstance(record.outcome, Done)
    answer = {**record.outcome.answer, "contrast": 0.001}
    plain = record.model_copy(update={"outcome": record.outcome.model_copy(update={"answer": answer})})
    Store(store.folder).add(plain)
    after, pictures = shown(tmp_path, unit)
    assert pictures == ["Stage 1"]
    assert SAID in after
    assert "what the kernel wants" in after
    assert "the texture, moved" not in after
    assert "the still part" not in after
    assert tabled(tmp_path, unit) == (1, 1, True)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (
            {"mean_speed": 6.3e-17, "still_variance": 0.999, "explained_variance": 0.999, "motion_explains": 0.0},
            "stands still",  # and no rounding for its speed
        ),
        ({"mean_speed": 1.0, "explained_variance": 0.97, "steady_explained": 0.09}, "no motion named"),
        ({"explained_variance": 0.31}, "31% explained"),
    ],
)
def test_a_card_tells_of_motion_what_the_page_does(
    measured: dict[str, float], said: str, tmp_path: Path, sample_copy: Callable[[Path], Path]
) -> None:
    sample_copy(tmp_path)
    store = next(one for one in find_runs(tmp_path) if one.folder.name == "drift")
    record = next(one for one in store.manifest().of("decomposition") if isinstance(one.outcome, Done))
    assert isinstance(record.outcome, Done)
    answer = {**record.outcome.answer, **measured}
    Store(store.folder).add(record.model_copy(update={"outcome": record.outcome.model_copy(update={"answer": answer})}))
    models = Report.of(find_runs(tmp_path)).models
    model, view = next((one, view) for one in models for view in one.all_kernels if str(view.id) == record.job.unit)
    assert kernel_card(model, view).second == said


def test_what_an_even_colour_drives_is_told_without_its_pattern(
    tmp_path: Path, sample_copy: Callable[[Path], Path]
) -> None:
    """What the last steps left of a pattern is neither a sentence, nor pictures, nor likeness to other kernels."""
    sample_copy(tmp_path)
    store = next(one for one in find_runs(tmp_path) if one.folder.name == "drift")
    done = {one.job.unit: one for one in store.manifest().of("kernels") if isinstance(one.outcome, Done)}
    parts = {one.job.unit for one in store.manifest().of("decomposition") if isinstance(one.outcome, Done)}
    stripes = {"kind": "stripes", "size": 4.0, "orientation": 0.0}
    for record in [done[unit] for unit in sorted(parts & done.keys())[:3]]:
        _answer(store, record, pattern=stripes)
    unit = min(parts & done.keys())
    before = done[unit].outcome
    assert isinstance(before, Done)
    said, pictures = shown(tmp_path, unit)
    assert (len(pictures), SAID in said) == (4, False)
    assert unit in _alike(tmp_path)
    _answer(store, done[unit], pattern=stripes, even_activation=0.97 * before.answer["activation"])
    said, pictures = shown(tmp_path, unit)
    assert pictures == ["Stage 1"]
    assert SAID not in said
    assert "An even colour drives this kernel nearly as much" in said
    assert "without its pattern this clip keeps 97% of its activation" in said
    assert _alike(tmp_path)
    assert unit not in _alike(tmp_path)


def _answer(store: Store, record: Record, **fields: Any) -> None:
    assert isinstance(record.outcome, Done)
    answer = {**record.outcome.answer, **fields}
    store.add(record.model_copy(update={"outcome": record.outcome.model_copy(update={"answer": answer})}))


def _alike(runs: Path) -> set[str]:
    """Return the kernels that are compared by the texture of their clips."""
    model = next(one for one in Report.of(find_runs(runs)).models if one.evidence.names)
    shards = KernelShards(KernelIndex(model))
    found = {(view.id.layer, view.id.index): str(view.id) for view in model.all_kernels}
    starts = {(layer, index // SHARD * SHARD) for layer, index in found}
    rows = {
        (layer, start + at): kernel
        for layer, start in starts
        for at, kernel in enumerate(shards.shard(layer, start)["kernels"])
    }
    return {found[key] for key, kernel in rows.items() if key in found and "texture" in kernel.get("near", {})}
