"""Networks without a card: what must be known about them is found by trying, and every assumption is stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, OptionError
from reportgen.networks.core.copying import copied, require_readable, within_wrappers
from reportgen.networks.core.network import Network
from reportgen.networks.core.precision import other_precisions
from reportgen.networks.core.random_state import drawing_from
from reportgen.networks.kernels.answering import layers_apart
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.trace.functional import functional_layers
from reportgen.records.card import Adapter, Architecture, ClipSpec, ModelCard, Stage
from reportgen.records.files import file_digest
from reportgen.records.identities import slug
from reportgen.records.manifest import LayerFacts
from reportgen.zoo.arguments import taken_unnamed
from reportgen.zoo.exported import example_batch, example_size, load_exported
from reportgen.zoo.input_forms import BATCHES, Fit, Unfit, find_fit
from reportgen.zoo.input_notes import stated
from reportgen.zoo.input_tests import run
from reportgen.zoo.output_forms import Answering, with_answer
from reportgen.zoo.overrides import fields
from reportgen.zoo.sources import Definition, device_of, factory_of

_STAGES = 5


def is_foreign(model: str) -> bool:
    """Whether a model is named by its factory (`package.module:factory`, `file.py:factory`) or file, not by a card."""
    return ":" in model or model.endswith(".pt2")


def foreign_definition(
    model: str | nn.Module,
    model_args: Mapping[str, Any] | None,
    clip: ClipSpec | Mapping[str, Any] | None,
    adapter: Adapter | Mapping[str, Any] | None,
    labels: int | None = None,
) -> Definition:
    """Return the definition of a network that a factory makes, or that an exported program or a module is.

    The factory is called with `model_args`. How it takes its clip is taken from `clip` and `adapter` and otherwise
    found by running it on the meta device: the first size and form of input with which it answers for a whole batch.
    `labels` is how many class names there are, if any: of several outputs it tells the class scores. The card's notes
    state what was found and what was assumed. A module is never run itself, but copies of it.

    Raises CardError when the factory fails, NetworkError when no clip fits or it is not certain what it returns, and
    OptionError when the user says what is not so.
    """
    target = _target(model, dict(model_args or {}))
    precisions: set[str] = set()
    bare = Definition(target.card, _noting(precisions, target.factory), target.origin)
    module = bare.build_on_meta().eval().requires_grad_(False)
    said, form = {**target.size, **fields(clip)}, fields(adapter)
    fit = find_fit(module, lambda: _with_values(bare, module), said, form, target.batches)
    if isinstance(fit, Unfit) and fit.asks_for_values and device_of(module).type == "meta":
        module = _with_values(bare, module)  # it asks for values on its way
        fit = find_fit(module, lambda: module, said, form, target.batches)
    if isinstance(fit, Unfit):
        raise NetworkError(
            f"{target.origin} takes no usual clip for certain ({fit.reason}): {_kept_type(precisions)}{fit.advice}."
        )
    card = bare.card.model_copy(update={"clip": fit.clip, "adapter": fit.adapter})
    layers = describe_layers(Network(module, card, device=device_of(module)))
    card, found = with_answer(card, Answering(fit, module, lambda: _with_values(bare, module), layers, labels, form))
    notes = [*target.notes, *_converted(precisions), *stated(fit, said, form, module), *found, *_not_seen(module, fit)]
    card = _with_layers(card, _for_the_answer(Network(module, card, device=device_of(module)), layers), notes)
    return Definition(card.model_copy(update={"notes": tuple(notes)}), bare.factory, bare.origin)


def _noting(precisions: set[str], factory: Callable[[ModelCard], object]) -> Callable[[ModelCard], object]:
    """Return the factory, which adds to `precisions` those of the network that it makes that will not be kept."""

    def make(card: ModelCard) -> object:
        module = factory(card)
        if isinstance(module, nn.Module):
            precisions.update(other_precisions(module))
        return module

    return make


def _kept_type(precisions: set[str]) -> str:
    """Return what a network is to do about its input whose weights were converted; nothing of another one."""
    kinds = " and ".join(sorted(precisions))
    return f"its weights were converted from {kinds}, so let it take its input as it comes; or " if kinds else ""


def _converted(precisions: set[str]) -> list[str]:
    """Say that the network is asked in another precision than its factory's."""
    kinds = " and ".join(sorted(precisions))
    return [f"Its weights are {kinds}: they were converted, and all is computed in float32."] if kinds else []


def _not_seen(module: nn.Module, fit: Fit) -> list[str]:
    """Say which convolutions and linear maps are no layers: they are in no list, and no kernel of theirs is shown."""
    found = functional_layers(module, lambda: run(module, fit.clip, fit.adapter))
    notes = []
    for kind, counts in zip(("convolution", "linear map"), found, strict=True):
        if counts:
            shapes = "; ".join(shape if times == 1 else f"{shape} ({times} times)" for shape, times in counts.items())
            count = sum(counts.values())
            notes.append(f"Not seen: {count} {kind}{'s' * (count > 1)} by functions, not layers (weights {shapes}).")
    return notes


