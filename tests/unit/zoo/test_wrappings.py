"""Weights in what trainers wrap around them: each form gives the network its own weights, or a sentence why not."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import itertools
import pathlib
import pickle
import re
import time
import types
import warnings
import zoneinfo
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from reportgen.errors import WeightsError
from reportgen.zoo.cards import Zoo
from reportgen.zoo.checkpoints import read_checkpoint
from reportgen.zoo.foreign import _blank_card
from reportgen.zoo.matching import Match, match, require_match
from reportgen.zoo.sources import Definition
from tests.damage import spoiled


class Net(nn.Module):
    """A network with a layer called like a wrapper would be no fair test: see `Wrapped`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1, self.head = nn.Conv3d(3, 2, 3), nn.BatchNorm3d(2), nn.Linear(2, 3)


class Wrapped(nn.Module):
    """A network inside of another one, which has nothing of its own."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.add_module(place, Net())


@pytest.fixture
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    network = Net()
    for value in network.state_dict().values():
        value.copy_(torch.rand(value.shape) if value.is_floating_point() else 7)
    return dict(network.state_dict())


def read(value: Any, path: Path, network: nn.Module | None = None, key: str | None = None) -> dict[str, Tensor]:
    """Return the network's entries from a file that torch saved."""
    torch.save(value, path)
    module = network or Net()
    definition = Definition(_blank_card("net", "a test", {}), lambda _card: module, "test")
    return require_match(read_checkpoint(path, key).tensors, definition, Zoo(()), file=path.name).state


def same(found: dict[str, Tensor], state: dict[str, Tensor]) -> bool:
    return [tuple(value.flatten()) for value in found.values()] == [tuple(value.flatten()) for value in state.values()]


def behind(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


WRAPPERS = ("module", "_orig_mod", "model", "backbone", "net", "_forward_module")
ORDERS = [order for count in (1, 2) for order in itertools.permutations(WRAPPERS, count)] + [WRAPPERS, WRAPPERS[::-1]]


@pytest.mark.parametrize("order", ORDERS, ids=".".join)
def test_wrappers_in_any_order(state: dict[str, Tensor], tmp_path: Path, order: tuple[str, ...]) -> None:
    prefix = ".".join(order) + "."
    inside = {name.replace(".", f".{prefix}", 1): value for name, value in state.items()}
    assert same(read(behind(prefix, state), tmp_path / "a.pth"), state)
    assert same(read({"state_dict": behind(prefix, inside)}, tmp_path / "b.pth"), state)


@pytest.mark.parametrize("depth", range(1, 12))
def test_lists_tuples_and_dictionaries_in_any_order_and_depth(
    state: dict[str, Tensor], tmp_path: Path, depth: int
) -> None:
    random = np.random.default_rng(depth)
    value: Any = state
    for kind in random.integers(4, size=depth):
        value = ([value], (value, 3), {f"anything{kind}": value, "epoch": 3}, ["notes", value])[kind]
    assert same(read(value, tmp_path / "a.pth"), state)


def test_of_several_in_a_list_one_is_asked_for(state: dict[str, Tensor], tmp_path: Path) -> None:
    other = {name: value + 1 for name, value in state.items()}
    path = tmp_path / "a.pth"
    with pytest.raises(WeightsError, match=r"several state dicts \(folds\.0, folds\.1\): name one with .*weights_key"):
        read({"folds": [state, other]}, path)
    assert same(read({"folds": [state, other]}, path, key="folds.1"), other)
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(2))], lr=torch.tensor(0.1))
    assert same(read((state, optimizer.state_dict(), {"loss": [torch.ones(1)]}), path), state)


@pytest.mark.parametrize("place", ["model", "backbone", "encoder", "module"])
def test_a_wrapping_network_takes_bare_weights_and_wrapped_ones(
    state: dict[str, Tensor], tmp_path: Path, place: str
) -> None:
    for prefix in ("", "module.", f"{place}.", f"module.{place}."):
        assert same(read(behind(prefix, state), tmp_path / "a.pth", Wrapped(place)), state), prefix


def test_averaged_copies(state: dict[str, Tensor], tmp_path: Path) -> None:
    other = {name: value + 1 for name, value in state.items()}
    network = Net()
    network.load_state_dict(state)
    averaged = AveragedModel(network).state_dict()
    path = tmp_path / "a.pth"
    for alone in (averaged, {"ema": state}, {"state_dict_ema": state, "epoch": 1}, {"model_ema": {"module": state}}):
        assert same(read(alone, path), state)
    both = {"state_dict": state, "state_dict_ema": other, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}
    assert same(read(both, path), state)
    assert same(read(both, path, key="state_dict_ema"), other)
    assert same(read({"model": state, "ema": {"module": other}}, path, key="ema"), other)
    flat = {**behind("online_model.", state), **behind("ema_model.", other), "initted": torch.tensor(True)}
    assert same(read(flat, path), state)
    assert same(read(flat, path, key="ema_model"), other)
    with pytest.raises(WeightsError, match=r"no weights under the key 'swa' \(it has state_dict, state_dict_ema"):
        read(both, path, key="swa")


