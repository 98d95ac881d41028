"""What decompose accepts, and the texture that it fits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from reportgen.analyses.base import Arrays, Subject, Unit
from reportgen.analyses.decomposition import decompose as module
from reportgen.analyses.decomposition.analysis import DecompositionAnalysis
from reportgen.analyses.decomposition.decompose import (
    Decomposition,
    decompose,
    fit_texture,
)
from reportgen.analyses.decomposition.parameters import DecompositionParameters
from reportgen.analyses.decomposition.warping import warp
from reportgen.errors import ClipError, OptionError, OutOfMemoryError
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import SILENT
from reportgen.records.figures import Result
from reportgen.zoo.load import load_network


def clips(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((4, 16, 16), "N C T H W"),
        ((0, 3, 4, 16, 16), "holds no values"),
        ((1, 3, 1, 16, 16), "2 frames or more"),
        ((1, 3, 4, 16, 6), "16x6 are too small"),
    ],
)
def test_clips_of_the_wrong_shape_are_refused(shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(ClipError, match=says):
        decompose(clips(*shape))


@pytest.mark.parametrize(
    ("value", "says"),
    [(-0.5, "normalised already"), (1.5, "divide by 255"), (float("nan"), "NaN"), (float("inf"), "infinity")],
)
def test_values_outside_the_range_are_refused(value: float, says: str) -> None:
    wrong = clips(1, 3, 4, 16, 16)
    wrong[0, 0, 0, 0, 0] = value
    with pytest.raises(ClipError, match=says):
        decompose(wrong)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"solver": "magic"}, "'gauss-newton' or 'adam'"),
        ({"reference_frame": 4}, "0 to 3"),
        ({"reference_frame": -1}, "0 to 3"),
        ({"clips_per_batch": 0}, "1 or more"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        decompose(clips(1, 3, 4, 16, 16), **options)


@pytest.mark.parametrize("shape", [(2, 3, 2, 8, 8), (1, 1, 3, 15, 33), (3, 4, 5, 24, 12)])
def test_every_result_has_its_shape(shape: tuple[int, ...]) -> None:
    batch, channels, frames, height, width = shape
    given = clips(*shape)
    apart = decompose(given, clips_per_batch=2)
    assert apart.texture.shape == (batch, channels, height, width)
    assert apart.displacement.shape == (batch, frames, 2, height, width)
    assert apart.motion.shape == (batch, frames - 1, 2, height, width)
    assert apart.evidence.shape == (batch, frames - 1, height, width)
    assert apart.reconstruction.shape == given.shape
    assert 0 <= apart.reconstruction.min() <= apart.reconstruction.max() <= 1
    for name in ("psnr", "explained_variance", "still_variance", "mean_speed", "direction", "coherence"):
        assert getattr(apart, name).shape == (batch,)
    assert apart.seconds > 0
    assert apart.steps > 0
    assert given.equal(clips(*shape))
    assert not apart.texture.requires_grad


def test_no_gradient_flows_back_into_the_network() -> None:
    given = clips(1, 3, 3, 8, 8).requires_grad_()
    assert not decompose(given, solver="gauss-newton").reconstruction.requires_grad


def test_the_texture_of_still_frames_is_their_mean_with_the_reference_a_little_ahead() -> None:
    given = clips(1, 3, 5, 8, 8)
    canvas, margin = fit_texture(given, torch.zeros(1, 5, 2, 8, 8), 2)
    expected = (given.sum(2) + 0.02 * given[:, :, 2]) / 5.02
    assert margin == 2
    torch.testing.assert_close(canvas[..., 2:-2, 2:-2], expected)


def test_the_canvas_holds_what_comes_into_view() -> None:
    wide = clips(1, 3, 16, 24)
    given = torch.stack([wide[..., 4:20], wide[..., 7:23]], 2)
    displacement = torch.zeros(1, 2, 2, 16, 16)
    displacement[:, 1, 0] = 3
    canvas, margin = fit_texture(given, displacement, 0)
    assert margin == 4
    torch.testing.assert_close(canvas[..., 4:-4, 4:-1], wide[..., 4:23], atol=1e-4, rtol=0)
    torch.testing.assert_close(warp(canvas, displacement, margin=margin), given, atol=1e-4, rtol=0)


def test_a_full_memory_halves_the_batch_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given, sizes = clips(5, 3, 3, 8, 8), []

    def cramped(batch: Tensor, reference: int, solver: str) -> Decomposition:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(batch, reference, solver)

    wanted, whole = decompose(given), module._decompose_batch
    monkeypatch.setattr(module, "_decompose_batch", cramped)
    found = decompose(given, clips_per_batch=64)
    assert sizes == [5, 2, 2, 1]
    assert torch.allclose(found.motion, wanted.motion, atol=1e-4)
    monkeypatch.setattr(module, "_decompose_batch", lambda *_: cramped(given, 0, ""))
    with pytest.raises(OutOfMemoryError, match="the decomposition"):
        decompose(given)


def test_a_layer_of_many_kernels_is_taken_apart_some_at_a_time(monkeypatch: pytest.MonkeyPatch, tiny_zoo: Path) -> None:
    network = load_network("tiny", zoo=[tiny_zoo], untrained=True)
    facts = {layer.name: layer for layer in describe_layers(network)}
    subject = Subject(network, facts, ("second",), kernels={"second": (0, 1, 2, 3, 4)})
    told = DecompositionParameters()
    units = [unit for unit in DecompositionAnalysis().units(subject, told) if isinstance(unit, Unit)]
    pixels = clips(len(units), 3, 6, 16, 16).permute(0, 2, 3, 4, 1).numpy()
    stored = {unit.name: clip for unit, clip in zip(units, pixels, strict=True)}
    read: list[str] = []

    def answers(analysis: str, unit: str, role: str) -> Arrays:
        read.append(unit)
        return {"clip": stored[unit]}

    def found() -> dict[str, Result]:
        return {
            unit.name: result for unit, result in DecompositionAnalysis().run(subject, units, told, answers, SILENT)
        }

    together = found()
    monkeypatch.setattr("reportgen.analyses.decomposition.analysis.clips_at_once", lambda shape, device: 2)
    read.clear()
    stream = DecompositionAnalysis().run(subject, units, told, answers, SILENT)
    next(stream)
    assert len(set(read)) == 2
    apart = found()
    assert list(apart) == list(together) == [unit.name for unit in units]
    for name, result in apart.items():
        for metric, within in (("stage1_activation", 1e-5), ("psnr", 0.05)):
            assert getattr(result.answer, metric) == pytest.approx(getattr(together[name].answer, metric), abs=within)
