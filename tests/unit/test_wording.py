"""A message names options as its reader sets them: by flags on the command line, by keyword arguments in Python."""

from __future__ import annotations

import copy
import pickle

import pytest

from reportgen.errors import NetworkError, OptionError, for_pages, one_line, speaking
from reportgen.wording import BUILD_OPTIONS, CALLS, COMMAND_LINE, LIVE_MODULE, LOADING, READING, Dialect, option, worded

ADAPTER = {"as_list": True}


@pytest.mark.parametrize(
    ("mention", "dialect", "words"),
    [
        (option("--weights-key"), COMMAND_LINE, "--weights-key"),
        (option("--weights-key"), LOADING, "`weights_key`"),
        (option("--weights"), CALLS, "`load_network(weights=...)`"),
        (option("--untrained"), COMMAND_LINE, "--untrained"),
        (option("--untrained"), BUILD_OPTIONS, "`untrained=True`"),
        (option("--untrained"), CALLS, "`load_network(untrained=True)`"),
        (option("--labels", form="FILE"), COMMAND_LINE, "--labels FILE"),
        (option("--labels", form="FILE"), LOADING, "`labels`"),
        (option("--clip"), BUILD_OPTIONS, "`clips`"),
        (option("--branch", "a b"), COMMAND_LINE, "--branch 'a b'"),
        (option("--branch", "a b"), CALLS, "`branch='a b'`"),
        (option("--adapter", ADAPTER), COMMAND_LINE, "--adapter '{\"as_list\": true}'"),
        (option("--adapter", ADAPTER), LOADING, "`adapter={'as_list': True}`"),
        (option("--frames", [0, 4]), COMMAND_LINE, "--frames 0:4"),
        (option("--frames", [0, 4]), READING, "`frames=(0, 4)`"),
        (option("--clip-spec", {"frame_step": 2}), COMMAND_LINE, "--clip-spec '{\"frame_step\": 2}'"),
        (option("--clip-spec", {"frame_step": 2}), READING, "`frame_step=2`"),
        (option("--clip-spec", {"frames": 3, "frame_step": 1}), READING, "`spec` with frames=3 and frame_step=1"),
        (option("--clip-spec", {"frame_step": 2}), BUILD_OPTIONS, "`clip_spec={'frame_step': 2}`"),
        (option("--clip-spec", {"frame_step": 2}), CALLS, "`load_network(clip={'frame_step': 2})`"),
        (option("--clip-spec", fields=("frames", "height", "width")), LIVE_MODULE, "`frames` and `size`"),
        (option("--clip-spec", fields=("mean", "std")), LOADING, "`clip`"),
    ],
)
def test_each_dialect_has_its_word_for_an_option(mention: str, dialect: Dialect, words: str) -> None:
    assert worded(f"Set {mention}.", dialect) == f"Set {words}."


def test_an_error_speaks_as_the_call_that_it_leaves() -> None:
    with pytest.raises(OptionError) as caught, speaking(BUILD_OPTIONS), speaking(READING):
        raise OptionError(f"Mend {option('--clip-spec')}.")
    assert str(caught.value) == "Mend `clip_spec`."
    assert for_pages(caught.value) == "Mend --clip-spec."
    assert caught.value.args == ("Mend `clip_spec`.",)
    for other in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert str(other) == "Mend `clip_spec`."
        assert for_pages(other) == "Mend --clip-spec."


def test_on_the_command_line_every_call_speaks_of_flags() -> None:
    with speaking(COMMAND_LINE), speaking(LOADING):
        assert worded(option("--adapter")) == "--adapter"
        error = NetworkError(f"Mend {option('--adapter')}.")
        assert f"({error})" == "(Mend --adapter.)"
    assert str(error) == "Mend `load_network(adapter=...)`."


@pytest.mark.parametrize("name", ["\ue000", '\ue000["--x", 1]\ue001', '\ue000["--x", "\x1b", [], ""]\ue001', "\x1b[2J"])
def test_names_of_files_cannot_act_through_a_mention(name: str) -> None:
    for message in (one_line(name), one_line(option("--clip", name))):
        for dialect in (COMMAND_LINE, CALLS):
            assert worded(message, dialect).isprintable()