def test_averages_of_other_trainers(state: dict[str, Tensor], tmp_path: Path) -> None:
    """Counters beside them, copies named as one word, and lists that have no names."""
    other, path = {name: value + 1 for name, value in state.items()}, tmp_path / "a.pth"
    engine = {"state_dict": state, "ema_state_dict": {"steps": torch.tensor(3), **behind("module.", other)}}
    assert same(read(engine, path), state)
    assert same(read(engine, path, key="ema_state_dict"), other)
    words = {**state, **{f"ema_{name.replace('.', '_')}": value for name, value in other.items()}}
    assert same(read(words, path), state)
    assert same(read(words, path, key="ema"), other)
    listed = {"state_dict": state, "ema": {"decay": 0.9, "shadow_params": list(other.values())}}
    assert same(read(listed, path), state)
    with pytest.raises(WeightsError, match="under 'ema' as a list without names"):
        read(listed, path, key="ema")


def test_two_copies_of_which_none_is_an_average_are_asked_about(state: dict[str, Tensor], tmp_path: Path) -> None:
    copies = {**behind("query.", state), **behind("key.", state)}
    with pytest.raises(WeightsError, match=r"several times \(query, key\)|several times \(key, query\)"):
        read(copies, tmp_path / "a.pth")
    assert same(read(copies, tmp_path / "a.pth", key="key"), state)


BESIDE = ("loss_fn.weight", "criterion.centers", "train_metrics.total", "loss.0.weight", "val_top5.x", "class_weights")


@pytest.mark.parametrize("beside", BESIDE)
def test_what_only_training_needs_is_left_out(state: dict[str, Tensor], tmp_path: Path, beside: str) -> None:
    for prefix in ("", "model.", "module.model."):
        assert same(read({**behind(prefix, state), beside: torch.ones(5)}, tmp_path / "a.pth"), state)


def test_more_layers_than_the_network_has_are_no_match(state: dict[str, Tensor], tmp_path: Path) -> None:
    for name in ("conv2.weight", "glossary.weight"):
        with pytest.raises(WeightsError, match=f"1 unknown .{name}"):
            read({**state, name: torch.ones(5)}, tmp_path / "a.pth")


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Settings:
    rate: float = 0.1
    path: pathlib.PurePosixPath | None = None


