"""The command line: parse, call one documented function, turn errors into exit codes.

Heavy imports are inside the commands, so that `reportgen --help` answers at once.
"""

from reportgen.cli.app import cli

__all__ = ["cli"]
