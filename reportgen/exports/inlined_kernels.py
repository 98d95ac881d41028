"""The data that scripts load for kernels, as far as one page shows it: see `reportgen.pages.kernel_list`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from reportgen.exports.inlined_files import SiteFiles

Loaded = tuple[str, Any]
"""The name of a script's data, and the data."""


def loaded_data(files: SiteFiles, page: str) -> Iterator[Loaded]:
    """Yield what the scripts of a page of kernels load when they are asked, without the clips that it does not show."""
    folder, name = posixpath.split(page)
    network, stem = folder.split("/")[0], name.removesuffix(".html")
    facts = files.data(f"{network}/kernel-facts.js")
    if facts is None:
        return
    shards = [(number, found) for number in range(len(files.names(folder))) if (found := _shard(files, folder, number))]
    if stem == "kernels":
        if whole := files.data(f"{network}/kernels.js"):
            yield f"{network}/kernels", whole
        shown = {clip for _, shard in shards for kernel in shard["kernels"] for clip in _clips(kernel)}
    elif stem.isdigit():
        number, place = divmod(int(stem), facts["shard"])
        shards = [(one, _only(shard, place)) for one, shard in shards if one == number]
        shown = set()
    else:
        return
    clips = [{**clip, "clip": clip.get("clip") if at in shown else None} for at, clip in enumerate(facts["clips"])]
    yield f"{network}/kernel-facts", {**facts, "clips": clips}
    for number, shard in shards:
        yield f"{folder}/kernels-{number}", shard


def _shard(files: SiteFiles, folder: str, number: int) -> dict[str, Any] | None:
    found = files.data(f"{folder}/kernels-{number}.js")
    return found if isinstance(found, dict) else None


def _clips(kernel: dict[str, Any]) -> Iterator[int]:
    for found in (kernel.get("clips") or {}).values():
        yield from (clip for clip, *_ in found)


def _only(shard: dict[str, Any], place: int) -> dict[str, Any]:
    """Return a shard with one of its kernels; the others keep their places."""
    return {**shard, "kernels": [kernel if at == place else None for at, kernel in enumerate(shard["kernels"])]}
