"""The commands that list what there is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reportgen.cli.flags import json_object
from reportgen.cli.options import ADAPTER, CLIP_SPEC, FILE, JSON, MODEL_ARGS, RUNS, ZOO, SureValues, takes
from reportgen.cli.session import show, shown_progress


@click.command(cls=SureValues)
@takes(ZOO, JSON)
def models(zoo: tuple[Path, ...], as_json: bool) -> None:
    """List the models of the zoo."""
    from reportgen.cli.tables import models_table
    from reportgen.commands.models import list_models

    rows = list_models(zoo)
    show(rows, models_table, as_json)


@click.command(cls=SureValues)
@takes(RUNS, JSON)
def status(runs: Path | None, as_json: bool) -> None:
    """Show how far computed runs are, while workers are at them too; asks no scheduler and waits for nobody."""
    from reportgen.cli.tables import status_table
    from reportgen.commands.status import status as status_of

    show(status_of(runs or Path("runs")), status_table, as_json)


@click.command(cls=SureValues)
@takes(JSON)
def methods(as_json: bool) -> None:
    """List the methods with their parameters: each preset's values, what else they may be, and what they mean."""
    from reportgen.cli.tables import methods_table
    from reportgen.commands.methods import list_methods

    show(list_methods(), methods_table, as_json)


@click.command(cls=SureValues)
@click.argument("document", required=False)
@takes(click.option("--json", "as_json", is_flag=True, help="On one line."))
def schema(document: str | None, as_json: bool) -> None:
    """Print the JSON schema of DOCUMENT, or of all: a run's files, each method's answer, card.toml, reportgen.toml."""
    from reportgen.commands.schema import schema as schema_of

    click.echo(json.dumps(schema_of(document), indent=None if as_json else 1))


@click.command(cls=SureValues)
@click.argument("model")
@takes(
    ZOO,
    MODEL_ARGS,
    CLIP_SPEC,
    ADAPTER,
    JSON,
)
def layers(
    model: str,
    zoo: tuple[Path, ...],
    model_args: str | None,
    clip_spec: str | None,
    adapter: str | None,
    as_json: bool,
) -> None:
    """List the convolutional and linear layers of MODEL."""
    from reportgen.cli.tables import layers_table
    from reportgen.commands.layers import list_layers

    with shown_progress(quiet=False) as progress:
        rows = list_layers(
            model,
            zoo=zoo,
            model_args=json_object("model_args", model_args),
            clip=json_object("clip_spec", clip_spec),
            adapter=json_object("adapter", adapter),
            progress=progress,
        )
    show(rows, layers_table, as_json)


@click.command(cls=SureValues)
@click.argument("model")
@takes(
    click.option(
        "--to", "zoo", type=click.Path(path_type=Path), metavar="ZOO", help="Folder of cards.  [default: my_zoo]"
    ),
    click.option("--weights", type=FILE, metavar="FILE", help="Its weights: named in the card and copied beside it."),
    click.option("--labels", type=FILE, metavar="FILE", help="Class names, one per line."),
    MODEL_ARGS,
    CLIP_SPEC,
    ADAPTER,
)
def card(
    model: str,
    zoo: Path | None,
    weights: Path | None,
    labels: Path | None,
    model_args: str | None,
    clip_spec: str | None,
    adapter: str | None,
) -> None:
    """Write a model card for the factory MODEL to start from; what is assumed is said in its comments."""
    from reportgen.commands.card import card as write_card

    folder = write_card(
        model,
        to=zoo,
        weights=weights,
        labels=labels,
        model_args=json_object("model_args", model_args),
        clip=json_object("clip_spec", clip_spec),
        adapter=json_object("adapter", adapter),
    )
    click.echo(folder / "card.toml")
