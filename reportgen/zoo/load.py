"""From a name to a network: definition, weights, labels and device."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import DeviceError, OptionError, WeightsError, a_type, speaking
from reportgen.given import given_paths
from reportgen.networks.core.defaults import usual_defaults
from reportgen.networks.core.network import Network
from reportgen.networks.core.random_state import drawing_from
from reportgen.networks.core.said import say_once
from reportgen.networks.speed.pooling import quicken_pools
from reportgen.records.card import Adapter, ClipSpec, WeightsSource
from reportgen.records.manifest import WeightsFacts
from reportgen.resources import modelzoo_folder
from reportgen.wording import LOADING, kept, option, worded
from reportgen.zoo.arguments import require_read
from reportgen.zoo.cards import Zoo, default_zoo
from reportgen.zoo.checkpoints import read_checkpoint
from reportgen.zoo.foreign import foreign_definition, is_foreign, own_weights
from reportgen.zoo.initial import initialise
from reportgen.zoo.labels import GivenLabels, given_labels, label_count, network_labels, unnamed_classes
from reportgen.zoo.matching import require_match
from reportgen.zoo.overrides import check_fields, merged
from reportgen.zoo.places import find_weights, weights_beside, weights_missing
from reportgen.zoo.probabilities import with_probabilities
from reportgen.zoo.sample_tests import in_doubt, in_turn, settled
from reportgen.zoo.sources import Definition, definition_of, device_of

_GUESSES = ("Assumed", "Not known", "Not seen")
"""How the notes begin that are told wherever a network is loaded, for they may be wrong or leave something out."""

_STATE = "the state dict"
"""What weights are called that came from no file."""


@speaking(LOADING)
@usual_defaults()
def load_network(
    model: str | nn.Module,
    *,
    weights: str | Path | Mapping[str, Tensor] | None = None,
    weights_key: str | None = None,
    untrained: bool = False,
    device: str = "cpu",
    zoo: Zoo | str | Path | Sequence[str | Path] = (),
    labels: GivenLabels | None = None,
    model_args: Mapping[str, Any] | None = None,
    clip: ClipSpec | Mapping[str, Any] | None = None,
    adapter: Adapter | Mapping[str, Any] | None = None,
    seed: int = 0,
    meta: bool = False,
) -> Network:
    """Return the network of that name with its weights, in evaluation mode and with frozen parameters.

    `model` is the name or alias of a card, or `package.module:factory` or `path/to/file.py:factory` for any network
    without one, or a module, of which a copy is taken (`Network.from_module` asks the module itself). Without a card
    one is made up; what was found or assumed is kept in `assumptions`, and guesses are told once on the logger
    `reportgen`. `zoo` are further folders of cards, looked at first. `weights` is a state dict, or a checkpoint in any
    of the forms that `read_checkpoint` knows; by default the file is looked for beside the card and in the user's
    folder of weights. `weights_key` names the weights in a file that holds several (`state_dict_ema`). `untrained`
    takes the seeded initialisation instead. `labels` (a file with one name per line, the names, or a mapping from every
    index) replaces the card's; `model_args` adds to the architecture's arguments; `clip` and `adapter` replace the
    card's, or single fields of it. `device` is auto, cpu or cuda[:i]. With `meta` the network has no memory for its
    weights: it can be described, not run.

    Raises UnknownNameError, CardError, WeightsError, DeviceError, NetworkError and OptionError.
    """
    if not isinstance(model, str | nn.Module):
        raise OptionError(
            f"A network is a card's name, a factory such as net.py:make, or a torch.nn.Module, and not {a_type(model)}."
        )
    place, names_given = parse_device(device), given_labels(labels)
    check_fields(clip, adapter)
    cards = zoo if isinstance(zoo, Zoo) else default_zoo(given_paths(zoo))
    if isinstance(model, nn.Module) or is_foreign(model):
        definition = foreign_definition(model, model_args, clip, adapter, label_count(names_given))
    else:
        definition = _changed(definition_of(cards.find(model)), model_args, clip, adapter)
    if meta:
        return _described(definition, network_labels(definition.card, definition.entry, names_given), seed)
    if untrained and weights is not None:
        raise OptionError(
            f"{option('--weights')} and {option('--untrained')} exclude each other: leave one of them out."
        )
    if weights_key is not None and (untrained or (definition.entry is None and weights is None)):
        raise OptionError(
            f"{option('--weights-key')} names a part of a file: give the file with {option('--weights')}."
        )
    if untrained:
        module = seeded(definition, seed)
        licence = definition.card.licence
        facts = WeightsFacts(sha256=tensors_digest(module.state_dict()), untrained=True, licence=licence)
    elif definition.entry is None and weights is None:
        module = _own(definition)
        source = f"returned by {definition.card.title}"
        facts = WeightsFacts(sha256=tensors_digest(module.state_dict()), source=source, of_unknown_origin=True)
    else:
        definition, module, facts = _trained(definition, weights, weights_key, cards)
    if definition.entry is None:
        definition = with_probabilities(definition, module)
    names = network_labels(definition.card, definition.entry, names_given)
    network = Network(quicken_pools(_frozen(module)).to(place), definition.card, names, facts, place)
    if definition.entry is not None and definition.entry.root == modelzoo_folder():
        return network
    return _with_assumptions(in_turn(replace(network, card=settled(network))), definition)


def _described(definition: Definition, labels: tuple[str, ...], seed: int) -> Network:
    """Return the network without memory for its weights, where it can be built and judged so."""
    module = _frozen(definition.build_on_meta())
    network = Network(module, definition.card, labels, None, device_of(module))
    if definition.entry is not None:
        return network
    if not in_doubt(network):
        return _with_assumptions(in_turn(network), definition)
    built = seeded(definition, seed) if network.device.type == "meta" else module
    network = replace(network, module=built, device=device_of(built))
    return _with_assumptions(in_turn(replace(network, card=settled(network))), definition)


def _with_assumptions(network: Network, definition: Definition) -> Network:
    """Return a network that says what was found or assumed, where it has no card of its own."""
    if definition.entry is not None or network.card is None:
        return network
    return with_notes(network, (*network.card.notes, *unnamed_classes(network)))


def what_was_found(network: Network) -> tuple[str, ...]:
    """Return what was found, and is no guess, about a network without a card; nothing for one that has a card."""
    return tuple(note for note in network.assumptions if not note.startswith(_GUESSES))


def with_notes(network: Network, notes: Sequence[str]) -> Network:
    """Return a network that keeps these notes about itself, and say those that are guesses, once in a process."""
    for note in (one for one in notes if one.startswith(_GUESSES)):
        say_once(f"{network.name}: {worded(note)}")
    lasting = tuple(map(kept, notes))
    card = network.card.model_copy(update={"notes": lasting}) if network.card else None
    return replace(network, card=card, assumptions=lasting)


def _trained(
    definition: Definition, weights: str | Path | Mapping[str, Tensor] | None, key: str | None, zoo: Zoo
) -> tuple[Definition, nn.Module, WeightsFacts]:
    """Return the module with the weights of a file, and its definition, whose classes may be the file's."""
    if isinstance(weights, Mapping):
        return _with_state(definition, weights, key, zoo)
    source, path = _weights_file(definition, weights)
    checkpoint = read_checkpoint(path, key)
    if source is not None and source.sha256 is not None and checkpoint.file_sha256 != source.sha256.lower():
        if weights is None:
            raise WeightsError(
                f"{path} is not the published file (its SHA-256 differs): move it away and fetch it again."
            )
        source = None  # a file of one's own that has the published one's name
    definition, module = _matched(checkpoint.tensors, definition, zoo, path.name)
    facts = WeightsFacts(
        file=path.name,
        sha256=tensors_digest(module.state_dict()),
        file_sha256=checkpoint.file_sha256,
        published=source is not None,
        licence=source.licence if source else None,
        source=(source.url or source.page) if source else None,
        trained_on=source.trained_on if source else None,
    )
    return definition, _frozen(module), facts


