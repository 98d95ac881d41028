"""The commands that check a report that came from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reportgen.cli.flags import json_object
from reportgen.cli.options import (
    ADAPTER,
    FILE,
    FOLDER,
    JSON,
    MODEL_ARGS,
    QUIET,
    ZOO,
    ManyClips,
    SureValues,
    takes,
)
from reportgen.cli.session import json_text, shown_progress

_REPORT = click.Path(path_type=Path)

_NETWORK = takes(
    click.option("--weights", type=FILE, metavar="FILE", help="The network's weights, which you have yourself."),
    click.option(
        "--model",
        metavar="NAME",
        help="Card, package.module:factory, file.py:factory or .pt2: a program of yours, never one of the report's. "
        " [default: the card of the report's name, in your zoo]",
    ),
    MODEL_ARGS,
    ADAPTER,
    ZOO,
    click.option("--weights-key", metavar="KEY", help="Which weights of a file that holds several."),
    click.option("--labels", type=FILE, metavar="FILE", help="Class names, one per line."),
    click.option("--clip", "clips", multiple=True, metavar="PATH", help="The clips that the report was made of."),
    click.option("--reference", type=FOLDER, metavar="DIR", help="Folder of its reference clips."),
    click.option("--concept", "concepts", multiple=True, metavar="NAME=DIR", help="Its concepts."),
    click.option("--device", metavar="NAME", help="cpu, cuda or cuda:N.  [default: auto]"),
    click.option("--threads", type=int, metavar="N", help="Of the processor.  [default: as many as the report's]"),
)


@click.command(cls=ManyClips)
@click.argument("report", type=_REPORT)
@takes(
    click.option("--digest", metavar="HEX", help="Root digest that came by another way, such as in the paper."),
    click.option("--ignore", metavar="GLOB", multiple=True, help="Files in the folder that are no part of the report."),
    click.option("--sample", type=int, metavar="N", default=0, help="Compute N of its records again.  [default: 0]"),
    click.option(
        "--seed", type=int, metavar="N", help="Which records these are.  [default: drawn anew each time, and told]"
    ),
    click.option("--tolerance", type=float, metavar="SHARE", help="By which numbers may differ.  [default: 0.01]"),
    _NETWORK,
    click.option("--strict", is_flag=True, help="Fail where an answer is not known, too."),
    JSON,
    QUIET,
)
def verify(
    report: Path,
    digest: str | None,
    ignore: tuple[str, ...],
    sample: int,
    seed: int | None,
    tolerance: float | None,
    strict: bool,
    as_json: bool,
    quiet: bool,
    **network: Any,
) -> None:
    """Check REPORT, a report's folder or zip archive; the exit code is 28 when it does not hold.

    Three answers are kept apart: whether its files are unchanged since the root digest was given out, whether it is
    consistent in itself, and whether a sample of its records comes out the same when it is computed again. Nothing of
    the report is run.
    """
    for name in ("model_args", "adapter"):
        network[name] = json_object(name, network[name])
    network["models"] = (model,) if (model := network.pop("model")) else ()

    from reportgen.cli.proof_lines import verification_lines
    from reportgen.commands.verify import verify as verify_report
    from reportgen.config.reading import load_options
    from reportgen.proof.likeness import DEFAULT_TOLERANCE

    # No configuration file: one that lies here may have come with the report.
    options = load_options(network, no_file=True)
    with shown_progress(quiet) as progress:
        found = verify_report(
            report,
            digest=digest,
            ignore=ignore,
            options=options,
            sample=sample,
            seed=seed,
            tolerance=DEFAULT_TOLERANCE if tolerance is None else tolerance,
            progress=progress,
        )
    click.echo(json_text(found) if as_json else verification_lines(found))
    found.require(strict=strict)


@click.command(cls=SureValues)
@click.argument("first", type=_REPORT)
@click.argument("second", type=_REPORT)
@takes(
    click.option("--to", type=FILE, metavar="FILE", help="Write the comparison as one page of HTML."),
    JSON,
)
def diff(first: Path, second: Path, to: Path | None, as_json: bool) -> None:
    """Compare two reports: folders of runs, sites or zip archives; the exit code is 29 when they differ.

    Told is what changed by more than noise: kernels, matched by how they answer to the same reference clips, verdicts,
    reliance on motion, and the pathways of classes.
    """
    from reportgen.cli.proof_lines import difference_lines
    from reportgen.commands.diff import diff as diff_reports

    found = diff_reports(first, second, to=to)
    click.echo(json_text(found) if as_json else difference_lines(found))
    found.require_same()
