"""How much of an analysis a network can afford where a preset bounds the work.

Work is counted in multiply-adds of convolutions and linear layers: a rule then knows the network and not the machine,
and a report asks the same of a network wherever it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reportgen.records.manifest import LayerFacts

#: A backward pass to the clip is twice a forward pass: a gradient costs as much as three.
GRADIENT_PASSES = 3


def forward_work(layers: Mapping[str, LayerFacts], last: str | None = None) -> float:
    """Return the multiply-adds of one native clip's forward pass in 1e9, up to the layer `last` where one is named."""
    end = layers[last].order if last is not None else None
    return sum(facts.multiply_adds or 0 for facts in layers.values() if end is None or facts.order <= end) / 1e9


def passes_within(layers: Mapping[str, LayerFacts], work: float) -> float:
    """Return how many forward passes fit into `work` 1e9 multiply-adds."""
    forward = forward_work(layers)
    return work / forward if forward > 0 else float("inf")


def fitted(
    asked: Mapping[str, int],
    fewest: Mapping[str, int],
    passes: Callable[[Mapping[str, int]], int],
    affordable: float,
) -> dict[str, int]:
    """Return the counts of `asked`, lowered one after the other until their `passes` fit, but not below `fewest`.

    `fewest` names what is lowered, what matters least first; of what is not more than that already, nothing is taken.
    """
    chosen = dict(asked)
    for name, least in fewest.items():
        while chosen[name] > least and passes(chosen) > affordable:
            chosen[name] -= 1
    return chosen


def lowered(asked: Mapping[str, int], chosen: Mapping[str, int], words: Mapping[str, str]) -> list[str]:
    """Return what was lowered, in words: ``random maps: 4 instead of 10``."""
    return [f"{words[name]}: {chosen[name]} instead of {asked[name]}" for name in words if chosen[name] < asked[name]]