def _with_state(
    definition: Definition, state: Mapping[str, Any], key: str | None, zoo: Zoo
) -> tuple[Definition, nn.Module, WeightsFacts]:
    """Return the module with the weights of a state dict, which somebody has in memory."""
    if key is not None:
        raise OptionError(
            f"{option('--weights-key')} names a part of a file: give that part of the state dict by "
            f"{option('--weights')}."
        )
    other = next((name for name, value in state.items() if not isinstance(value, Tensor)), None)
    if other is not None or not state:
        what = f"holds {a_type(state[other])} under {other!r}" if other is not None else "is empty"
        raise WeightsError(f"The state dict {what}: give names with their tensors, as module.state_dict() returns.")
    definition, module = _matched({name: one.detach().cpu() for name, one in state.items()}, definition, zoo, _STATE)
    facts = WeightsFacts(sha256=tensors_digest(module.state_dict()), source=_STATE, of_unknown_origin=True)
    return definition, _frozen(module), facts


def _matched(
    tensors: Mapping[str, Tensor], definition: Definition, zoo: Zoo, origin: str
) -> tuple[Definition, nn.Module]:
    """Return the definition, whose classes may be those of the weights, and the module with them."""
    found = require_match(tensors, definition, zoo, file=origin)
    if found.classes != definition.card.classes:
        changed = definition.card.model_copy(update={"classes": found.classes, "labels": None})
        definition = replace(definition, card=changed)
    module = definition.build()
    module.load_state_dict(found.state)
    _require_finite(module, origin)
    return definition, module


