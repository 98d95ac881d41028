"""The options that commands share, and the commands that take them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

Command = Callable[..., Any]


class SureValues(click.Command):
    """A command in which no option takes the next one for its value, as click would: ``--forbid --quiet`` lacks a word.

    A value that begins like an option is written ``--forbid=--quiet``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; raises BadOptionUsage for an option without its value."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        names = {name for each in options for name in (*each.opts, *each.secondary_opts)}
        values = {name: each.nargs for each in options if not (each.is_flag or each.count) for name in each.opts}
        position = 0
        while position < len(args) and args[position] != "--":
            name = args[position]
            given = args[position + 1 : position + 1 + values.get(name, 0)]
            if wrong := next((value for value in given if value in names or value.startswith("--")), None):
                hint = f"; write {name}={wrong} if that is its value" if values[name] == 1 else ""
                raise click.BadOptionUsage(name, f"Option '{name}' requires an argument{hint}.", ctx)
            position += 1 + len(given)
        return super().parse_args(ctx, args)


class ManyClips(SureValues):
    """A command whose ``--clip`` takes every path that follows it, as a shell writes out ``--clip *.mp4``."""

    spread = "--clip"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with the option before each value of a row of them."""
        spread: list[str] = []
        row = False  # whether the last thing read is a value of the option
        waiting = False  # whether it has no value yet
        for argument in args:
            if argument.startswith("-") and not waiting:
                row, waiting = argument.startswith(f"{self.spread}="), argument == self.spread
            elif row:
                spread.append(self.spread)
            else:
                row, waiting = waiting, False
            spread.append(argument)
        return super().parse_args(ctx, spread)


class ManyWords(ManyClips):
    """A command whose ``--forbid`` takes every word that follows it."""

    spread = "--forbid"


def takes(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command these options, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


RUNS = click.option("--runs", type=FOLDER, metavar="DIR", help="Where computed runs are kept.  [default: runs]")
SITE = click.option("--site", type=FOLDER, metavar="DIR", help="Where the site goes.  [default: site]")
ARROWS = click.option(
    "--arrows", is_flag=True, default=None, help="Show motion by sparse arrows too, not by colour alone."
)
FRESH = click.option("--fresh", is_flag=True, help="Render everything anew, whatever the last render left.")
MEDIA_AMOUNT = click.option(
    "--media",
    type=click.Choice(["standard", "full"]),
    help="What the site carries: what its pages show, or all arrays too, with clips as GIF and MP4 and pictures as "
    "PNG.  [default: standard]",
)
MAX_SIZE = click.option(
    "--max-size",
    metavar="SIZE",
    help="Warn before a build whose site will be larger: 500MB, 2GB.  [default: 1GB, which GitHub Pages takes]",
)
ZOO = click.option("--zoo", type=FOLDER, metavar="DIR", multiple=True, help="Folder of your own model cards.")
MODEL_ARGS = click.option("--model-args", metavar="JSON", help="Arguments of the factory, as a JSON object.")
CLIP_SPEC = click.option("--clip-spec", metavar="JSON", help="Fields over the card's [clip]: frames, height, mean ...")
ADAPTER = click.option(
    "--adapter",
    metavar="JSON",
    help="Fields over the card's [adapter]: input, layout, output, answer ...",
)
SELECT = click.option(
    "--select",
    multiple=True,
    metavar="GLOB",
    help="Only what has such an identity (its page's address): 'i3d/s3*', i3d/conv1/0042, 'i3d/*/class-0002'; may be "
    "repeated.",
)
KEEP_DIGEST = click.option("--keep-digest", is_flag=True, help="Keep the weights' digest in an anonymous report.")
FORBID = click.option(
    "--forbid",
    multiple=True,
    metavar="WORD",
    help="Words that must not be in the result, whatever is packed into what: one or more after it.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
QUIET = click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
DEBUG = click.option("--debug", is_flag=True, help="End at the first error, with its traceback.")

WORKERS = takes(
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes that share the work, each with its own copy of the network.  [default: 1]",
    ),
    click.option(
        "--gpus",
        type=click.IntRange(min=1),
        metavar="N",
        help="GPUs that the workers share out; with SLURM each worker has one.  [default: one]",
    ),
    click.option(
        "--executor",
        type=click.Choice(["local", "slurm"]),
        help="Where the workers are: processes here, or jobs of a SLURM cluster.  [default: local]",
    ),
    click.option(
        "--slurm",
        multiple=True,
        metavar="NAME=VALUE",
        help="What each job asks for: partition, account, minutes, memory, processors, or a further option of sbatch "
        "(qos, constraint, container ...); may be repeated.",
    ),
)

MACHINE = takes(
    click.option(
        "--machine",
        metavar="NAME",
        help="Kind of machine that the workers are, as records name it, or a pattern ('*H100*').  [default: this one]",
    ),
    click.option(
        "--times",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="How many times as fast it is as the machine of the records or, without any, of the shipped figures.",
    ),
)

WHAT = takes(
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
    click.option("--weights", type=FILE, metavar="FILE", help="Weights of the model, as published or your own."),
    click.option(
        "--weights-key",
        metavar="KEY",
        help="Which weights of a file that holds several, such as state_dict_ema.  [default: those not averaged]",
    ),
    click.option("--untrained", is_flag=True, default=None, help="Use the seeded initialisation; every page says so."),
    MODEL_ARGS,
    click.option("--labels", type=FILE, metavar="FILE", help="Class names, one per line."),
    CLIP_SPEC,
    ADAPTER,
    ZOO,
    click.option(
        "--clip",
        "clips",
        multiple=True,
        metavar="PATH",
        help="Videos, GIFs, WebPs, folders of images or frames.db, one or more after it (*.mp4); may be repeated.",
    ),
    click.option("--frames", metavar="A:B", help="Frames of each clip to use, B excluded."),
    click.option(
        "--reference",
        type=FOLDER,
        metavar="DIR",
        help="Folder of reference clips, searched recursively, against which every kernel is judged. A sub-folder "
        "named like a class (case, '_' and '-' aside) labels its clips; a folder of still images is one clip, and for "
        "a network of single frames each image is one.",
    ),
    click.option(
        "--concept",
        "concepts",
        multiple=True,
        metavar="NAME=DIR",
        help="Test which kernels the pictures or clips of a folder (or one file) drive more than the reference clips "
        "do; may be repeated. Pictures in DIR are one clip each, repeated over time; a sub-folder of pictures is one "
        "clip.",
    ),
    click.option(
        "--class",
        "classes",
        multiple=True,
        metavar="NAME_OR_INDEX",
        help="Class to ask about; may be repeated.  [default: the predicted one]",
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="TARGET",
        help="What to explain: class:NAME@TIME where classes are told at each time; of a network without classes mean, "
        "peak, mean:CHANNEL, peak:CHANNEL, or unit:I,J,... (a place in its answer). Times and places count from 0, as "
        "frames do on the pages. May be repeated.  [default: the predicted class, or mean and peak]",
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
    click.option(
        "--reference-class",
        metavar="NAME_OR_INDEX",
        help="Class whose logit the weight gradients of three classes are compared by.  [default: by confusion]",
    ),
    click.option(
        "--similar",
        metavar="NAME_OR_INDEX",
        help="Class that it is compared with as a similar one.  [default: the one most confused with it]",
    ),
    click.option(
        "--dissimilar",
        metavar="NAME_OR_INDEX",
        help="Class that it is compared with as a dissimilar one.  [default: the one least confused with it]",
    ),
    click.option(
        "--layers",
        multiple=True,
        metavar="[MODEL=]LIST",
        help="Layers to show, of all models or of one of several: comma-separated names, globs, or blocks (layer2), "
        "which stand for their last convolution; may be repeated.  [default: the card's stages]",
    ),
    click.option(
        "--kernels",
        metavar="N|all|LIST",
        help="Kernels of each layer: how many, all, or which: 0,4,8-11 (kernel 4 alone: 4,).",
    ),
    click.option(
        "--choose",
        type=click.Choice(["important", "selective", "spread", "first"]),
        help="Which N kernels: those that pyramids keep, then those that labels explain best; the latter alone; evenly "
        "spaced ones; the first.  [default: important]",
    ),
    click.option(
        "--objective",
        type=click.Choice(["firing", "channel", "neuron"]),
        help="What is a kernel's response: mean of the rectified map, of the map (as published), or the centre unit.",
    ),
    SELECT,
    click.option(
        "--analyses",
        multiple=True,
        metavar="LIST",
        help="Comma-separated names of methods (see `methods`); may be repeated.  [default: all that the preset runs]",
    ),
    click.option("--preset", metavar="quick|standard|full", help="How much is done.  [default: standard]"),
    click.option("--device", metavar="auto|cpu|cuda[:i]", help="Where to compute.  [default: auto]"),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="Threads of the processor; others round otherwise.  [default: those that the run was planned with; of "
        "a new one the machine's, shared out among its workers]",
    ),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of everything random.  [default: 0]"),
    click.option("--config", type=FILE, metavar="FILE", help="Options from a file.  [default: reportgen.toml]"),
)
