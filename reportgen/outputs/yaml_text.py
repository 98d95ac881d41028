"""YAML that reportgen writes from what others named: nothing in a value is read as YAML, or turns the writing round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from reportgen.bidi import without_bidi


class _Dumper(yaml.SafeDumper):
    """PyYAML's own, which escapes what YAML cannot hold; controls of the direction of writing it would leave."""


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_str(without_bidi(text)))


def yaml_string(text: str) -> str:
    """Return text as a value of YAML in one line: whatever is in it is escaped as YAML asks, which JSON does not do."""
    found: str = yaml.dump(text, Dumper=_Dumper, default_style='"', allow_unicode=True, width=math.inf)
    return found.rstrip("\n")


def yaml_text(value: Mapping[str, Any], *, width: int = 100) -> str:
    """Return a mapping as YAML in its order; a line is broken where it is wider than `width`."""
    text: str = yaml.dump(dict(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)
    return text
