"""The bundled network knows what was planted in its clips, and the clips move as they say."""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from reportgen.records.card import ModelCard
from reportgen.resources import modelzoo_folder

FOLDER = modelzoo_folder() / "texture_motion"
SEED = 77_000_001


def load_part(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tested_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


clips = load_part(FOLDER / "clips.py")
MOTIONS = len(clips.MOTIONS)
STATIC = clips.MOTIONS.index("static")
TRANSLATIONS = [clips.MOTIONS.index(f"moving {way}") for way in ("left", "right", "up", "down")]


def sample(positions: Tensor, frame: Tensor) -> Tensor:
    """Read frame C H W at positions 2 H W (x, y from the frame's centre, px) by bicubic interpolation."""
    height, width = frame.shape[-2:]
    grid = torch.stack((2 * positions[0] / (width - 1), 2 * positions[1] / (height - 1)), dim=-1)
    return nn.functional.grid_sample(frame[None], grid[None], mode="bicubic", align_corners=True)[0]


# --- clips ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("texture", range(len(clips.TEXTURES)), ids=clips.TEXTURES)
@pytest.mark.parametrize("motion", range(MOTIONS), ids=clips.MOTIONS)
def test_content_goes_where_the_declared_velocity_says(texture: int, motion: int) -> None:
    made = clips.generate(2, 5, frames=4, height=48, width=64, texture=texture, motion=motion)
    velocity = made.motion.velocity(48, 64)
    for clip, flow in zip(made.clips, velocity, strict=True):
        inside = (slice(None), slice(6, -6), slice(6, -6))
        for frame in range(3):
            predicted = sample(clips.pixels(48, 64) + flow, clip[:, frame + 1])
            moved = (predicted - clip[:, frame])[inside].abs().mean()
            stayed = (clip[:, frame + 1] - clip[:, frame])[inside].abs().mean()
            assert moved < 0.006
            if motion != STATIC:
                assert moved < 0.2 * stayed


@pytest.mark.parametrize("texture", range(len(clips.TEXTURES)), ids=clips.TEXTURES)
def test_a_translation_by_whole_pixels_shifts_the_frame_exactly(texture: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "SPEED", (2.0, 2.0))
    monkeypatch.setattr(clips, "DIRECTION_SPREAD", 0.0)
    right = clips.generate(
        3, 9, frames=5, height=32, width=40, texture=texture, motion=clips.MOTIONS.index("moving right")
    )
    down = clips.generate(
        3, 9, frames=5, height=32, width=40, texture=texture, motion=clips.MOTIONS.index("moving down")
    )
    torch.testing.assert_close(right.motion.translation, torch.tensor([[2.0, 0.0]] * 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(down.motion.translation, torch.tensor([[0.0, 2.0]] * 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(right.clips[:, :, 1:, :, 2:], right.clips[:, :, :-1, :, :-2], atol=2e-3, rtol=0)
    torch.testing.assert_close(down.clips[:, :, 1:, 2:], down.clips[:, :, :-1, :-2], atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("motion", "axis", "sign"),
    [("moving left", 0, -1), ("moving right", 0, 1), ("moving up", 1, -1), ("moving down", 1, 1)],
)
def test_translations_keep_to_their_axis_and_speed(motion: str, axis: int, sign: int) -> None:
    made = clips.generate(64, 3, frames=1, height=8, width=8, motion=clips.MOTIONS.index(motion))
    along, across = made.motion.translation[:, axis] * sign, made.motion.translation[:, 1 - axis]
    speed = made.motion.translation.norm(dim=1)
    assert speed.min() >= clips.SPEED[0]
    assert speed.max() <= clips.SPEED[1]
    assert (across.abs() <= along * torch.tan(torch.tensor(clips.DIRECTION_SPREAD)) + 1e-6).all()
    assert (made.motion.turn == 0).all()
    assert (made.motion.growth == 1).all()


def test_static_clips_repeat_their_frame_and_the_others_do_not() -> None:
    made = clips.generate(28, 4, frames=3, height=24, width=24, labels=torch.arange(28))
    change = (made.clips[:, :, 1:] - made.clips[:, :, :-1]).abs().amax(dim=(1, 2, 3, 4))
    static = made.labels % MOTIONS == STATIC
    assert (change[static] == 0).all()
    assert (change[~static] > 0.05).all()


def test_rotation_and_zoom_go_both_ways() -> None:
    turning = clips.generate(40, 1, frames=1, height=8, width=8, motion=clips.MOTIONS.index("rotating")).motion.turn
    growing = clips.generate(40, 1, frames=1, height=8, width=8, motion=clips.MOTIONS.index("zooming")).motion.growth
    assert 8 <= int((turning > 0).sum()) <= 32
    assert 8 <= int((growing > 1).sum()) <= 32


def test_a_seed_gives_the_same_clips_whatever_their_number() -> None:
    size = {"frames": 3, "height": 16, "width": 16}
    many, few, other = (clips.generate(count, seed, **size) for count, seed in ((12, 8), (5, 8), (5, 9)))
    assert torch.equal(many.clips[:5], few.clips)
    assert torch.equal(many.labels[:5], few.labels)
    assert not torch.equal(few.clips, other.clips)


def test_colours_and_brightness_do_not_tell_classes_apart() -> None:
    made = clips.generate(600, 2, frames=1, height=32, width=32)
    bright = made.clips.mean(dim=(1, 2, 3, 4))
    for texture in range(len(clips.TEXTURES)):
        own = bright[made.labels // MOTIONS == texture]
        assert abs(float(own.mean() - bright.mean())) < 0.05
    assert made.clips.min() >= 0
    assert made.clips.max() <= 1


def test_textures_are_two_dimensional_so_that_every_direction_shows() -> None:
    made = clips.generate(200, 6, frames=1, height=64, width=64)
    luma = made.clips.mean(dim=1)[:, 0]
    across, down = luma.diff(dim=2)[:, :-1].flatten(1), luma.diff(dim=1)[:, :, :-1].flatten(1)
    tensor = torch.stack([(across * across).mean(1), (across * down).mean(1), (down * down).mean(1)], dim=1)
    matrices = tensor[:, [0, 1, 1, 2]].view(-1, 2, 2)
    weak, strong = torch.linalg.eigvalsh(matrices).unbind(1)
    assert (weak / strong).min() > 0.25  # a grating has 0, an isotropic texture 1


def test_an_index_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 3, not"):
        clips.generate(1, 0, frames=1, height=8, width=8, texture=4)
    with pytest.raises(ValueError, match="from 0 to 6, not"):
        clips.generate(1, 0, frames=1, height=8, width=8, motion=-1)


# --- card and network -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return ModelCard.model_validate(tomllib.loads((FOLDER / "card.toml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def network(card: ModelCard) -> nn.Module:
    module: nn.Module = load_part(FOLDER / card.architecture.source).build(card).eval()
    module.load_state_dict(load_file(FOLDER / card.weights[0].file))
    return module


@torch.inference_mode()
def classes(network: nn.Module, card: ModelCard, batch: Tensor) -> Tensor:
    mean, std = (torch.tensor(values)[:, None, None, None] for values in (card.clip.mean, card.clip.std))
    logits: Tensor = network((batch - mean) / std)
    return logits.argmax(1)


def test_reference_clips_go_through_all_classes_and_carry_their_names(card: ModelCard) -> None:
    made = clips.reference_clips(card, 28, 1)
    assert sorted(clip.label for clip in made) == list(range(28))
    assert len({clip.name for clip in made}) == 28
    labels = (FOLDER / str(card.labels)).read_text(encoding="utf-8").splitlines()
    assert labels == list(clips.LABELS)
    assert all(labels[clip.label] == clip.label_name for clip in made)
    assert all(tuple(clip.clip.shape) == card.clip.shape for clip in made)


def test_the_weights_are_those_of_the_card(card: ModelCard, network: nn.Module) -> None:
    content = (FOLDER / card.weights[0].file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.weights[0].sha256
    assert len(content) == card.weights[0].size
    assert len(content) < 2_000_000
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    layers = dict(network.named_modules())
    assert len(card.stages) >= 5
    assert all(isinstance(layers[stage.layer], nn.Conv3d) for stage in card.stages)


def test_the_figures_on_the_card_reach_what_was_promised(card: ModelCard) -> None:
    assert card.figures["clips"] >= 2000
    assert card.figures["joint_accuracy"] >= 0.98
    assert card.figures["frozen_called_static"] >= 0.98
    assert card.figures["reversed_called_opposite"] >= 0.95


def test_the_network_names_texture_and_motion_of_fresh_clips(card: ModelCard, network: nn.Module) -> None:
    labels = torch.arange(112) % len(clips.LABELS)
    size = {"frames": card.clip.frames, "height": card.clip.height, "width": card.clip.width}
    made = clips.generate(len(labels), SEED, labels=labels, **size)
    right = classes(network, card, made.clips) == labels
    assert right.float().mean() >= 0.98


@pytest.mark.long
def test_frozen_clips_are_called_static(card: ModelCard, network: nn.Module) -> None:
    labels = torch.arange(112) % len(clips.LABELS)
    size = {"frames": card.clip.frames, "height": card.clip.height, "width": card.clip.width}
    made = clips.generate(len(labels), SEED + 1, labels=labels, **size)
    moving = made.clips[labels % MOTIONS != STATIC]
    frame = torch.randint(size["frames"], (len(moving),), generator=torch.Generator().manual_seed(0))
    frozen = moving[torch.arange(len(moving)), :, frame][:, :, None].expand_as(moving)
    called = classes(network, card, frozen) % MOTIONS
    assert (called == STATIC).float().mean() >= 0.98


@pytest.mark.long
def test_reversed_translations_are_called_the_opposite(card: ModelCard, network: nn.Module) -> None:
    motions = torch.tensor(TRANSLATIONS).repeat(24)
    labels = (torch.arange(len(motions)) // len(TRANSLATIONS)) % len(clips.TEXTURES) * MOTIONS + motions
    size = {"frames": card.clip.frames, "height": card.clip.height, "width": card.clip.width}
    made = clips.generate(len(labels), SEED + 2, labels=labels, **size)
    left, right, up, down = TRANSLATIONS
    opposite = {left: right, right: left, up: down, down: up}
    expected = torch.tensor([opposite[motion] for motion in motions.tolist()])
    called = classes(network, card, made.clips.flip(2)) % MOTIONS
    assert (called == expected).float().mean() >= 0.95


def test_every_relu_is_a_module_of_its_own_and_not_in_place(card: ModelCard, network: nn.Module) -> None:
    calls: dict[str, int] = {}

    def count(name: str) -> None:
        calls[name] = calls.get(name, 0) + 1

    relus = {name: module for name, module in network.named_modules() if isinstance(module, nn.ReLU)}
    handles = [module.register_forward_hook(lambda *_, name=name: count(name)) for name, module in relus.items()]
    classes(network, card, torch.rand(1, *card.clip.shape))
    for handle in handles:
        handle.remove()
    assert all(not module.inplace for module in relus.values())
    assert calls == dict.fromkeys(relus, 1)
