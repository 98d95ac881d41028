"""The pages of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import click

from reportgen.cli import cli
from tools.docs.text import code, inert, table


def command_pages() -> dict[str, str]:
    """Return a page for every command, and one that lists them."""
    found: Mapping[str, click.Command] = cli.commands
    rows = [(f"[`reportgen {name}`]({name}.md)", inert(_first_sentence(found[name]))) for name in found]
    listed = (
        "# Commands\n\nEach is also a call from [Python](../calls/commands.md). `--help` prints the same.\n\n"
        f"{table(('command', 'what it does'), rows)}\n\n## Options of `reportgen` itself\n\n{_options(cli)}\n"
    )
    return {"commands/index.md": listed} | {f"commands/{name}.md": _page(name, found[name]) for name in found}


def _page(name: str, command: click.Command) -> str:
    with click.Context(command, info_name=f"reportgen {name}", help_option_names=["-h", "--help"]) as context:
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    told = inspect.cleandoc(command.help or "")
    return f"# reportgen {name}\n\n{inert(told)}\n\n```text\n{usage}\n```\n\n## Options\n\n{_options(command)}\n"


def _options(command: click.Command) -> str:
    rows = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            rows.append((" ".join(map(code, _written(parameter))), inert(_meaning(parameter))))
    rows.append((f"{code('-h')} {code('--help')}", "Show what the command does and its options."))
    return table(("option", "meaning"), rows)


def _written(option: click.Option) -> list[str]:
    """Return an option's spellings, the last with what it takes."""
    *others, longest = [*option.opts, *option.secondary_opts]
    if option.is_flag:
        return [*others, longest]
    return [*others, f"{longest} {option.metavar or _taken(option.type)}"]


def _taken(kind: click.ParamType) -> str:
    return "|".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else kind.name.upper()


def _meaning(option: click.Option) -> str:
    told = option.help or ""
    if option.show_default and not option.is_flag:
        told += f" [default: {option.default}]"
    return told


def _first_sentence(command: click.Command) -> str:
    return command.get_short_help_str(limit=400)
