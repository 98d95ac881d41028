"""Networks without a card: what must be known about them is found by trying, and every assumption is stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network, to_argument
from reportgen.networks.kernels.layers import describe_layers
from reportgen.records.card import Adapter, Architecture, ClipSpec, ModelCard, Stage
from reportgen.records.identities import slug
from reportgen.records.manifest import LayerFacts
from reportgen.zoo.cards import file_digest
from reportgen.zoo.exported import example_input, load_exported
from reportgen.zoo.sources import Definition, describe, device_of, factory_of

_FAULTS = (
    RuntimeError,
    NotImplementedError,
    TypeError,
    ValueError,
    AssertionError,
    IndexError,
    KeyError,
    AttributeError,
)
_CLIP_SIZES = ((16, 112, 112), (16, 224, 224), (8, 224, 224), (32, 224, 224), (64, 224, 224), (16, 64, 64), (8, 32, 32))
_FRAME_SIZES = ((224, 224), (256, 256), (384, 512), (64, 64), (32, 32))
_SCORE_KEYS = ("logits", "scores", "pred", "preds", "out", "output")
_KINETICS = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_BATCH = 3
_STAGES = 5


@dataclass(frozen=True)
class _Fit:
    """A clip size and adapter with which the network runs, and what it returns for a batch of `_BATCH`."""

    clip: ClipSpec
    adapter: Adapter
    output: Any


def is_foreign(model: str) -> bool:
    """Whether a model is named by its factory (`package.module:factory`, `file.py:factory`) or file, not by a card."""
    return ":" in model or model.endswith(".pt2")


def foreign_definition(
    model: str,
    model_args: Mapping[str, Any] | None,
    clip: ClipSpec | Mapping[str, Any] | None,
    adapter: Adapter | Mapping[str, Any] | None,
) -> Definition:
    """Return the definition of a network that a factory makes, or that an exported program is.

    The factory is called with `model_args`. How it takes its clip is taken from `clip` and `adapter` and otherwise
    found by running it on the meta device: the first size and form of input with which it answers for a whole batch.
    The card's notes state each assumption.

    Raises CardError when the factory fails, NetworkError when no clip fits.
    """
    arguments = dict(model_args or {})
    target = _exported(model) if model.endswith(".pt2") else _made(model, arguments)
    bare = Definition(target.card, target.factory, target.origin)
    module = bare.build_on_meta().eval().requires_grad_(False)
    fit = _fit(module, target, clip, adapter)
    notes = [*target.notes, *_stated(fit, clip, adapter)]
    card = bare.card.model_copy(update={"clip": fit.clip, "adapter": fit.adapter})
    card = _with_classes(card, fit.output, notes, fixed=adapter is not None)
    layers = describe_layers(Network(module, card, device=device_of(module)))
    card = _with_layers(card, layers, notes)
    return Definition(card.model_copy(update={"notes": tuple(notes)}), bare.factory, bare.origin)


@dataclass(frozen=True)
class _Target:
    """What the user named: how to build it, and what is known of its input."""

    card: ModelCard
    factory: Callable[[ModelCard], object]
    origin: str
    notes: tuple[str, ...]
    example: tuple[dict[str, int], Adapter] | None = None


def _made(model: str, arguments: Mapping[str, Any]) -> _Target:
    factory, file = factory_of(model)
    place, _, name = model.rpartition(":")
    notes = [f"This network has no card: it is what {name} returns."]
    if file is not None:
        notes.append(f"Its file {file.name} has the SHA-256 {file_digest(file)}.")
    origin = f"{model}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    card = _blank_card(name, f"a network of {place.rpartition('/')[2]}", arguments)
    return _Target(card, lambda _card: factory(**arguments), origin, tuple(notes))


def _exported(model: str) -> _Target:
    path = Path(model)
    module, argument = load_exported(path)
    notes = ("This network has no card: it is an exported program.", f"Its SHA-256 is {file_digest(path)}.")
    card = _blank_card(path.stem, "an exported program", {})
    return _Target(card, lambda _card: module, path.name, notes, example_input(argument))


def own_weights(definition: Definition) -> nn.Module:
    """Return the network with the weights that its factory gives it.

    Whether these are weights or chance is found by asking twice, under different seeds: chance differs. Raises
    CardError when the factory fails, and ValueError when its weights are chance.
    """
    states: list[dict[str, Tensor]] = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = definition.build()
        states.append(module.state_dict())
    first, second = states
    if any(not torch.equal(first[name], second[name]) for name in first):
        raise ValueError("the factory draws its weights at random")
    return module


def with_probabilities(definition: Definition, module: nn.Module) -> Definition:
    """Return the definition told whether the network returns probabilities, found by running it on a grey clip."""
    card = definition.card
    network = Network(module, card, device=device_of(module))
    if not network.has_classes or card.adapter.scores == "probabilities":
        return definition
    with torch.no_grad():
        scores = network.class_scores(module(network.prepare(torch.full((1, *card.clip.shape), 0.5))))
    sums_to_one = torch.allclose(scores.sum(1), torch.ones(1), atol=1e-3)
    if not sums_to_one or scores.min() < 0:
        return definition
    note = "It returns probabilities; logits are read from its last layer."
    scores_are = "probabilities"
    if card.classifier is None:
        note = "It returns probabilities and no layer of it returns the logits, so it is taken to have no classes."
        scores_are = "none"
    changed = card.model_copy(
        update={"adapter": card.adapter.model_copy(update={"scores": scores_are}), "notes": (*card.notes, note)}
    )
    return Definition(changed, definition.factory, definition.origin)


def _blank_card(name: str, what: str, arguments: Mapping[str, Any]) -> ModelCard:
    return ModelCard(
        name=slug(re.sub(r"^[^A-Za-z0-9]+", "", name))[:80] or "network",
        title=name,
        architecture=Architecture(source="foreign.py", factory=name, arguments=dict(arguments)),
        clip=ClipSpec(frames=1, height=1, width=1, mean=(0.0,) * 3, std=(1.0,) * 3),
        checked_against=f"nothing: it is {what}",
    )


def _fit(
    module: nn.Module,
    target: _Target,
    clip: ClipSpec | Mapping[str, Any] | None,
    adapter: Adapter | Mapping[str, Any] | None,
) -> _Fit:
    """Return the first candidate with which the network runs."""
    if target.example is not None:
        size, form = target.example
        adapter = adapter if adapter is not None else form
        clip = clip if isinstance(clip, ClipSpec) else size | dict(clip or {})
    reasons: list[str] = []
    for candidate, form in _candidates(module, clip, adapter):
        shape = (_BATCH, *candidate.shape)
        try:
            with torch.no_grad():
                output = module(to_argument(torch.zeros(shape, device=device_of(module)), form))
        except (*_FAULTS, NetworkError) as error:
            reasons.append(describe(error))
            continue
        if all(tensor.shape[:1] == (_BATCH,) for _, tensor in _leaves(output) if tensor.ndim > 1):
            return _Fit(candidate, form, output)
    reason = f" (the first try ended with {reasons[0]})" if reasons else ""
    hint = "say frames, height and width and how it takes its input"
    if target.example is not None:
        hint = "export it with a dynamic batch axis"
    raise NetworkError(f"{target.origin} answers to none of the usual clips{reason}: {hint}.")


def _candidates(
    module: nn.Module, clip: ClipSpec | Mapping[str, Any] | None, adapter: Adapter | Mapping[str, Any] | None
) -> Iterator[tuple[ClipSpec, Adapter]]:
    """Yield the inputs to try, the likeliest first; what the user says is never varied."""
    first = next((part for part in module.modules() if isinstance(part, nn.modules.conv._ConvNd)), None)
    forms = list(_forms(first)) if adapter is None else [_as_adapter(adapter)]
    for size in _sizes(first, clip):
        for form in forms:
            yield _spec(first, form, size, clip), form


def _forms(first: nn.Module | None) -> Iterator[Adapter]:
    if isinstance(first, nn.Conv2d):
        yield Adapter(input="frame" if first.in_channels <= 4 else "stacked_frames")
    yield Adapter()
    yield Adapter(as_list=True)
    yield Adapter(input="pathways", strides=(4, 1))


def _as_adapter(adapter: Adapter | Mapping[str, Any]) -> Adapter:
    return adapter if isinstance(adapter, Adapter) else Adapter.model_validate(dict(adapter))


def _sizes(first: nn.Module | None, clip: ClipSpec | Mapping[str, Any] | None) -> Iterable[tuple[int, int, int]]:
    given = clip.model_dump() if isinstance(clip, ClipSpec) else dict(clip or {})
    if {"frames", "height", "width"} <= set(given):
        return [(given["frames"], given["height"], given["width"])]
    sizes: Iterable[tuple[int, int, int]] = _CLIP_SIZES
    if isinstance(first, nn.Conv2d):
        frames = 1 if first.in_channels <= 4 else first.in_channels // 3
        sizes = [(frames, height, width) for height, width in _FRAME_SIZES] + list(_CLIP_SIZES)
    return [
        tuple(given.get(name, value) for name, value in zip(("frames", "height", "width"), size, strict=True))
        for size in sizes
    ]


def _spec(
    first: nn.Module | None,
    form: Adapter,
    size: tuple[int, int, int],
    clip: ClipSpec | Mapping[str, Any] | None,
) -> ClipSpec:
    if isinstance(clip, ClipSpec):
        return clip
    channels = first.in_channels if isinstance(first, nn.modules.conv._ConvNd) else 3
    if form.input == "stacked_frames":
        channels = max(1, channels // size[0])
    channels = int(dict(clip or {}).get("channels", channels))
    mean: tuple[float, ...] = (0.5,) * channels
    std: tuple[float, ...] = (0.25,) * channels
    if channels == 3:
        mean, std = _IMAGENET if form.input == "frame" else _KINETICS
    values = {"channels": channels, "mean": mean, "std": std}
    return ClipSpec.model_validate(
        values | dict(zip(("frames", "height", "width"), size, strict=True)) | dict(clip or {})
    )


def _stated(fit: _Fit, clip: Any, adapter: Any) -> list[str]:
    """Say what was assumed about the input."""
    notes = []
    spec = fit.clip
    if not isinstance(clip, ClipSpec):
        given = set(clip or {})
        if not {"frames", "height", "width"} <= given:
            notes.append(
                f"Assumed: a clip of {spec.frames} frames of {spec.height}x{spec.width} px, the first usual size that "
                "the network answers to."
            )
        if not {"mean", "std"} <= given:
            notes.append(
                f"Assumed: pixels from {spec.value_range[0]:g} to {spec.value_range[1]:g}, mean {spec.mean}, "
                f"standard deviation {spec.std}, {spec.channel_order}."
            )
    if adapter is None:
        kinds = {
            "clip": "a list with one clip" if fit.adapter.as_list else "a clip N C T H W",
            "frame": "single frames N C H W",
            "stacked_frames": f"{spec.frames} frames stacked as channels",
            "pathways": f"a list of clips with temporal strides {fit.adapter.strides}",
        }
        notes.append(f"Assumed: it takes {kinds[fit.adapter.input]}.")
    return notes


def _leaves(output: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    """Yield the tensors of an output with the way to each of them."""
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        for key in sorted(output, key=lambda name: name not in _SCORE_KEYS):
            yield from _leaves(output[key], (*path, key))
    elif isinstance(output, list | tuple):
        for index, item in enumerate(output):
            yield from _leaves(item, (*path, index))


def _with_classes(card: ModelCard, output: Any, notes: list[str], *, fixed: bool) -> ModelCard:
    """Return the card with the place of the class scores in the network's output, or with none."""
    if fixed and card.adapter.scores == "none":
        return card.model_copy(update={"classes": None})
    leaves = list(_leaves(output))
    if fixed:
        leaves = [(path, tensor) for path, tensor in leaves if path == card.adapter.output]
    for path, tensor in leaves:
        averaged = card.adapter.average if fixed else tuple(range(2, tensor.ndim)) if tensor.ndim == 3 else ()
        if tensor.ndim - len(averaged) == 2 and tensor.shape[1] > 1 and tensor.is_floating_point():
            if not fixed:
                place = "".join(f"[{step!r}]" for step in path) or "itself"
                notes.append(f"Assumed: its output {place} holds the scores of {tensor.shape[1]} classes.")
            changed = card.adapter.model_copy(update={"output": path, "average": averaged})
            return card.model_copy(update={"classes": tensor.shape[1], "adapter": changed})
    notes.append("It returns nothing of the form N K, so it is taken to have no classes.")
    return card.model_copy(update={"classes": None, "adapter": card.adapter.model_copy(update={"scores": "none"})})


