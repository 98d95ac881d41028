"""The pages of all kernels: one that lists them, and one for each layer on which a script draws any kernel's page.

A page of Markdown for each of thousands of kernels would take mkdocs minutes and half a gigabyte: a layer has one,
whose plain table stands in where there is no script, and whose part ``#0042`` is the page of that kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reportgen.outputs.model import LaterTable
from reportgen.pages.catalogue_tables import all_kernels_table, kernel_layers_table
from reportgen.pages.kernel_index import SHARD, KernelIndex
from reportgen.pages.kernel_list import kernel_facts, kernel_list
from reportgen.pages.kernel_shards import KernelShards
from reportgen.pages.layer_keys import page_keys
from reportgen.pages.page import Asset, Found, MadeScript, Page
from reportgen.pages.report import ModelView, Report


def command_without(model: ModelView, layer: str) -> str:
    """Return the command that visualises one more kernel of a layer, into folders of its own; ``KERNEL`` is its index.

    What the run was told of the network is in it, so that it is the same network again.
    """
    options = model.run.options
    words = ["reportgen build"]
    models = options.get("models")
    words += [f"--model {_quoted(models[0])}" if isinstance(models, list) and len(models) == 1 else ""]
    words += [f"--weights {_quoted(options['weights'])}" if options.get("weights") else ""]
    words += ["--untrained" if model.run.weights.untrained else ""]
    words += [f"--objective {options['objective']}" if options.get("objective") not in (None, "firing") else ""]
    words += [f"--layers {_quoted(layer)} --kernels KERNEL, --analyses kernels,decomposition,path"]
    words += ["--runs runs-more --site site-more"]
    return " ".join(filter(None, words))


def _quoted(value: object) -> str:
    text = str(value)
    return text if text.replace(".", "").replace("_", "").replace("-", "").isalnum() else f"'{text}'"


def _layer_page(index: KernelIndex, shards: KernelShards, layer: str) -> Page:
    model = index.model
    title = model.stage_title(layer)
    count = model.census[layer]
    table = LaterTable(
        "kernels", "All kernels of the layer", lambda: all_kernels_table(model, layer, index.rows(layer))
    )
    return Page(
        uri=model.addresses.all_kernels(layer),
        title=f"Kernels of {title} · {model.title}",
        template="pages/layer_kernels.md.j2",
        context={
            "model": model,
            "layer": layer,
            "place": index.layers[layer],
            "table": table,
            "command": command_without(model, layer),
        },
        assets=tuple(_scripts(index, shards, layer)),
        wide=True,
        finder=Found(f"Kernels of {title}", f"all {count} of {model.title}", layer),
        parts=tuple(f"{place:04d}" for place in range(count)),
        blocks=(table,),
        key=index.keys.get(layer, ""),
    )


def _scripts(index: KernelIndex, shards: KernelShards, layer: str) -> Iterator[Asset]:
    for start in range(0, index.model.census[layer], SHARD):
        name = index.shard_name(layer, start)
        yield MadeScript(f"{name}.js", name, partial(shards.shard, layer, start), shards.key(layer))


def pages(report: Report) -> Iterator[Page]:
    """Yield the list of a model's kernels, then a page for each of its layers."""
    for model in report.models:
        if not model.census:
            continue
        index = KernelIndex(model, page_keys(report, model).layers)
        layers = kernel_layers_table(model)
        yield Page(
            uri=model.addresses.catalogue,
            title=f"All kernels · {model.title}",
            template="pages/kernels.md.j2",
            context={"model": model, "layers": layers, "total": sum(model.census.values())},
            assets=(
                MadeScript(f"{index.list_name}.js", index.list_name, partial(kernel_list, index, report.known)),
                MadeScript(f"{index.facts_name}.js", index.facts_name, partial(kernel_facts, index)),
            ),
            nav=(model.title,),
            nav_title="All kernels",
            wide=True,
            finder=Found("All kernels", model.title, "catalogue list filter sort dead duplicate near-silent"),
            blocks=(layers,),
        )
        shards = KernelShards(index)
        for layer in model.census:
            yield _layer_page(index, shards, layer)
