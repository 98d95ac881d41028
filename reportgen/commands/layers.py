"""The layers of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import OptionError, speaking
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.base import Frozen
from reportgen.records.manifest import LayerFacts
from reportgen.wording import LOADING

if TYPE_CHECKING:
    from reportgen.networks.core.network import NetworkLike


class LayerRow(Frozen):
    """A convolutional or linear layer of a network, with its share of the whole."""

    facts: LayerFacts
    parameter_share: float
    multiply_add_share: float | None
    stage: str | None


@speaking(LOADING)
def list_layers(
    model: str | NetworkLike,
    *,
    zoo: str | Path | Sequence[str | Path] = (),
    model_args: Mapping[str, Any] | None = None,
    clip: Mapping[str, Any] | None = None,
    adapter: Mapping[str, Any] | None = None,
    progress: Progress | bool = SILENT,
) -> list[LayerRow]:
    """Return the convolutional and linear layers of a network in order of execution; needs no weights.

    `model` is a name as for `load_network`, a module, or a network that is loaded, which is left as it was. The other
    arguments are those of `load_network`, and so are the errors; OptionError for one that a loaded network has no use
    for. What was found about a network without a card is noted to `progress`, beside the guesses that loading tells.
    """
    from reportgen.networks.core.network import Network
    from reportgen.networks.core.unchanged import unchanged
    from reportgen.networks.kernels.layers import describe_layers
    from reportgen.zoo.load import load_network, what_was_found

    if isinstance(model, Network):
        if zoo or model_args or clip or adapter:
            raise OptionError(f"{model.name} is loaded already: leave out zoo, model_args, clip and adapter.")
        network = model
    else:
        network = load_network(model, zoo=zoo, model_args=model_args, clip=clip, adapter=adapter, meta=True)
    progress = observer(progress)
    for note in what_was_found(network):
        progress.note(note)
    with unchanged(network.module):
        layers = describe_layers(network)
    parameters = sum(parameter.numel() for parameter in network.module.parameters())
    work = sum(facts.multiply_adds or 0 for facts in layers)
    stages = {stage.layer: stage.title for stage in network.card.stages} if network.card else {}
    return [
        LayerRow(
            facts=facts,
            parameter_share=facts.parameters / parameters if parameters else 0.0,
            multiply_add_share=facts.multiply_adds / work if facts.multiply_adds is not None and work else None,
            stage=stages.get(facts.name),
        )
        for facts in layers
    ]
