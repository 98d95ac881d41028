"""The networks of a build: loaded when they are needed, and identified before any work."""

from __future__ import annotations

from itertools import zip_longest

from reportgen.config.options import BuildOptions
from reportgen.errors import CardError
from reportgen.networks.core.network import Network
from reportgen.records.card import ModelCard
from reportgen.records.jobs import content_key
from reportgen.records.manifest import WeightsFacts
from reportgen.runner.places import Asked, NetworkFacts
from reportgen.zoo.cards import default_zoo
from reportgen.zoo.load import load_network
from reportgen.zoo.origin import source_of


class Loader:
    """Loads the networks of a build as its options say, and keeps the last one alone: several may not fit memory."""

    def __init__(self, options: BuildOptions) -> None:
        self._options = options
        self._last: tuple[str, Network] | None = None

    def network(self, model: str) -> Network:
        """Return a network; raises the errors of `reportgen.load_network`."""
        if self._last is None or self._last[0] != model:
            self._last = None
            self._last = model, self._load(model)
        return self._last[1]

    def asked(self) -> list[Asked]:
        """Load every network once and say which it is, so that a clash, or one that is not there, is told at once."""
        zoo = default_zoo(self._options.zoo)
        found = []
        for model, given in zip_longest(self._options.models, self._options.names):
            network = self.network(model)
            source = source_of(model, zoo)
            facts = NetworkFacts(
                name=card_of(network).name,
                weights=weights_of(network).sha256,
                architecture=content_key(card_of(network).architecture.model_dump(mode="json")),
                source=source.sha256,
            )
            found.append(Asked(model, facts, source, given))
        return found

    def _load(self, model: str) -> Network:
        options = self._options
        return load_network(
            model,
            weights=options.weights,
            weights_key=options.weights_key,
            untrained=options.untrained,
            device=options.device,
            zoo=options.zoo,
            labels=options.labels,
            model_args=options.model_args,
            clip=options.clip_spec or None,
            adapter=options.adapter or None,
            seed=options.seed,
        )


def card_of(network: Network) -> ModelCard:
    """Return the network's card; raises CardError for a bare module."""
    if network.card is None:
        raise CardError("A report needs a model card: load the network with reportgen.load_network.")
    return network.card


def weights_of(network: Network) -> WeightsFacts:
    """Return the facts about the network's weights; raises CardError when it was not loaded from any."""
    if network.weights is None:
        raise CardError("A report needs the facts about its weights: load the network with reportgen.load_network.")
    return network.weights
