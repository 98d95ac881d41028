"""The command line: parse, call one documented function, turn errors into exit codes.

Heavy imports are inside the commands, so that `reportgen --help` answers at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from reportgen.errors import OptionError, ReportgenError
from reportgen.stopping import StopSignals
from reportgen.streams import abandon, lasting
from reportgen.version import __version__

if TYPE_CHECKING:
    from reportgen.config.options import BuildOptions
    from reportgen.progress import Progress

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)

Command = Callable[..., Any]

_EXAMPLES = {"clip_spec": '{"frames": 16}', "adapter": '{"as_list": true}', "model_args": '{"width": 8}'}


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_RUNS = click.option("--runs", type=_FOLDER, metavar="DIR", help="Where computed runs are kept.  [default: runs]")
_SITE = click.option("--site", type=_FOLDER, metavar="DIR", help="Where the site goes.  [default: site]")
_ZOO = click.option("--zoo", type=_FOLDER, metavar="DIR", multiple=True, help="Folder of your own model cards.")
_MODEL_ARGS = click.option("--model-args", metavar="JSON", help="Arguments of the factory, as a JSON object.")
_CLIP_SPEC = click.option("--clip-spec", metavar="JSON", help="Fields over the card's [clip]: frames, height, mean ...")
_ADAPTER = click.option("--adapter", metavar="JSON", help="Fields over the card's [adapter]: input, output, scores ...")
_SELECT = click.option(
    "--select",
    multiple=True,
    metavar="GLOB",
    help="Only what has such an identity (its page's address): 'i3d/s3*', i3d/conv1/0042, 'i3d/*/class-0002'; may be "
    "repeated.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
_QUIET = click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
_DEBUG = click.option("--debug", is_flag=True, help="End at the first error, with its traceback.")

_WHAT = _options(
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help="Model card, package.module:factory, file.py:factory or .pt2; may be repeated. The last three are "
        "programs and are run: give only those that you trust.  [default: texture_motion]",
    ),
    click.option(
        "--name",
        "names",
        multiple=True,
        metavar="NAME",
        help="The network's name in the report, in addresses and in the folder of runs: one for each --model, in their "
        "order.  [default: the card's]",
    ),
    click.option("--weights", type=_FILE, metavar="FILE", help="Weights of the model, as published or your own."),
    click.option("--untrained", is_flag=True, default=None, help="Use the seeded initialisation; every page says so."),
    _MODEL_ARGS,
    click.option("--labels", type=_FILE, metavar="FILE", help="Class names, one per line."),
    _CLIP_SPEC,
    _ADAPTER,
    _ZOO,
    click.option(
        "--clip",
        "clips",
        multiple=True,
        metavar="PATH",
        help="Video, GIF, WebP, folder of images or frames.db; may be repeated.",
    ),
    click.option("--frames", metavar="A:B", help="Frames of each clip to use, B excluded."),
    click.option(
        "--reference",
        type=_FOLDER,
        metavar="DIR",
        help="Folder of reference clips, searched recursively, against which every kernel is judged. A sub-folder "
        "named like a class (case, '_' and '-' aside) labels its clips; a folder of still images is one clip.",
    ),
    click.option(
        "--class",
        "classes",
        multiple=True,
        metavar="NAME_OR_INDEX",
        help="Class to ask about; may be repeated.  [default: the predicted one]",
    ),
    click.option(
        "--contrast",
        "contrasts",
        nargs=2,
        multiple=True,
        metavar="A B",
        help="Ask saliency also why class A rather than class B: attribution of the difference of their logits, on "
        "every clip; may be repeated.",
    ),
    click.option("--layers", multiple=True, metavar="GLOB", help="Layers to show.  [default: the card's stages]"),
    click.option("--kernels", metavar="N|all|LIST", help="Kernels of each layer: a number, all, or 0,4,8-11."),
    click.option("--choose", type=click.Choice(["selective", "spread", "first"]), help="Which N kernels."),
    click.option(
        "--objective",
        type=click.Choice(["firing", "channel", "neuron"]),
        help="What is a kernel's response: mean of the rectified map, of the map (as published), or the centre unit.",
    ),
    _SELECT,
    click.option(
        "--analyses", metavar="LIST", help="Comma-separated names of methods (see `methods`).  [default: all]"
    ),
    click.option("--preset", metavar="quick|standard|full", help="How much is done.  [default: standard]"),
    click.option("--device", metavar="auto|cpu|cuda[:i]", help="Where to compute.  [default: auto]"),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of everything random.  [default: 0]"),
    click.option("--config", type=_FILE, metavar="FILE", help="Options from a file.  [default: reportgen.toml]"),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reportgen")
def cli() -> None:
    """Build a report that tells the truth about a 3D convolutional (video) network."""


@cli.command()
@_options(_WHAT, _RUNS, _SITE, _QUIET, _DEBUG)
def build(quiet: bool, debug: bool, **flags: Any) -> None:
    """Compute what is missing and render the site."""
    options = _read_options(flags)
    from reportgen.runner.build import build as build_report  # torch, after the options are known to be valid

    with _progress(quiet) as progress:
        summary = build_report(options, command=_command_line(), progress=progress, debug=debug)
    _finish(summary, quiet)


@cli.command()
@_options(_WHAT, _RUNS, _QUIET, _DEBUG)
def compute(quiet: bool, debug: bool, **flags: Any) -> None:
    """Compute runs without rendering: what `build` does first."""
    options = _read_options(flags)
    from reportgen.runner.build import compute as compute_runs  # torch, after the options are known to be valid

    with _progress(quiet) as progress:
        summary = compute_runs(options, command=_command_line(), progress=progress, debug=debug)
    _finish(summary, quiet)


@cli.command()
@_options(_RUNS, _SITE, _SELECT, _QUIET)
def render(runs: Path | None, site: Path | None, select: tuple[str, ...], quiet: bool) -> None:
    """Render the site from computed runs; needs no torch and computes nothing."""
    from reportgen.records.store import find_runs
    from reportgen.site import render as render_site

    folders = [store.folder for store in find_runs(runs or Path("runs"))]
    with _progress(quiet) as progress:
        index = render_site(folders, site or Path("site"), select=select, progress=progress)
    click.echo(index)


@cli.command()
@_options(
    _RUNS,
    click.option("--config", type=_FILE, metavar="FILE", help="Limits in its table [check].  [default: the run's own]"),
    _JSON,
)
def check(runs: Path | None, config: Path | None, as_json: bool) -> None:
    """Compare the figures of computed runs with their limits; the exit code is 24 when one misses."""
    from reportgen.checking import check as check_runs
    from reportgen.checking import require
    from reportgen.config.reading import load_options
    from reportgen.tables import audit_lines

    limits = load_options({}, config=config).check if config else None
    audits = check_runs(runs or Path("runs"), limits=limits)
    click.echo(json.dumps([asdict(audit) for audit in audits], indent=1) if as_json else audit_lines(audits))
    require(audits)


@cli.command()
@_options(_ZOO, _JSON)
def models(zoo: tuple[Path, ...], as_json: bool) -> None:
    """List the models of the zoo."""
    from reportgen.listing import list_models
    from reportgen.tables import models_table

    rows = list_models(zoo)
    _show(rows, models_table, as_json)


@cli.command()
@_options(_JSON)
def methods(as_json: bool) -> None:
    """List the methods with their parameters: each preset's values, what else they may be, and what they mean."""
    from reportgen.commands.methods import list_methods
    from reportgen.tables import methods_table

    _show(list_methods(), methods_table, as_json)


