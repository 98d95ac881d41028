"""One pass over reference clips: what is kept clip by clip is what one look at all responses gives."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from reportgen.analyses.base import tensor
from reportgen.analyses.common import readable
from reportgen.analyses.common.readable import NAMED, UnreadableClips, readable_clips
from reportgen.analyses.common.responses import Meter, kernel_responses
from reportgen.analyses.common.running import Best, Moments, ResponseTable
from reportgen.analyses.evidence.label_words import aurocs, label_words, with_pairs
from reportgen.analyses.evidence.reference_pass import EXAMPLE_CLIPS, ReferencePass
from reportgen.clips import Clip, ClipReference
from reportgen.errors import ClipError
from reportgen.networks.core.network import as_network

SHAPE = (4, 8, 8)
LABELS = ("walk", "run", "sit")


def written(
    number: int,
    alive: weakref.WeakSet[Tensor] | None = None,
    most: list[int] | None = None,
    *,
    broken: bool = False,
) -> ClipReference:
    """A clip that is made anew each time it is loaded, as from a file; `most` is told how many are then `alive`."""
    name, label = f"clip{number}", None if number % 4 == 3 else number % 4

    def load() -> Clip:
        if broken:
            raise ClipError(f"{name} was cut off: copy it again.")
        pixels = torch.rand((1, 3, *SHAPE), generator=torch.Generator().manual_seed(number))
        pixels[0, 0] *= 1.5 if label == 1 else 0.5
        if alive is not None and most is not None:
            alive.add(pixels)
            most.append(len(alive))
        return Clip(name, pixels.numpy(), label=label, known_as=str(number))

    return ClipReference(name, str(number), label, load)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    first, second = nn.Conv3d(3, 6, 3), nn.Conv3d(6, 5, (1, 3, 3))
    with torch.no_grad():
        first.weight[4], first.bias[4] = 2 * first.weight[1], 2 * first.bias[1]
        first.weight[2], first.bias[2] = 0.0, -1.0
    return nn.Sequential(first, nn.ReLU(inplace=True), second).eval()


Passed = Callable[..., ReferencePass]


@pytest.fixture
def passed(network: nn.Module) -> Iterator[Passed]:
    """Measures clips, so many at a time; the tables are closed after the test."""
    meter = Meter(as_network(network), ["0", "2"], SHAPE, 3, "firing", places=True)
    with ExitStack() as stack:

        def run(clips: list[ClipReference], batch: int, seed: int = 0) -> ReferencePass:
            found = stack.enter_context(ReferencePass(meter, seed=seed))
            loaded = [clip.load() for clip in clips]
            for start in range(0, len(loaded), batch):
                found.add(loaded[start : start + batch])
            return found

        yield run


@pytest.fixture(scope="module")
def responses(network: nn.Module) -> dict[str, Tensor]:
    clips = torch.cat([tensor(written(number).load()) for number in range(40)])
    return kernel_responses(network, clips, ["0", "2"], batch_size=1)


def test_the_clips_that_drive_a_kernel_are_those_of_all_responses(passed: Passed, responses: dict[str, Tensor]) -> None:
    found = passed([written(number) for number in range(40)], batch=1)
    for layer, values in responses.items():
        state = found.layers[layer]
        most = values.argsort(dim=0, descending=True, stable=True)[:EXAMPLE_CLIPS]
        least = values.argsort(dim=0, stable=True)[:EXAMPLE_CLIPS]
        assert torch.equal(state.most.clips, most)
        assert torch.equal(state.least.clips, least)
        assert torch.equal(state.most.values, values.gather(0, most))
        assert torch.equal(found.table.columns(state.first, state.first + state.kernels), values)


def test_the_number_of_clips_at_once_changes_nothing(passed: Passed) -> None:
    clips = [written(number) for number in range(23)]
    one, many = passed(clips, 1, seed=5), passed(clips, 7, seed=5)
    for layer in ("0", "2"):
        for kind in ("most", "least", "drawn"):
            assert torch.equal(getattr(one.layers[layer], kind).clips, getattr(many.layers[layer], kind).clips)
        assert torch.allclose(one.layers[layer].moments.scatter, many.layers[layer].moments.scatter, atol=1e-9)
    other = passed(clips, 7, seed=6)
    assert not torch.equal(other.layers["0"].drawn.clips, many.layers["0"].drawn.clips)


def test_every_clip_is_drawn_as_often_as_any_other() -> None:
    drawn = Best(4000, 2)
    generator = torch.Generator().manual_seed(0)
    for clip in range(10):
        keys = torch.rand((1, 4000), generator=generator)
        drawn.add(keys, keys, torch.full((1, 4000), clip), torch.zeros((1, 4000), dtype=torch.int64))
    counts = drawn.clips.flatten().bincount(minlength=10)
    assert int((counts - 800).abs().max()) < 4 * 26, "within four standard deviations of 8000 / 10"


def test_duplicates_and_dead_kernels_are_those_of_all_responses(passed: Passed) -> None:
    found = passed([written(number) for number in range(40)], batch=3)
    moments = found.layers["0"].moments
    assert moments.dead() == (2,)
    pairs = moments.duplicates(-1.0, 10)
    expected = torch.corrcoef(found.table.columns(0, 6).double().T)
    assert len(pairs) == 10
    for a, b, correlation in pairs:
        assert correlation == pytest.approx(float(expected[a, b]), abs=1e-10)
    assert [(a, b) for a, b, _ in moments.duplicates(0.999, 10)] == [(1, 4)]


def test_words_are_ranked_as_over_all_responses(passed: Passed, responses: dict[str, Tensor]) -> None:
    found = passed([written(number) for number in range(40)], batch=3)
    spread = found.distribution("0", LABELS.__getitem__)
    known = [number for number in range(40) if number % 4 != 3]
    texts = [LABELS[number % 4] for number in known]
    table = aurocs(responses["0"][known], texts, with_pairs(label_words(texts)))
    for kernel, driven in enumerate(spread.words):
        own = [text in driven.text.split(" or ") for text in texts]
        values = responses["0"][known, kernel].double().numpy()
        ranked = rankdata(values)[own].sum()
        count = sum(own)
        by_hand = (ranked - count * (count + 1) / 2) / (count * (len(own) - count))
        assert driven.auroc == pytest.approx(by_hand, abs=1e-12)
        singles = table[: len(label_words(texts)), kernel]
        assert driven.auroc == float((table[:, kernel] if " or " in driven.text else singles).max())


def test_kept_order_statistics_are_all_responses_while_they_are_few(
    passed: Passed, responses: dict[str, Tensor]
) -> None:
    found = passed([written(number) for number in range(40)], batch=3)
    quantiles = torch.tensor(found.distribution("2", LABELS.__getitem__).quantiles)
    assert torch.allclose(quantiles, responses["2"].sort(dim=0).values.T, atol=1e-6)


def test_a_table_on_disk_reads_as_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.rand((37, 5))
    monkeypatch.setattr("reportgen.analyses.common.running._AT_ONCE", 20)
    with ResponseTable(5, in_memory=64) as table:
        for part in rows.split(4):
            table.add(part)
        assert torch.equal(table.columns(1, 4), rows[:, 1:4])
        assert torch.equal(table.chosen([36, 0, 5]), rows[[36, 0, 5]])
        table.add(rows[:2])
        assert torch.equal(torch.cat([piece for _, piece in table.pieces(0, 5, at_once=39)], 1)[:37], rows)


def test_moments_are_those_of_all_responses() -> None:
    values = torch.rand((50, 4), dtype=torch.float64) + 1e3
    moments = Moments(4)
    for part in values.split(9):
        moments.add(part)
    assert torch.allclose(moments.scatter / 50, torch.cov(values.T, correction=0), rtol=1e-9)
    assert torch.allclose(moments.spread, values.std(0, correction=0), rtol=1e-9)


def live_clips(count: int, network: nn.Module) -> int:
    """The most decoded clips alive at a time in a pass over `count` of them, two at once."""
    alive: weakref.WeakSet[Tensor] = weakref.WeakSet()
    most: list[int] = []
    meter = Meter(as_network(network), ["0", "2"], SHAPE, 3, "firing", places=True)
    clips = [written(number, alive, most) for number in range(count)]

    def stream() -> Iterator[Clip]:
        yield from readable_clips(clips, UnreadableClips())

    with ReferencePass(meter, table=partial(ResponseTable, in_memory=256)) as found:
        found.run(stream(), count)
        assert len(found.names) == count
    return max(most)


def test_memory_does_not_grow_with_the_clips(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "starting_batch", lambda _clip: 2)
    few, many = live_clips(10, network), live_clips(200, network)
    assert few == many
    assert many <= 3, "the batch that is measured, and the next clip that is read"


def test_what_cannot_be_read_is_counted_with_its_reason() -> None:
    clips = [written(number, broken=number % 2 == 1) for number in range(50)]
    faults = UnreadableClips()
    assert [clip.name for clip in readable_clips(clips, faults)] == [f"clip{number}" for number in range(0, 50, 2)]
    assert (faults.count, len(faults.reasons)) == (25, NAMED)
    assert faults.first == "clip1 was cut off: copy it again."


def test_frames_that_a_network_sees_apart_count_as_one_clip() -> None:
    class Frames(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3)

        def forward(self, clips: Tensor) -> Tensor:
            maps: Tensor = self.conv(clips.transpose(1, 2).flatten(0, 1))
            return maps.unflatten(0, (len(clips), -1)).mean((1, 3, 4))

    network = Frames()
    clips = torch.rand(3, 3, *SHAPE)
    found = kernel_responses(network, clips, ["conv"], objective="channel")["conv"]
    assert torch.allclose(found, network(clips), atol=1e-6)


def test_scratch_files_are_gone_after_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ResponseTable(3, in_memory=1) as table:
        table.add(torch.rand(4, 3))
        assert table.columns(0, 3).shape == (4, 3)
    assert list(tmp_path.iterdir()) == []
