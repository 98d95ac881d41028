"""What a caller should know and did not ask: said once, on the logger `reportgen`, which writes to standard error."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("reportgen")
_said: set[str] = set()


def say_once(sentence: str) -> None:
    """Say a sentence, the first time alone that a process has it to say."""
    if sentence not in _said:
        _said.add(sentence)
        _LOG.warning(sentence)
