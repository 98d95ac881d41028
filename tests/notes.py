"""A progress that remembers what is said."""

from __future__ import annotations

from reportgen.progress import SilentProgress


class Notes(SilentProgress):
    """Keeps what is said beside the bars, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        """Keep a message."""
        self.said.append(message)
