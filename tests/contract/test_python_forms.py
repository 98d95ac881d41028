"""Every public call takes a path as text, one thing in place of several, and progress=True; and none floods help()."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import reportgen
from reportgen.errors import OptionError, ReportgenError
from reportgen.networks.core.network import Network

CALLS = {name: call for name in reportgen._PUBLIC if inspect.isfunction(call := getattr(reportgen, name))}
PARAMETERS = [(name, one) for name, call in CALLS.items() for one in inspect.signature(call).parameters.values()]


def test_what_takes_a_path_takes_it_as_text() -> None:
    strict = {f"{name}({one.name})" for name, one in PARAMETERS if "Path" in str(one.annotation)}
    assert strict
    assert not {
        f"{name}({one.name})"
        for name, one in PARAMETERS
        if "Path" in str(one.annotation) and "str" not in str(one.annotation)
    }


def test_what_shows_progress_shows_it_for_true() -> None:
    observed = {name: str(one.annotation) for name, one in PARAMETERS if one.name == "progress"}
    assert len(observed) > 10
    assert {name for name, annotation in observed.items() if "bool" not in annotation} == set()


FOLDERS: dict[str, Callable[[Any], Any]] = {
    "render": lambda folder: reportgen.render(folder, "site"),
    "render several": lambda folder: reportgen.render([folder], "site"),
    "render a part": lambda folder: reportgen.render(folder, "site", select="tiny/*"),
    "export": lambda folder: reportgen.export(folder, "zip", to="report.zip"),
    "status": reportgen.status,
    "check": reportgen.check,
    "compare": lambda folder: reportgen.compare(folder, folder),
    "clean": lambda folder: reportgen.clean(folder, "site", progress=True),
    "work": lambda folder: reportgen.work(folder, reportgen.BuildOptions(), progress=True),
    "verify": lambda folder: reportgen.verify(folder, ignore="*.txt", progress=True),
    "diff": lambda folder: reportgen.diff(folder, folder, to="difference.html"),
    "serve": lambda folder: reportgen.serve(folder, 0),
}


@pytest.mark.parametrize("call", FOLDERS)
def test_a_folder_that_is_not_there_is_named_however_it_is_given(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = set()
    for folder in ("nowhere", Path("nowhere")):
        with pytest.raises(ReportgenError, match="nowhere") as caught:
            FOLDERS[call](folder)
        told.add(str(caught.value))
    assert len(told) == 1
    assert not list(tmp_path.iterdir())


def test_one_folder_of_cards_is_as_good_as_a_list_of_it(tmp_path: Path) -> None:
    made = reportgen.card(f"{nets(tmp_path)}:make_net", to=str(tmp_path / "zoo"))
    assert made == tmp_path / "zoo" / "make_net"
    zoo = str(tmp_path / "zoo")
    names = {row.name for row in reportgen.list_models(zoo)}
    assert names == {row.name for row in reportgen.list_models([Path(zoo)])}
    assert "make_net" in names
    assert reportgen.load_network("make_net", zoo=zoo, untrained=True).name == "make_net"
    assert [row.facts.name for row in reportgen.list_layers("make_net", zoo=zoo, progress=True)] == ["conv", "head"]


def nets(folder: Path) -> Path:
    file = folder / "nets.py"
    file.write_text(
        "from torch import nn\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, 3)\n\n"
        "    def forward(self, x):\n"
        "        return self.head(self.conv(x).relu().mean((2, 3, 4)))\n\n\n"
        "def make_net():\n"
        "    return Net()\n"
    )
    return file


def test_the_layers_of_a_network_that_is_loaded_are_those_of_its_name() -> None:
    network = reportgen.load_network("texture_motion")
    network.module.train()
    assert reportgen.list_layers(network) == reportgen.list_layers("texture_motion")
    assert network.module.training
    with pytest.raises(OptionError, match="loaded already"):
        reportgen.list_layers(network, clip={"frames": 4})
    module = nn.Sequential(nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
    live = Network.from_module(module, frames=8, size=16, mean=0.5, std=0.25)
    assert [row.facts.name for row in reportgen.list_layers(live)] == ["0", "3"]
    assert [row.facts.name for row in reportgen.list_layers(module)] == ["0", "3"]
