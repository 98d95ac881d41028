"""Published forms of weights: each gives the same tensors, bit for bit."""

from __future__ import annotations

import argparse
import contextlib
import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from reportgen.errors import WeightsError
from reportgen.zoo.checkpoints import Checkpoint, read_checkpoint
from reportgen.zoo.objects import PickleFault
from reportgen.zoo.pickles import Bounded, read_pickle


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    network = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.Linear(4, 2))
    network[2].half()
    return dict(network.state_dict())


def same(checkpoint: Checkpoint, state: dict[str, torch.Tensor]) -> bool:
    return list(checkpoint.tensors) == list(state) and all(
        torch.equal(checkpoint.tensors[name], value) and checkpoint.tensors[name].dtype == value.dtype
        for name, value in state.items()
    )


@pytest.fixture(params=[True, False], ids=["zip", "stream"])
def new(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def store(value: Any, path: Path, *, new: bool = True) -> Checkpoint:
    torch.save(value, path, _use_new_zipfile_serialization=new)
    return read_checkpoint(path)


def test_a_plain_state_dict(state: dict[str, torch.Tensor], tmp_path: Path, new: bool) -> None:
    checkpoint = store(OrderedDict(state), tmp_path / "a.pth", new=new)
    assert same(checkpoint, state)
    assert checkpoint.container == ("zip" if new else "stream")
    assert checkpoint.size == (tmp_path / "a.pth").stat().st_size
    assert len(checkpoint.file_sha256) == 64


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model_state", "model", "net"])
def test_what_trainers_wrap_around_it(state: dict[str, torch.Tensor], tmp_path: Path, new: bool, wrapper: str) -> None:
    optimizer = torch.optim.Adam([nn.Parameter(torch.ones(3))])
    optimizer.param_groups[0]["params"][0].sum().backward()
    optimizer.step()
    value = {
        "epoch": 7,
        "arch": "resnet50",
        "best": np.float64(0.5),
        wrapper: OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
        "optimizer": optimizer.state_dict(),
        "seen": {1, 2},
    }
    checkpoint = store(value, tmp_path / "b.pth.tar", new=new)
    assert same(checkpoint, state)
    assert checkpoint.facts == {"epoch": 7, "arch": "resnet50"}


def test_lightning(state: dict[str, torch.Tensor], tmp_path: Path, new: bool) -> None:
    value = {
        "pytorch-lightning_version": "0.9.0",
        "state_dict": OrderedDict(state),
        "hyper_parameters": {"args": argparse.Namespace(downsample=(4, 4, 4), lr=3e-4, name="x")},
        "callbacks": {nn.Module: {"best_model_score": torch.tensor(1.0)}},
        "lr_schedulers": [],
    }
    assert same(store(value, tmp_path / "kinetics.ckpt", new=new), state)


def test_parameters_views_and_shared_storages(tmp_path: Path, new: bool) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    value = {"part": base[1:3, 2:].t(), "row": base[0], "whole": base, "own": nn.Parameter(base.clone())}
    checkpoint = store(value, tmp_path / "c.pth", new=new)
    for name, tensor in value.items():
        assert torch.equal(checkpoint.tensors[name], tensor)


@pytest.mark.parametrize(
    "dtype",
    [
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool),
        *(torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64),
    ],
    ids=str,
)
def test_every_type_of_number(tmp_path: Path, new: bool, dtype: torch.dtype) -> None:
    value = torch.tensor([0, 1, 1, 0, 1, 100]).to(dtype)
    empty, single = torch.zeros(0, 3, dtype=dtype), value[5].clone()
    tensors = store({"a": value, "empty": empty, "single": single}, tmp_path / "d.pt", new=new).tensors
    assert torch.equal(tensors["a"], value)
    assert tensors["a"].dtype == dtype
    assert tensors["empty"].shape == (0, 3)
    assert tensors["single"].shape == ()


