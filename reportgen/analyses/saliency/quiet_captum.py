"""captum, imported without what tqdm says of missing widgets to whoever is in a notebook."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="IProgress not found")
    import captum.attr

__all__ = ["captum"]
