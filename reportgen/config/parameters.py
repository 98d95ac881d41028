"""The parameters of all methods of a build: each preset's, what one method takes over from another, what is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reportgen.analyses.method import PresetName
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import methods
from reportgen.errors import OptionError, unknown_name


def resolved_parameters(preset: PresetName, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Parameters]:
    """Return the parameters of every method by its name, with what is `given` of some over the preset's.

    Raises OptionError that names every value that is not valid.
    """
    known = methods()
    faults = [str(unknown_name("analysis", name, known)) for name in given if name not in known]
    found: dict[str, Parameters] = {}
    for name, method in known.items():
        try:
            found[name] = method.resolved(preset, given.get(name, {}), found)
        except OptionError as error:
            faults.append(str(error))
            found[name] = method.preset(preset)
    if faults:
        raise OptionError(" ".join(faults))
    return found
