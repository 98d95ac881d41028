"""The command line: parse, call one documented function, turn errors into exit codes.

Heavy imports are inside the commands, so that `reportgen --help` answers at once, and the commands themselves are
loaded when they are asked for: `main` listens to signals before.
"""

from typing import TYPE_CHECKING, Any

from reportgen.cli.start import main

if TYPE_CHECKING:
    from reportgen.cli.app import cli as cli

__all__ = ["cli", "main"]


def __getattr__(name: str) -> Any:
    if name != "cli":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reportgen.cli.app import cli

    return cli