class Node(dict[str, Any]):
    """As yacs' and EasyDict's: a dictionary with attributes, and state of its own."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.__dict__["frozen"] = True


class Meter(list[float]):
    pass


OBJECTS: dict[str, Any] = {
    "path": pathlib.PurePosixPath("/data/x"),
    "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "day": datetime.timedelta(3),
    "enum": Colour.RED,
    "counter": collections.Counter("aab"),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "deque": collections.deque([1, 2], maxlen=3),
    "dataclass": Settings(path=pathlib.PurePosixPath("/x")),
    "node": Node({"LR": Node({"rate": 0.1})}),
    "meter": Meter([1.0]),
    "namespace": types.SimpleNamespace(a=1),
    "random": np.random.RandomState(3),
    "generator": np.random.default_rng(3),
    "random state": np.random.RandomState(3).get_state(),
    "text array": np.array(["a", "b"]),
    "object array": np.array([None, "a"], dtype=object),
    "dates array": np.array(["2026-01-01"], dtype="datetime64[D]"),
    "complex": 1 + 2j,
    "slice": slice(1, 2),
    "zone": zoneinfo.ZoneInfo("UTC"),
    "range": range(3),
    "error": ValueError("x"),
    "data": torch.utils.data.TensorDataset(torch.ones(2)),
    "set of tuples": {(1, 2), (3, 4)},
    "tuple keys": {((1, 2), 3): "x", 4: "y", None: "z"},
    "a whole network": Net(),
    "optimizer": torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1),
}


@pytest.mark.parametrize("protocol", [1, 2, 4])
@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_no_tensor_is_passed_over(state: dict[str, Tensor], tmp_path: Path, kind: str, protocol: int) -> None:
    path = tmp_path / "a.pth"
    for value in ({"state_dict": state, "beside": [OBJECTS[kind]]}, {**state, "beside": OBJECTS[kind]}):
        torch.save(value, path, pickle_protocol=protocol)
        found = match(read_checkpoint(path).tensors, Net(), _blank_card("net", "a test", {}), {})
        assert isinstance(found, Match)
        assert same(found.state, state)


def test_tensors_that_repeat_what_they_store_are_read_out(state: dict[str, Tensor], tmp_path: Path) -> None:
    wide = {name: value.flatten()[:1].expand(value.numel()).view(value.shape) for name, value in state.items()}
    turned = {name: value.T.contiguous().T if value.ndim == 2 else value for name, value in state.items()}
    for stored in (wide, turned):
        assert same(read(stored, tmp_path / "a.pth"), stored)


def test_kinds_of_numbers_are_read_as_what_they_are_or_named(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    real = {name: value for name, value in state.items() if value.is_floating_point()}
    eights = [getattr(torch, name) for name in dir(torch) if name.startswith("float8_")]
    assert len(eights) >= 5
    for dtype in (*eights, torch.bfloat16, torch.float16, torch.float64):
        stored = {**state, **{name: value.to(dtype) for name, value in real.items()}}
        found = read(stored, path)
        assert all(torch.equal(found[name].float(), stored[name].float()) for name in state), dtype
    for dtype, words in (
        (torch.int8, "whole numbers .int8"),
        (torch.uint8, "whole numbers .uint8"),
        (torch.int32, "whole numbers .int32"),
        (torch.uint16, "whole numbers .uint16"),
        (torch.bool, "booleans .bool"),
        (torch.complex64, "complex numbers .complex64"),
    ):
        with pytest.raises(WeightsError, match=words):
            read({**state, **{name: value.to(dtype) for name, value in real.items()}}, path)


def quantised_by_halves() -> Tensor:
    return torch.quantize_per_channel(torch.rand(3, 2), torch.full((3,), 0.1), torch.zeros(3), 0, torch.quint4x2)


OTHER_TENSORS: dict[str, tuple[Callable[[], Tensor], str]] = {
    **{
        f"sparse {kind}": (partial(torch.eye(4).to_sparse, layout=getattr(torch, f"sparse_{kind}"), **more), "sparse")
        for kind, more in (("coo", {}), ("csr", {}), ("csc", {}), ("bsr", {"blocksize": (2, 2)}))
    },
    "nested": (lambda: torch.nested.nested_tensor([torch.ones(2)], layout=torch.strided), "nested tensors"),
    "ragged": (lambda: torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged), "the class .*NestedTensor"),
    "of a class": (lambda: torch.ones(2).as_subclass(Painted), "the class .*Painted"),
    "quantised": (lambda: torch.quantize_per_tensor(torch.rand(2), 0.1, 0, torch.qint8), "quantised numbers"),
    "half bytes": (quantised_by_halves, "quantised numbers"),
    "float4": (lambda: torch.zeros(2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2), "the type torch.float4"),
    "bits": (lambda: torch.zeros(2, dtype=torch.uint8).view(torch.bits8), "the type torch.bits8"),
    "negative": (lambda: torch._neg_view(torch.ones(2)), "their negatives or conjugates"),
    "meta": (lambda: torch.ones(2, device="meta"), "tensors without numbers"),
}


class Painted(Tensor):
    pass


@pytest.mark.parametrize("kind", OTHER_TENSORS)
def test_tensors_of_other_kinds_are_named(state: dict[str, Tensor], tmp_path: Path, kind: str) -> None:
    make, words = OTHER_TENSORS[kind]
    with warnings.catch_warnings(action="ignore"):  # torch says of some that they are new, of some that they are old
        torch.save({**state, "conv1.weight": make()}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=rf"holds .*{words}.* \(conv1\.weight\): save the state_dict\(\)"):
        read_checkpoint(tmp_path / "a.pth")


def test_programs_are_named(tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # torch wants others to be made
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "script.pt")
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), tmp_path / "exported.pt2")
    np.savez(tmp_path / "arrays.npz", a=np.ones(2))
    for name, words in (("script.pt", "TorchScript"), ("exported.pt2", "exported program"), ("arrays.npz", "numpy")):
        with pytest.raises(WeightsError, match=words):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("kind", ["int", "float", "tuple", "memo"])
def test_keys_that_share_a_hash_take_linear_time(tmp_path: Path, kind: str) -> None:
    """All whole multiples of 2^61 - 1 have the hash 0: a dictionary of 100,000 would take many minutes."""
    prime = 2**61 - 1
    numbers = [number * prime for number in range(100_000)]
    keys = {"int": numbers, "float": [float(2**61) ** 2 * n for n in numbers], "tuple": [(n,) for n in numbers]}
    if kind == "memo":
        content = b"N" + b"".join(b"p%d\n" % number for number in numbers) + b"."
    else:
        parts = [b"\x80\x02}("] + [pickle.dumps(key, 2)[2:-1] + b"N" for key in keys[kind]]
        content = b"".join(parts) + b"u."
    (tmp_path / "a.pkl").write_bytes(content)
    started = time.process_time()
    with pytest.raises(WeightsError):
        read_checkpoint(tmp_path / "a.pkl")
    assert time.process_time() - started < 10


@pytest.mark.parametrize("seed", range(50))
def test_damage_ends_in_tensors_or_one_sentence(state: dict[str, Tensor], tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.pth"
    torch.save(
        {"state_dict": state, "beside": list(OBJECTS.values())[:8]}, path, _use_new_zipfile_serialization=seed % 2 == 0
    )
    path.write_bytes(spoiled(path.read_bytes(), seed))
    sentence = None
    try:
        read_checkpoint(path)
    except WeightsError as error:
        sentence = str(error)
    assert sentence is None or re.fullmatch(r"a\.pth .{5,290}\.", sentence)
