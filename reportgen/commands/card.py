"""Drafting a model card for a network of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import OptionError, speaking
from reportgen.given import given_path
from reportgen.records.files import check_writable, write_text
from reportgen.wording import LOADING, option

if TYPE_CHECKING:
    from reportgen.zoo.labels import GivenLabels


@speaking(LOADING)
def card(
    model: str,
    *,
    to: str | Path | None = None,
    weights: str | Path | None = None,
    labels: GivenLabels | None = None,
    model_args: Mapping[str, Any] | None = None,
    clip: Mapping[str, Any] | None = None,
    adapter: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model card for a factory, to start from, and return its folder.

    `model` is ``package.module:factory`` or ``path/to/file.py:factory``; how it takes a clip and what it answers is
    found by running it, as `load_network` does, and what was assumed is said in the card's comments. The folder is that
    of the network's name in the zoo `to` (default: ``my_zoo``): ``--zoo my_zoo --model NAME`` builds its report. With
    `weights` the file is named, with its digest, and copied beside the card; a file of the name ``NAME.pth`` (or
    another usual suffix) beside a card is found without that. Raises the errors of `load_network`, OptionError where
    there is a card already or `model` is no factory.
    """
    from reportgen.zoo.drafting import drafted_files
    from reportgen.zoo.load import load_network

    weights = None if weights is None else given_path(weights)
    network = load_network(model, labels=labels, model_args=model_args, clip=clip, adapter=adapter, meta=True)
    if weights is not None:  # a file that does not fit is told now
        load_network(model, weights=weights, labels=labels, model_args=model_args, clip=clip, adapter=adapter)
    files = drafted_files(model, network, weights)
    folder = given_path(to or "my_zoo") / network.name
    if (folder / "card.toml").exists():
        raise OptionError(
            f"There is a card in {folder} already: name another zoo by {option('--to')}, or edit that one."
        )
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if isinstance(content, Path):
            shutil.copyfile(content, folder / name)
        else:
            write_text(folder / name, content)
    if weights is not None:
        shutil.copyfile(weights, folder / weights.name)
    return folder