def test_safetensors(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    for name in ("a.safetensors", "a.pth"):  # the content decides, not the name
        save_file(state, tmp_path / name)
        checkpoint = read_checkpoint(tmp_path / name)
        assert checkpoint.container == "safetensors"
        assert {key: value.tolist() for key, value in checkpoint.tensors.items()} == {
            key: value.tolist() for key, value in state.items()
        }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
def test_caffe2_blobs(tmp_path: Path, protocol: int, order: Any) -> None:
    kernel = np.asarray(np.random.default_rng(0).random((2, 3, 4)), dtype=np.float32, order=order)
    blobs = {
        "conv1_w": kernel,
        "conv1_w_momentum": kernel,
        "lr": np.float32(0.1),
        "model_iter": 3,
        "pred_b": kernel[0, 0],
    }
    path = tmp_path / "I3D.pkl"
    path.write_bytes(pickle.dumps({"blobs": blobs, "cfg": "text"}, protocol=protocol))
    checkpoint = read_checkpoint(path)
    assert checkpoint.container == "caffe2"
    assert list(checkpoint.tensors) == ["conv1_w", "pred_b"]
    assert np.array_equal(checkpoint.tensors["conv1_w"].numpy(), kernel)


def test_a_pickle_of_python_2(tmp_path: Path) -> None:
    """Python 2 wrote the bytes of an array as a string; the layout is that of numpy 1.x under protocol 2."""
    numbers = np.array([1.5, -2.0], dtype="<f4")
    body = (
        b"\x80\x02}U\x05blobs}U\x01wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x08" + numbers.tobytes() + b"tbss."
    )
    path = tmp_path / "old.pkl"
    path.write_bytes(body)
    assert read_checkpoint(path).tensors["w"].tolist() == [1.5, -2.0]


def test_the_tar_of_torch_0_1(tmp_path: Path) -> None:
    """Written from the layout that torch itself still documents in its reader of such files."""
    numbers = struct.pack("<6f", *range(6))
    storages = pickle.dumps(1, 2)
    storages += (
        b"\x80\x02(X\x01\x00\x00\x007X\x03\x00\x00\x00cpuctorch\nFloatStorage\nt." + struct.pack("<q", 6) + numbers
    )
    storages += pickle.dumps([("8", "7", 4, 2)], 2)
    tensors = pickle.dumps(2, 2)
    tensors += b"\x80\x02(K\x01X\x01\x00\x00\x007ctorch\nFloatTensor\nt." + struct.pack("<ii", 2, 0)
    tensors += struct.pack("<5q", 2, 2, 3, 1, 1)
    tensors += b"\x80\x02(K\x02X\x01\x00\x00\x008ctorch\nFloatTensor\nt." + struct.pack("<ii", 1, 0)
    tensors += struct.pack("<3q", 2, 1, 0)
    pickled = b"\x80\x02}(X\x01\x00\x00\x00wK\x01QX\x01\x00\x00\x00bK\x02Qu."
    path = tmp_path / "old.pth"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in {"sys_info": b"", "pickle": pickled, "tensors": tensors, "storages": storages}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    checkpoint = read_checkpoint(path)
    assert checkpoint.container == "tar"
    assert checkpoint.tensors["w"].tolist() == [[1, 2], [4, 5]]
    assert checkpoint.tensors["b"].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(3), "holds a single tensor, not a state dict"),
        ([torch.ones(3)], "holds a list, not a state dict"),
        ({"epoch": 3, "loss": 0.1}, r"holds no state dict \(it has epoch, loss\)"),
        ({}, r"holds no state dict \(it has nothing\)"),
        ({"state_dict": {"a": 1.0, "b": "text"}}, r"holds no state dict \(it has state_dict\)"),
        (
            {"encoder": {"a": torch.ones(1)}, "decoder": {"a": torch.ones(1)}},
            r"several state dicts \(encoder, decoder\)",
        ),
    ],
)
def test_files_without_a_state_dict(tmp_path: Path, new: bool, value: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        store(value, tmp_path / "x.pth", new=new)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=60)
@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_the_machine_reads_what_pickle_writes(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol=protocol)
    assert read_pickle(Bounded(io.BytesIO(content), len(content))) == value


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing but a PickleFault comes out of the machine, whatever goes in."""
    with contextlib.suppress(PickleFault):
        read_pickle(Bounded(io.BytesIO(content), len(content)))
