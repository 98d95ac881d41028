"""Which globs of `--layers` are for which network of a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.errors import UnknownNameError
from reportgen.records.manifest import SourceFacts
from reportgen.runner.layer_globs import LayerGlobs
from reportgen.runner.places import Asked, NetworkFacts, Place


def place(model: str, card: str, name: str, given: str | None = None) -> Place:
    return Place(Asked(model, NetworkFacts(name=card, weights="ab"), SourceFacts(), given), name, Path("runs") / name)


PLACES = [place("i3d", "i3d", "i3d"), place("nets.py:Own", "Own", "mine", "mine")]


def test_a_plain_glob_is_for_all_and_a_named_one_is_for_one_more() -> None:
    globs = LayerGlobs(["conv*", "i3d=s3*", "i3d=s4.*", "mine=head"], PLACES)
    assert [globs.of(one) for one in PLACES] == [("conv*", "s3*", "s4.*"), ("conv*", "head")]
    only = LayerGlobs(["i3d=s3*"], PLACES)
    assert [only.of(one) for one in PLACES] == [("s3*",), ()]


@pytest.mark.parametrize("name", ["nets.py:Own", "Own", "mine"])
def test_a_network_is_called_as_it_was_asked_for_by_its_card_or_by_its_name_in_reports(name: str) -> None:
    assert LayerGlobs([f"{name}=a=b"], PLACES).of(PLACES[1]) == ("a=b",)


def test_an_unknown_network_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"network of this build named 'i3e': did you mean i3d"):
        LayerGlobs(["i3e=s3*"], PLACES)