def _with_values(definition: Definition, module: nn.Module) -> nn.Module:
    """Return the network with values in its weights: itself, unless it was built without memory."""
    if device_of(module).type != "meta":
        return module
    with torch.random.fork_rng(devices=[]):
        built = definition.build().eval().requires_grad_(False)
    if any(weight.is_meta for weight in (*built.parameters(), *built.buffers())):
        raise NetworkError(
            f"{definition.origin} has weights without values (on the meta device): let its factory make them on the "
            "CPU."
        )
    return built


@dataclass(frozen=True)
class _Target:
    """What the user named: how to build it, and what is known of its input."""

    card: ModelCard
    factory: Callable[[ModelCard], object]
    origin: str
    notes: tuple[str, ...]
    size: Mapping[str, int] = field(default_factory=dict)
    batches: Sequence[int] = BATCHES


def _target(model: str | nn.Module, arguments: Mapping[str, Any]) -> _Target:
    if isinstance(model, nn.Module):
        return _live(model, arguments)
    return _exported(model) if model.endswith(".pt2") else _made(model, arguments)


def _live(module: nn.Module, arguments: Mapping[str, Any]) -> _Target:
    module = within_wrappers(module)
    require_readable(module)
    name = type(module).__name__
    quantised = [where for where, part in module.named_modules() if ".quantized." in type(part).__module__]
    if quantised:
        raise NetworkError(
            f"{name} has quantised layers ({quantised[0] or name}), so that what clips it takes cannot be tried: give "
            "the network as it was before it was quantised, or ask the bare module with clips as it takes them."
        )
    if arguments:
        raise OptionError(f"The {name} that was given is made already: leave out model_args.")

    def one_more(_card: ModelCard) -> nn.Module:
        made = copied(module)
        return made.to("meta") if torch.get_default_device().type == "meta" else made

    notes = (f"This network has no card: it is a module of the class {name}.",)
    return _Target(_blank_card(name, "a module that was given", {}), one_more, f"The module {name}", notes)


def _made(model: str, arguments: Mapping[str, Any]) -> _Target:
    factory, file = factory_of(model)
    place, _, name = model.rpartition(":")
    notes = [f"This network has no card: it is what {name} returns."]
    if file is not None:
        notes.append(f"Its file {file.name} has the SHA-256 {file_digest(file)}.")
    if unnamed := taken_unnamed(factory, arguments):
        notes.append(f"Not known: whether {name} reads {', '.join(unnamed)}, which it takes by ** and does not name.")
    origin = f"{model}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    card = _blank_card(name, f"a network of {place.rpartition('/')[2]}", arguments)
    return _Target(card, lambda _card: factory(**arguments), origin, tuple(notes))


def _exported(model: str) -> _Target:
    path = Path(model)
    module, argument = load_exported(path)
    notes = ("This network has no card: it is an exported program.", f"Its SHA-256 is {file_digest(path)}.")
    card = _blank_card(path.stem, "an exported program", {})
    return _Target(card, lambda _card: module, path.name, notes, example_size(argument), example_batch(argument))


def own_weights(definition: Definition) -> nn.Module:
    """Return the network with the weights that its factory gives it.

    Whether these are weights or chance is found by asking twice, under different seeds: chance differs. Raises
    CardError when the factory fails, and ValueError when its weights are chance.
    """
    states: list[dict[str, Tensor]] = []
    for seed in (1, 2):
        with drawing_from(seed):
            module = definition.build()
        states.append(module.state_dict())
    first, second = states
    if any(not torch.equal(first[name], second[name]) for name in first):
        raise ValueError("the factory draws its weights at random")
    return module


def _blank_card(name: str, what: str, arguments: Mapping[str, Any]) -> ModelCard:
    return ModelCard(
        name=slug(re.sub(r"^[^A-Za-z0-9]+", "", name))[:80] or "network",
        title=name,
        architecture=Architecture(source="foreign.py", factory=name, arguments=dict(arguments)),
        clip=ClipSpec(frames=1, height=1, width=1, mean=(0.0,) * 3, std=(1.0,) * 3),
        checked_against=f"no other definition: it is {what}",
    )


def _for_the_answer(network: Network, layers: tuple[LayerFacts, ...]) -> tuple[LayerFacts, ...]:
    """Return the layers without those that only have a part in other outputs: of heads beside the one explained."""
    apart = layers_apart(network)
    return tuple(layer for layer in layers if layer.name not in apart)


def _with_layers(card: ModelCard, layers: tuple[LayerFacts, ...], notes: list[str]) -> ModelCard:
    """Return the card with its classifier and with stages: the last convolution of each size of its maps."""
    executed = [layer for layer in layers if layer.output is not None]
    last = executed[-1] if executed else None
    logits = 1 if card.adapter.one_logit else card.classes
    classifier = last.name if last is not None and last.kernels == logits else None
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
