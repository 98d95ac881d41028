"""Child processes of Python that run nothing of the folder that they, or we, were started in.

``python -m`` and ``-c`` put the working folder before all others on the module path: a `yaml.py` that happens to lie
there would be run in place of the installed one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# The child's own path comes first; ours follows for packages that only we were shown (PYTHONPATH, ~/.local).
_START = """\
import json, runpy, sys
sys.path += [folder for folder in json.loads(sys.argv[1]) if folder not in sys.path]
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


# The same, told what to run once it has imported what that needs: a folder to work in, and the words of the command.
_START_LATER = """\
import importlib, json, os, runpy, sys
sys.path += [folder for folder in json.loads(sys.argv[1]) if folder not in sys.path]
for name in sys.argv[3:]:
    importlib.import_module(name)
told = json.loads(sys.stdin.readline() or "null")
if told is None:
    sys.exit()
os.chdir(told[0])
sys.argv = [sys.argv[2], *told[1:]]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def waiting_command(module: str, *imported: str) -> list[str]:
    """Return the command that imports modules, reads a folder and words (a list as JSON) and runs `module` with them.

    It ends by itself when its standard input ends before.
    """
    return [sys.executable, "-I", "-X", "utf8", "-c", _START_LATER, json.dumps(_module_path()), module, *imported]


def module_command(module: str, *words: str) -> list[str]:
    """Return the command that runs an installed module in an isolated interpreter."""
    return [sys.executable, "-I", "-X", "utf8", "-c", _START, json.dumps(_module_path()), module, *words]


def clean_environment(**more: str) -> dict[str, str]:
    """Return our environment without what changes Python's ways, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more


def _module_path() -> list[str]:
    """Return our module path without the working folder, under whatever name."""
    try:
        here = Path.cwd().resolve()
    except FileNotFoundError:  # it was removed under our feet
        return [folder for folder in sys.path if Path(folder).is_absolute()]
    return [folder for folder in sys.path if Path(folder).is_absolute() and Path(folder).resolve() != here]
