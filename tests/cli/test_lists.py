"""Options that take several things: clips, layers, kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from torch import nn

from reportgen.analyses.choice.selection import KernelSelection
from reportgen.cli.app import cli
from reportgen.cli.options import WHAT, ManyClips, SureValues
from reportgen.config.options import BuildOptions
from reportgen.errors import EmptySelectionError, OptionError, UnknownNameError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.records.card import ClipSpec, ModelCard
from reportgen.runner.subject import check_kernels, select_layers

CARD = ModelCard(
    name="blocks", title="Blocks", clip=ClipSpec(frames=4, height=8, width=8, mean=(0.5,) * 3, std=(0.5,) * 3)
)


def parsed(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    @click.command(cls=ManyClips)
    @WHAT
    def command(**flags: Any) -> None:
        found.update(flags)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return found


@pytest.mark.parametrize(
    ("arguments", "clips"),
    [
        (["--clip", "a", "b", "c", "--seed", "3"], ("a", "b", "c")),
        (["--clip", "a", "--clip", "b"], ("a", "b")),
        (["--clip=a", "b", "--contrast", "A", "B", "--clip", "c"], ("a", "b", "c")),
        (["--seed", "3", "--clip", "-odd.mp4", "b"], ("-odd.mp4", "b")),
    ],
)
def test_a_clip_option_takes_all_paths_that_follow_it(arguments: list[str], clips: tuple[str, ...]) -> None:
    assert parsed(*arguments)["clips"] == clips


def test_what_follows_another_option_is_no_clip() -> None:
    command = ManyClips("it", params=[click.Option(["--clip"]), click.Option(["--seed"])])
    result = CliRunner().invoke(command, ["--clip", "a", "--seed", "3", "b"])
    assert result.exit_code == 2
    assert "unexpected extra argument" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "--format", "csv", "--forbid", "--quiet"],
        ["export", "--format", "csv", "--forbid", "-q"],
        ["export", "--format", "csv", "--forbid", "a", "--forbid", "--quite"],
        ["export", "--format", "--quiet"],
        ["render", "--site", "--runs", "x"],
        ["build", "--clip", "--seed", "3"],
        ["build", "--contrast", "A", "--seed", "3"],
        ["export", "--format", "csv", "--to", "--", "x"],
    ],
)
def test_an_option_is_no_value_of_the_one_before_it(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "requires an argument" in result.output


def test_no_command_takes_an_option_for_a_value() -> None:
    assert all(isinstance(command, SureValues) for command in cli.commands.values())


def test_a_value_that_begins_like_an_option_is_written_with_an_equals_sign() -> None:
    assert parsed("--clip=--seed", "b", "--name=--x", "--seed", "3")["clips"] == ("--seed", "b")
    assert parsed("--layers", "-odd", "--name", "-")["layers"] == ("-odd",)


@pytest.mark.parametrize(
    ("given", "layers"),
    [
        (("a,b",), ("a", "b")),
        (("a, b*", "a"), ("a", "b*")),
        (("i3d=s3*,s4*", "c"), ("i3d=s3*", "i3d=s4*", "c")),
        (("c,i3d=s3*,r3d=x",), ("c", "i3d=s3*", "r3d=x")),
    ],
)
def test_layers_split_at_commas(given: tuple[str, ...], layers: tuple[str, ...]) -> None:
    assert BuildOptions(layers=given).layers == layers


@pytest.mark.parametrize("given", ["a,,b", "a,", ",", "i3d=", "=a"])
def test_a_list_of_layers_with_a_gap_is_refused(given: str) -> None:
    with pytest.raises(OptionError, match="neither GLOB nor MODEL=GLOB"):
        BuildOptions(layers=(given,))


def blocks() -> Network:
    def block(inner: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv3d(3, inner, 1), nn.ReLU(), nn.Conv3d(inner, 3, 1), nn.ReLU())

    module = nn.Sequential()
    module.add_module("layer1", block(5))
    module.add_module("layer2", block(4))
    module.add_module("act", nn.ReLU())
    return Network(module.eval(), CARD)


def test_a_block_stands_for_its_last_convolution() -> None:
    network = blocks()
    layers = {facts.name: facts for facts in describe_layers(network)}
    assert select_layers(network, layers, ["layer2"]) == ("layer2.2",)
    assert select_layers(network, layers, ["layer2", "layer1.0"]) == ("layer1.0", "layer2.2")
    with pytest.raises(EmptySelectionError, match="act holds no convolution"):
        select_layers(network, layers, ["act"])
    with pytest.raises(UnknownNameError, match="layer1"):
        select_layers(network, layers, ["layer3"])


def test_kernels_beyond_all_layers_are_refused_with_their_number() -> None:
    layers = {facts.name: facts for facts in describe_layers(blocks())}
    stages = ["layer1.0", "layer1.2"]
    for right in ("5", "0,4", "all", "3"):
        check_kernels(KernelSelection.parse(right), layers, stages)
    with pytest.raises(EmptySelectionError, match="a kernel 5: they have at most 5, 0 to 4"):
        check_kernels(KernelSelection.parse("0,5"), layers, stages)
    with pytest.raises(EmptySelectionError, match="has 6 kernels: they have at most 5"):
        check_kernels(KernelSelection.parse("6"), layers, stages)
    check_kernels(KernelSelection.parse("2"), layers, ())  # a network without convolutions has none to be chosen


def test_a_clip_is_read_by_a_plain_dict(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from reportgen import read_clip

    for place in range(4):
        Image.fromarray(np.full((8, 8, 3), place * 60, np.uint8)).save(tmp_path / f"{place}.png")
    found = read_clip(str(tmp_path), {"frames": 4, "height": 8, "width": 8})
    assert (found.pixels == read_clip(tmp_path, CARD.clip).pixels).all()
    with pytest.raises(OptionError, match="'framez'"):
        read_clip(tmp_path, {"framez": 4, "height": 8, "width": 8})
    with pytest.raises(OptionError, match="not by an int"):
        read_clip(tmp_path, 4)  # type: ignore[arg-type]
