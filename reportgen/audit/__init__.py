"""The one place that judges: every limit, every verdict, and every sentence that says how far to believe a figure.

The package is callable, as `reportgen.audit(network, clips)`: see `reportgen.epochs.checking.audit`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallableAudit(ModuleType):
    """This package, which is also the call of its name: a package's attribute would hide a function called so."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        checking = import_module("reportgen.epochs.checking")
        return checking.audit(*args, **kwargs)


def _become_callable(module: ModuleType) -> None:
    module.__class__ = _CallableAudit


_become_callable(sys.modules[__name__])