def _with_layers(card: ModelCard, layers: tuple[LayerFacts, ...], notes: list[str]) -> ModelCard:
    """Return the card with its classifier and with stages: the last convolution of each size of its maps."""
    executed = [layer for layer in layers if layer.output is not None]
    last = executed[-1] if executed else None
    classifier = last.name if last is not None and last.kernels == card.classes else None
    # With the frames: the pathways of a network differ in them.
    last_of_size = {layer.output[1:]: layer for layer in executed if layer.output and _is_spatial(layer)}
    chosen = sorted((layer for layer in last_of_size.values() if layer.name != classifier), key=lambda one: one.order)
    if len(chosen) > _STAGES:
        chosen = [chosen[round(place * (len(chosen) - 1) / (_STAGES - 1))] for place in range(_STAGES)]
    stages = tuple(Stage(layer=layer.name, title=layer.name) for layer in chosen)
    if stages:
        notes.append("Its stages are the last convolutions of each size of its maps, chosen by the program.")
    return card.model_copy(update={"classifier": classifier, "stages": stages})


def _is_spatial(layer: LayerFacts) -> bool:
    """Whether a layer looks at more than one place of a map that has more than one: a stage worth showing."""
    return layer.output is not None and max(layer.output[-2:]) > 1 and max((1, *layer.kernel_size)) > 1