def _own(definition: Definition) -> nn.Module:
    """Return a foreign network with the weights that its factory brings; raises WeightsError when it brings none."""
    try:
        module = _frozen(own_weights(definition))
    except ValueError as error:
        raise WeightsError(
            f"{definition.origin} has no weights ({error}): name a file with {option('--weights')}, or build with "
            f"{option('--untrained')}."
        ) from error
    _require_finite(module, definition.origin)
    return module


def _require_finite(module: nn.Module, origin: str) -> None:
    """Raise WeightsError for weights that are no numbers; a buffer may be infinite, as a mask of attention is."""
    bad = (name for name, value in module.named_parameters() if not value.isfinite().all())
    bad_buffers = (name for name, value in module.named_buffers() if value.isnan().any())
    name = next(bad, None) or next(bad_buffers, None)
    if name is not None:
        raise WeightsError(
            f"{origin} holds NaN or infinity in the place of weights ({name}): its training had failed by then; "
            "take an earlier file."
        )


def seeded(definition: Definition, seed: int) -> nn.Module:
    """Return the untrained module, a function of the seed alone; the caller's random state is left alone."""
    with drawing_from(seed):
        module = definition.build()
        # Some parametrizations draw random numbers when their weight is set.
        initialise(Network(_frozen(module), definition.card), seed)
    return module


def parse_device(name: str) -> torch.device:
    """Return the device that auto, cpu, cuda or cuda:i names; raises DeviceError when it is not there."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, separator, index = name.partition(":")
    if kind != "cuda" or (separator and not index.isdecimal()):
        raise DeviceError(f"There is no device {name!r}: choose auto, cpu, cuda or cuda:0, cuda:1, ...")
    if not count:
        raise DeviceError(
            f"{name} was asked for, but torch finds no CUDA device here: choose {option('--device', 'cpu')}."
        )
    if index and int(index) >= count:
        known = ", ".join(f"cuda:{number}" for number in range(count))
        raise DeviceError(f"There is no device {name}: this machine has {known}.")
    return torch.device(name)


def tensors_digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over the names, types, shapes and values of a state dict, in its order."""
    total = hashlib.sha256()
    for name, tensor in state.items():
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        values = tensor.detach().cpu().contiguous()
        total.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _frozen(module: nn.Module) -> nn.Module:
    return module.eval().requires_grad_(False)


def _weights_file(definition: Definition, weights: str | Path | None) -> tuple[WeightsSource | None, Path]:
    """Return the file to read, and the published file that it is, as far as its name tells."""
    if weights is not None:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise WeightsError(f"The weights {path} are not a file: check the path.")
        return next((source for source in definition.card.weights if source.file == path.name), None), path
    assert definition.entry is not None  # a network without a card never comes here without weights
    found = find_weights(definition.entry)
    if found is not None:
        return found
    beside = weights_beside(definition.entry)
    if beside is None:
        raise weights_missing(definition.entry)
    return None, beside


def _changed(
    definition: Definition,
    model_args: Mapping[str, Any] | None,
    clip: ClipSpec | Mapping[str, Any] | None,
    adapter: Adapter | Mapping[str, Any] | None,
) -> Definition:
    """Return the definition with a changed card; raises OptionError for a value that the card cannot hold."""
    card = definition.card
    arguments = card.architecture.arguments | dict(model_args or {})
    changed = card.model_copy(
        update={
            "architecture": card.architecture.model_copy(update={"arguments": arguments}),
            "clip": merged(ClipSpec, card.clip.model_dump(), clip, "--clip-spec"),
            "adapter": merged(Adapter, card.adapter.model_dump(), adapter, "--adapter"),
        }
    )
    if model_args:
        require_read(definition.factory, changed, model_args)
    return replace(definition, card=changed)
