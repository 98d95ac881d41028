"""What a network raises on a clip, told as an error of this library with the network's own reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reportgen.errors import NetworkError
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.passes import REFUSALS


@contextmanager
def refusals_told(sentence: Callable[[str], str]) -> Iterator[None]:
    """Raise NetworkError for what a network raises within the context; `sentence` says it with the first line of that.

    What is out of memory goes on as it is, and so does an error of this library.
    """
    try:
        yield
    except REFUSALS as error:
        if is_out_of_memory(error):
            raise
        lines = str(error).splitlines() or [type(error).__name__]
        raise NetworkError(sentence(lines[0].rstrip("."))) from error
