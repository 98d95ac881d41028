"""Train the bundled network `texture_motion` from its seed, and measure it on fresh clips.

    python tools/train_texture_motion.py                   train, write the weights, measure
    python tools/train_texture_motion.py --evaluate-only   measure the committed weights

The clips are generated while training, so no clip is seen twice. The measured figures are printed as the
`[figures]` table of the card.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import time
import tomllib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reportgen.records.card import ModelCard

FOLDER = Path(__file__).resolve().parents[1] / "modelzoo" / "texture_motion"
FROZEN_SHARE = 0.12
NOISE = 0.03
MARGINAL_WEIGHT = 0.5
ROUGHNESS_WEIGHT = 0.1
EVALUATION_SEED = 1_000_003
FIGURES = ("joint_accuracy", "texture_accuracy", "motion_accuracy", "frozen_called_static", "reversed_called_opposite")


def load_part(name: str) -> ModuleType:
    """Return the network's file `name`.py as a module."""
    spec = importlib.util.spec_from_file_location(f"texture_motion_{name}", FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{FOLDER / name}.py is missing: run this script from a complete checkout.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


clips = load_part("clips")
arch = load_part("arch")
STATIC = clips.MOTIONS.index("static")


def load_card() -> ModelCard:
    """Return the network's card."""
    return ModelCard.model_validate(tomllib.loads((FOLDER / "card.toml").read_text(encoding="utf-8")))


def normalise(card: ModelCard, batch: Tensor) -> Tensor:
    """Map clips N 3 T H W in [0, 1] to the network's input."""
    mean, std = (torch.tensor(values)[:, None, None, None] for values in (card.clip.mean, card.clip.std))
    return (batch - mean) / std


def freeze(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Repeat one random frame of each clip N 3 T H W for all of its frames."""
    frame = torch.randint(batch.shape[2], (len(batch),), generator=generator)
    return batch[torch.arange(len(batch)), :, frame][:, :, None].expand_as(batch)


def training_batch(card: ModelCard, count: int, step: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return normalised clips N 3 T H W, some of them frozen, half of them noisy, and their labels N."""
    size = card.clip
    clip_seed = ((seed + 1) << 32) + step
    generator = torch.Generator().manual_seed(clip_seed + (1 << 31))
    made = clips.generate(count, clip_seed, frames=size.frames, height=size.height, width=size.width)
    batch, labels = made.clips, made.labels
    level = NOISE * (2 * torch.rand(count, generator=generator) - 1).clamp(min=0)
    batch = batch + level[:, None, None, None, None] * torch.randn(batch.shape, generator=generator)
    frozen = torch.rand(count, generator=generator) < FROZEN_SHARE
    if bool(frozen.any()):
        batch[frozen] = freeze(batch[frozen], generator)
        labels = torch.where(frozen, labels - labels % len(clips.MOTIONS) + STATIC, labels)
    return normalise(card, batch), labels


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of the class, plus that of its texture and of its motion alone."""
    motions = len(clips.MOTIONS)
    joint = logits.log_softmax(1).view(-1, len(clips.TEXTURES), motions)
    texture = nn.functional.nll_loss(joint.logsumexp(2), labels // motions)
    motion = nn.functional.nll_loss(joint.logsumexp(1), labels % motions)
    return nn.functional.nll_loss(joint.flatten(1), labels) + MARGINAL_WEIGHT * (texture + motion)


def roughness(weight: Tensor) -> Tensor:
    """Return the mean over kernels of |gradient|^2 / |kernel|^2, which is large for kernels that look like noise."""
    energy = weight.square().sum((1, 2, 3, 4))
    steps = sum(weight.diff(dim=axis).square().sum((1, 2, 3, 4)) for axis in (2, 3, 4))
    return (steps / energy).mean()


def train(card: ModelCard, *, steps: int, batch: int, seed: int, rate: float) -> nn.Module:
    """Return the network, trained for `steps` batches of fresh clips and ready for evaluation."""
    torch.manual_seed(seed)
    network: nn.Module = arch.build(card)
    first = network.get_parameter("stem.conv.weight")
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}], lr=rate
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    started, hits = time.perf_counter(), 0.0
    for step in range(steps):
        inputs, labels = training_batch(card, batch, step, seed)
        logits = network(inputs)
        loss = loss_of(logits, labels) + ROUGHNESS_WEIGHT * roughness(first)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        hits += float((logits.argmax(1) == labels).float().mean())
        if (step + 1) % 50 == 0:
            spent = time.perf_counter() - started
            print(f"step {step + 1:5d}  loss {loss.item():.4f}  accuracy {hits / 50:.4f}  {spent:.0f} s", flush=True)
            hits = 0.0
    return network.eval()


class Tally(NamedTuple):
    """Right answers out of a number of questions."""

    right: int = 0
    asked: int = 0

    def add(self, answers: Tensor) -> Tally:
        """Return the tally with one more batch of right (True) and wrong answers."""
        return Tally(self.right + int(answers.sum()), self.asked + answers.numel())

    @property
    def share(self) -> float:
        """Share of right answers."""
        return self.right / self.asked


@torch.inference_mode()
def evaluate(network: nn.Module, card: ModelCard, count: int, seed: int, batch: int = 100) -> dict[str, float]:
    """Return the figures of the network on `count` fresh clips without noise."""
    size, motions = card.clip, len(clips.MOTIONS)
    generator = torch.Generator().manual_seed(seed)
    tallies = dict.fromkeys(FIGURES, Tally())
    opposite = torch.arange(motions)
    for motion, reverse in clips.OPPOSITE.items():
        opposite[motion] = reverse
    for start in range(0, count, batch):
        made = clips.generate(
            min(batch, count - start), seed + start, frames=size.frames, height=size.height, width=size.width
        )
        labels, motion = made.labels, made.labels % motions
        predicted = network(normalise(card, made.clips)).argmax(1)
        moving, translates = motion != STATIC, opposite[motion] != motion
        still = network(normalise(card, freeze(made.clips[moving], generator))).argmax(1)
        back = network(normalise(card, made.clips[translates].flip(2))).argmax(1)
        answers = (
            predicted == labels,
            predicted // motions == labels // motions,
            predicted % motions == motion,
            still % motions == STATIC,
            back % motions == opposite[motion[translates]],
        )
        for name, answer in zip(FIGURES, answers, strict=True):
            tallies[name] = tallies[name].add(answer)
    figures = {name: round(tally.share, 4) for name, tally in tallies.items()}
    return figures | {"clips": count, "clips_seed": seed}


def main() -> None:
    """Train or load the network, then print its figures."""
    parser = argparse.ArgumentParser(description="Train and measure the bundled network texture_motion.")
    parser.add_argument("--evaluate-only", action="store_true", help="measure the committed weights")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clips", type=int, default=4000, help="number of fresh clips to measure with")
    parser.add_argument("--output", type=Path, default=FOLDER / "weights.safetensors")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    card = load_card()
    if options.evaluate_only:
        network: nn.Module = arch.build(card).eval()
        network.load_state_dict(load_file(options.output))
    else:
        recipe = {name: getattr(options, name) for name in ("steps", "batch", "rate", "seed")}
        started = time.perf_counter()
        network = train(card, **recipe)
        print(f"trained for {time.perf_counter() - started:.0f} s on {options.threads} thread(s)")
        # One key only: the order of several keys in the header is not fixed, and the file should be reproducible.
        save_file(network.state_dict(), options.output, metadata={"recipe": json.dumps(recipe, sort_keys=True)})
    content = options.output.read_bytes()
    print(f"{sum(p.numel() for p in network.parameters())} parameters, {len(content)} bytes")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    print("[figures]")
    for name, value in evaluate(network, card, options.clips, EVALUATION_SEED).items():
        print(f"{name} = {value}")


if __name__ == "__main__":
    main()
