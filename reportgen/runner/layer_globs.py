"""`--layers`: globs over the layers of all networks of a build, or of one that stands before them."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.errors import unknown_name
from reportgen.runner.places import Place
from reportgen.wording import option


class LayerGlobs:
    """The globs that a build was given: ``GLOB`` is for all of its networks, ``MODEL=GLOB`` for one more."""

    def __init__(self, given: Sequence[str], places: Sequence[Place]) -> None:
        """Tell the globs of all networks from those of one; raises UnknownNameError for a network there is not."""
        names = {name for place in places for name in _names(place)}
        self._given = [
            (model, glob) if mark else ("", model) for model, mark, glob in (g.partition("=") for g in given)
        ]
        for model, _ in self._given:
            if model and model not in names:
                raise unknown_name(
                    "network of this build", model, names, hint=f"{option('--layers')} takes GLOB or MODEL=GLOB."
                )

    def of(self, place: Place) -> tuple[str, ...]:
        """Return the globs for one network; none select the layers that its card names."""
        return tuple(glob for model, glob in self._given if not model or model in _names(place))


def _names(place: Place) -> set[str]:
    """Return what a network of a build may be called: as it was asked for, by its card, and by its name in reports."""
    asked = place.asked
    return {name for name in (place.name, asked.model, asked.facts.name, asked.given) if name}
