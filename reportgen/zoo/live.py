"""A module that lives on as a network: what must be known about it is found by running copies of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from reportgen.errors import CardError, NetworkError, OptionError, a_type, speaking
from reportgen.networks.core.copying import require_readable, within_wrappers
from reportgen.networks.core.defaults import usual_defaults
from reportgen.networks.core.network import Network
from reportgen.networks.core.precision import other_precisions
from reportgen.networks.core.programs import with_layers
from reportgen.records.card import Adapter
from reportgen.wording import LIVE_MODULE
from reportgen.zoo.foreign import foreign_definition
from reportgen.zoo.labels import GivenLabels, given_labels, label_count, network_labels, unnamed_classes
from reportgen.zoo.load import with_notes
from reportgen.zoo.overrides import check_fields
from reportgen.zoo.probabilities import with_probabilities
from reportgen.zoo.sample_tests import in_turn, settled
from reportgen.zoo.sources import device_of


def live_network(
    module: nn.Module,
    *,
    labels: GivenLabels | None,
    mean: Sequence[float] | float | None,
    std: Sequence[float] | float | None,
    frames: int | None,
    size: int | tuple[int, int] | None,
    adapter: Adapter | Mapping[str, Any] | None,
) -> Network:
    """Return the network around a module; see `Network.from_module`."""
    if not isinstance(module, nn.Module):
        raise NetworkError(f"A network is made of a torch.nn.Module, and not of {a_type(module)}{_of_program(module)}.")
    if any(weight.is_meta for weight in (*module.parameters(), *module.buffers())):
        raise NetworkError("The module has weights without values (on the meta device): give it values first.")
    module = with_layers(within_wrappers(module))
    require_readable(module)
    said = _clip_fields(module, mean, std, frames, size)
    with speaking(LIVE_MODULE), usual_defaults():
        check_fields(said, adapter)
        names_given = given_labels(labels)
        definition = foreign_definition(module, None, said, adapter, label_count(names_given))
        try:
            copied = definition.build().eval().requires_grad_(False)
        except (RuntimeError, TypeError) as error:
            raise CardError(f"The module {type(module).__name__} cannot be copied ({error}).") from error
        definition = with_probabilities(definition, copied)
        names = network_labels(definition.card, None, names_given)
        asked = Network(copied, definition.card, names, None, device_of(copied))
        network = in_turn(replace(asked, card=settled(asked)))
        assert network.card is not None
        lasting = copied if other_precisions(module) else module
        notes = (*network.card.notes, *unnamed_classes(network))
        return with_notes(replace(network, module=lasting), notes)


def _of_program(given: object) -> str:
    if not isinstance(given, torch.export.ExportedProgram):
        return ""
    return ": save it, and give its file (.pt2) to load_network, or give its module()"


def _clip_fields(
    module: nn.Module,
    mean: Sequence[float] | float | None,
    std: Sequence[float] | float | None,
    frames: int | None,
    size: int | tuple[int, int] | None,
) -> dict[str, Any]:
    """Return what is said of the clip as fields of a ClipSpec; a single number is that of every channel."""
    said: dict[str, Any] = {} if frames is None else {"frames": frames}
    if size is not None:
        sides = (size, size) if isinstance(size, int) else tuple(size)
        if len(sides) != 2:
            raise OptionError(f"size is {size!r}: give one number of px, or height and width.")
        said |= dict(zip(("height", "width"), sides, strict=True))
    if (mean is None) != (std is None):
        raise OptionError("Pixels are standardised by mean and std together: give both, or neither.")
    for name, value in (("mean", mean), ("std", std)):
        if value is not None:
            said[name] = (float(value),) * _channels(module) if isinstance(value, int | float) else tuple(value)
    return said


def _channels(module: nn.Module) -> int:
    first = next((one for one in module.modules() if isinstance(one, nn.Conv3d | nn.Conv2d)), None)
    return first.in_channels if first is not None and first.in_channels % 3 else 3  # frames of three as channels