@cli.command()
@click.argument("model")
@_options(
    _ZOO,
    _MODEL_ARGS,
    _CLIP_SPEC,
    _ADAPTER,
    _JSON,
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
    from reportgen.listing import list_layers
    from reportgen.tables import layers_table

    rows = list_layers(
        model,
        zoo=zoo,
        model_args=_json_object("model_args", model_args),
        clip=_json_object("clip_spec", clip_spec),
        adapter=_json_object("adapter", adapter),
    )
    _show(rows, layers_table, as_json)


@cli.command()
@click.argument("model")
@_options(
    click.option("--variant", metavar="NAME_OR_INDEX", help="Which of the published files.  [default: the first]"),
    click.option("--to", "destination", type=_FILE, metavar="FILE", help="Where to put it.  [default: the cache]"),
    click.option("--yes", is_flag=True, help="Do not ask."),
    _ZOO,
    _QUIET,
)
def fetch(
    model: str, variant: str | None, destination: Path | None, yes: bool, zoo: tuple[Path, ...], quiet: bool
) -> None:
    """Download the published weights of MODEL; shows address, size and licence first."""
    from reportgen.tables import offer_text
    from reportgen.zoo.fetch import fetch as fetch_weights

    def confirm(offer: Any) -> bool:
        click.echo(offer_text(offer), err=True)
        return yes or click.confirm("Download it?", err=True)

    with _progress(quiet) as progress:
        chosen = int(variant) if variant and variant.isdigit() else variant
        fetched = fetch_weights(
            model, variant=chosen, destination=destination, zoo=zoo, progress=progress, confirm=confirm
        )
    if fetched is None:
        click.echo("Nothing was downloaded.", err=True)
        raise click.exceptions.Exit(1)
    click.echo(fetched.path)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@_SITE
def serve(site: Path | None, port: int) -> None:
    """Serve the site on this machine, until Ctrl-C."""
    from reportgen.serving import serve as serve_site

    serve_site(site or Path("site"), port, ready=lambda address: click.echo(f"Serving {address} (Ctrl-C ends)"))


@cli.command()
@_options(
    _RUNS,
    _SITE,
    click.option("--all", "everything", is_flag=True, help="Remove the runs and the site too."),
    click.option("--yes", is_flag=True, help="Do not ask."),
)
def clean(runs: Path | None, site: Path | None, everything: bool, yes: bool) -> None:
    """Remove what the last build of each run no longer uses."""
    from reportgen.cleaning import clean as clean_outputs

    runs, site = runs or Path("runs"), site or Path("site")
    if everything and not yes:
        click.confirm(f"Remove {runs} and the contents of {site}?", abort=True)
    with _progress(quiet=False) as progress:
        files, size = clean_outputs(runs, site, everything=everything, progress=progress)
    click.echo(f"Removed {files} files, {size / 1e6:.1f} MB.")


def main() -> NoReturn:
    """Run the command line and exit: 0, an error's own code, 2 for wrong usage, 128 and its number after a signal."""
    stop = StopSignals()
    stop.listen()
    try:
        cli.main(standalone_mode=False)
    except BaseException as error:
        code = _exit_code(error, stop)
        if code is None:
            raise
        sys.exit(code)
    sys.exit(0)


def _exit_code(error: BaseException, stop: StopSignals) -> int | None:  # noqa: PLR0911 (one for each kind of end)
    """Say why the command ended and return its exit code; None for a fault of the program, which has a traceback."""
    # First: what is raised while the work is unwound, such as a terminal that has gone, is not why it ended.
    if stop.received is not None or isinstance(error, KeyboardInterrupt):
        _last_words("Stopped. Finished work is kept: the same command goes on from there.")
        return stop.exit_code
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return error.exit_code
        case ReportgenError():
            _last_words(f"Error: {error}")
            return error.exit_code
        case click.Abort():
            _last_words("Nothing was done.")
            return 1
        case BrokenPipeError():
            # The reader of a pipe has gone (`reportgen models | head`); nothing more can be said to it.
            abandon(sys.stdout)
            return 128 + signal.SIGPIPE
    return None


def _last_words(text: str) -> None:
    """Say it on standard error; a terminal or pipe that has gone is no error of its own."""
    try:
        click.echo(text, err=True)
        sys.stdout.flush()
    except OSError:
        abandon(sys.stdout)
        abandon(sys.stderr)


def _read_options(flags: dict[str, Any]) -> BuildOptions:
    from reportgen.config.reading import load_options

    config = flags.pop("config", None)
    if flags.get("analyses"):
        flags["analyses"] = tuple(name.strip() for name in flags["analyses"].split(",") if name.strip())
    for name in ("model_args", "clip_spec", "adapter"):
        flags[name] = _json_object(name, flags.get(name))
    return load_options(flags, config=config)


def _json_object(option: str, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    flag = "--" + option.replace("_", "-")
    example = _EXAMPLES[option]
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionError(f"{flag} is not JSON ({error}): write an object such as '{example}'.") from error
    if not isinstance(value, dict):
        raise OptionError(f"{flag} is not a JSON object: write one such as '{example}'.")
    return value


def _command_line() -> tuple[str, ...]:
    """Return the command as typed, with paths as bare names: reports are published."""
    words = [Path(word).name if os.sep in word else word for word in sys.argv[1:]]
    return ("reportgen", *words)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    from reportgen.progress import SILENT

    if quiet:
        yield SILENT
        return
    from rich.console import Console

    from reportgen.terminal import terminal_progress

    with terminal_progress(Console(file=lasting(sys.stderr))) as progress:
        yield progress


def _finish(summary: Any, quiet: bool) -> None:
    from reportgen.tables import summary_table

    if not quiet:
        click.echo(summary_table(summary))
    if summary.site is not None:
        click.echo(summary.site)
    summary.check()


def _show(rows: list[Any], table: Callable[[list[Any], int | None], str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=1))
    else:
        click.echo(table(rows, _width()))


def _width() -> int | None:
    """Return the columns of the terminal; None where the table goes into a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
